/* SPDX-License-Identifier: MIT */
/* Tables with a right checksum and wrong contents: refused as a whole, with a place and a cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "acpi_builder.h"

/* Where the pieces of the good tables are. */
enum {
    DRHD = 48,
    SCOPE = DRHD + 16,
    DRHD_2 = SCOPE + 8,

    IVHD = 48,
    RANGE = IVHD + 24,
    RANGE_END = RANGE + 4,
};

/* One byte of a table that is right otherwise. */
struct mutation {
    size_t offset;
    uint8_t value;
    const char *error;
};

static struct pci_function rows[] = {DEVICE(BDF(0, 2, 0), PCI_NO_SBDF),
                                     DEVICE(BDF(0, 3, 0), PCI_NO_SBDF)};
static const struct pci_topology machine = TOPOLOGY(rows);

static void good_dmar(struct builder *builder)
{
    builder_start(builder, "DMAR");
    dmar_drhd(builder, 1, 0, 0xfed90000);
    dmar_scope(builder, 1, 0, "02.0");
    dmar_drhd(builder, 0, 0, 0xfed91000);
}

static void good_ivrs(struct builder *builder)
{
    builder_start(builder, "IVRS");
    ivrs_ivhd(builder, 0x10, BDF(0, 0, 2), 0xfed80000);
    ivrs_range(builder, BDF(0, 2, 0), BDF(0, 3, 0));
}

/* Whatever the table covers elsewhere. */
static void expect_refused(struct acpi_tables *tables)
{
    expect_unknown(tables, &machine, BDF(0, 2, 0));
    expect_unknown(tables, &machine, BDF(0, 3, 0));
    acpi_tables_free(tables);
}

static void expect_good(struct acpi_tables *tables, const char *unit)
{
    expect_yes(tables, &machine, BDF(0, 2, 0), unit);
    expect_yes(tables, &machine, BDF(0, 3, 0), unit);
    acpi_tables_free(tables);
}

static void wrong_bytes_in_a_dmar(void **state)
{
    const struct mutation mutations[] = {
        {0, 'X', "DMAR: offset 0x0: the signature is not DMAR"},
        {36, 0, "DMAR: offset 0x24: host address width of 0"},
        {DRHD + 2, 0, "DMAR: offset 0x30: structure of 0 bytes where 40 are left"},
        {DRHD + 2, 3, "DMAR: offset 0x30: structure of 3 bytes where 40 are left"},
        {DRHD + 2, 15, "DMAR: offset 0x30: DRHD of 15 bytes"},
        {DRHD + 2, 17, "DMAR: offset 0x40: device scope too short"},
        {DRHD + 2, 22, "DMAR: offset 0x40: device scope too short"},
        {DRHD + 2, 23, "DMAR: offset 0x40: device scope too short"},
        {DRHD + 2, 37, "DMAR: offset 0x48: device scope too short"},
        {DRHD + 2, 41, "DMAR: offset 0x30: structure of 41 bytes where 40 are left"},
        {DRHD + 3, 1, "DMAR: offset 0x30: structure of 280 bytes where 40 are left"},
        {DRHD + 8 + 7, 1, "DMAR: offset 0x38: 0x1000000fed90000 is no register base address"},
        {SCOPE + 1, 0, "DMAR: offset 0x40: device scope too short"},
        {SCOPE + 1, 7, "DMAR: offset 0x40: device scope too short"},
        {SCOPE + 1, 9, "DMAR: offset 0x40: device scope beyond its structure"},
        {SCOPE + 1, 255, "DMAR: offset 0x40: device scope beyond its structure"},
        {SCOPE + 6, 32, "DMAR: offset 0x46: scope path with device 32 function 0"},
        {SCOPE + 7, 8, "DMAR: offset 0x46: scope path with device 2 function 8"},
        {DRHD_2 + 2, 14, "DMAR: offset 0x48: DRHD of 14 bytes"},
        {DRHD_2 + 2, 17, "DMAR: offset 0x48: structure of 17 bytes where 16 are left"},
        {DRHD_2 + 4, 1, "DMAR: offset 0x30: 2 units of segment 0 with INCLUDE_PCI_ALL"},
    };
    struct builder builder;
    size_t i;

    (void)state;
    good_dmar(&builder);
    expect_good(parse_dmar(builder.bytes, builder.size, NULL), "dmar0@fed90000");
    for (i = 0; i < sizeof(mutations) / sizeof(*mutations); i++) {
        good_dmar(&builder);
        builder.bytes[mutations[i].offset] = mutations[i].value;
        builder_seal(&builder);
        expect_refused(parse_dmar(builder.bytes, builder.size, mutations[i].error));
    }
}

