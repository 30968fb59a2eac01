/* SPDX-License-Identifier: MIT */
/* Units that Xen leaves untranslated, or ignores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "acpi_builder.h"

enum { ENDPOINT = 1, SUBTREE = 2, IOAPIC = 3, HPET = 4, NAMESPACE = 5, ALL = 1 };

#define UNIT_A 0xfed90000
#define UNIT_B 0xfed91000
#define ROOT   PCI_NO_SBDF

#define GRAPHICS  BDF(0, 2, 0)
#define DISPLAY   BDF(0, 3, 0)
#define NIC       BDF(0, 4, 0)
#define OLD       BDF(0, 5, 0)
#define NEW       BDF(0, 6, 0)
#define ROOT_VF   BDF(0, 7, 1)
#define FAR       BDF(0xff, 3, 0)
#define SOUND     BDF(0, 0x1b, 0)
#define PORT      BDF(0, 0x1c, 0)
#define CARD      BDF(1, 0, 0)
#define CARD_HDA  BDF(1, 0, 1)
#define VF        BDF(1, 0x10, 0)
#define PLUGGED   BDF(1, 0, 2)
#define ELSEWHERE SBDF(1, 0, 4, 0)

#define HOST_BRIDGE 0x591f8086
#define AZALIA      0x3a3e8086
#define NVIDIA      0x10f010de

static struct pci_function rows[] = {
    {.sbdf = 0, .parent = ROOT, .physfn = ROOT, .id = HOST_BRIDGE, .class_code = 0x060000},
    OF_CLASS(GRAPHICS, 0x030000),
    OF_CLASS(DISPLAY, 0x038000),
    OF_CLASS(NIC, 0x020000),
    OF_CLASS(OLD, 0),
    {.sbdf = NEW, .parent = ROOT, .physfn = ROOT, .late = true, .class_code = 0x020000},
    VIRTUAL(ROOT_VF, ROOT, NIC),
    OF_CLASS(SOUND, 0x040300),
    BRIDGE(PORT, ROOT, 1),
    {.sbdf = CARD, .parent = PORT, .physfn = ROOT, .class_code = 0x030000},
    {.sbdf = CARD_HDA, .parent = PORT, .physfn = ROOT, .id = NVIDIA, .class_code = 0x040300},
    DEVICE(PLUGGED, PORT),
    {.sbdf = VF, .parent = PORT, .physfn = CARD, .class_code = 0x020000},
    DEVICE(FAR, ROOT),
    {.sbdf = ELSEWHERE, .parent = ROOT, .physfn = ROOT, .class_code = 0x020000},
};
static const struct pci_topology machine = TOPOLOGY(rows);

static const struct acpi_options nothing = {ACPI_UNKNOWN, ACPI_UNKNOWN};
static const struct acpi_options ordinary = {ACPI_NO, ACPI_NO};
static const struct acpi_options no_igfx = {ACPI_YES, ACPI_NO};
static const struct acpi_options igfx_unknown = {ACPI_UNKNOWN, ACPI_NO};
static const struct acpi_options workaround = {ACPI_NO, ACPI_YES};
static const struct acpi_options workaround_unknown = {ACPI_NO, ACPI_UNKNOWN};

static int set_up(void **state)
{
    (void)state;
    rows[0].id = HOST_BRIDGE;
    rows[7].id = 0;
    return 0;
}

/* One unit, with a second scope unless path is NULL. */
static struct acpi_tables *one_unit(unsigned int flags, const char *first, unsigned int type,
                                    const char *path)
{
    struct builder builder;

    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, flags, 0, UNIT_A);
    dmar_scope(&builder, ENDPOINT, 0, first);
    if (path)
        dmar_scope(&builder, type, 0, path);
    return parse_dmar(builder.bytes, builder.size, NULL);
}

