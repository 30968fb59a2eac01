/* SPDX-License-Identifier: MIT */
#include "acpi_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void store(uint8_t *bytes, uint64_t value, size_t size)
{
    while (size--) {
        *bytes++ = (uint8_t)value;
        value >>= 8;
    }
}

static void put(struct builder *builder, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    store(bytes, value, size);
    builder_put(builder, bytes, size);
}

void builder_seal(struct builder *builder)
{
    size_t i;

    store(builder->bytes + 4, builder->size, 4);
    builder->bytes[9] = 0;
    for (i = 0; i < builder->size; i++)
        if (i != 9)
            builder->bytes[9] = (uint8_t)(builder->bytes[9] - builder->bytes[i]);
}

void builder_put(struct builder *builder, const void *bytes, size_t size)
{
    assert_in_range(builder->size + size, 0, sizeof(builder->bytes));
    memcpy(builder->bytes + builder->size, bytes, size);
    builder->size += size;
    if (builder->structure)
        store(builder->bytes + builder->structure + 2, builder->size - builder->structure, 2);
    builder_seal(builder);
}

void builder_start(struct builder *builder, const char *signature)
{
    static const uint8_t rest[44] = {[36 - 4] = 38}; /* DMAR: host address width - 1 */

    *builder = (struct builder){.size = 0};
    builder_put(builder, signature, 4);
    builder_put(builder, rest, sizeof(rest));
}

void dmar_structure(struct builder *builder, unsigned int type, size_t size)
{
    static const uint8_t zeros[256];

    builder->structure = builder->size;
    put(builder, type, 2);
    put(builder, 0, 2);
    builder_put(builder, zeros, size - 4);
}

void dmar_flags(struct builder *builder, unsigned int flags)
{
    builder->bytes[37] = (uint8_t)flags;
    builder_seal(builder);
}

void dmar_rmrr(struct builder *builder, unsigned int segment)
{
    builder->structure = builder->size;
    put(builder, 1, 4);
    put(builder, 0, 2);
    put(builder, segment, 2);
    put(builder, 0x7b000000, 8);
    put(builder, 0x7b7fffff, 8);
}

void dmar_drhd(struct builder *builder, unsigned int flags, unsigned int segment, uint64_t base)
{
    builder->structure = builder->size;
    put(builder, 0, 4);
    put(builder, flags, 2);
    put(builder, segment, 2);
    put(builder, base, 8);
}

void dmar_scope(struct builder *builder, unsigned int type, unsigned int bus, const char *path)
{
    uint8_t scope[256] = {(uint8_t)type, 6, 0, 0, 0, (uint8_t)bus};
    unsigned int device, function;
    int used;

    for (; sscanf(path, "%x.%x%n", &device, &function, &used) == 2; path += used) {
        scope[scope[1]++] = (uint8_t)device;
        scope[scope[1]++] = (uint8_t)function;
        used += path[used] == '/';
    }
    builder_put(builder, scope, scope[1]);
}

void ivrs_info(struct builder *builder, uint32_t info)
{
    store(builder->bytes + 36, info, 4);
    builder_seal(builder);
}

void ivrs_ivhd(struct builder *builder, unsigned int type, uint32_t sbdf, uint64_t base)
{
    builder->structure = builder->size;
    put(builder, type, 4);
    put(builder, sbdf & 0xffff, 2);
    put(builder, 0x40, 2); /* capability */
    put(builder, base, 8);
    put(builder, sbdf >> 16, 2);
    put(builder, 0, 2);
    put(builder, 0, 4);
    if (type == 0x10)
        return;
    put(builder, 0, 8);
    put(builder, 0, 8);
}

void ivrs_ivmd(struct builder *builder, unsigned int type, unsigned int segment, unsigned int first,
               unsigned int last)
{
    builder->structure = builder->size;
    put(builder, type | 1 << 8, 4); /* a unity mapping */
    put(builder, first, 2);
    put(builder, last, 2);
    put(builder, segment, 8);
    put(builder, 0x7b000000, 8);
    put(builder, 0x800000, 8);
}

void ivrs_entry4(struct builder *builder, unsigned int type, unsigned int bdf)
{
    put(builder, type, 1);
    put(builder, bdf, 2);
    put(builder, 0, 1);
}

void ivrs_entry8(struct builder *builder, unsigned int type, unsigned int bdf, unsigned int other)
{
    ivrs_entry4(builder, type, bdf);
    put(builder, 0, 1);
    put(builder, other, 2);
    put(builder, 0, 1);
}

void ivrs_range(struct builder *builder, unsigned int first, unsigned int last)
{
    ivrs_entry4(builder, 3, first);
    ivrs_entry4(builder, 4, last);
}

static struct acpi_tables *parse(const uint8_t *bytes, size_t size, bool is_dmar, const char *cause)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct acpi_tables *tables = NULL;
    char error[256] = "never written";

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    assert_int_equal(acpi_tables_parse(is_dmar ? copy : NULL, size, is_dmar ? NULL : copy, size,
                                       &tables, error, sizeof(error)),
                     0);
    free(copy);
    assert_non_null(tables);
    if (!cause)
        assert_string_equal(error, "");
    else if (!strstr(error, cause))
        fail_msg("\"%s\" instead of \"%s\"", error, cause);
    return tables;
}

struct acpi_tables *parse_dmar(const uint8_t *bytes, size_t size, const char *cause)
{
    return parse(bytes, size, true, cause);
}

struct acpi_tables *parse_ivrs(const uint8_t *bytes, size_t size, const char *cause)
{
    return parse(bytes, size, false, cause);
}

static void expect(const struct acpi_tables *tables, const struct pci_topology *topology,
                   uint32_t sbdf, enum coverage coverage, const char *unit)
{
    struct acpi_answer answer;

    memset(&answer, 0x5a, sizeof(answer));
    acpi_tables_lookup(tables, topology, sbdf, &answer);
    if (answer.coverage != coverage || strcmp(answer.unit, unit) != 0)
        fail_msg("0x%08x: coverage %d by \"%s\", not %d by \"%s\"", sbdf, answer.coverage,
                 answer.unit, coverage, unit);
}

void expect_yes(const struct acpi_tables *tables, const struct pci_topology *topology,
                uint32_t sbdf, const char *unit)
{
    expect(tables, topology, sbdf, COVERAGE_YES, unit);
}

void expect_none(const struct acpi_tables *tables, const struct pci_topology *topology,
                 uint32_t sbdf)
{
    expect(tables, topology, sbdf, COVERAGE_NO, "");
}

void expect_unknown(const struct acpi_tables *tables, const struct pci_topology *topology,
                    uint32_t sbdf)
{
    expect(tables, topology, sbdf, COVERAGE_UNKNOWN, "");
}
