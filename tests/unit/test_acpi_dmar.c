/* SPDX-License-Identifier: MIT */
/* Who is covered by a DMAR's units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "acpi_builder.h"

enum { ENDPOINT = 1, SUBTREE = 2, IOAPIC = 3, HPET = 4, NAMESPACE = 5, ALL = 1 };

#define UNIT_A 0xfed90000
#define UNIT_B 0xfed91000
#define NAME_A "dmar0@fed90000"
#define NAME_B "dmar1@fed91000"

#define ROOT PCI_NO_SBDF

/* Root port 1c.0 holds a switch (01:00.0) with two ports, of which 02:01.0 leads to 04; root port
 * 1d.0 holds two physical functions, one with a virtual function, and an ARI function. */
static struct pci_function rows[] = {
    DEVICE(BDF(0, 2, 0), ROOT),
    BRIDGE(BDF(0, 0x1c, 0), ROOT, 1),
    BRIDGE(BDF(0, 0x1d, 0), ROOT, 5),
    DEVICE(BDF(0, 0x1f, 0), ROOT),
    BRIDGE(BDF(1, 0, 0), BDF(0, 0x1c, 0), 2),
    BRIDGE(BDF(2, 0, 0), BDF(1, 0, 0), 3),
    BRIDGE(BDF(2, 1, 0), BDF(1, 0, 0), 4),
    DEVICE(BDF(3, 0, 0), BDF(2, 0, 0)),
    DEVICE(BDF(4, 0, 0), BDF(2, 1, 0)),
    DEVICE(BDF(5, 0, 0), BDF(0, 0x1d, 0)),
    DEVICE(BDF(5, 0, 1), BDF(0, 0x1d, 0)),
    DEVICE(BDF(5, 1, 0), BDF(0, 0x1d, 0)),
    VIRTUAL(BDF(6, 0x10, 0), BDF(0, 0x1d, 0), BDF(5, 0, 1)),
    VIRTUAL(BDF(6, 0x10, 1), BDF(0, 0x1d, 0), BDF(5, 0, 7)),
    DEVICE(BDF(0xff, 0, 0), ROOT),
    DEVICE(BDF(0xff, 3, 0), ROOT),
    DEVICE(SBDF(1, 0, 2, 0), ROOT),
    DEVICE(SBDF(2, 0, 2, 0), ROOT),
};
static const struct pci_topology machine = TOPOLOGY(rows);

/* One unit of segment 0 with one scope. */
static struct acpi_tables *one_scope(unsigned int flags, unsigned int type, unsigned int bus,
                                     const char *path)
{
    struct builder builder;

    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, flags, 0, UNIT_A);
    dmar_scope(&builder, type, bus, path);
    return parse_dmar(builder.bytes, builder.size, NULL);
}

/* Units A and B of segment 0 with one scope each. */
static struct acpi_tables *two_units(unsigned int flags_a, unsigned int type_a, const char *path_a,
                                     unsigned int flags_b, unsigned int type_b, const char *path_b)
{
    struct builder builder;

    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, flags_a, 0, UNIT_A);
    dmar_scope(&builder, type_a, 0, path_a);
    dmar_drhd(&builder, flags_b, 0, UNIT_B);
    dmar_scope(&builder, type_b, 0, path_b);
    return parse_dmar(builder.bytes, builder.size, NULL);
}

static void an_endpoint_scope_covers_one_function(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 0, "02.0");

    (void)state;
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 0x1f, 0));
    expect_none(tables, &machine, BDF(4, 0, 0));
    expect_none(tables, &machine, SBDF(1, 0, 2, 0));
    acpi_tables_free(tables);
}