/* A unit with one scope, and one for the rest. */
static struct acpi_tables *with_rest(unsigned int segment, unsigned int type, const char *path)
{
    struct builder builder;

    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, 0, segment, UNIT_A);
    dmar_scope(&builder, type, 0, path);
    dmar_drhd(&builder, ALL, segment, UNIT_B);
    return parse_dmar(builder.bytes, builder.size, NULL);
}

static struct acpi_tables *no_tables(void)
{
    struct acpi_tables *tables;
    char error[64];

    assert_int_equal(acpi_tables_parse(NULL, 0, NULL, 0, &tables, error, sizeof(error)), 0);
    return tables;
}

static enum unit_use use(const struct acpi_tables *tables, uint32_t sbdf,
                         const struct acpi_options *options)
{
    struct acpi_answer answer;

    acpi_tables_lookup(tables, &machine, sbdf, &answer);
    return acpi_unit_use(&answer, options);
}

static enum coverage coverage(const struct acpi_tables *tables, uint32_t sbdf,
                              const struct acpi_options *options)
{
    struct acpi_answer answer;

    acpi_tables_lookup(tables, &machine, sbdf, &answer);
    return acpi_coverage(&answer, options);
}

/* Of the unit of the graphics device, or what is first in it. */
static void expect_use(struct acpi_tables *tables, uint32_t sbdf, enum unit_use without,
                       enum unit_use unknown, enum unit_use given)
{
    assert_int_equal(use(tables, sbdf, &ordinary), without);
    assert_int_equal(use(tables, sbdf, &igfx_unknown), unknown);
    assert_int_equal(use(tables, sbdf, &no_igfx), given);
    acpi_tables_free(tables);
}

static void an_answer_of_zeros_is_not_known(void **state)
{
    const struct acpi_answer answer = {0};

    (void)state;
    assert_int_equal(acpi_unit_use(&answer, &nothing), UNIT_UNKNOWN);
    assert_int_equal(acpi_unit_use(&answer, &ordinary), UNIT_UNKNOWN);
    assert_int_equal(acpi_unit_use(&answer, &no_igfx), UNIT_UNKNOWN);
    assert_int_equal(acpi_coverage(&answer, &ordinary), COVERAGE_UNKNOWN);
}

static void a_unit_for_graphics_alone_is_off_under_no_igfx(void **state)
{
    (void)state;
    expect_use(one_unit(0, "02.0", 0, NULL), GRAPHICS, UNIT_ON, UNIT_UNKNOWN, UNIT_OFF);
    expect_use(one_unit(0, "02.0", ENDPOINT, "03.0"), DISPLAY, UNIT_ON, UNIT_UNKNOWN, UNIT_OFF);
    expect_use(one_unit(0, "02.0", ENDPOINT, "1c.0/00.0"), CARD, UNIT_ON, UNIT_UNKNOWN, UNIT_OFF);
    expect_use(with_rest(0, ENDPOINT, "02.0"), GRAPHICS, UNIT_ON, UNIT_UNKNOWN, UNIT_OFF);
    expect_use(with_rest(0, ENDPOINT, "02.0"), NIC, UNIT_ON, UNIT_ON, UNIT_ON);
}

