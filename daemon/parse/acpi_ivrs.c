/* SPDX-License-Identifier: MIT */
/* Refuses what Xen 4.17 and 4.20 refuse in IVHD blocks (they drive no IOMMU then). Two entry types
 * are read that they refuse, because their meaning is clear: ALL and ACPI HID. */
#include "parse/acpi_ivrs.h"

#include <errno.h>
#include <stdlib.h>

enum {
    INFO_OFFSET = ACPI_HEADER_SIZE,
    INFO_EFR_SUPPORTED = 1,
    BLOCKS_OFFSET = ACPI_HEADER_SIZE + 12,
    BLOCK_HEADER_SIZE = 4,
    BLOCK_LENGTH = 2,

    IVHD_BASIC = 0x10,
    IVHD_EXTENDED = 0x11,
    IVHD_BDF = 4,
    IVHD_CAPABILITY = 6,
    IVHD_BASE = 8,
    IVHD_SEGMENT = 16,
    IVHD_BASIC_SIZE = 24,
    IVHD_EXTENDED_SIZE = 40,

    IVMD_ALL = 0x20,
    IVMD_SELECT = 0x21,
    IVMD_RANGE = 0x22,
    IVMD_UNIT = 0x23,
    IVMD_FIRST = 4,
    IVMD_LAST = 6, /* the capability, of IVMD_UNIT */
    IVMD_SEGMENT = 8,
    IVMD_SIZE = 32,

    ENTRY_PAD4 = 0,
    ENTRY_ALL = 1,
    ENTRY_SELECT = 2,
    ENTRY_START = 3,
    ENTRY_END = 4,
    ENTRY_PAD8 = 64,
    ENTRY_ALIAS_SELECT = 66,
    ENTRY_ALIAS_START = 67,
    ENTRY_EXT_SELECT = 70,
    ENTRY_EXT_START = 71,
    ENTRY_SPECIAL = 72,
    ENTRY_ACPI_HID = 240,
    ENTRY_BDF = 1,
    SPECIAL_BDF = 5,
    RANGE_END_SIZE = 4,
    HID_UID_LENGTH = 21,
    HID_SIZE = 22,
};

/* One IVHD block on its way into ivrs. */
struct block {
    const struct acpi_table *table;
    struct acpi_ivrs *ivrs;
    size_t end;
    size_t unit;
};

/* 0 where the type is not known, or the entry does not fit. */
static size_t entry_size(const struct block *block, size_t offset)
{
    size_t left = block->end - offset, size = 4;
    const uint8_t *entry = block->table->bytes + offset;

    switch (entry[0]) {
    case ENTRY_PAD4:
    case ENTRY_ALL:
    case ENTRY_SELECT:
        break;
    case ENTRY_START:
        size = 4 + RANGE_END_SIZE;
        break;
    case ENTRY_PAD8:
    case ENTRY_ALIAS_SELECT:
    case ENTRY_EXT_SELECT:
    case ENTRY_SPECIAL:
        size = 8;
        break;
    case ENTRY_ALIAS_START:
    case ENTRY_EXT_START:
        size = 8 + RANGE_END_SIZE;
        break;
    case ENTRY_ACPI_HID:
        size = left < HID_SIZE ? HID_SIZE : HID_SIZE + (size_t)entry[HID_UID_LENGTH];
        break;
    default:
        return 0;
    }
    return size <= left ? size : 0;
}

static void add_range(struct block *block, unsigned int first, unsigned int last, bool special)
{
    block->ivrs->ranges[block->ivrs->range_count++] = (struct ivrs_range){
        .unit = block->unit,
        .first = (uint16_t)first,
        .last = (uint16_t)last,
        .special = special,
    };
}

/* From a start entry to the end entry that must follow it at once. */
static int add_span(struct block *block, size_t offset, size_t size)
{
    const uint8_t *start = block->table->bytes + offset, *end = start + size - RANGE_END_SIZE;
    unsigned int first = acpi_read16(start + ENTRY_BDF), last = acpi_read16(end + ENTRY_BDF);

    if (end[0] != ENTRY_END)
        return acpi_table_fail(block->table, offset, "range start 0x%x without an end", first);
    if (last <= first)
        return acpi_table_fail(block->table, offset, "range from 0x%x to 0x%x", first, last);
    add_range(block, first, last, false);
    return 0;
}

