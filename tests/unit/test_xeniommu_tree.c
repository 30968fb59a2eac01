/* SPDX-License-Identifier: MIT */
/* Reading a device: consistency whatever changes when, and nothing claimed without proof. */
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

static void assert_unknown(const struct xeniommu_info *info)
{
    assert_int_equal(info->state, XENIOMMU_UNKNOWN);
    assert_false(info->skip_swiotlb);
    assert_int_equal(info->group, -1);
    assert_string_equal(info->reason, "");
    assert_int_equal(info->limits, 0);
}

static struct device_details details;

/* One query, with an output that claims everything beforehand. */
static int query(const struct xeniommu_device *device, struct tree_record *record)
{
    int rc;

    memset(record, 0x5a, sizeof(*record));
    record->details = &details;
    memset(&details, 0x5a, sizeof(details));
    record->info.state = XENIOMMU_PROTECTED;
    record->info.skip_swiotlb = true;
    rc = tree_refresh(&tree);
    if (rc == 0)
        rc = tree_read(&tree, device, record);
    else
        tree_clear_info(&record->info);
    return rc;
}

static void a_record_is_read_in_full(void **state)
{
    struct tree_record record;

    (void)state;
    assert_int_equal(query(&nic, &record), 0);
    assert_int_equal(record.info.state, XENIOMMU_PROTECTED);
    assert_true(record.info.skip_swiotlb);
    assert_int_equal(record.info.group, 7);
    assert_string_equal(record.info.reason, "assigned");
    assert_string_equal(details.owner, "");
    assert_int_equal(record.device.sbdf, 0x20);
}

static void downgrade(void)
{
    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_remove(OWN "/" NIC "/group");
    fake_store_bump(OWN);
}

/* Whenever the downgrade is committed during a query, the answer is the downgraded one, whole. */
static void a_downgrade_at_any_moment_is_seen(void **state)
{
    struct tree_record record;
    unsigned int when, requests;

    assert_int_equal(query(&nic, &record), 0);
    requests = fake_store_requests();
    assert_in_range(requests, 6, 9);
    for (when = 1; when <= requests; when++) {
        setup(state);
        fake_store_plan(when, downgrade);
        assert_int_equal(query(&nic, &record), 0);
        assert_int_equal(record.info.state, XENIOMMU_UNKNOWN);
        assert_false(record.info.skip_swiotlb);
        assert_int_equal(record.info.group, -1);
        assert_string_equal(record.info.reason, "leaving");
    }
}

static void stop(void)
{
    fake_store_set(OWN "/status", "stopped");
    fake_store_bump(OWN);
}

static void restart_without_the_device(void)
{
    fake_store_remove(OWN "/" NIC);
    fake_store_set(OWN "/status", "ready");
    fake_store_bump(OWN);
}

/* A daemon that stops and comes back during a query: its old word does not count. */
static void a_restart_at_any_moment_is_seen(void **state)
{
    struct tree_record record;
    unsigned int stopping, starting;
    int rc;

    for (stopping = 1; stopping <= 9; stopping++) {
        for (starting = stopping; starting <= 9; starting++) {
            setup(state);
            fake_store_plan(stopping, stop);
            fake_store_plan(starting, restart_without_the_device);
            rc = query(&nic, &record);
            assert_true(rc == -ENOENT || rc == -EAGAIN);
            assert_unknown(&record.info);
        }
    }
}

static void a_stop_at_any_moment_is_seen(void **state)
{
    struct tree_record record;
    unsigned int when;

    for (when = 1; when <= 9; when++) {
        setup(state);
        fake_store_plan(when, stop);
        assert_int_equal(query(&nic, &record), -EAGAIN);
        assert_unknown(&record.info);
    }
}

static void bump(void)
{
    fake_store_bump(OWN);
}

static void endless_changes_end_in_eagain(void **state)
{
    struct tree_record record;

    (void)state;
    fake_store_plan_always(bump);
    assert_int_equal(query(&nic, &record), -EAGAIN);
    assert_unknown(&record.info);
    assert_in_range(fake_store_requests(), 16, 200);
}

static void every_failure_says_unknown(void **state)
{
    static const int errors[] = {-ENOTCONN, -EACCES, -ENOMEM};
    struct tree_record record;
    unsigned int when;
    size_t i;

    for (i = 0; i < COUNT_OF(errors); i++) {
        for (when = 1; when <= 9; when++) {
            setup(state);
            fake_store_fail(when, errors[i]);
            assert_int_equal(query(&nic, &record), errors[i]);
            assert_unknown(&record.info);
        }
    }
}

