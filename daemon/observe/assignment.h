/* SPDX-License-Identifier: MIT */
/* Observer of what the toolstack records of PCI assignment in XenStore: the backend's directories
 * and libxl's own /libxl/pci. Only nodes that dom0 alone can write are read. */
#ifndef XI_OBSERVE_ASSIGNMENT_H
#define XI_OBSERVE_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../store.h"
#include "../topology.h"
#include "claim.h"
#include "hypervisor.h"
#include "recorded.h"

/* /libxl/pci/SSSS-BB-DD-F of a function that exists. */
struct pci_record {
    uint32_t sbdf;
    bool present;         /* the directory is there */
    bool has_driver_path; /* made assignable, with a driver to return to */
    bool has_domid;
    bool malformed; /* its domid is none */
    uint32_t domid;
};

struct assignment {
    struct pci_claim *claims; /* sorted by sbdf; of well-formed directories only */
    size_t claim_count;
    struct pci_record *records; /* sorted by sbdf */
    size_t record_count;
    /* Functions that an event was about since the refresh before, whatever the records say now. */
    uint32_t *touched;
    size_t touched_count, touched_capacity;
    bool all_touched;
};

struct assignment_observer;

/* 0 or -ENOMEM; the caller closes it before the store. */
int assignment_observer_open(struct assignment_observer **observer, struct store *store);
void assignment_observer_close(struct assignment_observer *observer); /* NULL is allowed */

/* Sets the watches on a fresh connection, and takes everything for changed. */
int assignment_observer_connect(struct assignment_observer *observer);

/* True when the token is one of this observer's watches; what path names is then changed. */
bool assignment_observer_event(struct assignment_observer *observer, const char *path,
                               const char *token);

/* Takes everything for changed. */
void assignment_observer_touch(struct assignment_observer *observer);

/* Takes the record of one function for changed. */
void assignment_observer_suspect(struct assignment_observer *observer, uint32_t sbdf);

/* True when there was an event about the function that no refresh took in yet. */
bool assignment_observer_is_pending(const struct assignment_observer *observer, uint32_t sbdf);

/* How often libxl wrote, or removed, that a function is assignable (driver_path), or oftener:
 * xenstored may merge events. For the caller to take. */
struct recorded *assignment_observer_recorded(struct assignment_observer *observer);

/* Reads again what changed, in one consistent view: records of these functions only, and where the
 * backend's root cannot be listed, directories of these domains only. 1 when something was read, 0
 * when nothing was due, or a negative errno, and then the same is due again and what
 * assignment_observer_get() gives is as it was. */
int assignment_observer_refresh(struct assignment_observer *observer,
                                const struct pci_topology *topology,
                                const struct domain_list *domains);

/* Valid until the next refresh or close. */
const struct assignment *assignment_observer_get(const struct assignment_observer *observer);

/* The claims on, and the record of, one function; NULL when libxl has none. */
const struct pci_claim *assignment_claims(const struct assignment *assignment, uint32_t sbdf,
                                          size_t *count);
const struct pci_record *assignment_record(const struct assignment *assignment, uint32_t sbdf);

bool assignment_is_touched(const struct assignment *assignment, uint32_t sbdf);

#endif
