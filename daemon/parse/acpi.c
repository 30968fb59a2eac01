/* SPDX-License-Identifier: MIT */
#include "parse/acpi.h"

#include <errno.h>
#include <stdlib.h>

#include "parse/acpi_dmar.h"
#include "parse/acpi_ivrs.h"

/* At most one of the two; none when there is nothing usable. */
struct acpi_tables {
    struct acpi_dmar *dmar;
    struct acpi_ivrs *ivrs;
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

void acpi_tables_lookup(const struct acpi_tables *tables, const struct pci_topology *topology,
                        uint32_t sbdf, struct acpi_answer *answer)
{
    const struct pci_function *function = pci_topology_find(topology, sbdf);

    *answer = (struct acpi_answer){0};
    if (!function)
        return;
    if (tables->dmar)
        acpi_dmar_lookup(tables->dmar, topology, function, answer);
    else if (tables->ivrs)
        acpi_ivrs_lookup(tables->ivrs, topology, function, answer);
}
