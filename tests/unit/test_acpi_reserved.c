/* SPDX-License-Identifier: MIT */
/* What the tables say besides coverage: reserved memory (RMRR, IVMD) and interrupt remapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "acpi_builder.h"

enum { ENDPOINT = 1, SUBTREE = 2, NAMESPACE = 5, ALL = 1, SELECT = 2 };
enum { IVMD_ALL = 0x20, IVMD_SELECT = 0x21, IVMD_RANGE = 0x22, IVMD_UNIT = 0x23 };

#define UNIT_A 0xfed90000
#define ROOT   PCI_NO_SBDF

#define USB       BDF(0, 0x14, 0)
#define NIC       BDF(0, 4, 0)
#define PORT      BDF(0, 0x1c, 0)
#define CARD      BDF(1, 0, 0)
#define VF        BDF(1, 0x10, 0)
#define ELSEWHERE SBDF(1, 0, 0x14, 0)

static struct pci_function rows[] = {
    DEVICE(NIC, ROOT),  DEVICE(USB, ROOT),       BRIDGE(PORT, ROOT, 1),
    DEVICE(CARD, PORT), VIRTUAL(VF, PORT, CARD), DEVICE(ELSEWHERE, ROOT),
};
static const struct pci_topology machine = TOPOLOGY(rows);

static struct acpi_answer look_up(const struct acpi_tables *tables, uint32_t sbdf)
{
    struct acpi_answer answer;

    acpi_tables_lookup(tables, &machine, sbdf, &answer);
    return answer;
}

static bool reserved(const struct acpi_tables *tables, uint32_t sbdf)
{
    return look_up(tables, sbdf).reserved_memory;
}

static void start_dmar(struct builder *builder)
{
    builder_start(builder, "DMAR");
    dmar_drhd(builder, ALL, 0, UNIT_A);
}

static struct acpi_tables *one_rmrr(unsigned int segment, unsigned int type, const char *path)
{
    struct builder builder;

    start_dmar(&builder);
    dmar_rmrr(&builder, segment);
    dmar_scope(&builder, type, 0, path);
    return parse_dmar(builder.bytes, builder.size, NULL);
}

static void an_rmrr_names_its_devices(void **state)
{
    struct acpi_tables *tables = one_rmrr(0, ENDPOINT, "14.0");

    (void)state;
    assert_true(reserved(tables, USB));
    assert_false(reserved(tables, NIC));
    assert_false(reserved(tables, ELSEWHERE));
    assert_false(reserved(tables, BDF(9, 0, 0)));
    expect_yes(tables, &machine, USB, "dmar0@fed90000");
    acpi_tables_free(tables);

    tables = one_rmrr(1, ENDPOINT, "14.0");
    assert_false(reserved(tables, USB));
    assert_true(reserved(tables, ELSEWHERE));
    acpi_tables_free(tables);

    tables = one_rmrr(0, ENDPOINT, "1c.0/00.0");
    assert_true(reserved(tables, CARD));
    assert_false(reserved(tables, PORT));
    assert_false(reserved(tables, VF));
    acpi_tables_free(tables);
}

static void an_rmrr_for_a_bridge_is_for_all_below(void **state)
{
    const unsigned int types[] = {ENDPOINT, SUBTREE};
    struct acpi_tables *tables;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        tables = one_rmrr(0, types[i], "1c.0");
        assert_true(reserved(tables, PORT));
        assert_true(reserved(tables, CARD));
        assert_true(reserved(tables, VF));
        assert_false(reserved(tables, USB));
        acpi_tables_free(tables);
    }
}

static void an_rmrr_without_pci_functions_is_nobodys(void **state)
{
    struct acpi_tables *tables = one_rmrr(0, NAMESPACE, "14.0");
    struct builder builder;

    (void)state;
    assert_false(reserved(tables, USB));
    acpi_tables_free(tables);

    start_dmar(&builder);
    dmar_rmrr(&builder, 0);
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    assert_false(reserved(tables, USB));
    acpi_tables_free(tables);
}

/* The scopes of units are not those of reserved memory, and the other way round. */
static void units_and_reserved_memory_are_apart(void **state)
{
    struct acpi_tables *tables;
    struct builder builder;

    (void)state;
    builder_start(&builder, "DMAR");
    dmar_rmrr(&builder, 0);
    dmar_scope(&builder, ENDPOINT, 0, "14.0");
    dmar_scope(&builder, ENDPOINT, 0, "1c.0/00.0");
    dmar_drhd(&builder, 0, 0, UNIT_A);
    dmar_scope(&builder, ENDPOINT, 0, "04.0");
    dmar_rmrr(&builder, 0);
    dmar_scope(&builder, ENDPOINT, 0, "1c.0");
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_yes(tables, &machine, NIC, "dmar0@fed90000");
    expect_none(tables, &machine, USB);
    expect_none(tables, &machine, PORT);
    assert_true(reserved(tables, USB));
    assert_true(reserved(tables, CARD));
    assert_true(reserved(tables, PORT));
    assert_false(reserved(tables, NIC));
    acpi_tables_free(tables);
}

