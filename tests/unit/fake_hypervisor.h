/* SPDX-License-Identifier: MIT */
/* Xen as observe/hypervisor.h shows it, in memory: who has which function, which functions share a
 * requester ID, which domains there are. Linked before the daemon's library, in the place of
 * observe/hypervisor.c. */
#ifndef XI_TESTS_FAKE_HYPERVISOR_H
#define XI_TESTS_FAKE_HYPERVISOR_H

#include "observe/hypervisor.h"

/* Stands for dom_io: what belongs to no domain. */
#define FAKE_XEN_QUARANTINE UINT32_MAX

/* It drives an IOMMU, was given dom0-iommu=strict, and has a PV dom0. */
void fake_xen_reset(void);

void fake_xen_iommu(enum iommu_use use);
/* What it was booted with, for the test to change. */
struct xen_cmdline *fake_xen_cmdline(void);

/* The domain, for the test to change; a new one is alive, PV, with a UUID of its domid's bytes. */
struct domain *fake_xen_domain(uint32_t domid);
void fake_xen_end(uint32_t domid);

/* Gives a function to a domain. */
void fake_xen_give(uint32_t sbdf, uint32_t owner);
/* From now on both have one requester ID. Both were given to somebody before. */
void fake_xen_group(uint32_t sbdf, uint32_t other);
/* What Xen answers about a device tree node. */
void fake_xen_give_node(const char *path, enum oracle_answer answer);

/* The next COUNT calls of this kind fail: "iommu", "domains", "cmdline", "ask", "mates",
 * "identify". */
void fake_xen_fail(const char *call, int error, int count);

/* Calls fn once, right before the next question about a device is answered; after it is. */
void fake_xen_before_answer(void (*fn)(void));
void fake_xen_after_answer(void (*fn)(void));

/* How often it was asked about a function; about all; to list a group. */
unsigned int fake_xen_asked(uint32_t sbdf);
unsigned int fake_xen_questions(void);
unsigned int fake_xen_listings(void);

#endif
