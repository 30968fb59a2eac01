/* SPDX-License-Identifier: MIT */
/* Which DRHD covers a function. The specification says where the hardware sends its requests, Xen
 * resolved the scopes once at boot, by its own reading of configuration space, and fills that
 * unit's tables. A claim is certain when both come to the same unit. */
#include <inttypes.h>
#include <stdio.h>

#include "parse/acpi_dmar.h"
#include "parse/acpi_special.h"

enum {
    MAX_DEPTH = 256, /* no more buses than that in a segment */
    NO_BUS = 0xff,   /* what Xen reads as the secondary bus of a bridge that is not there */
};

#define BUS(sbdf)       ((sbdf) >> 8 & 0xff)
#define DEVICE(sbdf)    ((sbdf) >> 3 & 0x1f)
#define BUS_START(sbdf) ((sbdf) & ~0xffU)

/* One way to say which requester a function is. */
struct requester {
    const struct pci_function *function;
    uint32_t sbdf;
};

/* Which unit, when coverage is YES. */
struct finding {
    enum coverage coverage;
    size_t unit;
};

static bool forwards(const struct pci_function *function)
{
    return function->is_bridge && function->secondary_bus;
}

struct dmar_target acpi_dmar_resolve(const struct dmar_scope *scope, uint16_t segment,
                                     const struct pci_topology *topology)
{
    struct dmar_target target = {0};
    uint8_t bus = scope->bus;
    size_t i;

    for (i = 0; i < scope->hops; i++) {
        target.sbdf = (uint32_t)segment << 16 | (uint32_t)bus << 8 | scope->devfn[i];
        target.function = pci_topology_find(topology, target.sbdf);
        if (i + 1 == scope->hops)
            break;
        if (!target.function) {
            target.astray = true;
            bus = NO_BUS;
        } else if (forwards(target.function)) {
            bus = target.function->secondary_bus;
        } else {
            target.anywhere = true;
            break;
        }
    }
    return target;
}

/* Doubtful where the chain of parents is broken. */
static enum acpi_claim below(const struct pci_function *function, uint32_t bridge,
                             const struct pci_topology *topology)
{
    size_t depth;

    for (depth = 0; function && depth < MAX_DEPTH; depth++) {
        if (function->parent == PCI_NO_SBDF)
            return ACPI_CLAIM_NONE;
        if (function->parent == bridge)
            return ACPI_CLAIM_CERTAIN;
        function = pci_topology_find(topology, function->parent);
    }
    return ACPI_CLAIM_DOUBTFUL;
}

/* The bridge and all below it. Xen takes the bus numbers from the bridge's registers: bus ff when
 * there is no such bridge, anything when it is not one. */
static enum acpi_claim bridge_claim(const struct dmar_target *target, struct requester requester,
                                    const struct pci_topology *topology)
{
    if (!target->function)
        return requester.sbdf == target->sbdf || BUS(requester.sbdf) == NO_BUS ? ACPI_CLAIM_DOUBTFUL
                                                                               : ACPI_CLAIM_NONE;
    if (!forwards(target->function))
        return ACPI_CLAIM_DOUBTFUL;
    if (requester.sbdf == target->sbdf)
        return ACPI_CLAIM_CERTAIN;
    return below(requester.function, target->sbdf, topology);
}

/* Firmware that lists a bridge as an endpoint may mean what is below it too; Xen takes it at its
 * word. */
static enum acpi_claim endpoint_claim(const struct dmar_target *target, struct requester requester,
                                      const struct pci_topology *topology)
{
    if (requester.sbdf == target->sbdf)
        return ACPI_CLAIM_CERTAIN;
    if (target->function && target->function->is_bridge &&
        below(requester.function, target->sbdf, topology) != ACPI_CLAIM_NONE)
        return ACPI_CLAIM_DOUBTFUL;
    return ACPI_CLAIM_NONE;
}

static enum acpi_claim scope_claim(const struct dmar_scope *scope, uint16_t segment,
                                   struct requester requester, const struct pci_topology *topology)
{
    struct dmar_target target = acpi_dmar_resolve(scope, segment, topology);
    enum acpi_claim claim = ACPI_CLAIM_NONE;

    if (target.anywhere)
        return ACPI_CLAIM_DOUBTFUL;
    switch (scope->type) {
    case DMAR_SCOPE_BRIDGE:
        claim = bridge_claim(&target, requester, topology);
        break;
    case DMAR_SCOPE_ENDPOINT:
        claim = endpoint_claim(&target, requester, topology);
        break;
    case DMAR_SCOPE_IOAPIC:
    case DMAR_SCOPE_HPET:
        /* The address in their interrupt requests is no device; Xen compares it all the same. */
        if (requester.sbdf == target.sbdf)
            claim = ACPI_CLAIM_DOUBTFUL;
        break;
    }
    if (target.astray && claim == ACPI_CLAIM_CERTAIN)
        return ACPI_CLAIM_DOUBTFUL;
    return claim;
}

/* The strongest. */
static enum acpi_claim scopes_claim(const struct dmar_scopes *scopes, uint16_t segment,
                                    struct requester requester, const struct pci_topology *topology)
{
    enum acpi_claim claim, strongest = ACPI_CLAIM_NONE;
    size_t i;