static void a_unit_for_more_than_graphics_stays_on(void **state)
{
    (void)state;
    expect_use(one_unit(0, "02.0", ENDPOINT, "04.0"), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(0, "02.0", SUBTREE, "1c.0"), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(0, "02.0", IOAPIC, "1e.7"), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(0, "02.0", HPET, "1e.7"), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(0, "02.0", NAMESPACE, "0a.0"), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(ALL, "02.0", 0, NULL), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(ALL, "04.0", 0, NULL), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
}

/* An endpoint that Xen did not find counts for graphics: so whatever comes there later is behind a
 * unit that is off. */
static void what_may_not_have_been_there_at_boot_leaves_its_unit_in_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    expect_use(one_unit(0, "06.0", 0, NULL), NEW, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(one_unit(0, "1c.0/00.2", 0, NULL), PLUGGED, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(one_unit(0, "02.0", ENDPOINT, "0a.0"), GRAPHICS, UNIT_ON, UNIT_UNKNOWN,
               UNIT_UNKNOWN);
    expect_use(one_unit(0, "02.0", ENDPOINT, "05.0"), GRAPHICS, UNIT_ON, UNIT_UNKNOWN,
               UNIT_UNKNOWN);
    /* Ways that lead through no bridge, or one that is missing. */
    expect_use(one_unit(0, "02.0", ENDPOINT, "04.0/00.0"), GRAPHICS, UNIT_ON, UNIT_UNKNOWN,
               UNIT_UNKNOWN);
    expect_use(one_unit(0, "02.0", ENDPOINT, "0a.0/03.0"), GRAPHICS, UNIT_ON, UNIT_UNKNOWN,
               UNIT_UNKNOWN);
    expect_use(one_unit(0, "04.0", 0, NULL), NIC, UNIT_ON, UNIT_ON, UNIT_ON);

    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, 0, 1, UNIT_A);
    dmar_scope(&builder, ENDPOINT, 0, "04.0");
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_use(tables, ELSEWHERE, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
}

static void ironlake_may_leave_graphics_out(void **state)
{
    static const uint32_t bridges[] = {0x00408086, 0x00448086, 0x00628086, 0x006a8086, 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bridges) / sizeof(*bridges); i++) {
        rows[0].id = bridges[i];
        expect_use(one_unit(0, "02.0", 0, NULL), GRAPHICS, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_OFF);
        expect_use(one_unit(ALL, "02.0", 0, NULL), GRAPHICS, UNIT_ON, UNIT_ON, UNIT_ON);
        expect_use(one_unit(0, "04.0", 0, NULL), NIC, UNIT_ON, UNIT_ON, UNIT_ON);
        expect_use(no_tables(), GRAPHICS, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    }
}

static void a_host_without_a_host_bridge_may_be_ironlake(void **state)
{
    const struct pci_topology rest = {.functions = rows + 1,
                                      .count = sizeof(rows) / sizeof(*rows) - 1};
    struct acpi_tables *tables = one_unit(0, "02.0", 0, NULL);
    struct acpi_answer answer;

    (void)state;
    acpi_tables_lookup(tables, &rest, GRAPHICS, &answer);
    assert_int_equal(acpi_unit_use(&answer, &ordinary), UNIT_UNKNOWN);
    acpi_tables_free(tables);
}

static void a_unit_for_the_sound_device_alone_may_be_off(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    expect_use(one_unit(0, "1b.0", 0, NULL), SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    rows[7].id = 0x9d718086; /* like it */
    expect_use(one_unit(0, "1b.0", 0, NULL), SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    rows[7].id = AZALIA;
    tables = one_unit(0, "1b.0", 0, NULL);
    expect_yes(tables, &machine, SOUND, "dmar0@fed90000");
    expect_use(tables, SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(with_rest(0, ENDPOINT, "1b.0"), NIC, UNIT_ON, UNIT_ON, UNIT_ON);
    /* The scope of an unknown type does not count in Xen. */
    expect_use(one_unit(0, "1b.0", NAMESPACE, "0a.0"), SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN,
               UNIT_UNKNOWN);
    rows[7].class_code = 0x020000;
    expect_use(one_unit(0, "1b.0", 0, NULL), SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    rows[7].class_code = 0x040300;

    expect_use(one_unit(0, "1b.0", ENDPOINT, "04.0"), SOUND, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(0, "1b.0", IOAPIC, "1e.7"), SOUND, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(one_unit(ALL, "1b.0", 0, NULL), SOUND, UNIT_ON, UNIT_ON, UNIT_ON);
    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, 0, 0, UNIT_A);
    dmar_scope(&builder, ENDPOINT, 0, "1c.0/00.1"); /* no sound device of Intel's */
    dmar_scope(&builder, NAMESPACE, 0, "0a.0");
    expect_use(parse_dmar(builder.bytes, builder.size, NULL), CARD_HDA, UNIT_ON, UNIT_ON, UNIT_ON);
}

static void what_a_function_is_tells_where_tables_do_not(void **state)
{
    (void)state;
    expect_use(no_tables(), GRAPHICS, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), VF, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN); /* a graphics card's */
    expect_use(no_tables(), SOUND, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), OLD, UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), BDF(9, 0, 0), UNIT_UNKNOWN, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), NEW, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), ELSEWHERE, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(no_tables(), NIC, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(no_tables(), PLUGGED, UNIT_ON, UNIT_ON, UNIT_ON);
    expect_use(no_tables(), CARD_HDA, UNIT_ON, UNIT_ON, UNIT_ON);
    /* Claimed by nobody: the table is there, and says nothing of its unit. */
    expect_use(one_unit(0, "04.0", 0, NULL), GRAPHICS, UNIT_ON, UNIT_UNKNOWN, UNIT_UNKNOWN);
    expect_use(one_unit(0, "02.0", 0, NULL), NIC, UNIT_ON, UNIT_ON, UNIT_ON);
}

static void a_virtual_function_goes_with_its_physical_one(void **state)
{
    struct pci_function orphan[] = {
        {.sbdf = 0, .parent = ROOT, .physfn = ROOT, .id = HOST_BRIDGE, .class_code = 0x060000},
        VIRTUAL(VF, ROOT, CARD)};
    const struct pci_topology topology = TOPOLOGY(orphan);
    struct acpi_tables *tables = no_tables();
    struct acpi_answer answer;

    (void)state;
    expect_use(one_unit(0, "1c.0/00.0", 0, NULL), VF, UNIT_ON, UNIT_UNKNOWN, UNIT_OFF);
    acpi_tables_lookup(tables, &topology, VF, &answer);
    assert_int_equal(acpi_unit_use(&answer, &ordinary), UNIT_UNKNOWN);
    acpi_tables_free(tables);
}

static void amd_leaves_no_unit_off(void **state)
{
    static const uint32_t functions[] = {GRAPHICS, SOUND, OLD, NIC, BDF(9, 0, 0)};
    struct acpi_tables *tables;
    struct builder builder;
    size_t i;

    (void)state;
    rows[0].id = 0;
    builder_start(&builder, "IVRS");
    ivrs_ivhd(&builder, 0x10, BDF(0, 0, 2), UNIT_A);
    ivrs_entry4(&builder, 2, NIC);
    for (i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        tables = parse_ivrs(builder.bytes, builder.size, NULL);
        assert_int_equal(coverage(tables, NIC, &nothing), COVERAGE_YES);
        expect_use(tables, functions[i], UNIT_ON, UNIT_ON, UNIT_ON);
    }
}

static void expect_coverage(struct acpi_tables *tables, uint32_t sbdf, enum coverage given)
{
    assert_int_equal(coverage(tables, sbdf, &ordinary), COVERAGE_YES);
    assert_int_equal(coverage(tables, sbdf, &no_igfx), COVERAGE_YES);
    assert_int_equal(coverage(tables, sbdf, &workaround_unknown), given);
    assert_int_equal(coverage(tables, sbdf, &workaround), given);
    assert_int_equal(use(tables, sbdf, &ordinary), UNIT_ON);
    assert_int_equal(use(tables, sbdf, &workaround_unknown),
                     given == COVERAGE_YES ? UNIT_ON : UNIT_UNKNOWN);
    assert_int_equal(use(tables, sbdf, &workaround),
                     given == COVERAGE_YES ? UNIT_ON : UNIT_UNKNOWN);
    acpi_tables_free(tables);
}

/* Of a Xen that ignores units none of whose devices it finds at boot. */
static void an_ignored_unit_covers_nothing(void **state)
{
    (void)state;
    expect_coverage(one_unit(0, "06.0", 0, NULL), NEW, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "1c.0/00.2", 0, NULL), PLUGGED, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "1c.0/00.0", 0, NULL), VF, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "06.0", IOAPIC, "1c.0"), NEW, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "06.0", ENDPOINT, "0a.0"), NEW, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "06.0", ENDPOINT, "07.1"), NEW, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "06.0", ENDPOINT, "04.0/00.0"), NEW, COVERAGE_UNKNOWN);
    expect_coverage(one_unit(0, "06.0", ENDPOINT, "0a.0/03.0"), NEW, COVERAGE_UNKNOWN);
    /* In its place the unit for the rest would seem to be the one. */
    expect_coverage(with_rest(0, ENDPOINT, "06.0"), NEW, COVERAGE_UNKNOWN);
    expect_coverage(with_rest(1, ENDPOINT, "04.0"), ELSEWHERE, COVERAGE_UNKNOWN);
}

