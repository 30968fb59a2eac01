/* SPDX-License-Identifier: MIT */
/* Who is covered by an IVRS's IOMMUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "acpi_builder.h"

enum {
    PAD4 = 0,
    EVERYTHING = 1,
    SELECT = 2,
    START = 3,
    END = 4,
    PAD8 = 64,
    ALIAS_SELECT = 66,
    ALIAS_START = 67,
    EXT_SELECT = 70,
    EXT_START = 71,
    SPECIAL = 72,

    BASIC = 0x10,
    EXTENDED = 0x11,
    NEWEST = 0x40,
    EFR = 1,
};

#define BASE_A  0xfed80000
#define BASE_B  0xfed84000
#define NAME_A  "ivhd0@fed80000"
#define NAME_B  "ivhd1@fed84000"
#define IOMMU_A BDF(0, 0, 2)
#define IOMMU_B BDF(0x40, 0, 2)
#define ROOT    PCI_NO_SBDF

static struct pci_function rows[] = {
    DEVICE(BDF(0, 0, 0), ROOT),
    DEVICE(IOMMU_A, ROOT),
    DEVICE(BDF(0, 2, 0), ROOT),
    DEVICE(BDF(0, 2, 3), ROOT),
    DEVICE(BDF(0, 3, 0), ROOT),
    DEVICE(BDF(0, 0x14, 0), ROOT),
    DEVICE(BDF(0, 0x14, 3), ROOT),
    DEVICE(BDF(0, 0x18, 0), ROOT),
    DEVICE(BDF(5, 0, 0), ROOT),
    VIRTUAL(BDF(5, 0, 1), ROOT, BDF(5, 0, 0)),
    VIRTUAL(BDF(5, 0x10, 0), ROOT, BDF(5, 0, 0)),
    VIRTUAL(BDF(5, 0x10, 1), ROOT, BDF(9, 0, 0)), /* whose physical function is not known */
    DEVICE(IOMMU_B, ROOT),
    DEVICE(BDF(0x40, 2, 0), ROOT),
    DEVICE(BDF(0xff, 0x1f, 7), ROOT),
    DEVICE(SBDF(1, 0, 0, 2), ROOT),
    DEVICE(SBDF(1, 0, 2, 0), ROOT),
};
static const struct pci_topology machine = TOPOLOGY(rows);

static void start(struct builder *builder)
{
    builder_start(builder, "IVRS");
    ivrs_ivhd(builder, BASIC, IOMMU_A, BASE_A);
}

static struct acpi_tables *finish(const struct builder *builder)
{
    return parse_ivrs(builder->bytes, builder->size, NULL);
}

static void a_select_entry_covers_one_function(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;
    unsigned int i;
    const unsigned int types[] = {ALIAS_SELECT, EXT_SELECT};

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);

    for (i = 0; i < 2; i++) {
        start(&builder);
        ivrs_entry8(&builder, types[i], BDF(0, 3, 0), BDF(0, 2, 0));
        tables = finish(&builder);
        expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
        expect_none(tables, &machine, BDF(0, 2, 0)); /* the alias, if any */
        acpi_tables_free(tables);
    }
}

static void a_range_covers_from_first_to_last(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;
    unsigned int i;
    const unsigned int types[] = {START, ALIAS_START, EXT_START};

    (void)state;
    for (i = 0; i < 3; i++) {
        start(&builder);
        if (types[i] == START)
            ivrs_entry4(&builder, START, BDF(0, 3, 0));
        else
            ivrs_entry8(&builder, types[i], BDF(0, 3, 0), BDF(0, 0x18, 0));
        ivrs_entry4(&builder, END, BDF(0, 0x14, 0));
        tables = finish(&builder);
        expect_none(tables, &machine, BDF(0, 2, 3));
        expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
        expect_yes(tables, &machine, BDF(0, 0x14, 0), NAME_A);
        expect_none(tables, &machine, BDF(0, 0x18, 0));
        acpi_tables_free(tables);
    }
}

static void each_entry_of_a_long_block_counts(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;
    unsigned int i;

    (void)state;
    start(&builder);
    for (i = 1; i < 400; i++)
        ivrs_entry4(&builder, SELECT, BDF(0x80, 0, 0) + i);
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void the_all_entry_covers_its_segment(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, EVERYTHING, 0);
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 0, 0), NAME_A);
    expect_yes(tables, &machine, BDF(0xff, 0x1f, 7), NAME_A);
    expect_none(tables, &machine, SBDF(1, 0, 2, 0));
    expect_none(tables, &machine, IOMMU_A);
    acpi_tables_free(tables);
}

