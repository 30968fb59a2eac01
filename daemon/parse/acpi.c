/* SPDX-License-Identifier: MIT */
#include "parse/acpi.h"

#include <errno.h>
#include <stdlib.h>

#include "parse/acpi_dmar.h"
#include "parse/acpi_ivrs.h"
#include "parse/acpi_special.h"

/* At most one of the two; none when there is nothing usable. */
struct acpi_tables {
    struct acpi_dmar *dmar;
    struct acpi_ivrs *ivrs;
    bool unusable; /* there are some that are not used */
};

static void forget(struct acpi_tables *tables)
{
    acpi_dmar_free(tables->dmar);
    acpi_ivrs_free(tables->ivrs);
    *tables = (struct acpi_tables){0};
}

static int parse(struct acpi_tables *tables, const struct acpi_table *dmar,
                 const struct acpi_table *ivrs)
{
    int rc = 0;

    if (dmar->bytes)
        rc = acpi_dmar_parse(dmar, &tables->dmar);
    if (!rc && ivrs->bytes)
        rc = acpi_ivrs_parse(ivrs, &tables->ivrs);
    /* No machine has both; which one Xen drives hangs on more than the tables. */
    if (!rc && tables->dmar && tables->ivrs)
        rc = acpi_table_fail(ivrs, 0, "beside a DMAR");
    return rc;
}

int acpi_tables_parse(const void *dmar, size_t dmar_size, const void *ivrs, size_t ivrs_size,
                      struct acpi_tables **tables, char *error, size_t error_size)
{
    const struct acpi_table dmar_table = {"DMAR", dmar, dmar_size, error, error_size};
    const struct acpi_table ivrs_table = {"IVRS", ivrs, ivrs_size, error, error_size};
    int rc;

    if (error_size)
        error[0] = '\0';
    *tables = calloc(1, sizeof(**tables));
    if (!*tables)
        return -ENOMEM;
    rc = parse(*tables, &dmar_table, &ivrs_table);
    if (rc)
        forget(*tables);
    (*tables)->unusable = rc != 0;
    if (rc == -ENOMEM) {
        acpi_tables_free(*tables);
        *tables = NULL;
        return rc;
    }
    return 0;
}

void acpi_tables_free(struct acpi_tables *tables)
{
    if (!tables)
        return;
    forget(tables);
    free(tables);
}

enum firmware_tables acpi_tables_kind(const struct acpi_tables *tables)
{
    if (!tables)
        return TABLES_UNKNOWN;
    if (tables->unusable)
        return TABLES_UNUSABLE;
    return tables->dmar || tables->ivrs ? TABLES_READ : TABLES_NONE;
}

/* What holds for every function, in the topology or not. */
static struct acpi_answer common_answer(const struct acpi_tables *tables,
                                        const struct pci_topology *topology)
{
    struct acpi_answer answer = {.ironlake = acpi_special_ironlake(topology)};

    if (tables->dmar)
        answer.no_intremap = !tables->dmar->intremap;
    /* Of AMD's units Xen uses each, and translates with it. */
    if (tables->ivrs) {
        answer.kept = ACPI_YES;
        answer.graphics_only = answer.sound_only = ACPI_NO;
    }
    return answer;
}

void acpi_tables_lookup(const struct acpi_tables *tables, const struct pci_topology *topology,
                        uint32_t sbdf, struct acpi_answer *answer)
{
    const struct pci_function *function = pci_topology_find(topology, sbdf);

    *answer = common_answer(tables, topology);
    if (!function)
        return;
    if (tables->dmar) {
        acpi_dmar_lookup(tables->dmar, topology, function, answer);
    } else if (tables->ivrs) {
        acpi_ivrs_lookup(tables->ivrs, topology, function, answer);
    } else {
        if (function->physfn != PCI_NO_SBDF)
            function = pci_topology_find(topology, function->physfn);
        acpi_special_by_class(function, answer);
    }
}

static bool may_be_ignored(const struct acpi_answer *answer, const struct acpi_options *options)
{
    return answer->kept != ACPI_YES && options->bios_workaround != ACPI_NO;
}

enum coverage acpi_coverage(const struct acpi_answer *answer, const struct acpi_options *options)
{
    if (answer->coverage == COVERAGE_YES && may_be_ignored(answer, options))
        return COVERAGE_UNKNOWN;
    return answer->coverage;
}

enum unit_use acpi_unit_use(const struct acpi_answer *answer, const struct acpi_options *options)
{
    if (answer->graphics_only == ACPI_YES && options->no_igfx == ACPI_YES)
        return UNIT_OFF;
    /* Xen takes the unit for the rest in an ignored one's place, and assigns. */
    if (answer->sound_only != ACPI_NO || may_be_ignored(answer, options))
        return UNIT_UNKNOWN;
    if (answer->graphics_only != ACPI_NO &&
        (options->no_igfx != ACPI_NO || answer->ironlake != ACPI_NO))
        return UNIT_UNKNOWN;
    return UNIT_ON;
}
