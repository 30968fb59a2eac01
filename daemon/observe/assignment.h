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
#include "hypervisor.h"

/* XenbusState, xen/io/xenbus.h; libxl uses it for a single device too (state-N). */
enum { XENBUS_INITIALISING = 1, XENBUS_CONNECTED = 4, XENBUS_CLOSING = 5 };

/* One dev-N of a directory /local/domain/0/backend/pci/DOMID/DEVID. It stays for ever after some
 * ends of a domain, so by itself it proves nothing. */
struct pci_claim {
    uint32_t sbdf;        /* of the host */
    uint32_t domid;       /* the frontend's domain */
    uint32_t serves;      /* the domain that a stub domain works for, else domid itself */
    unsigned int state;   /* state-N */
    unsigned int backend; /* state of the whole backend */
    bool has_vdev;        /* a PV guest's own address */
    uint32_t vdev;
    bool has_vdevfn; /* an HVM guest's own, on its bus 0 */
    uint8_t vdevfn;
};

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

#endif