static void an_iommu_does_not_cover_iommus(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, IOMMU_A);
    ivrs_range(&builder, BDF(0, 2, 0), BDF(0xff, 0x1f, 7));
    ivrs_ivhd(&builder, BASIC, IOMMU_B, BASE_B);
    tables = finish(&builder);
    expect_none(tables, &machine, IOMMU_A);
    expect_none(tables, &machine, IOMMU_B);
    expect_yes(tables, &machine, BDF(0x40, 2, 0), NAME_A);
    acpi_tables_free(tables);
}

/* Xen lends function 0's IOMMU to functions that no entry names, but for an IOMMU's function 0. */
static void a_forgotten_function_goes_with_function_0(void **state)
{
    struct pci_function with_iommu[] = {DEVICE(BDF(0, 2, 0), ROOT), DEVICE(BDF(0, 2, 3), ROOT)};
    const struct pci_topology topology = TOPOLOGY(with_iommu);
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 2, 3), NAME_A);
    expect_none(tables, &machine, BDF(0, 3, 0));
    acpi_tables_free(tables);

    ivrs_ivhd(&builder, BASIC, IOMMU_B, BASE_B);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 3)); /* not forgotten, after all */
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 2, 3), NAME_B);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    acpi_tables_free(tables);

    builder_start(&builder, "IVRS");
    ivrs_ivhd(&builder, BASIC, BDF(0, 2, 0), BASE_A);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    tables = finish(&builder);
    expect_none(tables, &topology, BDF(0, 2, 3));
    acpi_tables_free(tables);
}

/* The address that an IOAPIC or HPET uses: Xen marks it as covered, the entry is not about it. */
static void a_special_entry_is_not_enough(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry8(&builder, SPECIAL, 0, BDF(0, 0x14, 0));
    tables = finish(&builder);
    expect_unknown(tables, &machine, BDF(0, 0x14, 0));
    expect_unknown(tables, &machine, BDF(0, 0x14, 3));
    expect_none(tables, &machine, BDF(0, 3, 0));
    acpi_tables_free(tables);

    ivrs_range(&builder, BDF(0, 2, 0), BDF(0, 0x18, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 0x14, 0), NAME_A);
    acpi_tables_free(tables);
}

static void two_iommus_that_claim_one_function_are_a_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_range(&builder, BDF(0, 2, 0), BDF(0x40, 2, 0));
    ivrs_ivhd(&builder, BASIC, IOMMU_B, BASE_B);
    ivrs_range(&builder, BDF(0x40, 1, 0), BDF(0xff, 0x1f, 7));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_unknown(tables, &machine, BDF(0x40, 2, 0));
    expect_yes(tables, &machine, BDF(0xff, 0x1f, 7), NAME_B);
    acpi_tables_free(tables);
}

static void a_function_claimed_twice_by_one_iommu_is_no_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_range(&builder, BDF(0, 2, 0), BDF(0, 0x14, 0));
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    ivrs_ivhd(&builder, BASIC, IOMMU_A, BASE_A); /* the same once more */
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    ivrs_entry4(&builder, SELECT, BDF(5, 0, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    expect_yes(tables, &machine, BDF(5, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

static void each_segment_has_its_own_iommus(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    ivrs_ivhd(&builder, BASIC, SBDF(1, 0, 0, 2), BASE_B);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 2, 0));
    expect_yes(tables, &machine, SBDF(1, 0, 2, 0), NAME_B);
    expect_none(tables, &machine, SBDF(1, 0, 0, 2));
    acpi_tables_free(tables);
}

static void a_virtual_function_needs_an_entry_of_its_own(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, BDF(5, 0, 0));
    tables = finish(&builder);
    expect_none(tables, &machine, BDF(5, 0x10, 0));
    expect_yes(tables, &machine, BDF(5, 0, 1), NAME_A); /* by function 0 of its device */
    acpi_tables_free(tables);

    ivrs_range(&builder, BDF(5, 0x10, 0), BDF(5, 0x1f, 7));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(5, 0x10, 0), NAME_A);
    expect_unknown(tables, &machine, BDF(5, 0x10, 1));
    acpi_tables_free(tables);
}

static void a_virtual_function_apart_from_its_physical_one_is_a_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, SELECT, BDF(5, 0x10, 0));
    tables = finish(&builder);
    expect_unknown(tables, &machine, BDF(5, 0x10, 0));
    acpi_tables_free(tables);

    ivrs_ivhd(&builder, BASIC, IOMMU_B, BASE_B);
    ivrs_entry4(&builder, SELECT, BDF(5, 0, 0));
    tables = finish(&builder);
    expect_unknown(tables, &machine, BDF(5, 0x10, 0));
    acpi_tables_free(tables);
}

static void padding_and_acpi_devices_are_passed_over(void **state)
{
    const uint8_t hid[22 + 3] = {240, 0x10, [20] = 2, 3, 'U', 'I', 'D'}, nameless[22] = {240, 0x18};
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_entry4(&builder, PAD4, BDF(0, 2, 0));
    ivrs_entry8(&builder, PAD8, BDF(0, 2, 0), BDF(0, 2, 0));
    builder_put(&builder, hid, sizeof(hid));
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    builder_put(&builder, nameless, sizeof(nameless));
    tables = finish(&builder);
    expect_none(tables, &machine, BDF(0, 2, 0));
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    acpi_tables_free(tables);
}