/* Xen reads on beyond the end; it does not refuse the table. */
static void an_rmrr_that_cannot_be_read_may_name_any_function(void **state)
{
    static const uint8_t scopes[][10] = {
        {ENDPOINT, 0, 0, 0, 0, 0, 4, 0},        /* no length */
        {ENDPOINT, 7, 0, 0, 0, 0, 4, 0},        /* too short */
        {ENDPOINT, 255, 0, 0, 0, 0, 4, 0},      /* beyond its end */
        {ENDPOINT, 9, 0, 0, 0, 0, 4, 0, 0},     /* odd */
        {ENDPOINT, 8, 0, 0, 0, 0, 32, 0},       /* no such device */
        {ENDPOINT, 10, 0, 0, 0, 0, 4, 0, 0, 8}, /* no such function */
    };
    struct acpi_tables *tables;
    struct builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
        start_dmar(&builder);
        dmar_rmrr(&builder, 0);
        builder_put(&builder, scopes[i], scopes[i][1] < 9 ? 8 : 10);
        dmar_rmrr(&builder, 1);
        dmar_scope(&builder, ENDPOINT, 0, "04.0");
        tables = parse_dmar(builder.bytes, builder.size, NULL);
        expect_yes(tables, &machine, NIC, "dmar0@fed90000");
        assert_true(reserved(tables, NIC));
        assert_true(reserved(tables, CARD));
        assert_false(reserved(tables, ELSEWHERE));
        acpi_tables_free(tables);
    }
}

/* Xen drives no VT-d then. */
static void an_rmrr_shorter_than_its_fixed_part_is_refused(void **state)
{
    struct acpi_tables *tables;
    struct builder builder;

    (void)state;
    start_dmar(&builder);
    dmar_structure(&builder, 1, 23);
    tables = parse_dmar(builder.bytes, builder.size, "DMAR: offset 0x40: RMRR of 23 bytes");
    expect_unknown(tables, &machine, NIC);
    assert_false(reserved(tables, NIC));
    acpi_tables_free(tables);
}

/* As many as a table can hold. */
static void many_rmrrs_are_read(void **state)
{
    struct acpi_tables *tables;
    struct builder builder;

    (void)state;
    start_dmar(&builder);
    while (builder.size + 24 + 8 <= sizeof(builder.bytes) - 32)
        dmar_rmrr(&builder, 0);
    dmar_rmrr(&builder, 0);
    dmar_scope(&builder, ENDPOINT, 0, "14.0");
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    assert_true(reserved(tables, USB));
    assert_false(reserved(tables, NIC));
    acpi_tables_free(tables);
}

static void the_dmar_tells_of_interrupt_remapping(void **state)
{
    const struct {
        unsigned int flags;
        bool none;
    } cases[] = {{0, true}, {1, false}, {2, true}, {3, false}, {0xff, false}, {0xfe, true}};
    struct acpi_tables *tables;
    struct builder builder;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        start_dmar(&builder);
        dmar_flags(&builder, cases[i].flags);
        tables = parse_dmar(builder.bytes, builder.size, NULL);
        assert_int_equal(look_up(tables, NIC).no_intremap, cases[i].none);
        assert_int_equal(look_up(tables, BDF(9, 0, 0)).no_intremap, cases[i].none);
        acpi_tables_free(tables);
    }
}

static void start_ivrs(struct builder *builder)
{
    builder_start(builder, "IVRS");
    ivrs_ivhd(builder, 0x10, BDF(0, 0, 2), UNIT_A);
    ivrs_entry4(builder, SELECT, NIC);
}

static struct acpi_tables *one_ivmd(unsigned int type, unsigned int segment, unsigned int first,
                                    unsigned int last)
{
    struct builder builder;

    start_ivrs(&builder);
    ivrs_ivmd(&builder, type, segment, first, last);
    return parse_ivrs(builder.bytes, builder.size, NULL);
}