static void only_a_ready_known_tree_counts(void **state)
{
    static const struct {
        const char *node, *value; /* NULL: removed */
        int rc;
    } cases[] = {
        {"status", NULL, -EAGAIN},
        {"status", "", -EAGAIN},
        {"status", "starting", -EAGAIN},
        {"status", "stopped", -EAGAIN},
        {"status", "ready ", -EAGAIN},
        {"status", "readyreadyreadyready", -EAGAIN},
        {"version", NULL, -EAGAIN},
        {"version", "2", -EPROTO},
        {"version", "10", -EPROTO},
        {"version", "1.0", -EPROTO},
        {"generation", NULL, -EAGAIN},
        {"generation", "", -EAGAIN},
        {NIC, NULL, -ENOENT},
    };
    struct tree_record record;
    char path[64];
    size_t i;

    for (i = 0; i < COUNT_OF(cases); i++) {
        setup(state);
        snprintf(path, sizeof(path), OWN "/%s", cases[i].node);
        if (cases[i].value != NULL)
            fake_store_set(path, cases[i].value);
        else
            fake_store_remove(path);
        assert_int_equal(query(&nic, &record), cases[i].rc);
        assert_unknown(&record.info);
    }
    fake_store_remove(OWN);
    assert_int_equal(query(&nic, &record), -EAGAIN);
    assert_unknown(&record.info);
}

static void unknown_values_are_unknown_or_keep(void **state)
{
    static const struct {
        const char *state, *swiotlb;
        enum xeniommu_state expected_state;
        bool expected_skip;
    } cases[] = {
        {"protected", "skip", XENIOMMU_PROTECTED, true},
        {"protected", "keep", XENIOMMU_PROTECTED, false},
        {"protected", "", XENIOMMU_PROTECTED, false},
        {"protected", "skip ", XENIOMMU_PROTECTED, false},
        {"protected", "skip\n", XENIOMMU_PROTECTED, false},
        {"relaxed", "skip", XENIOMMU_RELAXED, false},
        {"unprotected", "skip", XENIOMMU_UNPROTECTED, false},
        {"quarantined", "skip", XENIOMMU_QUARANTINED, false},
        {"unknown", "skip", XENIOMMU_UNKNOWN, false},
        {"", "skip", XENIOMMU_UNKNOWN, false},
        {"protected ", "skip", XENIOMMU_UNKNOWN, false},
        {"shielded", "skip", XENIOMMU_UNKNOWN, false},
    };
    struct tree_record record;
    size_t i;

    for (i = 0; i < COUNT_OF(cases); i++) {
        setup(state);
        fake_store_device(OWN, NIC, cases[i].state, cases[i].swiotlb, "x");
        assert_int_equal(query(&nic, &record), 0);
        assert_int_equal(record.info.state, cases[i].expected_state);
        assert_int_equal(record.info.skip_swiotlb, cases[i].expected_skip);
    }
    fake_store_set_bytes(OWN "/" NIC "/state", "protected\0", 10);
    assert_int_equal(query(&nic, &record), 0);
    assert_int_equal(record.info.state, XENIOMMU_UNKNOWN);
    fake_store_set(OWN "/" NIC "/state", "protected");
    fake_store_remove(OWN "/" NIC "/swiotlb");
    assert_int_equal(query(&nic, &record), 0);
    assert_int_equal(record.info.state, XENIOMMU_PROTECTED);
    assert_false(record.info.skip_swiotlb);
}

/* People are shown what is published; a program acts on what means something. */
static void limits_beside_a_state_that_has_none(void **state)
{
    struct tree_record record;

    (void)state;
    fake_store_set(OWN "/" NIC "/limits", "ats");
    assert_int_equal(query(&nic, &record), 0);
    assert_int_equal(record.info.limits, XENIOMMU_LIMIT_ATS);
    fake_store_device(OWN, NIC, "unknown", "keep", "x");
    assert_int_equal(query(&nic, &record), 0);
    assert_int_equal(record.info.limits, 0);
    assert_string_equal(details.limits, "ats");
}

static void groups_are_numbers(void **state)
{
    static const struct {
        const char *value;
        int32_t group;
    } cases[] = {
        {"0", 0},
        {"7", 7},
        {"2147483647", INT32_MAX},
        {"2147483648", -1},
        {"-1", -1},
        {"", -1},
        {"x", -1},
        {"7x", -1},
        {" 7", -1},
        {"0x7", -1},
        {"99999999999999999999999999", -1},
    };
    struct tree_record record;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        fake_store_set(OWN "/" NIC "/group", cases[i].value);
        assert_int_equal(query(&nic, &record), 0);
        assert_int_equal(record.info.group, cases[i].group);
    }
}

static void reasons_are_plain_words(void **state)
{
    static const struct {
        const char *value, *reason;
    } cases[] = {
        {"a-word", "a-word"},
        {"two words", ""},
        {"\x1b[2J", ""},
        {"tab\t", ""},
        {"a23456789012345678901234567890123456789012345678901234567890123",
         "a23456789012345678901234567890123456789012345678901234567890123"},
        {"a234567890123456789012345678901234567890123456789012345678901234", ""},
    };
    struct tree_record record;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        fake_store_set(OWN "/" NIC "/reason", cases[i].value);
        assert_int_equal(query(&nic, &record), 0);
        assert_string_equal(record.info.reason, cases[i].reason);
    }
}

