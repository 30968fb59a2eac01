/* SPDX-License-Identifier: MIT */
/* Refuses what Xen 4.17 and 4.20 refuse in units and scopes (they drive no IOMMU then), and more
 * where they read beyond the end. */
#include "parse/acpi_dmar.h"

#include <errno.h>
#include <stdlib.h>

enum {
    WIDTH_OFFSET = ACPI_HEADER_SIZE, /* host address width - 1 */
    FLAGS_OFFSET = ACPI_HEADER_SIZE + 1,
    INTR_REMAP = 1,
    STRUCTURES_OFFSET = ACPI_HEADER_SIZE + 12,
    STRUCTURE_HEADER_SIZE = 4,

    TYPE_DRHD = 0,
    DRHD_FLAGS = 4,
    DRHD_SEGMENT = 6,
    DRHD_BASE = 8,
    DRHD_SIZE = 16,
    INCLUDE_PCI_ALL = 1,

    TYPE_RMRR = 1,
    RMRR_SEGMENT = 6,
    RMRR_SIZE = 24,

    SCOPE_LENGTH = 1,
    SCOPE_BUS = 5,
    SCOPE_HEADER_SIZE = 6,
    SCOPE_MIN_SIZE = SCOPE_HEADER_SIZE + 2,

    MAX_DEVICE = 31,
    MAX_FUNCTION = 7,
};

/* Where the next unit, scope and hop go. */
struct builder {
    const struct acpi_table *table;
    struct acpi_dmar *dmar;
    size_t scopes, devfns;
};

static int parse_path(struct builder *builder, size_t offset, size_t end, struct dmar_scope *scope)
{
    const uint8_t *bytes = builder->table->bytes;

    for (; offset < end; offset += 2, scope->hops++) {
        if (bytes[offset] > MAX_DEVICE || bytes[offset + 1] > MAX_FUNCTION)
            return acpi_table_fail(builder->table, offset, "scope path with device %u function %u",
                                   bytes[offset], bytes[offset + 1]);
        builder->dmar->devfns[builder->devfns++] =
            (uint8_t)(bytes[offset] << 3 | bytes[offset + 1]);
    }
    return 0;
}

/* The length of the scope at offset, or 0 and table->error. */
static size_t scope_length(const struct acpi_table *table, size_t offset, size_t end)
{
    size_t left = end - offset,
           length = left < SCOPE_MIN_SIZE ? 0 : table->bytes[offset + SCOPE_LENGTH];

    if (length >= SCOPE_MIN_SIZE && length <= left && length % 2 == 0)
        return length;
    if (length < SCOPE_MIN_SIZE)
        acpi_table_fail(table, offset, "device scope too short");
    else if (length > left)
        acpi_table_fail(table, offset, "device scope beyond its structure");
    else
        acpi_table_fail(table, offset, "device scope of odd length");
    return 0;
}

static int parse_scope(struct builder *builder, size_t offset, size_t length,
                       struct dmar_scopes *scopes)
{
    const uint8_t *bytes = builder->table->bytes + offset;
    struct dmar_scope *scope = &builder->dmar->scopes[builder->scopes];

    /* Names of ACPI devices (5), and what later versions may add: no PCI function. */
    if (bytes[0] < DMAR_SCOPE_ENDPOINT || bytes[0] > DMAR_SCOPE_HPET) {
        scopes->others = true;
        return 0;
    }
    *scope = (struct dmar_scope){.type = (enum dmar_scope_type)bytes[0],
                                 .bus = bytes[SCOPE_BUS],
                                 .devfn = &builder->dmar->devfns[builder->devfns]};
    builder->scopes++;
    scopes->count++;
    return parse_path(builder, offset + SCOPE_HEADER_SIZE, offset + length, scope);
}

/* All scopes from offset to end. */
static int parse_scopes(struct builder *builder, size_t offset, size_t end,
                        struct dmar_scopes *scopes)
{
    size_t length;
    int rc = 0;

    *scopes = (struct dmar_scopes){.list = &builder->dmar->scopes[builder->scopes]};
    for (; !rc && offset < end; offset += length) {
        length = scope_length(builder->table, offset, end);
        if (!length)
            return -EINVAL;
        rc = parse_scope(builder, offset, length, scopes);
    }
    return rc;
}

static int parse_drhd(struct builder *builder, size_t offset, size_t length)
{
    const uint8_t *bytes = builder->table->bytes + offset;
    struct dmar_unit *unit = &builder->dmar->units[builder->dmar->unit_count];
    int rc;

    if (length < DRHD_SIZE)
        return acpi_table_fail(builder->table, offset, "DRHD of %zu bytes", length);
    *unit = (struct dmar_unit){.base = acpi_read64(bytes + DRHD_BASE),
                               .segment = acpi_read16(bytes + DRHD_SEGMENT),
                               .include_all = bytes[DRHD_FLAGS] & INCLUDE_PCI_ALL};
    rc = acpi_table_check_base(builder->table, offset + DRHD_BASE, unit->base);
    if (!rc)
        rc = parse_scopes(builder, offset + DRHD_SIZE, offset + length, &unit->scopes);
    if (rc)
        return rc;
    builder->dmar->unit_count++;
    return 0;
}

