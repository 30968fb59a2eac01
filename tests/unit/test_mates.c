/* SPDX-License-Identifier: MIT */
/* Who is in a group with whom, and what the others' owners mean for a device. */
#include "unit.h"

#include <string.h>

#include "inventory.h"
#include "mates.h"

/* 01:00.0 is a bridge, the others are behind it or anywhere. HIDDEN is not among dom0's. */
enum { BRIDGE = 0x100, LEFT = 0x208, RIGHT = 0x210, THIRD = 0x218, ALONE = 0x300, HIDDEN = 0x400 };

static struct pci_function functions[] = {
    {.sbdf = BRIDGE, .class_code = 0x060400, .is_bridge = true, .secondary_bus = 2},
    {.sbdf = LEFT, .parent = BRIDGE, .class_code = 0x020000},
    {.sbdf = RIGHT, .parent = BRIDGE, .class_code = 0x020000},
    {.sbdf = THIRD, .parent = BRIDGE, .class_code = 0x020000},
    {.sbdf = ALONE, .class_code = 0x020000},
};
static const struct pci_topology topology = {.functions = functions, .count = 5};

/* Two nodes of one stream ID, one of another, one that the tree tells not all of, and one that came
 * with an overlay. */
static const struct dt_device dma = {.path = "/dma", .group = 1, .streams = DT_STREAMS_KNOWN},
                              eth = {.path = "/eth", .group = 1, .streams = DT_STREAMS_KNOWN},
                              gpu = {.path = "/gpu", .group = 2, .streams = DT_STREAMS_KNOWN},
                              odd = {.path = "/odd", .streams = DT_STREAMS_UNREAD};
static struct dt_entry entries[] = {
    {.path = "/dma", .node = &dma}, {.path = "/eth", .node = &eth}, {.path = "/gpu", .node = &gpu},
    {.path = "/odd", .node = &odd}, {.path = "/overlay"},
};
static const struct dt_entries nodes = {.entries = entries, .count = 5, .streams_told = true};

static struct inventory inventory;

