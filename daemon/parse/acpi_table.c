/* SPDX-License-Identifier: MIT */
#include "parse/acpi_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parse/acpi.h"

enum { LENGTH_OFFSET = 4, SIGNATURE_SIZE = 4 };

#define PHYSICAL_ADDRESS_BITS 52

uint16_t acpi_read16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t read32(const uint8_t *bytes)
{
    return acpi_read16(bytes) | (uint32_t)acpi_read16(bytes + 2) << 16;
}

uint64_t acpi_read64(const uint8_t *bytes)
{
    return read32(bytes) | (uint64_t)read32(bytes + 4) << 32;
}

int acpi_table_fail(const struct acpi_table *table, size_t offset, const char *format, ...)
{
    char cause[128];
    va_list args;

    va_start(args, format);
    vsnprintf(cause, sizeof(cause), format, args);
    va_end(args);
    snprintf(table->error, table->error_size, "%s: offset 0x%zx: %s", table->name, offset, cause);
    return -EINVAL;
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
    uint8_t total = 0;

    while (size--)
        total = (uint8_t)(total + *bytes++);
    return total;
}

int acpi_table_check(const struct acpi_table *table, const char *signature, const char *other)
{
    if (table->size > ACPI_TABLE_MAX_SIZE)
        return acpi_table_fail(table, 0, "larger than %u bytes", ACPI_TABLE_MAX_SIZE);
    if (table->size < ACPI_HEADER_SIZE)
        return acpi_table_fail(table, 0, "%zu bytes are too few for a table header", table->size);
    if (memcmp(table->bytes, signature, SIGNATURE_SIZE) != 0 &&
        (!other || memcmp(table->bytes, other, SIGNATURE_SIZE) != 0))
        return acpi_table_fail(table, 0, "the signature is not %s", signature);
    if (read32(table->bytes + LENGTH_OFFSET) != table->size)
        return acpi_table_fail(table, LENGTH_OFFSET, "the header says %" PRIu32 " bytes, not %zu",
                               read32(table->bytes + LENGTH_OFFSET), table->size);
    if (sum(table->bytes, table->size) != 0)
        return acpi_table_fail(table, 0, "wrong checksum");
    return 0;
}

int acpi_table_check_base(const struct acpi_table *table, size_t offset, uint64_t base)
{
    if (!base || base >> PHYSICAL_ADDRESS_BITS)
        return acpi_table_fail(table, offset, "0x%" PRIx64 " is no register base address", base);
    return 0;
}

void acpi_tally_add(struct acpi_tally *tally, size_t unit, enum acpi_claim claim)
{
    if (claim == ACPI_CLAIM_NONE)
        return;
    if (tally->claim == ACPI_CLAIM_NONE)
        tally->unit = unit;
    else if (tally->unit != unit)
        tally->several = true;
    if (claim > tally->claim)
        tally->claim = claim;
}
