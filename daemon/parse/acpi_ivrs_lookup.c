/* SPDX-License-Identifier: MIT */
/* Which IVHD covers a function. Unlike on VT-d Xen looks up a virtual function by its own address,
 * and bridges and topology do not matter: the entries name every requester. */
#include <inttypes.h>
#include <stdio.h>

#include "parse/acpi_ivrs.h"

#define FUNCTION(bdf) ((bdf)&7U)

/* An IOMMU does not cover its own function, even where its entries name it. */
static struct acpi_tally tally_claims(const struct acpi_ivrs *ivrs, uint32_t sbdf)
{
    struct acpi_tally tally = {0};
    uint32_t bdf = sbdf & 0xffff;
    size_t i;

    for (i = 0; i < ivrs->range_count; i++) {
        const struct ivrs_range *range = &ivrs->ranges[i];
        const struct ivrs_unit *unit = &ivrs->units[range->unit];

        if (unit->segment != sbdf >> 16 || unit->bdf == bdf || bdf < range->first ||
            bdf > range->last)
            continue;
        /* An interrupt controller's address need not be the function that sits there. */
        acpi_tally_add(&tally, range->unit,
                       range->special ? ACPI_CLAIM_DOUBTFUL : ACPI_CLAIM_CERTAIN);
    }
    return tally;
}

static bool is_iommu(const struct acpi_ivrs *ivrs, uint32_t sbdf)
{
    size_t i;

    for (i = 0; i < ivrs->unit_count; i++)
        if (((uint32_t)ivrs->units[i].segment << 16 | ivrs->units[i].bdf) == sbdf)
            return true;
    return false;
}

/* The tally holds the unit when this is YES. */
static enum coverage find(const struct acpi_ivrs *ivrs, uint32_t sbdf, struct acpi_tally *tally)
{
    /* Xen lets the IOMMU's function to dom0 without a word in any device table. Whatever DMA it
     * does (queues, logs) is Xen's own, and not translated. */
    *tally = (struct acpi_tally){0};
    if (is_iommu(ivrs, sbdf))
        return COVERAGE_NO;
    *tally = tally_claims(ivrs, sbdf);
    /* Xen takes function 0's IOMMU for a function that firmware forgot. */
    if (tally->claim == ACPI_CLAIM_NONE && FUNCTION(sbdf))
        *tally = tally_claims(ivrs, sbdf - FUNCTION(sbdf));
    if (tally->claim == ACPI_CLAIM_NONE)
        return COVERAGE_NO;
    /* Where two units claim it, the later entry wins in Xen; the hardware need not agree. */
    return tally->claim == ACPI_CLAIM_CERTAIN && !tally->several ? COVERAGE_YES : COVERAGE_UNKNOWN;
}

static bool is_reserved_for(const struct acpi_ivrs *ivrs, const struct ivrs_reserved *reserved,
                            uint32_t sbdf, const struct acpi_tally *tally)
{
    const struct ivrs_unit *unit = &ivrs->units[tally->unit];
    uint32_t segment = sbdf >> 16, bdf = sbdf & 0xffff;

    if (reserved->unclear)
        return true;
    if (reserved->of_unit)
        return tally->claim != ACPI_CLAIM_NONE && unit->bdf == reserved->first &&
               unit->capability == reserved->last;
    return (!segment || segment == reserved->segment) && bdf >= reserved->first &&
           bdf <= reserved->last;
}

static bool has_reserved_memory(const struct acpi_ivrs *ivrs, uint32_t sbdf,
                                const struct acpi_tally *tally)
{
    size_t i;

    for (i = 0; i < ivrs->reserved_count; i++)
        if (is_reserved_for(ivrs, &ivrs->reserved[i], sbdf, tally))
            return true;
    return false;
}

void acpi_ivrs_lookup(const struct acpi_ivrs *ivrs, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer)
{
    struct acpi_tally tally, physical;

    answer->coverage = find(ivrs, function->sbdf, &tally);
    answer->reserved_memory = has_reserved_memory(ivrs, function->sbdf, &tally);
    /* A virtual function's requests go the way of its physical one's. */
    if (answer->coverage == COVERAGE_YES && function->physfn != PCI_NO_SBDF &&
        (!pci_topology_find(topology, function->physfn) ||
         find(ivrs, function->physfn, &physical) != COVERAGE_YES || physical.unit != tally.unit))
        answer->coverage = COVERAGE_UNKNOWN;
    if (answer->coverage == COVERAGE_YES)
        snprintf(answer->unit, sizeof(answer->unit), "ivhd%zu@%" PRIx64, tally.unit,
                 ivrs->units[tally.unit].base);
}
