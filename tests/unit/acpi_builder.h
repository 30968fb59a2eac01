/* SPDX-License-Identifier: MIT */
/* For the ACPI tests: tables and topologies put together piece by piece. */
#ifndef XI_TESTS_ACPI_BUILDER_H
#define XI_TESTS_ACPI_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "parse/acpi.h"

#define SBDF(segment, bus, device, function)                                                       \
    ((uint32_t)(segment) << 16 | (uint32_t)(bus) << 8 | (uint32_t)(device) << 3 |                  \
     (uint32_t)(function))
#define BDF(bus, device, function) SBDF(0, bus, device, function)

/* Rows of a topology, to be sorted by address. */
#define DEVICE(address, above)                                                                     \
    {                                                                                              \
        .sbdf = (address), .parent = (above), .physfn = PCI_NO_SBDF, .class_code = 0x020000        \
    }
#define VIRTUAL(address, above, physical)                                                          \
    {                                                                                              \
        .sbdf = (address), .parent = (above), .physfn = (physical), .class_code = 0x020000         \
    }
#define OF_CLASS(address, code)                                                                    \
    {                                                                                              \
        .sbdf = (address), .parent = PCI_NO_SBDF, .physfn = PCI_NO_SBDF, .class_code = (code)      \
    }
#define BRIDGE(address, above, secondary)                                                          \
    {                                                                                              \
        .sbdf = (address), .parent = (above), .physfn = PCI_NO_SBDF, .class_code = 0x060400,       \
        .is_bridge = true, .secondary_bus = (secondary)                                            \
    }
#define TOPOLOGY(rows)                                                                             \
    {                                                                                              \
        .functions = rows, .count = sizeof(rows) / sizeof(*(rows))                                 \
    }

/* A table in the making. Lengths and checksum are kept right by every call. */
struct builder {
    uint8_t bytes[2048];
    size_t size;
    size_t structure; /* where the last structure begins, 0 for none */
};

void builder_start(struct builder *builder, const char *signature);
void builder_put(struct builder *builder, const void *bytes, size_t size);
void builder_seal(struct builder *builder); /* after a change to bytes by hand */

/* DMAR. A path is written "1c.0/00.0": hexadecimal device and function of each hop. */
void dmar_flags(struct builder *builder, unsigned int flags); /* the table's */
void dmar_rmrr(struct builder *builder, unsigned int segment);
void dmar_structure(struct builder *builder, unsigned int type, size_t size);
void dmar_drhd(struct builder *builder, unsigned int flags, unsigned int segment, uint64_t base);
void dmar_scope(struct builder *builder, unsigned int type, unsigned int bus, const char *path);

/* IVRS. info is the table's; set it before the blocks. */
void ivrs_info(struct builder *builder, uint32_t info);
void ivrs_ivhd(struct builder *builder, unsigned int type, uint32_t sbdf, uint64_t base);
void ivrs_ivmd(struct builder *builder, unsigned int type, unsigned int segment, unsigned int first,
               unsigned int last);
void ivrs_entry4(struct builder *builder, unsigned int type, unsigned int bdf);
void ivrs_entry8(struct builder *builder, unsigned int type, unsigned int bdf, unsigned int other);
void ivrs_range(struct builder *builder, unsigned int first, unsigned int last);

/* Parses a copy of exactly that size, so that a sanitizer sees each byte read beyond. The text of
 * the error must hold cause, or be empty when cause is NULL. */
struct acpi_tables *parse_dmar(const uint8_t *bytes, size_t size, const char *cause);
struct acpi_tables *parse_ivrs(const uint8_t *bytes, size_t size, const char *cause);

/* Asserts one answer; unit is for YES. */
void expect_yes(const struct acpi_tables *tables, const struct pci_topology *topology,
                uint32_t sbdf, const char *unit);
void expect_none(const struct acpi_tables *tables, const struct pci_topology *topology,
                 uint32_t sbdf);
void expect_unknown(const struct acpi_tables *tables, const struct pci_topology *topology,
                    uint32_t sbdf);

#endif