static void a_unit_with_a_device_that_was_there_is_used(void **state)
{
    (void)state;
    expect_coverage(one_unit(0, "04.0", 0, NULL), NIC, COVERAGE_YES);
    expect_coverage(one_unit(0, "06.0", ENDPOINT, "04.0"), NEW, COVERAGE_YES);
    expect_coverage(one_unit(0, "06.0", SUBTREE, "1c.0"), PLUGGED, COVERAGE_YES);
    expect_coverage(one_unit(ALL, "06.0", 0, NULL), NEW, COVERAGE_YES);
    expect_coverage(with_rest(0, ENDPOINT, "06.0"), NIC, COVERAGE_YES);
    expect_coverage(with_rest(0, SUBTREE, "1c.0"), PLUGGED, COVERAGE_YES);
}

static void without_tables_the_unit_of_what_was_there_is_used(void **state)
{
    struct acpi_tables *tables = no_tables();

    (void)state;
    assert_int_equal(use(tables, NIC, &workaround), UNIT_ON);
    assert_int_equal(use(tables, NEW, &workaround), UNIT_UNKNOWN);
    assert_int_equal(use(tables, NEW, &workaround_unknown), UNIT_UNKNOWN);
    assert_int_equal(use(tables, PLUGGED, &workaround), UNIT_UNKNOWN);
    assert_int_equal(use(tables, BDF(9, 0, 0), &workaround), UNIT_UNKNOWN);
    acpi_tables_free(tables);
}