static int set_up(void **state)
{
    (void)state;
    if (inventory_update(&inventory, 1, &topology, &nodes))
        return -1;
    for (size_t i = 0; i < inventory.count; i++) {
        inventory.devices[i].owner.kind = OWNER_DOM0;
        evidence_answered(&inventory.devices[i].evidence, 1, 0, ORACLE_FREE, 0);
        evidence_listed(&inventory.devices[i].evidence, 1, true);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    inventory_clear(&inventory);
    return 0;
}

static void pair(uint32_t x, uint32_t y)
{
    assert_int_equal(groups_add(&inventory.groups, x, y), 0);
}

static void regroup(void)
{
    assert_int_equal(mates_regroup(&inventory), 0);
}

static struct device *pci(uint32_t sbdf)
{
    struct device *device = inventory_find(&inventory, sbdf);

    assert_non_null(device);
    return device;
}

static struct device *dt(const char *path)
{
    struct device *device = inventory_find_dt(&inventory, path);

    assert_non_null(device);
    return device;
}

/* Gives it to somebody, as Xen sees it too. */
static void own(struct device *device, enum owner_kind kind, uint32_t domid)
{
    device->owner.kind = kind;
    device->owner.domid = domid;
    evidence_answered(&device->evidence, 1, 0, kind == OWNER_GUEST ? ORACLE_TAKEN : ORACLE_FREE, 0);
}

static enum group_mates mates(const struct device *device)
{
    return mates_of(&inventory, device);
}

/* ------------------------------------------------------------- pairs */

static void pairs_are_kept_once_whichever_way_they_are_told(void **state)
{
    struct groups groups = {NULL, 0, 0};

    (void)state;
    assert_int_equal(groups_add(&groups, 7, 3), 0);
    assert_int_equal(groups_add(&groups, 3, 7), 0);
    assert_int_equal(groups_add(&groups, 5, 5), 0);
    assert_int_equal(groups.count, 1);
    for (uint32_t i = 40; i > 20; i--)
        assert_int_equal(groups_add(&groups, 3, i), 0);
    assert_int_equal(groups.count, 21);
    assert_true(groups_pair(&groups, 7, 3));
    assert_true(groups_pair(&groups, 3, 21));
    assert_false(groups_pair(&groups, 7, 21));
    assert_false(groups_pair(&groups, 3, 41));
    groups_drop(&groups, 21);
    assert_false(groups_pair(&groups, 3, 21));
    assert_int_equal(groups.count, 20);
    groups_drop(&groups, 3);
    assert_int_equal(groups.count, 0);
    groups_clear(&groups);
}

/* In the order in which pairs are gone through, one round does not bring 1 to 2. */
static void the_lowest_goes_through_the_whole_group(void **state)
{
    static const uint32_t all[] = {1, 2, 3, 4};
    struct groups groups = {NULL, 0, 0};
    struct group_members members;

    (void)state;
    assert_int_equal(groups_add(&groups, 1, 4), 0);
    assert_int_equal(groups_add(&groups, 2, 3), 0);
    assert_int_equal(groups_add(&groups, 3, 4), 0);
    assert_int_equal(groups_add(&groups, 8, 9), 0);
    assert_int_equal(groups_find(&groups, &members), 0);
    assert_int_equal(members.count, 6);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(group_members_lowest(&members, all[i]), 1);
    assert_int_equal(group_members_lowest(&members, 9), 8);
    assert_int_equal(group_members_lowest(&members, 5), 5);
    assert_int_equal(group_members_lowest(&members, 10), 10);
    group_members_clear(&members);
    groups_clear(&groups);
}

/* ------------------------------------------------------------- PCI */

/* Each names the next only, and the last in address the first. */
static void a_group_is_split_wherever_its_chain_is(void **state)
{
    (void)state;
    pair(LEFT, ALONE);
    pair(RIGHT, THIRD);
    pair(THIRD, ALONE);
    regroup();
    assert_int_equal(pci(RIGHT)->group, LEFT);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    own(pci(RIGHT), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_APART);
    assert_int_equal(mates(pci(RIGHT)), MATES_APART);
}

static void a_mate_that_dom0_does_not_list(void **state)
{
    (void)state;
    pair(LEFT, HIDDEN);
    regroup();
    assert_true(pci(LEFT)->unlisted_mate);
    assert_false(pci(LEFT)->grouped);
    assert_int_equal(mates(pci(LEFT)), MATES_UNLISTED);
    assert_int_equal(mates(pci(RIGHT)), MATES_TOGETHER);
    /* Through one that is listed, too; and a split that is known is the worse. */
    pair(LEFT, RIGHT);
    regroup();
    assert_int_equal(mates(pci(RIGHT)), MATES_UNLISTED);
    own(pci(LEFT), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(RIGHT)), MATES_APART);
    groups_drop(&inventory.groups, HIDDEN);
    own(pci(LEFT), OWNER_DOM0, 0);
    regroup();
    assert_false(pci(LEFT)->unlisted_mate);
    assert_int_equal(mates(pci(RIGHT)), MATES_TOGETHER);
}

