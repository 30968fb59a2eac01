/* SPDX-License-Identifier: MIT */
/* Who owns a PCI function, from the toolstack's records, dom0's driver and the list of domains.
 * Pure. The hypervisor's own word comes in later, as a fact of the policy. */
#ifndef XI_OWNERSHIP_H
#define XI_OWNERSHIP_H

#include "facts.h"
#include "observe/assignment.h"
#include "observe/dt.h"
#include "observe/hypervisor.h"
#include "observe/toolstack.h"
#include "topology.h"

struct ownership {
    enum owner_kind kind;
    enum owner_doubt doubt; /* of an unknown owner */
    enum guest_kind guest;  /* of a guest */
    uint32_t domid;         /* of a guest */
    uint8_t handle[16];     /* its UUID: the number may be used again */
    /* No event need come when the hypervisor lets go of it: ask now and then. */
    bool unannounced;
};

struct ownership ownership_resolve(const struct pci_function *function,
                                   const struct assignment *assignment,
                                   const struct domain_list *domains);

/* The same for a device tree device: libxl's own record names a guest, or nobody does. */
struct ownership ownership_resolve_dt(const struct dt_entry *entry,
                                      const struct dt_records *records,
                                      const struct domain_list *domains);

/* The records of one path. */
const struct dt_record *dt_records_find(const struct dt_records *records, const char *path,
                                        size_t *count);

/* Held by pciback, for guests. */
bool ownership_is_assignable(const struct pci_function *function);

bool ownership_same(const struct ownership *a, const struct ownership *b);

/* The claim through which this guest sees the function under an address of its own, or NULL. */
const struct pci_claim *ownership_claim(const struct pci_function *function,
                                        const struct assignment *assignment, uint32_t domid);

/* Where a guest sees the device, by all the records that tell, as a number for comparing. */
uint64_t ownership_place(const struct pci_function *function, const struct assignment *assignment,
                         const struct domain_list *domains, uint32_t domid);
uint64_t ownership_place_dt(const char *path, const struct dt_records *records,
                            const struct ownership *owner);

/* The address under which the domain that a claim serves sees the function. False where the
 * toolstack did not record one. */
bool claim_guest_address(const struct pci_claim *claim, const struct domain_list *domains,
                         uint32_t *sbdf);

#endif
