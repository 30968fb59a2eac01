/* SPDX-License-Identifier: MIT */
/* Groups, how their members are owned, and the views that domains get. */
#include "unit.h"

#include <string.h>

#include "inventory.h"
#include "mates.h"
#include "view.h"

/* 01:00.0 is a bridge, 02:01.0 and 02:02.0 are behind it, 03:00.0 is alone. */
enum { BRIDGE = 0x100, LEFT = 0x208, RIGHT = 0x210, ALONE = 0x300 };

static struct pci_function functions[] = {
    {.sbdf = 0, .class_code = 0x060000},
    {.sbdf = BRIDGE, .class_code = 0x060400, .is_bridge = true, .secondary_bus = 2},
    {.sbdf = LEFT, .parent = BRIDGE, .class_code = 0x020000},
    {.sbdf = RIGHT, .parent = BRIDGE, .class_code = 0x020000},
    {.sbdf = ALONE, .class_code = 0x020000},
};
static const struct pci_topology topology = {.functions = functions, .count = 5};
static const struct dt_entries no_nodes;
static const struct dt_records no_dt_records;
static struct inventory inventory;

static int set_up(void **state)
{
    (void)state;
    if (inventory_update(&inventory, 1, &topology, &no_nodes) ||
        groups_add(&inventory.groups, LEFT, BRIDGE) || groups_add(&inventory.groups, LEFT, RIGHT) ||
        mates_regroup(&inventory))
        return -1;
    for (size_t i = 0; i < inventory.count; i++) {
        evidence_listed(&inventory.devices[i].evidence, 1, true);
        evidence_answered(&inventory.devices[i].evidence, 1, 0, ORACLE_FREE, 0);
        inventory.devices[i].owner.kind = OWNER_DOM0;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    inventory_clear(&inventory);
    return 0;
}

/* Gives it to somebody, as Xen sees it too. */
static void own(uint32_t sbdf, enum owner_kind kind, uint32_t domid)
{
    struct device *device = inventory_find(&inventory, sbdf);

    assert_non_null(device);
    evidence_answered(&device->evidence, 1, 0, kind == OWNER_GUEST ? ORACLE_TAKEN : ORACLE_FREE, 0);
    device->owner.kind = kind;
    device->owner.domid = domid;
}

static enum group_mates mates(uint32_t sbdf)
{
    return mates_of(&inventory, inventory_find(&inventory, sbdf));
}

static void host_bridges_are_left_out(void **state)
{
    (void)state;
    assert_int_equal(inventory.count, 4);
    assert_null(inventory_find(&inventory, 0));
}

static void splits(void **state)
{
    (void)state;
    assert_int_equal(mates(LEFT), MATES_TOGETHER);
    own(LEFT, OWNER_GUEST, 1);
    assert_int_equal(mates(LEFT), MATES_APART);
    assert_int_equal(mates(RIGHT), MATES_APART);
    assert_int_equal(mates(ALONE), MATES_TOGETHER);
    own(RIGHT, OWNER_GUEST, 2);
    assert_int_equal(mates(LEFT), MATES_APART);
    own(RIGHT, OWNER_GUEST, 1);
    /* The bridge stays dom0's, and does not count. */
    assert_int_equal(mates(LEFT), MATES_TOGETHER);
    assert_int_equal(mates(RIGHT), MATES_TOGETHER);
    assert_int_equal(mates(BRIDGE), MATES_TOGETHER);
}

static void a_mate_without_owner(void **state)
{
    (void)state;
    own(LEFT, OWNER_NONE, 0);
    assert_int_equal(mates(LEFT), MATES_APART);
    assert_int_equal(mates(RIGHT), MATES_TOGETHER);
    own(RIGHT, OWNER_NONE, 0);
    assert_int_equal(mates(LEFT), MATES_TOGETHER);
    own(RIGHT, OWNER_UNKNOWN, 0);
    assert_int_equal(mates(LEFT), MATES_DOUBTFUL);
    evidence_listed(&inventory_find(&inventory, LEFT)->evidence, 1, false);
    assert_int_equal(mates(LEFT), MATES_UNKNOWN);
}

/* An attach that failed half-way: some guest has the mate, and no record says so. */
static void a_mate_that_xen_says_otherwise_of(void **state)
{
    (void)state;
    own(LEFT, OWNER_GUEST, 1);
    own(RIGHT, OWNER_NONE, 0);
    assert_int_equal(mates(LEFT), MATES_TOGETHER);
    evidence_answered(&inventory_find(&inventory, RIGHT)->evidence, 1, 0, ORACLE_TAKEN, 0);
    assert_int_equal(mates(LEFT), MATES_DOUBTFUL);
}

static void another_device_in_its_place(void **state)
{
    struct pci_function again[] = {functions[1], functions[2], functions[3], functions[4]};
    const struct pci_topology topology_again = {.functions = again, .count = 4};

    (void)state;
    own(LEFT, OWNER_GUEST, 1);
    again[1].incarnation++;
    assert_int_equal(inventory_update(&inventory, 2, &topology_again, &no_nodes), 0);
    assert_int_equal(inventory_find(&inventory, LEFT)->owner.kind, OWNER_UNKNOWN);
    assert_true(evidence_is_due(&inventory_find(&inventory, LEFT)->evidence));
    assert_true(inventory.shrunk);
    assert_int_equal(mates_regroup(&inventory), 0);
    assert_int_equal(mates(RIGHT), MATES_TOGETHER);
}

static void an_unplugged_mate_is_forgotten(void **state)
{
    struct pci_function fewer[] = {functions[1], functions[2], functions[4]};
    const struct pci_topology without = {.functions = fewer, .count = 3};

    (void)state;
    own(LEFT, OWNER_GUEST, 1);
    assert_int_equal(inventory_update(&inventory, 2, &without, &no_nodes), 0);
    assert_int_equal(mates_regroup(&inventory), 0);
    assert_int_equal(mates(LEFT), MATES_TOGETHER);
    assert_int_equal(inventory_find(&inventory, LEFT)->owner.kind, OWNER_GUEST);
    assert_null(inventory_find(&inventory, RIGHT));
}

static void views(void **state)
{
    struct domain domains[] = {{.domid = 0, .alive = true, .kind = GUEST_KIND_PV},
                               {.domid = 1, .alive = true, .kind = GUEST_KIND_PV}};
    struct domain_list list = {domains, 2};
    struct pci_claim claims[] = {
        {.sbdf = LEFT, .domid = 1, .serves = 1, .has_vdev = true, .vdev = 0x8},
        {.sbdf = RIGHT, .domid = 1, .serves = 1, .has_vdev = true, .vdev = 0x10},
        {.sbdf = ALONE, .domid = 1, .serves = 1, .has_vdev = true, .vdev = 0x10},
        {.sbdf = 0xffff, .domid = 1, .serves = 1, .has_vdev = true, .vdev = 0x18},
    };
    struct pci_record records[] = {
        {.sbdf = LEFT, .present = true, .has_domid = true, .domid = 1},
        {.sbdf = RIGHT, .present = true, .has_domid = true, .domid = 1},
        {.sbdf = ALONE, .present = true, .has_domid = true, .domid = 1},
        {.sbdf = 0xffff, .present = true, .has_domid = true, .domid = 1}};
    struct assignment assignment = {
        .claims = claims, .claim_count = 2, .records = records, .record_count = 4};
    struct view_source source = {.inventory = &inventory,
                                 .assignment = &assignment,
                                 .dt_records = &no_dt_records,
                                 .domains = &list,
                                 .iommu = IOMMU_ENABLED,
                                 .status = "ready"};
    struct tree tree = {NULL, 0, 0};

    (void)state;
    own(LEFT, OWNER_GUEST, 1);
    inventory_find(&inventory, LEFT)->verdict =
        (struct verdict){XENIOMMU_PROTECTED, false, "assigned-pv"};
    inventory_find(&inventory, RIGHT)->verdict =
        (struct verdict){XENIOMMU_RELAXED, false, "dom0-relaxed"};
    assert_int_equal(view_of_domain(&source, 1, &tree), 0);
    assert_string_equal(tree_get(&tree, "pci/0000-00-01-0/state"), "protected");
    assert_string_equal(tree_get(&tree, "pci/0000-00-01-0/group"), "8");
    /* A claim on what is not the guest's: no word of the other owner's verdict gets out. */
    assert_string_equal(tree_get(&tree, "pci/0000-00-02-0/state"), "unknown");
    assert_null(tree_get(&tree, "pci/0000-02-01-0/state"));
    tree_clear(&tree);
    /* A directory of an earlier domain of this number. */
    records[1].domid = 2;
    assert_int_equal(view_of_domain(&source, 1, &tree), 0);
    assert_null(tree_get(&tree, "pci/0000-00-02-0/state"));
    assert_non_null(tree_get(&tree, "pci/0000-00-01-0/state"));
    tree_clear(&tree);
    records[1].domid = 1;
    /* Two devices at one address, and one that does not exist. */
    assignment.claim_count = 4;
    own(RIGHT, OWNER_GUEST, 1);
    own(ALONE, OWNER_GUEST, 1);
    assert_int_equal(view_of_domain(&source, 1, &tree), 0);
    assert_string_equal(tree_get(&tree, "pci/0000-00-02-0/reason"), "records-conflict");
    assert_null(tree_get(&tree, "pci/0000-00-03-0/state"));
    tree_clear(&tree);
    assert_int_equal(view_of_domain(&source, 0, &tree), 0);
    assert_null(tree_get(&tree, "pci/0000-02-01-0/state"));
    assert_non_null(tree_get(&tree, "pci/0000-01-00-0/state"));
    tree_clear(&tree);
    assert_int_equal(view_of_host(&source, &tree), 0);
    assert_string_equal(tree_get(&tree, "pci/0000-02-01-0/owner"), "1");
    assert_string_equal(tree_get(&tree, "pci/0000-02-01-0/group"), "256");
    assert_null(tree_get(&tree, "pci/0000-03-00-0/group"));
    assert_string_equal(tree_get(&tree, "iommu"), "enabled");
    tree_clear(&tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(host_bridges_are_left_out),
        TEST(splits),
        TEST(a_mate_without_owner),
        TEST(a_mate_that_xen_says_otherwise_of),
        TEST(another_device_in_its_place),
        TEST(an_unplugged_mate_is_forgotten),
        TEST(views),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
