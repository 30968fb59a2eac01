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

static void restore_nic(void)
{
    fake_store_hold_events(false);
    fake_store_device(OWN, NIC, "protected", "skip", "assigned");
    fake_store_bump(OWN);
}

static unsigned int requests_of_a_listing(void)
{
    unsigned int before = fake_store_requests();
    int count = 0;

    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(count, 2);
    return fake_store_requests() - before;
}

/* A list of two moments is not remembered, though no event of the change has arrived. */
static void a_change_anywhere_in_a_listing_is_seen(void **state)
{
    unsigned int n, total = requests_of_a_listing();
    struct xeniommu_info info;
    int count = 0;

    (void)state;
    for (n = 1; n <= total; n++) {
        xeniommu_close(xi);
        fake_store_reset();
        fake_store_publish(OWN);
        restore_nic();
        fake_store_device(OWN, UART, "relaxed", "keep", "pv-dom0");
        assert_int_equal(xeniommu_open(&xi, 0), 0);
        fake_store_hold_events(true);
        fake_store_plan(n, downgrade_nic);
        assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
        assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
        assert_int_equal(info.state, XENIOMMU_UNKNOWN);
        count = 0;
    }
}

static void a_listing_fails_with_any_of_its_requests(void **state)
{
    unsigned int n, total = requests_of_a_listing();
    int count = 0;

    (void)state;
    for (n = 1; n <= total; n++) {
        fake_store_bump(OWN);
        fake_store_fail(fake_store_requests() + n, -EACCES);
        assert_int_equal(xeniommu_foreach(xi, count_device, &count), -EACCES);
    }
    assert_int_equal(count, 0);
}

static void a_failure_is_not_remembered(void **state)
{
    struct xeniommu_info info;

    (void)state;
    fake_store_fail(fake_store_requests() + 1, -ENOMEM);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), -ENOMEM);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
}

static unsigned int requests_of_a_query(uint32_t sbdf)
{
    unsigned int before = fake_store_requests();
    struct xeniommu_info info;

    assert_int_equal(xeniommu_query_pci(xi, sbdf, &info), -ENOENT);
    return fake_store_requests() - before;
}

/* Whoever asks for ever more addresses has the memory of so many, and no more. */
static void memory_is_bounded(void **state)
{
    const uint32_t first = 0x10000, most = 8192;
    uint32_t i;

    (void)state;
    for (i = 0; i < most; i++)
        assert_true(requests_of_a_query(first + i) > 0);
    assert_int_equal(requests_of_a_query(first), 0);
    assert_true(requests_of_a_query(first + most) > 0);
    assert_true(requests_of_a_query(first) > 0);
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
        TEST(a_change_anywhere_in_a_listing_is_seen),
        TEST(a_listing_fails_with_any_of_its_requests),
        TEST(a_failure_is_not_remembered),
        TEST(memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