/* One block of each type for the same IOMMU, each naming another function. */
static struct acpi_tables *three_types(uint32_t info)
{
    struct builder builder;

    builder_start(&builder, "IVRS");
    ivrs_info(&builder, info);
    ivrs_ivhd(&builder, NEWEST, IOMMU_A, BASE_A);
    ivrs_entry4(&builder, SELECT, BDF(0, 0x18, 0));
    ivrs_ivhd(&builder, EXTENDED, IOMMU_A, BASE_A);
    ivrs_entry4(&builder, SELECT, BDF(0, 3, 0));
    ivrs_ivhd(&builder, BASIC, IOMMU_A, BASE_A);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    return parse_ivrs(builder.bytes, builder.size, NULL);
}

static void only_blocks_of_the_type_that_xen_uses_count(void **state)
{
    struct acpi_tables *tables = three_types(EFR);

    (void)state;
    expect_yes(tables, &machine, BDF(0, 3, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 2, 0));
    expect_none(tables, &machine, BDF(0, 0x18, 0));
    acpi_tables_free(tables);

    tables = three_types(~(uint32_t)EFR);
    expect_none(tables, &machine, BDF(0, 3, 0));
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 0x18, 0));
    acpi_tables_free(tables);
}

/* The IOMMU that only a block of the other type describes is not driven. */
static void an_iommu_without_a_block_of_that_type_covers_nothing(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    start(&builder);
    ivrs_info(&builder, EFR);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    ivrs_ivhd(&builder, EXTENDED, IOMMU_B, BASE_B);
    ivrs_entry4(&builder, SELECT, BDF(0x40, 2, 0));
    tables = finish(&builder);
    expect_none(tables, &machine, BDF(0, 2, 0));
    expect_yes(tables, &machine, BDF(0x40, 2, 0), "ivhd0@fed84000");
    acpi_tables_free(tables);
}

static void tables_without_a_usable_type_are_refused(void **state)
{
    const struct {
        uint32_t info;
        unsigned int type;
    } cases[] = {{EFR, NEWEST}, {0, EXTENDED}, {EFR, 0x21}};
    struct builder builder;
    struct acpi_tables *tables;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        builder_start(&builder, "IVRS");
        ivrs_info(&builder, cases[i].info);
        ivrs_ivhd(&builder, cases[i].type, IOMMU_A, BASE_A);
        ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
        tables = parse_ivrs(builder.bytes, builder.size, "no IVHD block of a type");
        expect_unknown(tables, &machine, BDF(0, 2, 0));
        acpi_tables_free(tables);
    }
}

static void memory_blocks_do_not_bear_on_coverage(void **state)
{
    const uint8_t ivmd[32] = {0x20, 8, 32}, shortest[4] = {0x55, 0, 4};
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    builder_start(&builder, "IVRS");
    builder_put(&builder, ivmd, sizeof(ivmd));
    ivrs_ivhd(&builder, BASIC, IOMMU_A, BASE_A);
    ivrs_entry4(&builder, SELECT, BDF(0, 2, 0));
    builder.structure = 0;
    builder_put(&builder, shortest, sizeof(shortest));
    builder_put(&builder, ivmd, sizeof(ivmd));
    builder_put(&builder, shortest, sizeof(shortest));
    tables = finish(&builder);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 3, 0));
    acpi_tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_select_entry_covers_one_function),
        cmocka_unit_test(a_range_covers_from_first_to_last),
        cmocka_unit_test(each_entry_of_a_long_block_counts),
        cmocka_unit_test(the_all_entry_covers_its_segment),
        cmocka_unit_test(an_iommu_does_not_cover_iommus),
        cmocka_unit_test(a_forgotten_function_goes_with_function_0),
        cmocka_unit_test(a_special_entry_is_not_enough),
        cmocka_unit_test(two_iommus_that_claim_one_function_are_a_doubt),
        cmocka_unit_test(a_function_claimed_twice_by_one_iommu_is_no_doubt),
        cmocka_unit_test(each_segment_has_its_own_iommus),
        cmocka_unit_test(a_virtual_function_needs_an_entry_of_its_own),
        cmocka_unit_test(a_virtual_function_apart_from_its_physical_one_is_a_doubt),
        cmocka_unit_test(padding_and_acpi_devices_are_passed_over),
        cmocka_unit_test(only_blocks_of_the_type_that_xen_uses_count),
        cmocka_unit_test(an_iommu_without_a_block_of_that_type_covers_nothing),
        cmocka_unit_test(tables_without_a_usable_type_are_refused),
        cmocka_unit_test(memory_blocks_do_not_bear_on_coverage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
