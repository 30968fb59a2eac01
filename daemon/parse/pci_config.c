/* SPDX-License-Identifier: MIT */
#include "parse/pci_config.h"

#define COMMAND_STATUS  0x04
#define STATUS_HAS_LIST 0x00100000u
#define HEADER          0x0c
#define LIST            0x34
#define LIST_START      0x40
#define EXTENDED_START  0x100

#define CAPABILITY_EXPRESS      0x10
#define EXTENDED_CAPABILITY_ACS 0x0d
#define EXTENDED_CAPABILITY_ATS 0x0f

/* As many as there is room for: a longer list runs in a circle. */
#define MOST_CAPABILITIES ((256 - LIST_START) / 4)
#define MOST_EXTENDED     ((4096 - EXTENDED_START) / 4)

/* What a function that does not answer reads as. */
#define NO_ANSWER UINT32_MAX

struct space {
    pci_config_read_fn *read;
    void *arg;
};

static bool read_at(const struct space *space, unsigned int offset, uint32_t *value)
{
    return space->read(space->arg, offset, value) && *value != NO_ANSWER;
}

/* The first four bytes of the PCI Express capability. 1, 0 when there is none, -1 when that cannot
 * be told. */
static int find_express(const struct space *space, uint32_t *express)
{
    uint32_t value;
    unsigned int next;

    if (!read_at(space, COMMAND_STATUS, &value))
        return -1;
    if (!(value & STATUS_HAS_LIST))
        return 0;
    if (!read_at(space, LIST, &value))
        return -1;
    next = value & 0xfc;
    for (int left = MOST_CAPABILITIES; next && left > 0; left--) {
        if (next < LIST_START || !read_at(space, next, express) || (*express & 0xff) == 0xff)
            return -1;
        if ((*express & 0xff) == CAPABILITY_EXPRESS)
            return 1;
        next = *express >> 8 & 0xfc;
    }
    return next ? -1 : 0;
}

/* A type that does not fit the header is not believed. */
static enum pci_port port_of(uint32_t express, bool is_bridge)
{
    static const enum pci_port ports[16] = {
        [0] = PCI_PORT_ENDPOINT,          [1] = PCI_PORT_ENDPOINT,   [4] = PCI_PORT_ROOT,
        [5] = PCI_PORT_UPSTREAM,          [6] = PCI_PORT_DOWNSTREAM, [7] = PCI_PORT_TO_CONVENTIONAL,
        [8] = PCI_PORT_FROM_CONVENTIONAL, [9] = PCI_PORT_INTEGRATED, [10] = PCI_PORT_INTEGRATED,
    };
    enum pci_port port = ports[express >> 20 & 0xf];
    bool of_bridge = port != PCI_PORT_ENDPOINT && port != PCI_PORT_INTEGRATED;

    return of_bridge == is_bridge ? port : PCI_PORT_UNKNOWN;
}

/* False when the rest is not to be believed. */
static bool take_extended(const struct space *space, unsigned int at, uint32_t header,
                          struct pci_caps *caps)
{
    uint32_t value;

    if ((header & 0xffff) == EXTENDED_CAPABILITY_ATS)
        caps->ats = true;
    if ((header & 0xffff) != EXTENDED_CAPABILITY_ACS || caps->acs)
        return true;
    if (at + 4 >= 4096 || !read_at(space, at + 4, &value))
        return false;
    caps->acs = true;
    caps->acs_capability = (uint16_t)value;
    caps->acs_control = (uint16_t)(value >> 16);
    return true;
}

/* The extended space may be out of reach although the function has one. */
static void read_extended(const struct space *space, struct pci_caps *caps)
{
    unsigned int at = EXTENDED_START;

    for (int left = MOST_EXTENDED; left > 0; left--) {
        uint32_t header;

        if (!read_at(space, at, &header) || !take_extended(space, at, header, caps))
            return;
        at = header >> 20 & 0xffc;
        if (!at) {
            caps->whole = true;
            return;
        }
        if (at < EXTENDED_START)
            return;
    }
}

void pci_config_parse(pci_config_read_fn *read, void *arg, struct pci_caps *caps)
{
    struct space space = {read, arg};
    uint32_t header, express = 0;
    int found;

    *caps = (struct pci_caps){0};
    if (!read_at(&space, HEADER, &header))
        return;
    caps->multi_function = header & 0x00800000u;
    header = header >> 16 & 0x7f;
    if (header == 2) { /* CardBus, whose list is elsewhere; it has nothing of PCI Express */
        caps->port = PCI_PORT_CONVENTIONAL;
        caps->whole = true;
        return;
    }
    if (header > 1)
        return;
    found = find_express(&space, &express);
    if (found == 0) {
        caps->port = PCI_PORT_CONVENTIONAL;
        caps->whole = true;
    } else if (found > 0) {
        caps->port = port_of(express, header == 1);
        if (caps->port != PCI_PORT_UNKNOWN)
            read_extended(&space, caps);
    }
}
