/* SPDX-License-Identifier: MIT */
#include "parse/acpi_special.h"

enum {
    CLASS_OLD = 0x00, /* devices from before there were classes: says nothing */
    CLASS_DISPLAY = 0x03,
    CLASS_HD_AUDIO = 0x0403,
    VENDOR_INTEL = 0x8086,
};

#define AZALIA       0x3a3e8086U /* the one of is_azalia_tlb_enabled() in Xen's vtd/quirks.c */
#define CLASS(code)  ((code) >> 16 & 0xff)
#define VENDOR(id)   ((id)&0xffffU)
#define SEGMENT(bdf) ((bdf) >> 16)

/* What sits on a root bus cannot be plugged in while the machine runs. Below a bridge it can, and
 * of other segments Xen may have seen nothing before dom0 told it of their configuration space. */
static bool was_there_at_boot(const struct pci_function *function)
{
    return function->parent == PCI_NO_SBDF && function->physfn == PCI_NO_SBDF && !function->late &&
           SEGMENT(function->sbdf) == 0;
}

/* What an endpoint says of its unit. YES: as graphics does. */
static enum acpi_word graphics_endpoint(const struct dmar_target *target)
{
    /* One that was not there at boot does not count in Xen, and whether this one was is not
     * known. */
    if (target->anywhere || target->astray || !target->function)
        return ACPI_UNKNOWN;
    if (CLASS(target->function->class_code) == CLASS_DISPLAY)
        return ACPI_YES;
    if (CLASS(target->function->class_code) == CLASS_OLD || !was_there_at_boot(target->function))
        return ACPI_UNKNOWN;
    return ACPI_NO;
}

enum acpi_word acpi_special_graphics(const struct dmar_unit *unit,
                                     const struct pci_topology *topology)
{
    enum acpi_word word = ACPI_YES;
    size_t i;

    if (unit->include_all || unit->scopes.others)
        return ACPI_NO;
    for (i = 0; i < unit->scopes.count; i++)
        if (unit->scopes.list[i].type != DMAR_SCOPE_ENDPOINT)
            return ACPI_NO;
    for (i = 0; i < unit->scopes.count; i++) {
        struct dmar_target target =
            acpi_dmar_resolve(&unit->scopes.list[i], unit->segment, topology);
        enum acpi_word endpoint = graphics_endpoint(&target);

        if (endpoint == ACPI_NO)
            return ACPI_NO;
        if (endpoint == ACPI_UNKNOWN)
            word = ACPI_UNKNOWN;
    }
    return word;
}

/* The device that Xen looks for, and any that is like it: firmware may hide its identity. */
static bool may_be_azalia(const struct pci_function *function)
{
    if (function->id == AZALIA || CLASS(function->class_code) == CLASS_OLD)
        return true;
    return function->class_code >> 8 == CLASS_HD_AUDIO &&
           (!function->id || VENDOR(function->id) == VENDOR_INTEL);
}

enum acpi_word acpi_special_sound(const struct dmar_unit *unit, const struct pci_topology *topology)
{
    struct dmar_target target;

    /* Xen does not count the scopes of types that it does not know. */
    if (unit->include_all || unit->scopes.count != 1)
        return ACPI_NO;
    target = acpi_dmar_resolve(unit->scopes.list, unit->segment, topology);
    return target.function && may_be_azalia(target.function) ? ACPI_UNKNOWN : ACPI_NO;
}

void acpi_special_by_class(const struct pci_function *function, struct acpi_answer *answer)
{
    answer->kept = answer->graphics_only = answer->sound_only = ACPI_UNKNOWN;
    if (!function)
        return;
    if (was_there_at_boot(function))
        answer->kept = ACPI_YES;
    /* An endpoint that was missing at boot leaves its unit graphics-only in Xen, whatever comes
     * there later. */
    if (CLASS(function->class_code) != CLASS_DISPLAY && CLASS(function->class_code) != CLASS_OLD &&
        !function->late && SEGMENT(function->sbdf) == 0)
        answer->graphics_only = ACPI_NO;
    if (!may_be_azalia(function))
        answer->sound_only = ACPI_NO;
}

enum acpi_word acpi_special_ironlake(const struct pci_topology *topology)
{
    /* Of is_igd_vt_enabled_quirk() in Xen's vtd/quirks.c. */
    static const uint32_t host_bridges[] = {0x00408086, 0x00448086, 0x00628086, 0x006a8086};
    const struct pci_function *root = pci_topology_find(topology, 0);
    size_t i;

    if (!root || !root->id)
        return ACPI_UNKNOWN;
    for (i = 0; i < sizeof(host_bridges) / sizeof(*host_bridges); i++)
        if (root->id == host_bridges[i])
            return ACPI_UNKNOWN;
    return ACPI_NO;
}

bool acpi_special_is_kept(const struct dmar_unit *unit, const struct pci_topology *topology)
{
    size_t i;

    if (unit->include_all)
        return true;
    for (i = 0; i < unit->scopes.count; i++) {
        const struct dmar_scope *scope = &unit->scopes.list[i];
        struct dmar_target target = acpi_dmar_resolve(scope, unit->segment, topology);

        if ((scope->type == DMAR_SCOPE_ENDPOINT || scope->type == DMAR_SCOPE_BRIDGE) &&
            !target.astray && !target.anywhere && target.function &&
            was_there_at_boot(target.function))
            return true;
    }
    return false;
}