static void a_function_outside_the_topology_is_unknown(void **state)
{
    struct acpi_tables *tables = one_scope(ALL, ENDPOINT, 0, "03.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(0, 3, 0));
    expect_unknown(tables, &machine, SBDF(7, 0, 0, 0));
    expect_unknown(tables, &(struct pci_topology){0}, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void a_sub_hierarchy_covers_all_below(void **state)
{
    struct acpi_tables *tables = one_scope(0, SUBTREE, 0, "1c.0");

    (void)state;
    expect_yes(tables, &machine, BDF(0, 0x1c, 0), NAME_A);
    expect_yes(tables, &machine, BDF(1, 0, 0), NAME_A);
    expect_yes(tables, &machine, BDF(2, 1, 0), NAME_A);
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    expect_none(tables, &machine, BDF(5, 0, 0));
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void a_path_goes_through_secondary_buses(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 0, "1c.0/00.0/01.0/00.0");

    (void)state;
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    expect_none(tables, &machine, BDF(3, 0, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, SUBTREE, 1, "00.0/01.0");
    expect_yes(tables, &machine, BDF(2, 1, 0), NAME_A);
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    expect_none(tables, &machine, BDF(2, 0, 0));
    acpi_tables_free(tables);
}

/* 124 hops fill the length byte. The path enters bus 10 and then walks on the spot. */
static void the_longest_path_is_followed(void **state)
{
    struct pci_function loop[] = {BRIDGE(BDF(0, 0, 0), ROOT, 0x10),
                                  BRIDGE(BDF(0x10, 0, 0), BDF(0, 0, 0), 0x10),
                                  DEVICE(BDF(0x10, 0, 1), BDF(0, 0, 0))};
    const struct pci_topology topology = TOPOLOGY(loop);
    char path[124 * 5 + 1] = "";
    struct acpi_tables *tables;
    size_t i;

    (void)state;
    for (i = 0; i < 123; i++)
        memcpy(path + 5 * i, "00.0/", 5);
    memcpy(path + 5 * i, "00.1", 4);
    tables = one_scope(0, ENDPOINT, 0, path);
    expect_yes(tables, &topology, BDF(0x10, 0, 1), NAME_A);
    expect_none(tables, &topology, BDF(0x10, 0, 0));
    acpi_tables_free(tables);
}

/* As many levels as there are buses. */
static void the_deepest_function_is_covered(void **state)
{
    struct pci_function chain[256] = {DEVICE(BDF(255, 0, 0), BDF(254, 0, 0))};
    const struct pci_topology topology = TOPOLOGY(chain);
    struct acpi_tables *tables = one_scope(0, SUBTREE, 0, "00.0");
    unsigned int bus;

    (void)state;
    chain[255] = chain[0];
    for (bus = 0; bus < 255; bus++)
        chain[bus] = (struct pci_function)BRIDGE(BDF(bus, 0, 0), bus ? BDF(bus - 1, 0, 0) : ROOT,
                                                 (uint8_t)(bus + 1));
    expect_yes(tables, &topology, BDF(255, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

/* Only bit 0 of the flags is INCLUDE_PCI_ALL. */
static void other_flags_do_not_include_all(void **state)
{
    struct acpi_tables *tables = one_scope(0xfe, ENDPOINT, 0, "02.0");

    (void)state;
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_none(tables, &machine, BDF(0, 0x1f, 0));
    acpi_tables_free(tables);
}

/* Xen reads ff as the secondary bus of a bridge that is not there. */
static void a_missing_bridge_casts_doubt_on_bus_ff(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 0, "1b.0/03.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(0xff, 3, 0));
    expect_none(tables, &machine, BDF(0xff, 0, 0));
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, SUBTREE, 0, "1b.0");
    expect_unknown(tables, &machine, BDF(0xff, 3, 0));
    expect_unknown(tables, &machine, BDF(0xff, 0, 0));
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void devices_that_do_not_exist_disturb_nobody(void **state)
{
    struct acpi_tables *tables = two_units(0, SUBTREE, "1b.0", ALL, ENDPOINT, "1a.0");

    (void)state;
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_B);
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_B);
    expect_unknown(tables, &machine, BDF(0xff, 0, 0));
    acpi_tables_free(tables);
}

/* What Xen reads as bus numbers from a device that is no bridge is anybody's guess. */
static void a_scope_through_a_device_that_is_no_bridge_is_a_doubt(void **state)
{
    struct acpi_tables *tables = two_units(0, ENDPOINT, "1f.0/00.0", ALL, ENDPOINT, "02.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(0, 2, 0));
    expect_unknown(tables, &machine, BDF(4, 0, 0));
    expect_none(tables, &machine, SBDF(1, 0, 2, 0));
    acpi_tables_free(tables);

    tables = two_units(0, SUBTREE, "1f.0", ALL, ENDPOINT, "02.0");
    expect_unknown(tables, &machine, BDF(4, 0, 0));
    acpi_tables_free(tables);

    tables = one_scope(ALL, SUBTREE, 0, "1f.0");
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

static void a_bridge_without_a_bus_is_a_doubt(void **state)
{
    struct pci_function unset[] = {BRIDGE(BDF(0, 1, 0), ROOT, 0), DEVICE(BDF(0, 2, 0), ROOT)};
    const struct pci_topology topology = TOPOLOGY(unset);
    struct acpi_tables *tables = one_scope(0, SUBTREE, 0, "01.0");

    (void)state;
    expect_unknown(tables, &topology, BDF(0, 2, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, ENDPOINT, 0, "01.0/00.0");
    expect_unknown(tables, &topology, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void a_bridge_listed_as_an_endpoint_leaves_what_is_below_in_doubt(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 0, "1c.0");

    (void)state;
    expect_yes(tables, &machine, BDF(0, 0x1c, 0), NAME_A);
    expect_unknown(tables, &machine, BDF(1, 0, 0));
    expect_unknown(tables, &machine, BDF(4, 0, 0));
    expect_none(tables, &machine, BDF(5, 0, 0));
    acpi_tables_free(tables);

    tables = one_scope(ALL, ENDPOINT, 0, "1c.0");
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

static void include_all_takes_what_no_other_unit_claims(void **state)
{
    struct acpi_tables *tables = two_units(0, SUBTREE, "1c.0", ALL, IOAPIC, "1e.7");

    (void)state;
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_B);
    expect_yes(tables, &machine, BDF(5, 0, 0), NAME_B);
    expect_none(tables, &machine, SBDF(1, 0, 2, 0));
    acpi_tables_free(tables);
}

static void include_all_need_not_come_last(void **state)
{
    struct acpi_tables *tables = two_units(ALL, IOAPIC, "1e.7", 0, SUBTREE, "1c.0");

    (void)state;
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_B);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    acpi_tables_free(tables);
}

static void each_segment_has_its_own_units(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, ALL, 0, UNIT_A);
    dmar_drhd(&builder, 0, 1, UNIT_B);
    dmar_scope(&builder, ENDPOINT, 0, "02.0");
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_yes(tables, &machine, SBDF(1, 0, 2, 0), NAME_B);
    expect_none(tables, &machine, SBDF(2, 0, 2, 0));
    acpi_tables_free(tables);
}

static void two_include_all_units_outside_segment_0_are_a_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, ALL, 0, UNIT_A);
    dmar_drhd(&builder, ALL, 1, UNIT_A);
    dmar_drhd(&builder, ALL, 1, UNIT_B);
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_A);
    expect_unknown(tables, &machine, SBDF(1, 0, 2, 0));
    acpi_tables_free(tables);
}

static void two_units_that_claim_one_function_are_a_doubt(void **state)
{
    struct acpi_tables *tables = two_units(0, ENDPOINT, "02.0", 0, ENDPOINT, "02.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);

    tables = two_units(0, SUBTREE, "1c.0", 0, ENDPOINT, "1c.0/00.0/00.0/00.0");
    expect_unknown(tables, &machine, BDF(3, 0, 0));
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

static void a_scope_given_twice_in_one_unit_is_no_doubt(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;

    (void)state;
    builder_start(&builder, "DMAR");
    dmar_drhd(&builder, 0, 0, UNIT_A);
    dmar_scope(&builder, SUBTREE, 0, "1c.0");
    dmar_scope(&builder, ENDPOINT, 0, "1c.0/00.0");
    dmar_scope(&builder, SUBTREE, 0, "1c.0");
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_yes(tables, &machine, BDF(1, 0, 0), NAME_A);
    acpi_tables_free(tables);
}

/* Xen compares these addresses with functions; the specification does not mean functions. */
static void interrupt_sources_do_not_cover_functions(void **state)
{
    struct acpi_tables *tables = one_scope(0, IOAPIC, 0, "1f.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(0, 0x1f, 0));
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, HPET, 0, "1f.0");
    expect_unknown(tables, &machine, BDF(0, 0x1f, 0));
    acpi_tables_free(tables);

    tables = two_units(0, HPET, "1f.0", ALL, IOAPIC, "02.0");
    expect_unknown(tables, &machine, BDF(0, 0x1f, 0));
    expect_yes(tables, &machine, BDF(0, 2, 0), NAME_B);
    acpi_tables_free(tables);
}

static void other_scope_types_name_no_function(void **state)
{
    struct acpi_tables *tables = one_scope(0, NAMESPACE, 0, "02.0");

    (void)state;
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, 77, 0, "02.0");
    expect_none(tables, &machine, BDF(0, 2, 0));
    acpi_tables_free(tables);
}

static void a_virtual_function_goes_with_its_physical_one(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 0, "1d.0/00.1");

    (void)state;
    expect_yes(tables, &machine, BDF(6, 0x10, 0), NAME_A);
    expect_unknown(tables, &machine, BDF(6, 0x10, 1)); /* its physical function is not known */
    acpi_tables_free(tables);

    tables = one_scope(0, ENDPOINT, 6, "10.0");
    expect_none(tables, &machine, BDF(6, 0x10, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, SUBTREE, 0, "1d.0");
    expect_yes(tables, &machine, BDF(6, 0x10, 0), NAME_A);
    acpi_tables_free(tables);
}

/* 05:01.0 may be an ARI function, which Xen looks up as 05:00.0. */
static void what_may_be_an_ari_function_must_go_with_function_0(void **state)
{
    struct acpi_tables *tables = one_scope(0, ENDPOINT, 5, "00.0");

    (void)state;
    expect_unknown(tables, &machine, BDF(5, 1, 0));
    expect_none(tables, &machine, BDF(5, 0, 1));
    acpi_tables_free(tables);

    tables = one_scope(0, ENDPOINT, 5, "01.0");
    expect_unknown(tables, &machine, BDF(5, 1, 0));
    acpi_tables_free(tables);

    tables = one_scope(0, SUBTREE, 0, "1d.0");
    expect_yes(tables, &machine, BDF(5, 1, 0), NAME_A);
    acpi_tables_free(tables);
}

static void a_broken_chain_of_parents_is_a_doubt(void **state)
{
    struct pci_function broken[] = {
        BRIDGE(BDF(0, 1, 0), ROOT, 1), DEVICE(BDF(2, 0, 0), BDF(1, 0, 0)), /* parent missing */
        BRIDGE(BDF(3, 0, 0), BDF(4, 0, 0), 4), BRIDGE(BDF(4, 0, 0), BDF(3, 0, 0), 3), /* a circle */
    };
    const struct pci_topology topology = TOPOLOGY(broken);
    struct acpi_tables *tables = one_scope(0, SUBTREE, 0, "01.0");

    (void)state;
    expect_unknown(tables, &topology, BDF(2, 0, 0));
    expect_unknown(tables, &topology, BDF(3, 0, 0));
    expect_yes(tables, &topology, BDF(0, 1, 0), NAME_A);
    acpi_tables_free(tables);
}

static void other_structures_do_not_bear_on_coverage(void **state)
{
    struct builder builder;
    struct acpi_tables *tables;
    unsigned int type;

    (void)state;
    builder_start(&builder, "DMAR");
    for (type = 1; type < 9; type++)
        dmar_structure(&builder, type, 24);
    dmar_drhd(&builder, ALL, 0, UNIT_A);
    dmar_structure(&builder, 4711, 4);
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_yes(tables, &machine, BDF(4, 0, 0), NAME_A);
    acpi_tables_free(tables);

    builder_start(&builder, "DMAR");
    dmar_structure(&builder, 1, 24);
    tables = parse_dmar(builder.bytes, builder.size, NULL);
    expect_none(tables, &machine, BDF(4, 0, 0));
    acpi_tables_free(tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_scope_covers_one_function),
        cmocka_unit_test(a_function_outside_the_topology_is_unknown),
        cmocka_unit_test(a_sub_hierarchy_covers_all_below),
        cmocka_unit_test(a_path_goes_through_secondary_buses),
        cmocka_unit_test(the_longest_path_is_followed),
        cmocka_unit_test(the_deepest_function_is_covered),
        cmocka_unit_test(other_flags_do_not_include_all),
        cmocka_unit_test(a_missing_bridge_casts_doubt_on_bus_ff),
        cmocka_unit_test(devices_that_do_not_exist_disturb_nobody),
        cmocka_unit_test(a_scope_through_a_device_that_is_no_bridge_is_a_doubt),
        cmocka_unit_test(a_bridge_without_a_bus_is_a_doubt),
        cmocka_unit_test(a_bridge_listed_as_an_endpoint_leaves_what_is_below_in_doubt),
        cmocka_unit_test(include_all_takes_what_no_other_unit_claims),
        cmocka_unit_test(include_all_need_not_come_last),
        cmocka_unit_test(each_segment_has_its_own_units),
        cmocka_unit_test(two_include_all_units_outside_segment_0_are_a_doubt),
        cmocka_unit_test(two_units_that_claim_one_function_are_a_doubt),
        cmocka_unit_test(a_scope_given_twice_in_one_unit_is_no_doubt),
        cmocka_unit_test(interrupt_sources_do_not_cover_functions),
        cmocka_unit_test(other_scope_types_name_no_function),
        cmocka_unit_test(a_virtual_function_goes_with_its_physical_one),
        cmocka_unit_test(what_may_be_an_ari_function_must_go_with_function_0),
        cmocka_unit_test(a_broken_chain_of_parents_is_a_doubt),
        cmocka_unit_test(other_structures_do_not_bear_on_coverage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