static void a_mate_that_xen_did_not_answer_about(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    regroup();
    evidence_answered(&pci(RIGHT)->evidence, 1, 0, ORACLE_NONE, -5);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    own(pci(RIGHT), OWNER_DOM0, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    /* An answer that is older than a change holds for a mate as little as for itself. */
    evidence_changed(&pci(RIGHT)->evidence, 2);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
}

static void a_mate_whose_answer_does_not_fit(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    regroup();
    own(pci(LEFT), OWNER_GUEST, 1);
    own(pci(RIGHT), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    evidence_answered(&pci(RIGHT)->evidence, 1, 0, ORACLE_FREE, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    own(pci(RIGHT), OWNER_UNKNOWN, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
}

static void a_group_that_xen_did_not_list(void **state)
{
    (void)state;
    evidence_listed(&pci(ALONE)->evidence, 1, false);
    assert_int_equal(mates(pci(ALONE)), MATES_UNKNOWN);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
}

static void a_bridge_takes_nothing_from_what_is_below_it(void **state)
{
    (void)state;
    pair(LEFT, BRIDGE);
    regroup();
    own(pci(LEFT), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    assert_int_equal(mates(pci(BRIDGE)), MATES_TOGETHER);
}

static void two_guests_are_not_one(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    regroup();
    own(pci(LEFT), OWNER_GUEST, 1);
    own(pci(RIGHT), OWNER_GUEST, 2);
    assert_int_equal(mates(pci(LEFT)), MATES_APART);
    own(pci(RIGHT), OWNER_NONE, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    assert_int_equal(mates(pci(RIGHT)), MATES_APART);
}

/* What is known to be split is split, whatever else is not known. */
static void one_mate_apart_and_one_in_doubt(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    pair(LEFT, THIRD);
    regroup();
    own(pci(RIGHT), OWNER_GUEST, 1);
    own(pci(THIRD), OWNER_UNKNOWN, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_APART);
}

static void a_mate_that_went_is_forgotten_and_asked_for(void **state)
{
    const struct pci_topology fewer = {.functions = functions, .count = 2};

    (void)state;
    pair(LEFT, RIGHT);
    pair(BRIDGE, THIRD);
    regroup();
    assert_int_equal(inventory_update(&inventory, 2, &fewer, &nodes), 0);
    assert_int_equal(inventory.groups.count, 0);
    assert_true(inventory.shrunk);
    /* Xen may list them all the same. */
    assert_true(evidence_list_is_due(&pci(LEFT)->evidence));
    assert_true(evidence_is_due(&pci(LEFT)->evidence));
    assert_true(evidence_list_is_due(&pci(BRIDGE)->evidence));
}

/* ------------------------------------------------------------- device tree */

static void nodes_of_one_stream_id_are_a_group(void **state)
{
    (void)state;
    regroup();
    assert_true(dt("/dma")->grouped);
    assert_true(dt("/eth")->grouped);
    assert_false(dt("/gpu")->grouped);
    assert_false(dt("/odd")->grouped);
    assert_int_equal(mates(dt("/dma")), MATES_TOGETHER);
    own(dt("/eth"), OWNER_GUEST, 1);
    assert_int_equal(mates(dt("/dma")), MATES_APART);
    assert_int_equal(mates(dt("/eth")), MATES_APART);
    assert_int_equal(mates(dt("/gpu")), MATES_TOGETHER);
}

/* Numbers of groups are of two kinds: those of PCI are addresses. */
static void a_function_is_in_no_group_with_a_node(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    regroup();
    pci(LEFT)->group = pci(RIGHT)->group = dt("/dma")->group;
    own(dt("/dma"), OWNER_GUEST, 1);
    own(dt("/eth"), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    assert_int_equal(mates(dt("/dma")), MATES_TOGETHER);
}

static void streams_that_are_not_known(void **state)
{
    (void)state;
    regroup();
    assert_int_equal(mates(dt("/odd")), MATES_UNKNOWN);
    assert_int_equal(mates(dt("/overlay")), MATES_UNKNOWN);
    /* Where the tree tells none at all, as dom0's own, nothing is held against anyone. */
    inventory.streams_told = false;
    assert_int_equal(mates(dt("/overlay")), MATES_TOGETHER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* libxl's record says nobody's, and Xen has it for dom0 still. */
static void a_mate_whose_quarantine_is_due(void **state)
{
    (void)state;
    pair(LEFT, RIGHT);
    regroup();
    own(pci(LEFT), OWNER_GUEST, 1);
    own(pci(RIGHT), OWNER_NONE, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    groups_note_owner(&inventory.groups, LEFT, RIGHT, 0);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    assert_false(mates_agree(&inventory, pci(RIGHT)));
    assert_true(mates_agree(&inventory, pci(LEFT)));
    /* Its own list does not tell of itself. */
    groups_forget_owners(&inventory.groups, RIGHT);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    groups_forget_owners(&inventory.groups, LEFT);
    groups_note_rest(&inventory.groups, LEFT);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
    /* Another guest's, as the list says; a list of nobody is no list of its guest. */
    own(pci(RIGHT), OWNER_GUEST, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    groups_note_owner(&inventory.groups, LEFT, RIGHT, 2);
    assert_int_equal(mates(pci(LEFT)), MATES_DOUBTFUL);
    groups_note_owner(&inventory.groups, LEFT, RIGHT, 1);
    assert_int_equal(mates(pci(LEFT)), MATES_TOGETHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pairs_are_kept_once_whichever_way_they_are_told),
        TEST(the_lowest_goes_through_the_whole_group),
        TEST(a_group_is_split_wherever_its_chain_is),
        TEST(a_mate_that_dom0_does_not_list),
        TEST(a_mate_that_xen_did_not_answer_about),
        TEST(a_mate_whose_answer_does_not_fit),
        TEST(a_group_that_xen_did_not_list),
        TEST(a_bridge_takes_nothing_from_what_is_below_it),
        TEST(two_guests_are_not_one),
        TEST(a_mate_whose_quarantine_is_due),
        TEST(one_mate_apart_and_one_in_doubt),
        TEST(a_mate_that_went_is_forgotten_and_asked_for),
        TEST(nodes_of_one_stream_id_are_a_group),
        TEST(a_function_is_in_no_group_with_a_node),
        TEST(streams_that_are_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
