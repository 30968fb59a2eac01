/* SPDX-License-Identifier: MIT */
/* What the ACPI tables say of a function's IOMMU, read as Xen reads them. Pure; the tables are
 * hostile input. */
#ifndef XI_PARSE_ACPI_H
#define XI_PARSE_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../facts.h"
#include "../topology.h"

#define ACPI_TABLE_MAX_SIZE (256U * 1024) /* bytes; a larger table is refused */

struct acpi_tables;

/* Zero is "not known", as in facts.h. */
enum acpi_word { ACPI_UNKNOWN, ACPI_NO, ACPI_YES };

/* What Xen's command line says that changes what the tables mean. */
struct acpi_options {
    enum acpi_word no_igfx;         /* iommu=no-igfx was given */
    enum acpi_word bios_workaround; /* iommu=workaround_bios_bug was given (Xen before 4.13) */
};

/* What the tables say of one function, whatever Xen's command line is: acpi_coverage() and
 * acpi_unit_use() put the two together. */
struct acpi_answer {
    enum coverage coverage; /* if Xen uses every unit of the table */
    char unit[24]; /* "dmar0@fed90000", "ivhd0@fed80000": index, register base; "" unless YES */
    enum acpi_word kept;          /* Xen certainly found one of its unit's devices at boot, so no
                                   * workaround made it ignore that unit: YES, or UNKNOWN */
    enum acpi_word graphics_only; /* Xen takes the unit for one that serves graphics alone */
    enum acpi_word sound_only;    /* NO, or UNKNOWN: the unit may serve Intel's sound device alone.
                                   * Xen leaves it off where firmware gave it no TLB entries */
    enum acpi_word ironlake;      /* the host is one whose graphics' unit Xen leaves off where the
                                   * firmware did not prepare it; NO, or UNKNOWN */
    bool reserved_memory; /* an RMRR or IVMD names the function, or an RMRR a bridge above it */
    bool no_intremap;     /* the DMAR says that the platform has no interrupt remapping */
};

/* Reads tables in memory, NULL for one that is not there. The bytes are copied. 0, and then error
 * is "" or says why no table is used: oversized, malformed, or DMAR and IVRS at once. With none in
 * use coverage is UNKNOWN in every answer. -ENOMEM: *tables is NULL. The caller frees *tables. */
int acpi_tables_parse(const void *dmar, size_t dmar_size, const void *ivrs, size_t ivrs_size,
                      struct acpi_tables **tables, char *error, size_t error_size);

void acpi_tables_free(struct acpi_tables *tables); /* NULL is allowed */

/* What there is of them; NULL: TABLES_UNKNOWN. */
enum firmware_tables acpi_tables_kind(const struct acpi_tables *tables);

/* A function that topology does not hold gets an answer of unknowns. A bridge is answered for as a
 * requester of its own. */
void acpi_tables_lookup(const struct acpi_tables *tables, const struct pci_topology *topology,
                        uint32_t sbdf, struct acpi_answer *answer);

/* Is its DMA under an IOMMU that Xen knows of? */
enum coverage acpi_coverage(const struct acpi_answer *answer, const struct acpi_options *options);

/* Does the IOMMU in its way translate? Whatever the coverage: a guest has its device by the
 * hypervisor's word, and that one does not tell. */
enum unit_use acpi_unit_use(const struct acpi_answer *answer, const struct acpi_options *options);

#endif