static void what_no_unit_claims_is_not_covered_by_an_ignored_one(void **state)
{
    struct acpi_tables *tables = one_unit(0, "06.0", 0, NULL);

    (void)state;
    assert_int_equal(coverage(tables, NIC, &workaround), COVERAGE_NO);
    acpi_tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_answer_of_zeros_is_not_known, set_up),
        cmocka_unit_test_setup(a_unit_for_graphics_alone_is_off_under_no_igfx, set_up),
        cmocka_unit_test_setup(a_unit_for_more_than_graphics_stays_on, set_up),
        cmocka_unit_test_setup(what_may_not_have_been_there_at_boot_leaves_its_unit_in_doubt,
                               set_up),
        cmocka_unit_test_setup(ironlake_may_leave_graphics_out, set_up),
        cmocka_unit_test_setup(a_host_without_a_host_bridge_may_be_ironlake, set_up),
        cmocka_unit_test_setup(a_unit_for_the_sound_device_alone_may_be_off, set_up),
        cmocka_unit_test_setup(what_a_function_is_tells_where_tables_do_not, set_up),
        cmocka_unit_test_setup(a_virtual_function_goes_with_its_physical_one, set_up),
        cmocka_unit_test_setup(amd_leaves_no_unit_off, set_up),
        cmocka_unit_test_setup(an_ignored_unit_covers_nothing, set_up),
        cmocka_unit_test_setup(a_unit_with_a_device_that_was_there_is_used, set_up),
        cmocka_unit_test_setup(without_tables_the_unit_of_what_was_there_is_used, set_up),
        cmocka_unit_test_setup(what_no_unit_claims_is_not_covered_by_an_ignored_one, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
