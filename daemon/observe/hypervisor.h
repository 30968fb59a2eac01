/* SPDX-License-Identifier: MIT */
/* What the hypervisor itself says, through libxenctrl: only calls that are the same in Xen 4.17
 * and 4.20. Nothing is cached here; every function asks Xen. */
#ifndef XI_OBSERVE_HYPERVISOR_H
#define XI_OBSERVE_HYPERVISOR_H

#include <stddef.h>

#include "../facts.h"
#include "../parse/xen_cmdline.h"

struct hypervisor;

/* One domain that Xen knows. */
struct domain {
    uint32_t domid;
    bool alive;           /* neither shut down nor dying */
    bool paused;          /* by the toolstack */
    enum guest_kind kind; /* PV, or translated: HVM, PVH, all of Arm */
    uint8_t handle[16];   /* its UUID: tells a domid used again */
};

/* Sorted by domid. */
struct domain_list {
    struct domain *domains;
    size_t count;
};

/* 0, or a negative errno: not a Xen dom0, or no right to ask. */
int hypervisor_open(struct hypervisor **hypervisor);
void hypervisor_close(struct hypervisor *hypervisor); /* NULL is allowed */

/* 0 with *use set, or a negative errno with IOMMU_UNKNOWN in it. */
int hypervisor_iommu(struct hypervisor *hypervisor, enum iommu_use *use);

/* The options that Xen was booted with, and those built into it as far as anybody tells: hypfs, the
 * console ring, and the administrator (builtin; NULL: not said, "": there are none). None of it
 * changes while Xen runs, but the ring forgets: ask early, and once. 0 or a negative errno: also
 * where one of these could not be asked just now and may tell something. */
int hypervisor_cmdline(struct hypervisor *hypervisor, const char *builtin,
                       struct xen_cmdline *cmdline);

/* 0 and a list that the caller frees with domain_list_free(), or a negative errno. */
int hypervisor_domains(struct hypervisor *hypervisor, struct domain_list *list);
void domain_list_free(struct domain_list *list);
const struct domain *domain_list_find(const struct domain_list *list, uint32_t domid);

/* The UUID of the domain that has this number now. 0 with handle set, -ESRCH when there is none, or
 * another negative errno. */
int hypervisor_identify(struct hypervisor *hypervisor, uint32_t domid, uint8_t handle[16]);

/* May this PCI function be assigned, that is, has no guest got it? When it cannot (ORACLE_TAKEN)
 * Xen adds a line to its console: ask when something changed, not in a loop. 0 with *answer set, or
 * a negative errno with ORACLE_NONE in it. */
int hypervisor_ask_pci(struct hypervisor *hypervisor, uint32_t sbdf, enum oracle_answer *answer);

/* The same for a device tree node: ORACLE_TAKEN for what a guest has, and for what Xen gave dom0 at
 * boot because it is behind an IOMMU; ORACLE_FREE for what is neither. */
int hypervisor_ask_dt(struct hypervisor *hypervisor, const char *path, enum oracle_answer *answer);

#define HYPERVISOR_MATES_MAX 256

/* The functions that domid owns in the group of sbdf, without sbdf itself. 0 with mates[] and
 * *count set, or a negative errno (-ESRCH: no such domain). */
int hypervisor_mates(struct hypervisor *hypervisor, uint32_t domid, uint32_t sbdf,
                     uint32_t mates[HYPERVISOR_MATES_MAX], size_t *count);

#endif
