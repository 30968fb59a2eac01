/* SPDX-License-Identifier: MIT */
/* The functions that an observer knows, what it counts of each, and where others stood before. No
 * I/O. */
#ifndef XI_OBSERVE_PCI_TABLE_H
#define XI_OBSERVE_PCI_TABLE_H

#include "../topology.h"

/* A set of addresses. */
struct pci_addresses {
    uint32_t *sbdfs;
    size_t count;
    bool all; /* memory was short: it may be any */
};

/* 0 or -ENOMEM. */
int pci_addresses_add(struct pci_addresses *addresses, uint32_t sbdf);
bool pci_addresses_remove(struct pci_addresses *addresses,
                          uint32_t sbdf); /* whether it was there */
bool pci_addresses_hold(const struct pci_addresses *addresses, uint32_t sbdf);
void pci_addresses_clear(struct pci_addresses *addresses);

struct pci_table {
    struct pci_topology topology;
    size_t capacity;
    uint32_t incarnations;
    struct pci_addresses left;     /* where a function stood that is gone, or may be */
    struct pci_addresses at_first; /* not read at the first look, but there already */
    struct pci_addresses unread;   /* where something is that could not be read */
    bool unlisted;                 /* there may be more: they could not be listed */
    bool looked;                   /* once at all of them */
};

/* What made a function be read. */
enum pci_news {
    PCI_NEWS_NONE,   /* nothing: what is new of it shows */
    PCI_NEWS_EVENT,  /* a uevent about it */
    PCI_NEWS_BIND,   /* a uevent: it was bound to a driver */
    PCI_NEWS_UNBIND, /* a uevent: it was unbound from its driver */
    PCI_NEWS_MISSED, /* uevents were lost */
};

/* Takes in what was read of a function. True when there is news of it; -ENOMEM leaves the table as
 * it was. */
int pci_table_put(struct pci_table *table, const struct pci_function *read, enum pci_news news);

/* A function is there, but could not be read: the topology is incomplete until it is read, or goes.
 * True when it is known from before, and there is news of it. */
bool pci_table_unread(struct pci_table *table, uint32_t sbdf, enum pci_news news);

/* A function went. True when it was known, or known to be there. */
bool pci_table_drop(struct pci_table *table, uint32_t sbdf);

/* All are about to be read again. */
void pci_table_start(struct pci_table *table);

/* They could not all be listed. */
void pci_table_unlisted(struct pci_table *table);

void pci_table_clear(struct pci_table *table);

#endif