static void only_the_host_tree_has_owners(void **state)
{
    struct tree_record record;

    (void)state;
    fake_store_set(OWN "/" NIC "/owner", "1");
    fake_store_publish(XENIOMMU_HOST_DIR);
    fake_store_set(XENIOMMU_HOST_DIR "/iommu", "enabled");
    fake_store_device(XENIOMMU_HOST_DIR, NIC, "quarantined", "keep", "assignable");
    fake_store_set(XENIOMMU_HOST_DIR "/" NIC "/owner", "none");
    fake_store_set(XENIOMMU_HOST_DIR "/" NIC "/iommu", "dmar0");
    assert_int_equal(query(&nic, &record), 0);
    assert_string_equal(details.owner, "");
    tree_init(&tree, &store, XENIOMMU_HOST_DIR);
    assert_int_equal(query(&nic, &record), 0);
    assert_string_equal(tree.iommu, "enabled");
    assert_int_equal(record.info.state, XENIOMMU_QUARANTINED);
    assert_string_equal(details.owner, "none");
    assert_string_equal(details.iommu, "dmar0");
}

/* What is no list of tokens must not pass for an empty one. */
static void limits_are_read_as_published(void **state)
{
    static const struct {
        const char *value, *limits;
    } cases[] = {
        {"no-acs", "no-acs"},
        {"no-acs ats a-newer-one", "no-acs ats a-newer-one"},
        {"", ""},
        {"ats\n", DETAILS_MALFORMED},
        {"\x1b[2J", DETAILS_MALFORMED},
    };
    char longest[sizeof(details.limits) + 1];
    struct tree_record record;
    size_t i;

    (void)state;
    assert_int_equal(query(&nic, &record), 0);
    assert_string_equal(details.limits, "");
    for (i = 0; i < COUNT_OF(cases); i++) {
        fake_store_set(OWN "/" NIC "/limits", cases[i].value);
        assert_int_equal(query(&nic, &record), 0);
        assert_string_equal(details.limits, cases[i].limits);
        assert_int_equal(record.info.state, XENIOMMU_PROTECTED);
    }
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    fake_store_set(OWN "/" NIC "/limits", longest);
    assert_int_equal(query(&nic, &record), 0);
    assert_string_equal(details.limits, DETAILS_MALFORMED);
    longest[sizeof(longest) - 2] = '\0';
    fake_store_set(OWN "/" NIC "/limits", longest);
    assert_int_equal(query(&nic, &record), 0);
    assert_string_equal(details.limits, longest);
    fake_store_remove(OWN "/" NIC "/state");
    assert_int_equal(query(&nic, &record), -ENOENT);
    assert_string_equal(details.limits, "");
}

static void drop_the_limits(void)
{
    fake_store_remove(OWN "/" NIC "/limits");
    downgrade();
}

static void limits_belong_to_their_state(void **state)
{
    struct tree_record record;
    unsigned int when;

    for (when = 1; when <= 9; when++) {
        setup(state);
        fake_store_set(OWN "/" NIC "/limits", "ats");
        fake_store_plan(when, drop_the_limits);
        assert_int_equal(query(&nic, &record), 0);
        assert_int_equal(record.info.state, XENIOMMU_UNKNOWN);
        assert_string_equal(details.limits, "");
    }
}

static void device_tree_paths_are_encoded(void **state)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT, .path = "/soc/video@fe001000,1"};
    struct tree_record record;

    (void)state;
    fake_store_device(OWN, "dt/soc/video@fe001000_2c1", "protected", "skip", "behind-smmu");
    assert_int_equal(query(&device, &record), 0);
    assert_true(record.info.skip_swiotlb);
    device.path = "/soc/video@fe001000_2c1";
    assert_int_equal(query(&device, &record), -ENOENT);
    assert_unknown(&record.info);
    device.path = "soc";
    assert_int_equal(query(&device, &record), -EINVAL);
    assert_unknown(&record.info);
}

/* The longest path that fits is read, one byte more is refused: never another, cut, path. */
static void too_long_paths_are_refused(void **state)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT};
    struct tree_record record;
    char path[2100];
    size_t len;
    int rc, last = 0;

    (void)state;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    device.path = path;
    for (len = 1900; len < sizeof(path); len++) {
        path[len] = '\0';
        rc = query(&device, &record);
        assert_true(rc == -ENOENT || rc == -EINVAL);
        assert_true(rc == -EINVAL || last != -EINVAL);
        last = rc;
        path[len] = 'a';
    }
    assert_int_equal(last, -EINVAL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_is_read_in_full),
        TEST(a_downgrade_at_any_moment_is_seen),
        TEST(a_restart_at_any_moment_is_seen),
        TEST(a_stop_at_any_moment_is_seen),
        TEST(endless_changes_end_in_eagain),
        TEST(every_failure_says_unknown),
        TEST(only_a_ready_known_tree_counts),
        TEST(unknown_values_are_unknown_or_keep),
        TEST(limits_beside_a_state_that_has_none),
        TEST(groups_are_numbers),
        TEST(reasons_are_plain_words),
        TEST(only_the_host_tree_has_owners),
        TEST(limits_are_read_as_published),
        TEST(limits_belong_to_their_state),
        TEST(device_tree_paths_are_encoded),
        TEST(too_long_paths_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
