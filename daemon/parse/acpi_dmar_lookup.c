/* SPDX-License-Identifier: MIT */
/* Which DRHD covers a function. The specification says where the hardware sends its requests, Xen
 * resolved the scopes once at boot, by its own reading of configuration space, and fills that
 * unit's tables. A claim is certain when both come to the same unit. */
#include <inttypes.h>
#include <stdio.h>

#include "parse/acpi_dmar.h"

enum {
    MAX_DEPTH = 256, /* no more buses than that in a segment */
    NO_BUS = 0xff,   /* what Xen reads as the secondary bus of a bridge that is not there */
    CLASS_DISPLAY = 0x03,
    CLASS_HD_AUDIO = 0x0403,
};

#define BUS(sbdf)       ((sbdf) >> 8 & 0xff)
#define DEVICE(sbdf)    ((sbdf) >> 3 & 0x1f)
#define BUS_START(sbdf) ((sbdf) & ~0xffU)

/* What a scope's path leads to. */
struct target {
    uint32_t sbdf;
    const struct pci_function *function; /* NULL: not in the topology */
    bool astray;   /* a bridge on the way does not exist: Xen went on at bus ff */
    bool anywhere; /* a device on the way is no bridge, or has no bus: Xen went on at random */
};

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

static struct target resolve(const struct dmar_scope *scope, uint16_t segment,
                             const struct pci_topology *topology)
{
    struct target target = {0};
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
static enum acpi_claim bridge_claim(const struct target *target, struct requester requester,
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
static enum acpi_claim endpoint_claim(const struct target *target, struct requester requester,
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
    struct target target = resolve(scope, segment, topology);
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

static enum acpi_claim unit_claim(const struct dmar_unit *unit, struct requester requester,
                                  const struct pci_topology *topology)
{
    enum acpi_claim claim, strongest = ACPI_CLAIM_NONE;
    size_t i;

    for (i = 0; i < unit->scope_count; i++) {
        claim = scope_claim(&unit->scopes[i], unit->segment, requester, topology);
        if (claim > strongest)
            strongest = claim;
    }
    return strongest;
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

static struct finding find(const struct acpi_dmar *dmar, struct requester requester,
                           const struct pci_topology *topology)
{
    struct acpi_tally scopes = {0}, include_all = {0};
    size_t i;

    for (i = 0; i < dmar->unit_count; i++) {
        const struct dmar_unit *unit = &dmar->units[i];

        if (unit->segment != requester.sbdf >> 16)
            continue;
        acpi_tally_add(&scopes, i, unit_claim(unit, requester, topology));
        if (unit->include_all)
            acpi_tally_add(&include_all, i, ACPI_CLAIM_CERTAIN);
    }
    return decide(scopes, include_all);
}

/* A virtual function is covered like its physical one. Xen looks up an ARI function as function 0
 * of device 0; whether this endpoint is one the topology does not say, so both must agree. */
static struct finding find_function(const struct acpi_dmar *dmar,
                                    const struct pci_function *function,
                                    const struct pci_topology *topology)
{
    struct requester requester = {function, function->sbdf};
    struct finding finding = {COVERAGE_UNKNOWN, 0}, extended;

    if (function->physfn != PCI_NO_SBDF) {
        requester.function = pci_topology_find(topology, function->physfn);
        if (!requester.function)
            return finding;
        requester.sbdf = function->physfn;
    }
    finding = find(dmar, requester, topology);
    if (requester.function->is_bridge || requester.function->parent == PCI_NO_SBDF ||
        !DEVICE(requester.sbdf))
        return finding;
    requester.sbdf = BUS_START(requester.sbdf);
    extended = find(dmar, requester, topology);
    if (extended.coverage != finding.coverage || extended.unit != finding.unit)
        finding.coverage = COVERAGE_UNKNOWN;
    return finding;
}

/* Xen's idea of a unit that serves graphics alone (iommu=no-igfx leaves it off). */
static bool is_igd_only(const struct dmar_unit *unit, const struct pci_topology *topology)
{
    size_t i;

    if (unit->include_all || unit->other_scopes)
        return false;
    for (i = 0; i < unit->scope_count; i++) {
        struct target target = resolve(&unit->scopes[i], unit->segment, topology);

        if (unit->scopes[i].type != DMAR_SCOPE_ENDPOINT)
            return false;
        if (target.function && target.function->class_code >> 16 != CLASS_DISPLAY)
            return false;
    }
    return true;
}

/* Xen leaves a unit for the sound device alone off where the firmware of an old chipset gave it no
 * TLB; the tables do not tell. */
static bool is_sound_only(const struct dmar_unit *unit, const struct pci_topology *topology)
{
    struct target target;

    if (unit->include_all || unit->scope_count != 1)
        return false;
    target = resolve(unit->scopes, unit->segment, topology);
    return target.function && target.function->class_code >> 8 == CLASS_HD_AUDIO;
}

void acpi_dmar_lookup(const struct acpi_dmar *dmar, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer)
{
    struct finding finding = find_function(dmar, function, topology);
    const struct dmar_unit *unit = &dmar->units[finding.unit];

    if (finding.coverage == COVERAGE_YES && is_sound_only(unit, topology))
        finding.coverage = COVERAGE_UNKNOWN;
    answer->coverage = finding.coverage;
    if (finding.coverage != COVERAGE_YES)
        return;
    answer->igd_only = is_igd_only(unit, topology);
    snprintf(answer->unit, sizeof(answer->unit), "dmar%zu@%" PRIx64, finding.unit, unit->base);
}
