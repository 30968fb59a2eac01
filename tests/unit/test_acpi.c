/* SPDX-License-Identifier: MIT */
/* Tables of real machines; broken tables; failing allocations. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi_builder.h"

enum { MAX_FUNCTIONS = 64, MAX_FILE = 4096 };

#define ROOT PCI_NO_SBDF

/* A folder of tests/unit/data/acpi. */
struct machine {
    struct pci_function functions[MAX_FUNCTIONS];
    bool covered[MAX_FUNCTIONS];
    struct pci_topology topology;
};

static const struct {
    const char *folder, *table, *unit;
} machines[] = {
    {"vtd", "DMAR", "dmar0@fed90000"},
    {"vtd-bypass", "DMAR", "dmar0@fed90000"},
    {"xen-vtd-bypass", "RMAD", "dmar0@fed90000"},
    {"amdvi", "IVRS", "ivhd0@fed80000"},
    {"amdvi-bypass", "IVRS", "ivhd0@fed80000"},
};

#define MACHINES (sizeof(machines) / sizeof(*machines))

/* The call that is to fail, counted down; 0 for none. */
static unsigned int failing_call;

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool fails_now(void)
{
    return failing_call && --failing_call == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

static uint32_t read_sbdf(const char *text)
{
    unsigned int segment, bus, device, function;

    if (strcmp(text, "-") == 0)
        return ROOT;
    assert_int_equal(sscanf(text, "%x:%x:%x.%x", &segment, &bus, &device, &function), 4);
    return SBDF(segment, bus, device, function);
}

static void read_row(struct machine *machine, const char *line)
{
    struct pci_function *function = &machine->functions[machine->topology.count];
    char address[16], parent[16], covered[4];
    unsigned int class_code, secondary;

    assert_in_range(machine->topology.count, 0, MAX_FUNCTIONS - 1);
    assert_int_equal(
        sscanf(line, "%15s %15s %x %x %3s", address, parent, &class_code, &secondary, covered), 5);
    *function = (struct pci_function){.sbdf = read_sbdf(address),
                                      .parent = read_sbdf(parent),
                                      .physfn = PCI_NO_SBDF,
                                      .class_code = class_code,
                                      .is_bridge = class_code >> 8 == 0x0604,
                                      .secondary_bus = (uint8_t)secondary};
    machine->covered[machine->topology.count++] = strcmp(covered, "yes") == 0;
}

static void read_machine(struct machine *machine, const char *folder)
{
    char path[256], line[128];
    FILE *file;

    *machine = (struct machine){.topology = {.functions = machine->functions}};
    snprintf(path, sizeof(path), "%s/%s/functions", XI_TEST_ACPI_DATA, folder);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (line[0] != '#')
            read_row(machine, line);
    fclose(file);
    assert_int_not_equal(machine->topology.count, 0);
}

static size_t read_table(size_t i, uint8_t *bytes)
{
    char path[256];
    FILE *file;
    size_t size;

    snprintf(path, sizeof(path), "%s/%s/%s", XI_TEST_ACPI_DATA, machines[i].folder,
             machines[i].table);
    file = fopen(path, "rb");
    assert_non_null(file);
    size = fread(bytes, 1, MAX_FILE, file);
    fclose(file);
    assert_in_range(size, 100, MAX_FILE - 1);
    return size;
}

static struct acpi_tables *parse_table(size_t i, const uint8_t *bytes, size_t size,
                                       const char *cause)
{
    return strcmp(machines[i].table, "IVRS") == 0 ? parse_ivrs(bytes, size, cause)
                                                  : parse_dmar(bytes, size, cause);
}

static void all_unknown(const struct acpi_tables *tables, const struct machine *machine)
{
    size_t i;

    for (i = 0; i < machine->topology.count; i++)
        expect_unknown(tables, &machine->topology, machine->functions[i].sbdf);
}

static void real_machines_are_read_as_their_kernel_reads_them(void **state)
{
    struct acpi_tables *tables;
    struct machine machine;
    uint8_t bytes[MAX_FILE];
    size_t i, j, size;

    (void)state;
    for (i = 0; i < MACHINES; i++) {
        read_machine(&machine, machines[i].folder);
        size = read_table(i, bytes);
        tables = parse_table(i, bytes, size, NULL);
        assert_int_equal(acpi_tables_kind(tables), TABLES_READ);
        for (j = 0; j < machine.topology.count; j++)
            if (machine.covered[j])
                expect_yes(tables, &machine.topology, machine.functions[j].sbdf, machines[i].unit);
            else
                expect_none(tables, &machine.topology, machine.functions[j].sbdf);
        acpi_tables_free(tables);
    }
}

/* The file cut short, and the same with a header that is right for what is left. */
static void a_truncated_table_covers_nothing(void **state)
{
    struct builder cut = {0};
    struct acpi_tables *tables;
    struct machine machine;
    size_t i, j, size;

    (void)state;
    for (i = 0; i < MACHINES; i++) {
        uint8_t bytes[MAX_FILE];

        size = read_table(i, bytes);
        read_machine(&machine, machines[i].folder);
        for (cut.size = 0; cut.size < size; cut.size++) {
            tables = parse_table(i, bytes, cut.size, cut.size < 36 ? "too few" : "header says");
            all_unknown(tables, &machine);
            acpi_tables_free(tables);
            if (cut.size < 36)
                continue;
            memcpy(cut.bytes, bytes, cut.size);
            builder_seal(&cut);
            tables = parse_table(i, cut.bytes, cut.size,
                                 cut.size == 48 && bytes[0] != 'I' ? NULL : ": offset 0x");
            for (j = 0; j < machine.topology.count; j++) {
                struct acpi_answer answer;

                acpi_tables_lookup(tables, &machine.topology, machine.functions[j].sbdf, &answer);
                assert_int_not_equal(answer.coverage, COVERAGE_YES);
            }
            acpi_tables_free(tables);
        }
    }
}

static void each_changed_byte_is_noticed(void **state)
{
    struct acpi_tables *tables;
    struct machine machine;
    size_t i, j, size;

    (void)state;
    for (i = 0; i < MACHINES; i++) {
        uint8_t bytes[MAX_FILE];

        size = read_table(i, bytes);
        read_machine(&machine, machines[i].folder);
        for (j = 0; j < size; j++) {
            const uint8_t right = bytes[j];

            while (++bytes[j] != right) {
                tables = parse_table(i, bytes, size, "");
                all_unknown(tables, &machine);
                acpi_tables_free(tables);
            }
        }
        tables = parse_table(i, bytes, size, NULL);
        acpi_tables_free(tables);
    }
}

static void a_table_with_bytes_to_spare_is_refused(void **state)
{
    uint8_t bytes[MAX_FILE] = {0};
    struct acpi_tables *tables;
    size_t i, size;

    (void)state;
    for (i = 0; i < MACHINES; i++) {
        memset(bytes, 0, sizeof(bytes));
        size = read_table(i, bytes);
        tables = parse_table(i, bytes, size + 1, "header says");
        acpi_tables_free(tables);
    }
}

static void without_tables_all_is_unknown(void **state)
{
    struct acpi_tables *tables;
    struct machine machine;
    char error[64];

    (void)state;
    read_machine(&machine, "vtd");
    assert_int_equal(acpi_tables_parse(NULL, 0, NULL, 0, &tables, error, sizeof(error)), 0);
    assert_string_equal(error, "");
    all_unknown(tables, &machine);
    assert_int_equal(acpi_tables_kind(tables), TABLES_NONE);
    assert_int_equal(acpi_tables_kind(NULL), TABLES_UNKNOWN);
    acpi_tables_free(tables);
    acpi_tables_free(NULL);
}

static void dmar_beside_ivrs_is_refused(void **state)
{
    uint8_t dmar[MAX_FILE], ivrs[MAX_FILE];
    size_t dmar_size = read_table(0, dmar), ivrs_size = read_table(3, ivrs);
    struct acpi_tables *tables;
    struct machine machine;
    char error[64];

    (void)state;
    read_machine(&machine, "vtd");
    assert_int_equal(
        acpi_tables_parse(dmar, dmar_size, ivrs, ivrs_size, &tables, error, sizeof(error)), 0);
    assert_string_equal(error, "IVRS: offset 0x0: beside a DMAR");
    all_unknown(tables, &machine);
    assert_int_equal(acpi_tables_kind(tables), TABLES_UNUSABLE);
    acpi_tables_free(tables);
    /* A broken one does not make the other one good. */
    assert_int_equal(
        acpi_tables_parse(dmar, dmar_size, ivrs, ivrs_size - 1, &tables, error, sizeof(error)), 0);
    assert_non_null(strstr(error, "IVRS: "));
    all_unknown(tables, &machine);
    acpi_tables_free(tables);
}

static void an_error_is_cut_to_its_buffer(void **state)
{
    struct acpi_tables *tables;
    char error[8] = "1234567";

    (void)state;
    assert_int_equal(acpi_tables_parse("", 0, NULL, 0, &tables, error, sizeof(error)), 0);
    assert_string_equal(error, "DMAR: o");
    acpi_tables_free(tables);
    assert_int_equal(acpi_tables_parse("", 0, NULL, 0, &tables, NULL, 0), 0);
    acpi_tables_free(tables);
}

/* Each allocation fails in turn, until a run needs none that fails. */
static void failed_allocations_are_reported(void **state)
{
    struct acpi_tables *tables;
    uint8_t bytes[MAX_FILE];
    unsigned int nth;
    char error[64];
    size_t i;
    int rc;

    (void)state;
    for (i = 0; i < MACHINES; i++) {
        bool is_dmar = strcmp(machines[i].table, "IVRS") != 0;
        size_t size = read_table(i, bytes);

        for (nth = 1;; nth++) {
            tables = (struct acpi_tables *)&tables;
            failing_call = nth;
            rc = acpi_tables_parse(is_dmar ? bytes : NULL, size, is_dmar ? NULL : bytes, size,
                                   &tables, error, sizeof(error));
            if (failing_call)
                break;
            assert_int_equal(rc, -ENOMEM);
            assert_null(tables);
        }
        failing_call = 0;
        assert_int_equal(rc, 0);
        assert_in_range(nth, 5, 8);
        acpi_tables_free(tables);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_machines_are_read_as_their_kernel_reads_them),
        cmocka_unit_test(a_truncated_table_covers_nothing),
        cmocka_unit_test(each_changed_byte_is_noticed),
        cmocka_unit_test(a_table_with_bytes_to_spare_is_refused),
        cmocka_unit_test(without_tables_all_is_unknown),
        cmocka_unit_test(dmar_beside_ivrs_is_refused),
        cmocka_unit_test(an_error_is_cut_to_its_buffer),
        cmocka_unit_test(failed_allocations_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
