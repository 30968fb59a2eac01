/* SPDX-License-Identifier: MIT */
/* The PCI functions of the host as plain data: what sysfs says of them, and nothing else. */
#ifndef XI_TOPOLOGY_H
#define XI_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse/pci_config.h"

#define PCI_NO_SBDF       UINT32_MAX
#define PCI_IDENTITY_SIZE 64

/* One PCI function. sbdf = segment << 16 | bus << 8 | device << 3 | function. */
struct pci_function {
    uint32_t sbdf;
    uint32_t incarnation; /* another one when it went and came back: not the same device then */
    uint32_t events;      /* grows with every uevent about it, and with other news of it */
    bool again;           /* another function stood at its address before */
    uint32_t unbinds;     /* grows with each time that it was seen unbound from a driver */
    uint32_t lost;        /* grows where that may have gone unseen: unbinds is too small then */
    bool owed;            /* sysfs shows that it was unbound, and the uevent of that is to come */
    char identity[PCI_IDENTITY_SIZE]; /* the same for the same device, over restarts of the daemon
                                       * too, and for no other at this address; "" if not known */
    uint32_t parent;                  /* the bridge right above it, PCI_NO_SBDF on a root bus */
    uint32_t physfn;       /* of an SR-IOV virtual function, its physical one, else PCI_NO_SBDF */
    uint32_t id;           /* device << 16 | vendor, 0 where sysfs did not tell */
    uint32_t class_code;   /* class << 16 | subclass << 8 | programming interface */
    bool late;             /* not there when the daemon first looked: perhaps not at boot either */
    bool is_bridge;        /* header type 1: forwards others' DMA, has buses below it */
    uint8_t secondary_bus; /* of a bridge: the bus right below it, 0 where it has none */
    char driver[32];       /* the bound driver in dom0, "" for none */
    char binding[PCI_IDENTITY_SIZE]; /* the same as long as it stays bound to that, as identity */
    struct pci_caps caps;            /* as last read */
    bool caps_unread;                /* reading them failed: there may be more than is known */
};

/* All of them, sorted by sbdf. */
struct pci_topology {
    struct pci_function *functions;
    size_t count;
    bool incomplete; /* some could not be read, or not even be listed */
    bool partial;    /* of some the capabilities could not be read */
};

/* The function with this address, or NULL. */
const struct pci_function *pci_topology_find(const struct pci_topology *topology, uint32_t sbdf);

/* It is known that it and another function can reach each other without the IOMMU: a function of
 * the same device, or one below the same port, switch or conventional bus. Judged by the ACS
 * capabilities alone; functions of the device that are virtual do not count, nor does what the
 * maker of one says of it elsewhere (what Linux has quirks for). False also when nothing is known.
 */
bool pci_lacks_acs(const struct pci_topology *topology, const struct pci_function *function);

#endif
