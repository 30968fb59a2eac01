/* SPDX-License-Identifier: MIT */
/* Configuration space as hostile bytes, of a function that ends where the input does, and what
 * follows from it for a topology of such functions. The files below ../unit/data/pci are seeds. */
#include <stdlib.h>
#include <string.h>

#include "topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More than one list of each kind can have entries, four registers each. */
#define READS_MAX (4 * 4096)

struct input {
    const uint8_t *data;
    size_t size;
    unsigned int reads;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool read_register(void *arg, unsigned int offset, uint32_t *value)
{
    struct input *input = arg;

    require(offset % 4 == 0 && offset < 4096);
    require(++input->reads < READS_MAX);
    if (offset + 4 > input->size)
        return false;
    memcpy(value, input->data + offset, 4);
    return true;
}

static struct pci_caps parse(const uint8_t *data, size_t size)
{
    struct input input = {data, size, 0};
    struct pci_caps caps;

    memset(&caps, 0x5a, sizeof(caps));
    pci_config_parse(read_register, &input, &caps);
    require(caps.port <= PCI_PORT_INTEGRATED);
    require(caps.port != PCI_PORT_UNKNOWN || (!caps.whole && !caps.acs && !caps.ats));
    require(caps.acs || (!caps.acs_capability && !caps.acs_control));
    return caps;
}

/* A chain of functions, one below the other, and one whose parents run in a circle. */
static void judge(const struct pci_caps *caps)
{
    struct pci_function functions[] = {
        {.sbdf = 0x0008, .parent = PCI_NO_SBDF, .physfn = PCI_NO_SBDF, .is_bridge = true},
        {.sbdf = 0x0100, .parent = 0x0008, .physfn = PCI_NO_SBDF, .is_bridge = true},
        {.sbdf = 0x0101, .parent = 0x0008, .physfn = 0x0100},
        {.sbdf = 0x0200, .parent = 0x0100, .physfn = PCI_NO_SBDF},
        {.sbdf = 0x0308, .parent = 0x0310, .physfn = PCI_NO_SBDF, .is_bridge = true},
        {.sbdf = 0x0310, .parent = 0x0308, .physfn = PCI_NO_SBDF, .is_bridge = true},
        {.sbdf = 0x0400, .parent = 0x0bad, .physfn = PCI_NO_SBDF},
    };
    const size_t count = sizeof(functions) / sizeof(functions[0]);
    const struct pci_topology topology = {.functions = functions, .count = count};

    /* All of them are such, or all but one, whose space cannot be read. */
    for (size_t without = 0; without <= count; without++) {
        for (size_t i = 0; i < count; i++)
            functions[i].caps = i == without ? (struct pci_caps){.acs = false} : *caps;
        for (size_t i = 0; i < count; i++)
            require(!pci_lacks_acs(&topology, &functions[i]) || caps->port != PCI_PORT_UNKNOWN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pci_caps caps = parse(data, size);

    judge(&caps);
    /* What is cut short tells no less of what it does tell. */
    if (size > 256) {
        struct pci_caps cut = parse(data, 256);

        require(cut.port == caps.port && cut.multi_function == caps.multi_function);
        require(!cut.acs && !cut.ats);
    }
    return 0;
}