static int parse_entry(struct block *block, size_t offset, size_t size)
{
    const uint8_t *entry = block->table->bytes + offset;
    unsigned int bdf = acpi_read16(entry + ENTRY_BDF);

    switch (entry[0]) {
    case ENTRY_ALL:
        add_range(block, 0, UINT16_MAX, false);
        return 0;
    /* An alias is the requester that the device's requests carry; the IOMMU is the same. */
    case ENTRY_SELECT:
    case ENTRY_ALIAS_SELECT:
    case ENTRY_EXT_SELECT:
        add_range(block, bdf, bdf, false);
        return 0;
    case ENTRY_START:
    case ENTRY_ALIAS_START:
    case ENTRY_EXT_START:
        return add_span(block, offset, size);
    case ENTRY_SPECIAL:
        bdf = acpi_read16(entry + SPECIAL_BDF);
        add_range(block, bdf, bdf, true);
        return 0;
    default: /* padding, devices without a PCI function */
        return 0;
    }
}

static int parse_entries(struct block *block, size_t offset)
{
    size_t size;
    int rc = 0;

    for (; !rc && offset < block->end; offset += size) {
        size = entry_size(block, offset);
        if (!size)
            return acpi_table_fail(block->table, offset, "device entry of type %u, %zu bytes left",
                                   block->table->bytes[offset], block->end - offset);
        rc = parse_entry(block, offset, size);
    }
    return rc;
}

/* Several blocks may describe one IOMMU. */
static size_t find_unit(struct acpi_ivrs *ivrs, const struct ivrs_unit *unit)
{
    size_t i;

    for (i = 0; i < ivrs->unit_count; i++)
        if (ivrs->units[i].segment == unit->segment && ivrs->units[i].bdf == unit->bdf &&
            ivrs->units[i].capability == unit->capability)
            return i;
    ivrs->units[ivrs->unit_count++] = *unit;
    return i;
}

static int parse_ivhd(const struct acpi_table *table, size_t offset, size_t length,
                      struct acpi_ivrs *ivrs)
{
    const uint8_t *bytes = table->bytes + offset;
    size_t header = bytes[0] == IVHD_BASIC ? IVHD_BASIC_SIZE : IVHD_EXTENDED_SIZE;
    struct block block = {.table = table, .ivrs = ivrs, .end = offset + length};
    struct ivrs_unit unit;
    int rc;

    if (length < header)
        return acpi_table_fail(table, offset, "IVHD of %zu bytes", length);
    unit = (struct ivrs_unit){.base = acpi_read64(bytes + IVHD_BASE),
                              .segment = acpi_read16(bytes + IVHD_SEGMENT),
                              .bdf = acpi_read16(bytes + IVHD_BDF),
                              .capability = acpi_read16(bytes + IVHD_CAPABILITY)};
    rc = acpi_table_check_base(table, offset + IVHD_BASE, unit.base);
    if (rc)
        return rc;
    if (!unit.bdf || !unit.capability)
        return acpi_table_fail(table, offset, "IVHD without a PCI capability");
    block.unit = find_unit(ivrs, &unit);
    if (ivrs->units[block.unit].base != unit.base)
        return acpi_table_fail(table, offset, "a second register base for one IOMMU");
    return parse_entries(&block, offset + header);
}

/* The length of the block at offset, or 0 and table->error. */
static size_t block_length(const struct acpi_table *table, size_t offset)
{
    size_t left = table->size - offset, length;

    if (left < BLOCK_HEADER_SIZE) {
        acpi_table_fail(table, offset, "%zu stray bytes", left);
        return 0;
    }
    length = acpi_read16(table->bytes + offset + BLOCK_LENGTH);
    if (length >= BLOCK_HEADER_SIZE && length <= left)
        return length;
    acpi_table_fail(table, offset, "block of %zu bytes where %zu are left", length, left);
    return 0;
}

/* The type of the IVHD blocks that Xen reads; it ignores all others. Type 11h counts only where the
 * table says that its feature register image is valid, and 40h is not known to Xen. */
