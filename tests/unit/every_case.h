/* SPDX-License-Identifier: MIT */
/* All that the policy can be asked: each combination of the facts that it looks at. */
#ifndef XI_TESTS_EVERY_CASE_H
#define XI_TESTS_EVERY_CASE_H

#include "facts.h"

typedef void case_fn(const struct facts *facts);

/* Runs what follows with f.field from its first value to last. */
#define EACH(field, last) for (int field = 0; field <= (int)(last) && (f.field = field, 1); field++)

static inline void every_pci_case(case_fn *fn)
{
    struct facts f = {.bus = BUS_PCI};

    EACH(iommu, IOMMU_ENABLED)
    EACH(word, WORD_FITS)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_UNBOUND)
    EACH(guest, GUEST_KIND_TRANSLATED)
    EACH(dom0_mode, DOM0_TRANSLATED)
    EACH(coverage, COVERAGE_YES)
    EACH(mates, MATES_TOGETHER)
    EACH(unit, UNIT_ON)
    EACH(unlisted, true)
    EACH(quarantine_off, true)
    fn(&f);
}

/* The doubts that follow the last one here are of PCI functions only. */
static inline void every_dt_case(case_fn *fn)
{
    struct facts f = {.bus = BUS_DT};

    EACH(iommu, IOMMU_ENABLED)
    EACH(oracle, ORACLE_UNSUPPORTED)
    EACH(word, WORD_FITS)
    EACH(owner, OWNER_NONE)
    EACH(doubt, DOUBT_UNREADABLE)
    EACH(guest, GUEST_KIND_TRANSLATED)
    EACH(mates, MATES_TOGETHER)
    EACH(claim, DT_CLAIMS_GRANT_STUB)
    EACH(grant_dma, true)
    EACH(virtio_iommu, true)
    EACH(pci_host, true)
    EACH(force_assign, true)
    fn(&f);
}

#endif
