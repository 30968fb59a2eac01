/* SPDX-License-Identifier: MIT */
/* What is read out of configuration space, made and hostile, and which functions are known to reach
 * their peers without the IOMMU. */
#include <string.h>

#include "topology.h"
#include "unit.h"

#define ISOLATING                                                                                  \
    (PCI_ACS_SOURCE_VALIDATION | PCI_ACS_REQUEST_REDIRECT | PCI_ACS_COMPLETION_REDIRECT |          \
     PCI_ACS_UPSTREAM_FORWARDING)
#define EXPRESS 0x40
#define ACS     0x100
#define ATS     0x110

struct space {
    uint32_t registers[1024];
    unsigned int size;  /* bytes that can be read */
    unsigned int reads; /* how often */
};

static bool read_register(void *arg, unsigned int offset, uint32_t *value)
{
    struct space *space = arg;

    assert_int_equal(offset % 4, 0);
    assert_true(offset < 4096);
    space->reads++;
    if (offset + 4 > space->size)
        return false;
    *value = space->registers[offset / 4];
    return true;
}

static void put(struct space *space, unsigned int offset, uint32_t value)
{
    space->registers[offset / 4] = value;
}

/* type: of the capability; -1 for a function without it. */
static struct space make(int type, bool bridge)
{
    struct space space = {.size = type < 0 ? 256 : 4096};

    put(&space, 0x00, 0x10d38086);
    put(&space, 0x04, type < 0 ? 0 : 0x00100000);
    put(&space, 0x0c, bridge ? 0x00010000 : 0);
    put(&space, 0x34, type < 0 ? 0 : EXPRESS);
    if (type >= 0)
        put(&space, EXPRESS, (uint32_t)type << 20 | 0x0010);
    return space;
}

static void add_acs(struct space *space, unsigned int can, unsigned int on)
{
    put(space, ACS, (uint32_t)ATS << 20 | 0x1000d);
    put(space, ACS + 4, on << 16 | can);
    put(space, ATS, 0x10000);
}

static struct pci_caps parse(struct space *space)
{
    struct pci_caps caps;

    memset(&caps, 0x5a, sizeof(caps));
    space->reads = 0;
    pci_config_parse(read_register, space, &caps);
    assert_true(space->reads < 2100);
    return caps;
}

static void expect_port(int type, bool bridge, enum pci_port port)
{
    struct space space = make(type, bridge);

    assert_int_equal(parse(&space).port, port);
    assert_int_equal(parse(&space).whole, port != PCI_PORT_UNKNOWN);
}

static void ports(void **state)
{
    (void)state;
    expect_port(-1, false, PCI_PORT_CONVENTIONAL);
    expect_port(-1, true, PCI_PORT_CONVENTIONAL);
    expect_port(0, false, PCI_PORT_ENDPOINT);
    expect_port(1, false, PCI_PORT_ENDPOINT);
    expect_port(4, true, PCI_PORT_ROOT);
    expect_port(5, true, PCI_PORT_UPSTREAM);
    expect_port(6, true, PCI_PORT_DOWNSTREAM);
    expect_port(7, true, PCI_PORT_TO_CONVENTIONAL);
    expect_port(8, true, PCI_PORT_FROM_CONVENTIONAL);
    expect_port(9, false, PCI_PORT_INTEGRATED);
    expect_port(10, false, PCI_PORT_INTEGRATED);
    /* what there is none of, and what does not fit the header */
    expect_port(2, false, PCI_PORT_UNKNOWN);
    expect_port(15, true, PCI_PORT_UNKNOWN);
    expect_port(0, true, PCI_PORT_UNKNOWN);
    expect_port(4, false, PCI_PORT_UNKNOWN);
}

static void header(void **state)
{
    struct space space = make(0, false);

    (void)state;
    assert_false(parse(&space).multi_function);
    put(&space, 0x0c, 0x00800000);
    assert_true(parse(&space).multi_function);
    assert_int_equal(parse(&space).port, PCI_PORT_ENDPOINT);
    put(&space, 0x0c, 0x00020000); /* CardBus */
    assert_int_equal(parse(&space).port, PCI_PORT_CONVENTIONAL);
    put(&space, 0x0c, 0x00030000);
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
    put(&space, 0x0c, UINT32_MAX);
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
}

