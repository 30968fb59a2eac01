/* SPDX-License-Identifier: MIT */
/* The ACPI tables as hostile bytes: as they come, and with a header that is right. The files below
 * ../unit/data/acpi are seeds. */
#include <stdlib.h>
#include <string.h>

#include "parse/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOT PCI_NO_SBDF

/* Bridges over three levels, a virtual function, a chain of parents that is broken. */
static struct pci_function functions[] = {
    {.sbdf = 0x0000, .parent = ROOT, .physfn = ROOT, .id = 0x591f8086, .class_code = 0x060000},
    {.sbdf = 0x0008, .parent = ROOT, .physfn = ROOT, .class_code = 0x080600},
    {.sbdf = 0x0010, .parent = ROOT, .physfn = ROOT, .class_code = 0x030000},
    {.sbdf = 0x0020, .parent = ROOT, .physfn = ROOT, .is_bridge = true, .secondary_bus = 1},
    {.sbdf = 0x0028, .parent = ROOT, .physfn = ROOT, .is_bridge = true, .secondary_bus = 2},
    {.sbdf = 0x00d8, .parent = ROOT, .physfn = ROOT, .class_code = 0x040300},
    {.sbdf = 0x0100, .parent = 0x0020, .physfn = ROOT},
    {.sbdf = 0x0109, .parent = 0x0020, .physfn = 0x0100},
    {.sbdf = 0x0200, .parent = 0x0028, .physfn = ROOT, .is_bridge = true, .secondary_bus = 3},
    {.sbdf = 0x0308, .parent = 0x0200, .physfn = ROOT},
    {.sbdf = 0x0400, .parent = 0x0bad, .physfn = ROOT},
    {.sbdf = 0xff00, .parent = ROOT, .physfn = 0x0bad},
    {.sbdf = 0xff08, .parent = ROOT, .physfn = ROOT, .id = 0x3a3e8086, .late = true},
    {.sbdf = 0x10000, .parent = ROOT, .physfn = ROOT},
};
static const struct pci_topology topology = {.functions = functions,
                                             .count = sizeof(functions) / sizeof(*functions)};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static const struct acpi_options certain = {ACPI_NO, ACPI_NO};

/* Whatever Xen's command line is, not knowing it never makes an answer better. */
static void combine(const struct acpi_answer *answer)
{
    enum acpi_word i, j;

    for (i = ACPI_UNKNOWN; i <= ACPI_YES; i++)
        for (j = ACPI_UNKNOWN; j <= ACPI_YES; j++) {
            const struct acpi_options options = {i, j};
            enum coverage coverage = acpi_coverage(answer, &options);
            enum unit_use use = acpi_unit_use(answer, &options);

            require(coverage == answer->coverage || (coverage == COVERAGE_UNKNOWN && j != ACPI_NO));
            require(use <= UNIT_ON);
            require(use != UNIT_OFF || (i == ACPI_YES && answer->graphics_only == ACPI_YES));
            require(use != UNIT_ON || acpi_unit_use(answer, &certain) == UNIT_ON);
        }
}

static void look_up_all(const struct acpi_tables *tables, bool usable)
{
    struct acpi_answer answer;
    size_t i;

    for (i = 0; i < topology.count; i++) {
        memset(&answer, 0x5a, sizeof(answer));
        acpi_tables_lookup(tables, &topology, functions[i].sbdf, &answer);
        require(answer.coverage <= COVERAGE_YES);
        require(usable || answer.coverage == COVERAGE_UNKNOWN);
        require(usable || (!answer.reserved_memory && !answer.no_intremap));
        require(memchr(answer.unit, '\0', sizeof(answer.unit)) != NULL);
        require((answer.coverage == COVERAGE_YES) == (answer.unit[0] != '\0'));
        require(answer.kept <= ACPI_YES && answer.graphics_only <= ACPI_YES);
        require(answer.sound_only <= ACPI_NO && answer.ironlake <= ACPI_NO);
        combine(&answer);
    }
}

static void parse(const uint8_t *bytes, size_t size, bool is_ivrs)
{
    struct acpi_tables *tables;
    char error[128];
    int rc = acpi_tables_parse(is_ivrs ? NULL : bytes, size, is_ivrs ? bytes : NULL, size, &tables,
                               error, sizeof(error));

    require(rc == 0 && tables);
    look_up_all(tables, error[0] == '\0');
    acpi_tables_free(tables);
}

/* What no mutation would find: the right signature, length and checksum. */
static void seal(uint8_t *bytes, size_t size, bool is_ivrs)
{
    size_t i;

    memcpy(bytes, is_ivrs ? "IVRS" : "DMAR", 4);
    for (i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(size >> 8 * i);
    bytes[9] = 0;
    for (i = 0; i < size; i++)
        if (i != 9)
            bytes[9] = (uint8_t)(bytes[9] - bytes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_ivrs = size && data[0] == 'I';
    uint8_t *copy;

    parse(data, size, is_ivrs);
    if (size < 36)
        return 0;
    copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    seal(copy, size, is_ivrs);
    parse(copy, size, is_ivrs);
    free(copy);
    return 0;
}