static void wrong_bytes_in_an_ivrs(void **state)
{
    const struct mutation mutations[] = {
        {0, 'X', "IVRS: offset 0x0: the signature is not IVRS"},
        {IVHD, 0x40, "IVRS: offset 0x30: no IVHD block of a type that Xen knows"},
        {IVHD + 2, 0, "IVRS: offset 0x30: block of 0 bytes where 32 are left"},
        {IVHD + 2, 3, "IVRS: offset 0x30: block of 3 bytes where 32 are left"},
        {IVHD + 2, 31, "IVRS: offset 0x4f: 1 stray bytes"},
        {IVHD + 2, 33, "IVRS: offset 0x30: block of 33 bytes where 32 are left"},
        {IVHD + 4, 0, "IVRS: offset 0x30: IVHD without a PCI capability"},
        {IVHD + 6, 0, "IVRS: offset 0x30: IVHD without a PCI capability"},
        {IVHD + 8 + 7, 1, "IVRS: offset 0x38: 0x1000000fed80000 is no register base address"},
        {RANGE, 4, "IVRS: offset 0x48: device entry of type 4, 8 bytes left"},
        {RANGE, 5, "IVRS: offset 0x48: device entry of type 5, 8 bytes left"},
        {RANGE, 65, "IVRS: offset 0x48: device entry of type 65, 8 bytes left"},
        {RANGE, 67, "IVRS: offset 0x48: device entry of type 67, 8 bytes left"},
        {RANGE, 71, "IVRS: offset 0x48: device entry of type 71, 8 bytes left"},
        {RANGE, 240, "IVRS: offset 0x48: device entry of type 240, 8 bytes left"},
        {RANGE_END, 2, "IVRS: offset 0x48: range start 0x10 without an end"},
        {RANGE_END + 1, 0x10, "IVRS: offset 0x48: range from 0x10 to 0x10"},
        {RANGE_END + 1, 0x0f, "IVRS: offset 0x48: range from 0x10 to 0xf"},
    };
    struct builder builder;
    size_t i;

    (void)state;
    good_ivrs(&builder);
    expect_good(parse_ivrs(builder.bytes, builder.size, NULL), "ivhd0@fed80000");
    for (i = 0; i < sizeof(mutations) / sizeof(*mutations); i++) {
        good_ivrs(&builder);
        builder.bytes[mutations[i].offset] = mutations[i].value;
        builder_seal(&builder);
        expect_refused(parse_ivrs(builder.bytes, builder.size, mutations[i].error));
    }
}

static void no_register_base(void **state)
{
    const uint64_t bases[] = {0, UINT64_MAX, 1ULL << 52};
    struct builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
        builder_start(&builder, "DMAR");
        dmar_drhd(&builder, 1, 0, bases[i]);
        expect_refused(parse_dmar(builder.bytes, builder.size, "is no register base address"));
        builder_start(&builder, "IVRS");
        ivrs_ivhd(&builder, 0x10, BDF(0, 0, 2), bases[i]);
        expect_refused(parse_ivrs(builder.bytes, builder.size, "is no register base address"));
    }
}

/* The longest name there can be: the table cannot hold more units than five digits count. */
static void the_highest_register_base_has_room_in_the_answer(void **state)
{
    struct builder builder;

    (void)state;
    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, 1, 0, (1ULL << 52) - 1);
    expect_good(parse_dmar(builder.bytes, builder.size, NULL), "dmar0@fffffffffffff");
}

static void a_scope_of_odd_length(void **state)
{
    const uint8_t scope[9] = {1, 9, 0, 0, 0, 0, 2, 0, 3};
    struct builder builder;

    (void)state;
    good_dmar(&builder);
    builder_put(&builder, scope, sizeof(scope));
    expect_refused(
        parse_dmar(builder.bytes, builder.size, "DMAR: offset 0x58: device scope of odd length"));
}