static void capabilities(void **state)
{
    struct space space = make(4, true);
    struct pci_caps caps;

    (void)state;
    caps = parse(&space);
    assert_false(caps.acs || caps.ats);
    add_acs(&space, 0x5f, 0x1d);
    caps = parse(&space);
    assert_true(caps.acs && caps.whole && !caps.ats);
    assert_int_equal(caps.acs_capability, 0x5f);
    assert_int_equal(caps.acs_control, 0x1d);
    put(&space, ATS, 0x1000f);
    assert_true(parse(&space).ats);
    /* behind other capabilities of the old kind */
    put(&space, 0x34, 0xfc);
    put(&space, 0xfc, 0x5005);
    put(&space, 0x50, 0x4001);
    assert_int_equal(parse(&space).port, PCI_PORT_ROOT);
    assert_true(parse(&space).ats);
}

/* Nothing that is not there is known not to be there. */
static void cut_short(void **state)
{
    struct space space = make(4, true);

    (void)state;
    add_acs(&space, 0x5f, 0x1d);
    put(&space, ATS, 0x1000f);
    for (space.size = 0; space.size <= 4096; space.size += 4) {
        struct pci_caps caps = parse(&space);

        assert_int_equal(caps.port, space.size < EXPRESS + 4 ? PCI_PORT_UNKNOWN : PCI_PORT_ROOT);
        assert_int_equal(caps.acs, space.size >= ACS + 8);
        assert_int_equal(caps.ats, space.size >= ATS + 4);
        assert_int_equal(caps.whole, space.size >= ATS + 4);
    }
}

static void loops(void **state)
{
    struct space space = make(-1, false);

    (void)state;
    put(&space, 0x04, 0x00100000);
    put(&space, 0x34, 0x40);
    put(&space, 0x40, 0x4005);
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
    put(&space, 0x40, 0x2005); /* into the header */
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
    put(&space, 0x40, UINT32_MAX);
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
    space = make(0, false);
    put(&space, ACS, (uint32_t)ACS << 20 | 0x10001);
    assert_false(parse(&space).whole);
    put(&space, ACS, 0x04010001); /* before the extended space */
    assert_false(parse(&space).whole);
    put(&space, ACS, 0xffc10001); /* the last register, with no room for more */
    put(&space, 0xffc, 0x1000d);
    assert_false(parse(&space).whole);
    put(&space, ACS, UINT32_MAX);
    assert_false(parse(&space).whole);
    memset(&space, 0xff, sizeof(space.registers));
    assert_int_equal(parse(&space).port, PCI_PORT_UNKNOWN);
}

/* ------------------------------------------------------------- what follows */

enum { RP, UP, DOWN, END, TWIN, COUNT };

static struct pci_function functions[COUNT];
static struct pci_topology topology = {functions, COUNT, false, false};

static struct pci_caps caps_of(enum pci_port port, bool acs)
{
    return (struct pci_caps){
        .port = port, .whole = true, .acs = acs, .acs_capability = 0x5f, .acs_control = ISOLATING};
}

/* A root port, a switch with one port down, and an endpoint; its twin is elsewhere. */
static int set_up(void **state)
{
    (void)state;
    memset(functions, 0, sizeof(functions));
    functions[RP] = (struct pci_function){.sbdf = 0x0008, .parent = PCI_NO_SBDF};
    functions[UP] = (struct pci_function){.sbdf = 0x0100, .parent = 0x0008};
    functions[DOWN] = (struct pci_function){.sbdf = 0x0200, .parent = 0x0100};
    functions[END] = (struct pci_function){.sbdf = 0x0300, .parent = 0x0200};
    functions[TWIN] = (struct pci_function){.sbdf = 0x0400, .parent = PCI_NO_SBDF};
    functions[RP].caps = caps_of(PCI_PORT_ROOT, true);
    functions[UP].caps = caps_of(PCI_PORT_UPSTREAM, false);
    functions[DOWN].caps = caps_of(PCI_PORT_DOWNSTREAM, true);
    functions[END].caps = functions[TWIN].caps = caps_of(PCI_PORT_ENDPOINT, false);
    for (int i = 0; i < COUNT; i++)
        functions[i].physfn = PCI_NO_SBDF;
    return 0;
}

