/* SPDX-License-Identifier: MIT */
/* AMD-Vi: the IVRS table's IOMMUs (IVHD blocks) with the device entries of each, and reserved
 * memory (IVMD). */
#ifndef XI_PARSE_ACPI_IVRS_H
#define XI_PARSE_ACPI_IVRS_H

#include "acpi.h"
#include "acpi_table.h"

struct ivrs_unit {
    uint64_t base; /* of its registers */
    uint16_t segment;
    uint16_t bdf;        /* its own PCI function: bus << 8 | device << 3 | function */
    uint16_t capability; /* offset in that function; a function can hold several IOMMUs */
};

/* The functions first to last of the unit's segment. */
struct ivrs_range {
    size_t unit;
    uint16_t first, last;
    bool special; /* an IOAPIC's or HPET's address */
};

/* Memory is reserved for the functions first to last, those of segment 0 among them: Xen reads no
 * segment here. */
struct ivrs_reserved {
    uint16_t segment;
    uint16_t first, last;
    bool of_unit; /* for those of the IOMMU with bdf first and capability last, in their place */
    bool unclear; /* for any function, whatever the segment */
};

struct acpi_ivrs {
    struct ivrs_unit *units;
    size_t unit_count;
    struct ivrs_range *ranges;
    size_t range_count;
    struct ivrs_reserved *reserved;
    size_t reserved_count;
};

/* 0, -EINVAL with table->error filled, or -ENOMEM; *ivrs is NULL on failure. */
int acpi_ivrs_parse(const struct acpi_table *table, struct acpi_ivrs **ivrs);
void acpi_ivrs_free(struct acpi_ivrs *ivrs); /* NULL is allowed */

/* Fills the function's coverage, unit and reserved_memory; they are zeros before. */
void acpi_ivrs_lookup(const struct acpi_ivrs *ivrs, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer);

#endif
