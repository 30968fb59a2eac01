/* SPDX-License-Identifier: MIT */
/* Reading a whole tree: order, consistency whatever changes when, and what became of it since. */
#include "changes.h"
#include "fake_store.h"
#include "tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN             XENIOMMU_DIR
#define NIC             "pci/0000-00-04-0"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct xeniommu_device nic = {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x20};

static struct store store;
static struct tree tree;

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    store_init(&store);
    assert_int_equal(store_connect(&store), 0);
    tree_init(&tree, &store, OWN);
    fake_store_publish(OWN);
    fake_store_device(OWN, NIC, "protected", "skip", "assigned");
    fake_store_set(OWN "/" NIC "/group", "7");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    fake_store_reset();
    return 0;
}

static void downgrade(void)
{
    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_remove(OWN "/" NIC "/group");
    fake_store_bump(OWN);
}

static void fill_tree(void)
{
    fake_store_device(OWN, "dt/soc", "relaxed", "keep", "x");
    fake_store_device(OWN, "dt/soc/_73tate/uart@1_2c2", "protected", "keep", "x");
    fake_store_device(OWN, "dt/chosen/a", "unprotected", "keep", "x");
    fake_store_device(OWN, "pci/0001-00-00-0", "protected", "keep", "x");
    fake_store_device(OWN, "pci/0000-00-03-7", "relaxed", "keep", "x");
    /* None of these is a device. */
    fake_store_device(OWN, "pci/0000-00-04-9", "protected", "skip", "x");
    fake_store_device(OWN, "pci/0000-00-0A-0", "protected", "skip", "x");
    fake_store_device(OWN, "dt/_61", "protected", "skip", "x");
    fake_store_set(OWN "/dt/state", "protected");
    fake_store_set(OWN "/pci/0000-00-06-0/swiotlb", "skip");
    fake_store_set(OWN "/dt/soc/iommu", "protected");
}

static void a_tree_is_listed_in_order(void **state)
{
    static const struct xeniommu_device expected[] = {
        {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x1f},
        {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x20},
        {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x10000},
        {.bus = XENIOMMU_BUS_DT, .path = "/chosen/a"},
        {.bus = XENIOMMU_BUS_DT, .path = "/soc"},
        {.bus = XENIOMMU_BUS_DT, .path = "/soc/state/uart@1,2"},
    };
    struct tree_list list;
    size_t i;

    (void)state;
    fill_tree();
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(list.count, COUNT_OF(expected));
    for (i = 0; i < list.count; i++)
        assert_int_equal(tree_compare(&list.records[i].device, &expected[i]), 0);
    assert_int_equal(list.records[5].info.state, XENIOMMU_PROTECTED);
    tree_list_free(&list);
    assert_int_equal(list.count, 0);
}

/* In a guest each request is a round trip through xenstored: the head, each directory once, and of
 * a device its four fields, its limits where the state can have some, and one look at the
 * generation, and one more at the end. */
static void a_listing_asks_no_more_than_it_must(void **state)
{
    struct tree_list list;

    (void)state;
    fake_store_device(OWN, "dt/soc/uart@1", "relaxed", "keep", "x");
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(fake_store_requests(), 3 + 1 + 3 + 2 * 6 + 1);
    tree_list_free(&list);
    fake_store_device(OWN, "dt/soc/uart@1", "unprotected", "keep", "x");
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(fake_store_requests(), 2 * (3 + 1 + 3 + 1) + 2 * 6 + 6 + 5);
    tree_list_free(&list);
}

/* Nodes of a newer daemon change no answer, nor cost they a library's user a request, but for the
 * one that finds nothing below a node that is not known. */
static void what_is_not_known_is_ignored(void **state)
{
    struct tree_record record = {.details = NULL};
    struct tree_list list;

    (void)state;
    fake_store_device(OWN, "dt/soc", "relaxed", "keep", "x");
    fake_store_set(OWN "/" NIC "/limits", "no-acs ats");
    fake_store_set(OWN "/dt/soc/limits", "a-newer-one");
    fake_store_set(OWN "/dt/soc/limits/state", "protected");
    fake_store_set(OWN "/" NIC "/newer/state", "unknown");
    fake_store_set(OWN "/dt/soc/newer", "x");
    fake_store_set(OWN "/newer", "x");
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(fake_store_requests(), 3 + 1 + 2 + 2 * 6 + 1 + 1);
    assert_int_equal(list.count, 2);
    assert_true(list.records[0].info.skip_swiotlb);
    assert_int_equal(list.records[0].info.limits, XENIOMMU_LIMIT_NO_ACS | XENIOMMU_LIMIT_ATS);
    assert_int_equal(list.records[1].info.limits, XENIOMMU_LIMIT_UNKNOWN);
    assert_string_equal(list.records[1].device.path, "/soc");
    assert_null(list.records[0].details);
    tree_list_free(&list);
    assert_int_equal(tree_read(&tree, &nic, &record), 0);
    assert_true(record.info.skip_swiotlb);
    assert_string_equal(record.info.reason, "assigned");
}

