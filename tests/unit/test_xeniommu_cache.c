/* SPDX-License-Identifier: MIT */
/* What a handle may answer from memory, and when it must not. */
#include "fake_store.h"
#include "xeniommu_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_requests(unsigned int expected, unsigned int before)
{
    assert_int_equal(fake_store_requests() - before, expected);
}

static void answers_are_remembered(void **state)
{
    struct xeniommu_info info;
    unsigned int before;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x28, &info), -ENOENT);
    before = fake_store_requests();
    poison(&info);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
    assert_true(info.skip_swiotlb);
    assert_string_equal(info.reason, "assigned");
    poison(&info);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(info.state, XENIOMMU_RELAXED);
    poison(&info);
    assert_int_equal(xeniommu_query_pci(xi, 0x28, &info), -ENOENT);
    assert_unknown(&info);
    assert_requests(0, before);
}

static void a_change_is_read_once(void **state)
{
    struct xeniommu_info info;
    unsigned int before;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x28, &info), -ENOENT);
    fake_store_device(OWN, "pci/0000-00-05-0", "protected", "skip", "assigned");
    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_bump(OWN);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_UNKNOWN);
    assert_int_equal(xeniommu_query_pci(xi, 0x28, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
    before = fake_store_requests();
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_UNKNOWN);
    assert_requests(0, before);
}

static void not_ready_is_remembered(void **state)
{
    unsigned int before;

    (void)state;
    fake_store_set(OWN "/status", "stopped");
    fake_store_bump(OWN);
    assert_both_fail(-EAGAIN);
    before = fake_store_requests();
    assert_both_fail(-EAGAIN);
    assert_requests(0, before);
    fake_store_set(OWN "/version", "2");
    fake_store_bump(OWN);
    assert_both_fail(-EPROTO);
    before = fake_store_requests();
    assert_both_fail(-EPROTO);
    assert_requests(0, before);
}

static void a_listing_answers_queries(void **state)
{
    struct xeniommu_info info;
    unsigned int before;
    int count = 0;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(count, 2);
    before = fake_store_requests();
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x28, &info), -ENOENT);
    assert_int_equal(xeniommu_query_dt(xi, "soc", &info), -EINVAL);
    assert_requests(0, before);
    fake_store_remove(OWN "/" NIC);
    fake_store_bump(OWN);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), -ENOENT);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(count, 5);
}

static void downgrade_nic(void)
{
    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_bump(OWN);
}

static void a_change_while_reading_is_not_overlooked(void **state)
{
    struct xeniommu_info info;
    unsigned int at;

    (void)state;
    /* Before each request of a first query, and of a listing that has read the device already. */
    for (at = 1; at <= 8; at++) {
        fake_store_device(OWN, NIC, "protected", "skip", "assigned");
        fake_store_bump(OWN);
        fake_store_plan(fake_store_requests() + at, downgrade_nic);
        (void)xeniommu_query_pci(xi, 0x20, &info);
        (void)xeniommu_query_dt(xi, "/soc/uart@1", &info);
        assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
        assert_int_equal(info.state, XENIOMMU_UNKNOWN);
    }
}

static void a_change_while_listing_is_not_overlooked(void **state)
{
    struct xeniommu_info info;
    unsigned int at;
    int count;

    (void)state;
    for (at = 1; at <= 12; at++) {
        fake_store_device(OWN, NIC, "protected", "skip", "assigned");
        fake_store_bump(OWN);
        fake_store_plan(fake_store_requests() + at, downgrade_nic);
        count = 0;
        assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
        assert_int_equal(info.state, XENIOMMU_UNKNOWN);
    }
}

static void stop_daemon_unheard(void)
{
    fake_store_hold_events(true);
    fake_store_set(OWN "/status", "stopped");
    fake_store_bump(OWN);
}

static void an_answer_that_overtakes_its_event_counts(void **state)
{
    struct xeniommu_info info;
    int count = 0;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    stop_daemon_unheard();
    /* Its event has not arrived, so this may still count ... */
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    /* ... until this handle has read otherwise. */
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), -EAGAIN);
    assert_both_fail(-EAGAIN);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), -EAGAIN);
    assert_both_fail(-EAGAIN);
    fake_store_hold_events(false);
    assert_both_fail(-EAGAIN);
}

static void a_listing_that_overtakes_an_event_counts(void **state)
{
    struct xeniommu_info info;
    int count = 0;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    fake_store_hold_events(true);
    downgrade_nic();
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_UNKNOWN);
}

static void dispatch_does_not_need_the_event(void **state)
{
    struct xeniommu_info info;

    (void)state;
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(xeniommu_dispatch(xi), 0);
    stop_daemon_unheard();
    assert_int_equal(xeniommu_dispatch(xi), 0);
    assert_both_fail(-EAGAIN);
}

static void who_waited_sees_it_ready(void **state)
{
    struct xeniommu_info info;

    (void)state;
    stop_daemon_unheard();
    fake_store_hold_events(false);
    assert_both_fail(-EAGAIN);
    fake_store_hold_events(true);
    fake_store_set(OWN "/status", "ready");
    fake_store_bump(OWN);
    assert_both_fail(-EAGAIN);
    assert_int_equal(xeniommu_wait_ready(xi, 0), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_are_remembered),
        TEST(a_change_is_read_once),
        TEST(not_ready_is_remembered),
        TEST(a_listing_answers_queries),
        TEST(a_change_while_reading_is_not_overlooked),
        TEST(a_change_while_listing_is_not_overlooked),
        TEST(an_answer_that_overtakes_its_event_counts),
        TEST(a_listing_that_overtakes_an_event_counts),
        TEST(dispatch_does_not_need_the_event),
        TEST(who_waited_sees_it_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