static int choose_type(const struct acpi_table *table, uint8_t *type)
{
    bool extended = table->bytes[INFO_OFFSET] & INFO_EFR_SUPPORTED;
    size_t offset, length;

    *type = 0;
    for (offset = BLOCKS_OFFSET; offset < table->size; offset += length) {
        uint8_t block = table->bytes[offset];

        length = block_length(table, offset);
        if (!length)
            return -EINVAL;
        if ((block == IVHD_BASIC || (block == IVHD_EXTENDED && extended)) && block > *type)
            *type = block;
    }
    if (!*type)
        return acpi_table_fail(table, BLOCKS_OFFSET, "no IVHD block of a type that Xen knows");
    return 0;
}

/* Nothing here says anything of coverage, so nothing is an error: what makes no sense may name any
 * function. */
static struct ivrs_reserved read_ivmd(const uint8_t *block, size_t length)
{
    struct ivrs_reserved reserved = {.unclear = true};
    uint16_t first, last;

    if (length < IVMD_SIZE)
        return reserved;
    first = acpi_read16(block + IVMD_FIRST);
    last = acpi_read16(block + IVMD_LAST);
    reserved = (struct ivrs_reserved){.segment = acpi_read16(block + IVMD_SEGMENT), .first = first};
    switch (block[0]) {
    case IVMD_ALL:
        reserved.first = 0;
        reserved.last = UINT16_MAX;
        break;
    case IVMD_SELECT:
        reserved.last = first;
        break;
    case IVMD_RANGE:
        reserved.last = last;
        reserved.unclear = last < first;
        break;
    default:
        reserved.last = last;
        reserved.of_unit = true;
        break;
    }
    return reserved;
}

static bool is_ivmd(uint8_t type)
{
    return type >= IVMD_ALL && type <= IVMD_UNIT;
}

static int parse_blocks(const struct acpi_table *table, struct acpi_ivrs *ivrs)
{
    size_t offset, length;
    uint8_t type;
    int rc = choose_type(table, &type);

    for (offset = BLOCKS_OFFSET; !rc && offset < table->size; offset += length) {
        length = acpi_read16(table->bytes + offset + BLOCK_LENGTH); /* checked by choose_type() */
        if (table->bytes[offset] == type)
            rc = parse_ivhd(table, offset, length, ivrs);
        else if (is_ivmd(table->bytes[offset]))
            ivrs->reserved[ivrs->reserved_count++] = read_ivmd(table->bytes + offset, length);
    }
    return rc;
}

/* As many elements as the table could hold of each kind. */
static struct acpi_ivrs *allocate(size_t table_size)
{
    struct acpi_ivrs *ivrs = calloc(1, sizeof(*ivrs));

    if (!ivrs)
        return NULL;
    ivrs->units = calloc(table_size / IVHD_BASIC_SIZE, sizeof(*ivrs->units));
    ivrs->ranges = calloc(table_size / 4, sizeof(*ivrs->ranges));
    ivrs->reserved = calloc(table_size / BLOCK_HEADER_SIZE, sizeof(*ivrs->reserved));
    if (!ivrs->units || !ivrs->ranges || !ivrs->reserved) {
        acpi_ivrs_free(ivrs);
        return NULL;
    }
    return ivrs;
}

int acpi_ivrs_parse(const struct acpi_table *table, struct acpi_ivrs **ivrs)
{
    struct acpi_ivrs *parsed;
    int rc;

    *ivrs = NULL;
    rc = acpi_table_check(table, "IVRS", NULL);
    if (rc)
        return rc;
    if (table->size < BLOCKS_OFFSET)
        return acpi_table_fail(table, table->size, "ends within the IVRS header");
    parsed = allocate(table->size);
    if (!parsed)
        return -ENOMEM;
    rc = parse_blocks(table, parsed);
    if (rc) {
        acpi_ivrs_free(parsed);
        return rc;
    }
    *ivrs = parsed;
    return 0;
}

void acpi_ivrs_free(struct acpi_ivrs *ivrs)
{
    if (!ivrs)
        return;
    free(ivrs->units);
    free(ivrs->ranges);
    free(ivrs->reserved);
    free(ivrs);
}