/* A device tree may have a component of a field's name: it is another node than the field. */
static void a_device_called_limits_is_a_device(void **state)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT, .path = "/soc/limits"};
    struct tree_record record = {.details = NULL};
    struct tree_list list;

    (void)state;
    fake_store_device(OWN, "dt/soc", "relaxed", "keep", "x");
    fake_store_set(OWN "/dt/soc/limits", "ats");
    /* As a daemon from before it was a field published that device. */
    fake_store_device(OWN, "dt/soc/limits", "protected", "skip", "x");
    assert_int_equal(tree_refresh(&tree), 0);
    assert_int_equal(tree_read(&tree, &device, &record), -ENOENT);
    assert_int_equal(record.info.state, XENIOMMU_UNKNOWN);
    fake_store_device(OWN, "dt/soc/_6cimits", "protected", "keep", "x");
    assert_int_equal(tree_read(&tree, &device, &record), 0);
    assert_int_equal(record.info.state, XENIOMMU_PROTECTED);
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.records[2].device.path, "/soc/limits");
    assert_false(list.records[2].info.skip_swiotlb);
    tree_list_free(&list);
}

static void an_empty_tree_is_an_empty_list(void **state)
{
    struct tree_list list;

    (void)state;
    fake_store_remove(OWN "/pci");
    assert_int_equal(tree_load(&tree, &list), 0);
    assert_int_equal(list.count, 0);
    tree_list_free(&list);
}

/* The same at any moment of a listing: what the list says of the device is never the old word. */
static void a_downgrade_during_a_listing_is_seen_or_later(void **state)
{
    struct tree_list list;
    unsigned int when, requests;

    fill_tree();
    assert_int_equal(tree_load(&tree, &list), 0);
    tree_list_free(&list);
    requests = fake_store_requests();
    for (when = 1; when <= requests; when++) {
        setup(state);
        fill_tree();
        fake_store_plan(when, downgrade);
        assert_int_equal(tree_load(&tree, &list), 0);
        assert_int_equal(list.count, 6);
        /* Either the whole old record or the whole new one. */
        assert_int_equal(list.records[1].info.state == XENIOMMU_PROTECTED,
                         list.records[1].info.skip_swiotlb);
        assert_int_equal(list.records[1].info.state == XENIOMMU_PROTECTED,
                         list.records[1].info.group == 7);
        assert_string_equal(list.records[1].info.reason,
                            list.records[1].info.skip_swiotlb ? "assigned" : "leaving");
        tree_list_free(&list);
    }
}

static void every_failure_of_a_listing_leaves_nothing(void **state)
{
    struct tree_list list;
    unsigned int when, requests;

    fill_tree();
    assert_int_equal(tree_load(&tree, &list), 0);
    tree_list_free(&list);
    requests = fake_store_requests();
    for (when = 1; when <= requests; when++) {
        setup(state);
        fill_tree();
        fake_store_fail(when, -ENOTCONN);
        assert_int_equal(tree_load(&tree, &list), -ENOTCONN);
        assert_int_equal(list.count, 0);
        assert_null(list.records);
    }
}

static char told[256];

static int note_change(const struct tree_record *old, const struct tree_record *new, void *arg)
{
    const struct xeniommu_device *device = new != NULL ? &new->device : &old->device;
    size_t len = strlen(told);
    int *left = arg;

    snprintf(told + len, sizeof(told) - len, "%x%s=%s%s ", device->sbdf,
             device->path != NULL ? device->path : "",
             new != NULL ? xeniommu_state_name(new->info.state) : "gone",
             new != NULL &&new->info.skip_swiotlb ? "+skip" : "");
    return left != NULL && --*left == 0 ? 42 : 0;
}

static void changes_are_told_one_by_one(void **state)
{
    struct tree_list none = {0}, before, after;
    int left = 2;

    (void)state;
    fill_tree();
    assert_int_equal(tree_load(&tree, &before), 0);
    downgrade();
    fake_store_remove(OWN "/pci/0001-00-00-0");
    fake_store_remove(OWN "/dt/soc/_73tate");
    fake_store_set(OWN "/pci/0000-00-03-7/group", "1");
    fake_store_device(OWN, "dt/bus/new", "protected", "skip", "x");
    fake_store_device(OWN, "dt/chosen/a", "unprotected", "keep", "other-reason");
    assert_int_equal(tree_load(&tree, &after), 0);

    told[0] = '\0';
    assert_int_equal(changes_walk(&before, &after, note_change, NULL), 0);
    assert_string_equal(told, "1f=relaxed 20=unknown 10000=gone 0/bus/new=protected+skip "
                              "0/chosen/a=unprotected 0/soc/state/uart@1,2=gone ");
    told[0] = '\0';
    assert_int_equal(changes_walk(&after, &after, note_change, NULL), 0);
    assert_string_equal(told, "");
    tree_list_free(&before);
    tree.detailed = true;
    assert_int_equal(tree_load(&tree, &before), 0);
    fake_store_set(OWN "/" NIC "/limits", "ats");
    tree_list_free(&after);
    assert_int_equal(tree_load(&tree, &after), 0);
    assert_int_equal(changes_walk(&before, &after, note_change, NULL), 0);
    assert_string_equal(told, "20=unknown ");
    told[0] = '\0';
    assert_int_equal(changes_walk(&after, &none, note_change, &left), 42);
    assert_string_equal(told, "1f=gone 20=gone ");
    tree_list_free(&before);
    tree_list_free(&after);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_is_listed_in_order),
        TEST(a_listing_asks_no_more_than_it_must),
        TEST(what_is_not_known_is_ignored),
        TEST(a_device_called_limits_is_a_device),
        TEST(an_empty_tree_is_an_empty_list),
        TEST(a_downgrade_during_a_listing_is_seen_or_later),
        TEST(every_failure_of_a_listing_leaves_nothing),
        TEST(changes_are_told_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
