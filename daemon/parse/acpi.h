/* SPDX-License-Identifier: MIT */
/* What the ACPI tables say of IOMMU coverage, read as Xen reads them. Pure; the tables are hostile
 * input. */
#ifndef XI_PARSE_ACPI_H
#define XI_PARSE_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../facts.h"
#include "../topology.h"

#define ACPI_TABLE_MAX_SIZE (256U * 1024) /* bytes; a larger table is refused */

struct acpi_tables;

struct acpi_answer {
    enum coverage coverage;
    char unit[24]; /* "dmar0@fed90000", "ivhd0@fed80000": index, register base; "" unless YES */
    bool igd_only; /* this DMAR unit serves display devices only: Xen leaves it off under
                    * iommu=no-igfx, and on Ironlake where the firmware did not prepare it */
};

/* Reads tables in memory, NULL for one that is not there. The bytes are copied. 0, and then error
 * is "" or says why no table is used: oversized, malformed, or DMAR and IVRS at once. With none in
 * use every answer is UNKNOWN. -ENOMEM: *tables is NULL. The caller frees *tables. */
int acpi_tables_parse(const void *dmar, size_t dmar_size, const void *ivrs, size_t ivrs_size,
                      struct acpi_tables **tables, char *error, size_t error_size);

void acpi_tables_free(struct acpi_tables *tables); /* NULL is allowed */

/* Is DMA of this function under an IOMMU, and which? A function that topology does not hold is
 * UNKNOWN. A bridge is answered for as a requester of its own. */
void acpi_tables_lookup(const struct acpi_tables *tables, const struct pci_topology *topology,
                        uint32_t sbdf, struct acpi_answer *answer);

#endif