/* Too few to hold the length of one. */
static void a_scope_cut_off_with_the_table(void **state)
{
    struct builder builder;
    size_t i;

    (void)state;
    good_dmar(&builder);
    for (i = 1; i < 8; i++) {
        builder_put(&builder, "", 1);
        expect_refused(
            parse_dmar(builder.bytes, builder.size, "DMAR: offset 0x58: device scope too short"));
    }
}

static void bytes_after_the_last_structure(void **state)
{
    struct builder builder;

    (void)state;
    good_dmar(&builder);
    builder.structure = 0;
    builder_put(&builder, "\0\0\0", 3);
    expect_refused(parse_dmar(builder.bytes, builder.size, "DMAR: offset 0x58: 3 stray bytes"));

    good_ivrs(&builder);
    builder.structure = 0;
    builder_put(&builder, "\0\0\0", 3);
    expect_refused(parse_ivrs(builder.bytes, builder.size, "IVRS: offset 0x50: 3 stray bytes"));
}

static void bytes_after_the_last_device_entry(void **state)
{
    struct builder builder;

    (void)state;
    good_ivrs(&builder);
    builder_put(&builder, "\0\0", 2);
    expect_refused(parse_ivrs(builder.bytes, builder.size,
                              "IVRS: offset 0x50: device entry of type 0, 2 bytes left"));
}

static void an_ivhd_shorter_than_its_fixed_part(void **state)
{
    struct builder builder;

    (void)state;
    builder_start(&builder, "IVRS");
    ivrs_ivhd(&builder, 0x10, BDF(0, 0, 2), 0xfed80000);
    builder.size--;
    builder.bytes[IVHD + 2]--;
    builder_seal(&builder);
    expect_refused(parse_ivrs(builder.bytes, builder.size, "IVRS: offset 0x30: IVHD of 23 bytes"));

    builder_start(&builder, "IVRS");
    ivrs_info(&builder, 1);
    ivrs_ivhd(&builder, 0x11, BDF(0, 0, 2), 0xfed80000);
    builder.size--;
    builder.bytes[IVHD + 2]--;
    builder_seal(&builder);
    expect_refused(parse_ivrs(builder.bytes, builder.size, "IVRS: offset 0x30: IVHD of 39 bytes"));
}

static void an_acpi_device_with_a_name_beyond_its_block(void **state)
{
    const uint8_t hid[22 + 3] = {240, [20] = 2, [21] = 4};
    struct builder builder;

    (void)state;
    good_ivrs(&builder);
    builder_put(&builder, hid, sizeof(hid));
    expect_refused(parse_ivrs(builder.bytes, builder.size,
                              "IVRS: offset 0x50: device entry of type 240, 25 bytes left"));

    good_ivrs(&builder);
    builder_put(&builder, hid, 22);
    expect_refused(parse_ivrs(builder.bytes, builder.size,
                              "IVRS: offset 0x50: device entry of type 240, 22 bytes left"));
}

static void one_iommu_at_two_register_bases(void **state)
{
    struct builder builder;

    (void)state;
    good_ivrs(&builder);
    ivrs_ivhd(&builder, 0x10, BDF(0, 0, 2), 0xfed84000);
    expect_refused(parse_ivrs(builder.bytes, builder.size,
                              "IVRS: offset 0x50: a second register base for one IOMMU"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_bytes_in_a_dmar),
        cmocka_unit_test(wrong_bytes_in_an_ivrs),
        cmocka_unit_test(no_register_base),
        cmocka_unit_test(the_highest_register_base_has_room_in_the_answer),
        cmocka_unit_test(a_scope_of_odd_length),
        cmocka_unit_test(a_scope_cut_off_with_the_table),
        cmocka_unit_test(bytes_after_the_last_structure),
        cmocka_unit_test(bytes_after_the_last_device_entry),
        cmocka_unit_test(an_ivhd_shorter_than_its_fixed_part),
        cmocka_unit_test(an_acpi_device_with_a_name_beyond_its_block),
        cmocka_unit_test(one_iommu_at_two_register_bases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