    for (i = 0; i < scopes->count; i++) {
        claim = scope_claim(&scopes->list[i], segment, requester, topology);
        if (claim > strongest)
            strongest = claim;
    }
    return strongest;
}

static enum acpi_claim unit_claim(const struct dmar_unit *unit, struct requester requester,
                                  const struct pci_topology *topology, bool all_units)
{
    enum acpi_claim claim = scopes_claim(&unit->scopes, unit->segment, requester, topology);

    if (claim == ACPI_CLAIM_CERTAIN && !all_units && !acpi_special_is_kept(unit, topology))
        return ACPI_CLAIM_DOUBTFUL;
    return claim;
}

/* The scopes of all units go first, wherever the unit with INCLUDE_PCI_ALL stands. */
static struct finding decide(struct acpi_tally scopes, struct acpi_tally include_all)
{
    struct finding finding = {COVERAGE_UNKNOWN, 0};

    if (scopes.several)
        return finding;
    if (scopes.claim == ACPI_CLAIM_CERTAIN) {
        finding = (struct finding){COVERAGE_YES, scopes.unit};
    } else if (include_all.several) {
        return finding;
    } else if (scopes.claim == ACPI_CLAIM_DOUBTFUL) {
        /* Claimed or not, it is this unit's. */
        if (include_all.claim == ACPI_CLAIM_CERTAIN && include_all.unit == scopes.unit)
            finding = (struct finding){COVERAGE_YES, scopes.unit};
    } else if (include_all.claim == ACPI_CLAIM_CERTAIN) {
        finding = (struct finding){COVERAGE_YES, include_all.unit};
    } else {
        finding.coverage = COVERAGE_NO;
    }
    return finding;
}

/* all_units: Xen uses each, also one whose devices it did not find. */
static struct finding find(const struct acpi_dmar *dmar, struct requester requester,
                           const struct pci_topology *topology, bool all_units)
{
    struct acpi_tally scopes = {0}, include_all = {0};
    size_t i;

    for (i = 0; i < dmar->unit_count; i++) {
        const struct dmar_unit *unit = &dmar->units[i];

        if (unit->segment != requester.sbdf >> 16)
            continue;
        acpi_tally_add(&scopes, i, unit_claim(unit, requester, topology, all_units));
        if (unit->include_all)
            acpi_tally_add(&include_all, i, ACPI_CLAIM_CERTAIN);
    }
    return decide(scopes, include_all);
}

static bool same(struct finding a, struct finding b)
{
    return a.coverage == b.coverage && a.unit == b.unit;
}

/* Xen looks up an ARI function as function 0 of device 0; whether this endpoint is one the topology
 * does not say, so both must agree. function: no virtual one. */
static struct finding find_function(const struct acpi_dmar *dmar,
                                    const struct pci_function *function,
                                    const struct pci_topology *topology, bool all_units)
{
    struct requester requester = {function, function->sbdf};
    struct finding finding = find(dmar, requester, topology, all_units);

    if (function->is_bridge || function->parent == PCI_NO_SBDF || !DEVICE(function->sbdf))
        return finding;
    requester.sbdf = BUS_START(function->sbdf);
    if (!same(finding, find(dmar, requester, topology, all_units)))
        finding.coverage = COVERAGE_UNKNOWN;
    return finding;
}

/* Inclusive: it does no harm where Xen ignores the range. */
static bool has_reserved_memory(const struct acpi_dmar *dmar, const struct pci_function *function,
                                const struct pci_topology *topology)
{
    const struct requester requester = {function, function->sbdf};
    size_t i;

    for (i = 0; i < dmar->reserved_count; i++) {
        const struct dmar_reserved *reserved = &dmar->reserved[i];

        if (reserved->segment != function->sbdf >> 16)
            continue;
        if (reserved->unclear || scopes_claim(&reserved->scopes, reserved->segment, requester,
                                              topology) != ACPI_CLAIM_NONE)
            return true;
    }
    return false;
}

static void describe_unit(const struct acpi_dmar *dmar, const struct pci_topology *topology,
                          const struct pci_function *physical, struct finding finding,
                          struct acpi_answer *answer)
{
    const struct dmar_unit *unit = &dmar->units[finding.unit];

    if (same(finding, find_function(dmar, physical, topology, false)))
        answer->kept = ACPI_YES;
    answer->graphics_only = acpi_special_graphics(unit, topology);
    answer->sound_only = acpi_special_sound(unit, topology);
    snprintf(answer->unit, sizeof(answer->unit), "dmar%zu@%" PRIx64, finding.unit, unit->base);
}

/* A virtual function is covered like its physical one. */
void acpi_dmar_lookup(const struct acpi_dmar *dmar, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer)
{
    const struct pci_function *physical = function;
    struct finding finding = {COVERAGE_UNKNOWN, 0};

    answer->reserved_memory = has_reserved_memory(dmar, function, topology);
    if (function->physfn != PCI_NO_SBDF)
        physical = pci_topology_find(topology, function->physfn);
    if (physical)
        finding = find_function(dmar, physical, topology, true);
    answer->coverage = finding.coverage;
    if (finding.coverage == COVERAGE_YES)
        describe_unit(dmar, topology, physical, finding, answer);
    else
        acpi_special_by_class(physical, answer);
}