static void no_table_says_nothing(void **state)
{
    struct acpi_tables *tables;
    struct builder builder;
    char error[64];

    (void)state;
    assert_int_equal(acpi_tables_parse(NULL, 0, NULL, 0, &tables, error, sizeof(error)), 0);
    assert_false(reserved(tables, NIC));
    assert_false(look_up(tables, NIC).no_intremap);
    acpi_tables_free(tables);

    start_ivrs(&builder);
    tables = parse_ivrs(builder.bytes, builder.size, NULL);
    assert_false(reserved(tables, NIC));
    assert_false(look_up(tables, NIC).no_intremap);
    acpi_tables_free(tables);
}

static void an_ivmd_names_functions(void **state)
{
    struct acpi_tables *tables = one_ivmd(IVMD_SELECT, 0, USB, 0);

    (void)state;
    assert_true(reserved(tables, USB));
    assert_false(reserved(tables, NIC));
    assert_false(reserved(tables, ELSEWHERE));
    expect_yes(tables, &machine, NIC, "ivhd0@fed90000");
    acpi_tables_free(tables);

    tables = one_ivmd(IVMD_RANGE, 0, USB, PORT);
    assert_true(reserved(tables, USB));
    assert_true(reserved(tables, PORT));
    assert_false(reserved(tables, NIC));
    assert_false(reserved(tables, CARD));
    acpi_tables_free(tables);

    tables = one_ivmd(IVMD_ALL, 0, 0, 0);
    assert_true(reserved(tables, NIC));
    assert_true(reserved(tables, VF));
    acpi_tables_free(tables);
}

/* Xen reads no segment there, and takes all for segment 0's. */
static void an_ivmd_of_another_segment_is_for_segment_0_too(void **state)
{
    struct acpi_tables *tables = one_ivmd(IVMD_SELECT, 1, USB, 0);

    (void)state;
    assert_true(reserved(tables, ELSEWHERE));
    assert_true(reserved(tables, USB));
    acpi_tables_free(tables);
}

static void an_ivmd_for_an_iommu_is_for_what_it_covers(void **state)
{
    struct acpi_tables *tables = one_ivmd(IVMD_UNIT, 0, BDF(0, 0, 2), 0x40);

    (void)state;
    assert_true(reserved(tables, NIC));
    assert_false(reserved(tables, USB));
    acpi_tables_free(tables);

    tables = one_ivmd(IVMD_UNIT, 0, BDF(0, 0, 2), 0x44);
    assert_false(reserved(tables, NIC));
    acpi_tables_free(tables);
}

static void an_ivmd_that_makes_no_sense_may_name_any_function(void **state)
{
    struct acpi_tables *tables = one_ivmd(IVMD_RANGE, 0, PORT, USB);
    struct builder builder;
    unsigned int size;

    (void)state;
    assert_true(reserved(tables, NIC));
    assert_true(reserved(tables, ELSEWHERE));
    expect_yes(tables, &machine, NIC, "ivhd0@fed90000");
    acpi_tables_free(tables);

    for (size = 4; size < 32; size++) {
        const uint8_t cut[32] = {IVMD_SELECT, 1, (uint8_t)size};

        start_ivrs(&builder);
        builder.structure = 0;
        builder_put(&builder, cut, size);
        tables = parse_ivrs(builder.bytes, builder.size, NULL);
        assert_true(reserved(tables, NIC));
        expect_yes(tables, &machine, NIC, "ivhd0@fed90000");
        acpi_tables_free(tables);
    }
}

static void other_blocks_reserve_nothing(void **state)
{
    const unsigned int types[] = {0x00, 0x1f, 0x24, 0xff};
    struct acpi_tables *tables;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
        tables = one_ivmd(types[i], 0, NIC, NIC);
        assert_false(reserved(tables, NIC));
        acpi_tables_free(tables);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rmrr_names_its_devices),
        cmocka_unit_test(an_rmrr_for_a_bridge_is_for_all_below),
        cmocka_unit_test(an_rmrr_without_pci_functions_is_nobodys),
        cmocka_unit_test(units_and_reserved_memory_are_apart),
        cmocka_unit_test(an_rmrr_that_cannot_be_read_may_name_any_function),
        cmocka_unit_test(an_rmrr_shorter_than_its_fixed_part_is_refused),
        cmocka_unit_test(many_rmrrs_are_read),
        cmocka_unit_test(the_dmar_tells_of_interrupt_remapping),
        cmocka_unit_test(no_table_says_nothing),
        cmocka_unit_test(an_ivmd_names_functions),
        cmocka_unit_test(an_ivmd_of_another_segment_is_for_segment_0_too),
        cmocka_unit_test(an_ivmd_for_an_iommu_is_for_what_it_covers),
        cmocka_unit_test(an_ivmd_that_makes_no_sense_may_name_any_function),
        cmocka_unit_test(other_blocks_reserve_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