static bool lacks(int which)
{
    return pci_lacks_acs(&topology, &functions[which]);
}

static void isolated(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++)
        assert_false(lacks(i));
}

static void each_bit_of_a_port(void **state)
{
    static const uint16_t bits[] = {PCI_ACS_SOURCE_VALIDATION, PCI_ACS_REQUEST_REDIRECT,
                                    PCI_ACS_COMPLETION_REDIRECT, PCI_ACS_UPSTREAM_FORWARDING};

    for (int i = 0; i < 4; i++) {
        (void)set_up(state);
        functions[RP].caps.acs_control &= (uint16_t)~bits[i];
        assert_true(lacks(END) && lacks(UP) && lacks(RP) && !lacks(TWIN));
        /* what a root port cannot do it need not */
        functions[RP].caps.acs_capability &= (uint16_t)~bits[i];
        assert_false(lacks(END));
        (void)set_up(state);
        functions[DOWN].caps.acs_control &= (uint16_t)~bits[i];
        functions[DOWN].caps.acs_capability &= (uint16_t)~bits[i];
        assert_true(lacks(END) && lacks(DOWN) && !lacks(UP));
    }
}

static void port_without(void **state)
{
    (void)state;
    functions[DOWN].caps.acs = false;
    assert_true(lacks(END));
    functions[DOWN].caps.whole = false;
    assert_false(lacks(END));
    functions[DOWN].caps = (struct pci_caps){.port = PCI_PORT_UNKNOWN};
    assert_false(lacks(END));
}

static void conventional_bus(void **state)
{
    static const enum pci_port kinds[] = {PCI_PORT_CONVENTIONAL, PCI_PORT_TO_CONVENTIONAL,
                                          PCI_PORT_FROM_CONVENTIONAL};

    for (int i = 0; i < 3; i++) {
        (void)set_up(state);
        functions[UP].caps = caps_of(kinds[i], false);
        assert_true(lacks(END) && lacks(DOWN) && !lacks(UP));
    }
}

/* By its header, or because another one is there: in its slot, or anywhere on its link. */
static void several_functions(void **state)
{
    (void)state;
    functions[END].caps.multi_function = true;
    assert_true(lacks(END));
    functions[END].caps.acs = true;
    assert_false(lacks(END));
    functions[END].caps.acs_control = 0;
    assert_true(lacks(END));
    functions[END].caps.acs_capability = 0;
    assert_false(lacks(END));
    (void)set_up(state);
    functions[TWIN].sbdf = 0x03f9;
    functions[TWIN].parent = 0x0200;
    assert_true(lacks(END) && lacks(TWIN));
    functions[TWIN].physfn = 0x0300;
    assert_false(lacks(END) || lacks(TWIN));
    functions[TWIN].caps.multi_function = true;
    assert_false(lacks(TWIN));
}

static void on_the_root_bus(void **state)
{
    (void)state;
    functions[END].sbdf = 0x0010;
    functions[TWIN].sbdf = 0x0018;
    functions[END].parent = functions[TWIN].parent = PCI_NO_SBDF;
    topology.functions = &functions[END];
    topology.count = 2;
    functions[END].caps = functions[TWIN].caps = caps_of(PCI_PORT_CONVENTIONAL, false);
    assert_false(lacks(END) || lacks(TWIN));
    functions[TWIN].sbdf = 0x0011;
    assert_true(lacks(END) && lacks(TWIN));
    functions[TWIN].caps = (struct pci_caps){.port = PCI_PORT_UNKNOWN};
    assert_true(lacks(END) && !lacks(TWIN));
    topology.functions = functions;
    topology.count = COUNT;
}

static void circle(void **state)
{
    (void)state;
    functions[RP].parent = 0x0200;
    assert_false(lacks(END));
    functions[RP].parent = 0x0bad;
    assert_false(lacks(END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports),
        cmocka_unit_test(header),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(loops),
        cmocka_unit_test_setup(isolated, set_up),
        cmocka_unit_test_setup(each_bit_of_a_port, set_up),
        cmocka_unit_test_setup(port_without, set_up),
        cmocka_unit_test_setup(conventional_bus, set_up),
        cmocka_unit_test_setup(several_functions, set_up),
        cmocka_unit_test_setup(on_the_root_bus, set_up),
        cmocka_unit_test_setup(circle, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