/* What cannot be read in its scopes says nothing of coverage, and Xen may read on beyond their end:
 * that is no error. */
static int parse_rmrr(struct builder *builder, size_t offset, size_t length)
{
    const struct acpi_table *table = builder->table;
    struct acpi_table quiet = *table;
    struct dmar_reserved *reserved = &builder->dmar->reserved[builder->dmar->reserved_count];

    if (length < RMRR_SIZE)
        return acpi_table_fail(table, offset, "RMRR of %zu bytes", length);
    quiet.error_size = 0;
    builder->table = &quiet;
    reserved->segment = acpi_read16(table->bytes + offset + RMRR_SEGMENT);
    reserved->unclear =
        parse_scopes(builder, offset + RMRR_SIZE, offset + length, &reserved->scopes) != 0;
    builder->table = table;
    builder->dmar->reserved_count++;
    return 0;
}

/* ATS and the other structures say nothing that is asked for. */
static int parse_structure(struct builder *builder, size_t offset, size_t length)
{
    switch (acpi_read16(builder->table->bytes + offset)) {
    case TYPE_DRHD:
        return parse_drhd(builder, offset, length);
    case TYPE_RMRR:
        return parse_rmrr(builder, offset, length);
    default:
        return 0;
    }
}

static int parse_structures(struct builder *builder)
{
    const struct acpi_table *table = builder->table;
    size_t offset = STRUCTURES_OFFSET, length;
    int rc = 0;

    for (; !rc && offset < table->size; offset += length) {
        if (table->size - offset < STRUCTURE_HEADER_SIZE)
            return acpi_table_fail(table, offset, "%zu stray bytes", table->size - offset);
        length = acpi_read16(table->bytes + offset + 2);
        if (length < STRUCTURE_HEADER_SIZE || length > table->size - offset)
            return acpi_table_fail(table, offset, "structure of %zu bytes where %zu are left",
                                   length, table->size - offset);
        rc = parse_structure(builder, offset, length);
    }
    return rc;
}

/* Xen drives no VT-d at all when segment 0 has two units with INCLUDE_PCI_ALL. */
static int check_include_all(const struct builder *builder)
{
    size_t i, count = 0;

    for (i = 0; i < builder->dmar->unit_count; i++)
        count += builder->dmar->units[i].include_all && !builder->dmar->units[i].segment;
    if (count > 1)
        return acpi_table_fail(builder->table, STRUCTURES_OFFSET,
                               "%zu units of segment 0 with INCLUDE_PCI_ALL", count);
    return 0;
}

/* As many elements as the table could hold of each kind. */
static struct acpi_dmar *allocate(size_t table_size)
{
    struct acpi_dmar *dmar = calloc(1, sizeof(*dmar));

    if (!dmar)
        return NULL;
    dmar->units = calloc(table_size / DRHD_SIZE, sizeof(*dmar->units));
    dmar->reserved = calloc(table_size / RMRR_SIZE, sizeof(*dmar->reserved));
    dmar->scopes = calloc(table_size / SCOPE_MIN_SIZE, sizeof(*dmar->scopes));
    dmar->devfns = calloc(table_size / 2, sizeof(*dmar->devfns));
    if (!dmar->units || !dmar->reserved || !dmar->scopes || !dmar->devfns) {
        acpi_dmar_free(dmar);
        return NULL;
    }
    return dmar;
}

int acpi_dmar_parse(const struct acpi_table *table, struct acpi_dmar **dmar)
{
    struct builder builder = {.table = table};
    int rc;

    *dmar = NULL;
    rc = acpi_table_check(table, "DMAR", "RMAD");
    if (rc)
        return rc;
    if (table->size < STRUCTURES_OFFSET)
        return acpi_table_fail(table, table->size, "ends within the DMAR header");
    if (!table->bytes[WIDTH_OFFSET])
        return acpi_table_fail(table, WIDTH_OFFSET, "host address width of 0");
    builder.dmar = allocate(table->size);
    if (!builder.dmar)
        return -ENOMEM;
    builder.dmar->intremap = table->bytes[FLAGS_OFFSET] & INTR_REMAP;
    rc = parse_structures(&builder);
    if (!rc)
        rc = check_include_all(&builder);
    if (rc) {
        acpi_dmar_free(builder.dmar);
        return rc;
    }
    *dmar = builder.dmar;
    return 0;
}

void acpi_dmar_free(struct acpi_dmar *dmar)
{
    if (!dmar)
        return;
    free(dmar->units);
    free(dmar->reserved);
    free(dmar->scopes);
    free(dmar->devfns);
    free(dmar);
}
