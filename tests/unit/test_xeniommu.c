/* SPDX-License-Identifier: MIT */
/* The calls of xeniommu.h: every documented error, and an output that never claims on one. */
#include "fake_store.h"
#include "xeniommu_fixture.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char told[512];

static void open_checks_flags_and_reports_causes(void **state)
{
    struct xeniommu *other = xi;

    (void)state;
    assert_int_equal(xeniommu_open(&other, 1), -EINVAL);
    assert_null(other);
    fake_store_refuse(-EACCES);
    other = xi;
    assert_int_equal(xeniommu_open(&other, 0), -EACCES);
    assert_null(other);
    fake_store_refuse(-ENOTCONN);
    assert_int_equal(xeniommu_open(&other, 0), -ENOTCONN);
    xeniommu_close(NULL);
}

static void queries_answer(void **state)
{
    struct xeniommu_info info;

    (void)state;
    poison(&info);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
    assert_true(info.skip_swiotlb);
    assert_string_equal(info.reason, "assigned");
    poison(&info);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(info.state, XENIOMMU_RELAXED);
    assert_false(info.skip_swiotlb);
    fake_store_device(OWN, NIC, "unprotected", "keep", "x");
    fake_store_bump(OWN);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_UNPROTECTED);
}

static void every_query_error_says_unknown(void **state)
{
    int count = 0;

    (void)state;
    fake_store_remove(OWN "/pci");
    fake_store_remove(OWN "/dt");
    fake_store_bump(OWN);
    assert_both_fail(-ENOENT);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);

    fake_store_set(OWN "/status", "starting");
    fake_store_bump(OWN);
    assert_both_fail(-EAGAIN);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), -EAGAIN);

    fake_store_set(OWN "/version", "2");
    fake_store_bump(OWN);
    assert_both_fail(-EPROTO);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), -EPROTO);

    fake_store_bump(OWN); /* as the removal of the node does */
    fake_store_remove(OWN);
    assert_both_fail(-EAGAIN);
    fake_store_refuse(-ENOTCONN);
    assert_both_fail(-ENOTCONN);
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), -ENOTCONN);
    fake_store_refuse(-EMFILE);
    assert_both_fail(-EMFILE);
    assert_int_equal(count, 0);
}

static void malformed_paths_are_the_callers_error(void **state)
{
    static const char *const paths[] = {NULL, "", "/", "soc", "/soc/", "/soc//uart@1"};
    struct xeniommu_info info;
    char path[4000];
    size_t i;

    (void)state;
    /* Even where nothing could be asked. */
    fake_store_refuse(-ENOTCONN);
    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        poison(&info);
        assert_int_equal(xeniommu_query_dt(xi, paths[i], &info), -EINVAL);
        assert_unknown(&info);
    }
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    poison(&info);
    assert_int_equal(xeniommu_query_dt(xi, path, &info), -EINVAL);
    assert_unknown(&info);
}

static void a_lost_connection_is_found_again(void **state)
{
    struct xeniommu_info info;

    (void)state;
    /* Lost in the middle of the query, back at once: the same query answers. */
    fake_store_fail(4, -ENOTCONN);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
    assert_int_equal(fake_store_connections(), 2);
    /* Away for some time: unknown until it is back. */
    fake_store_refuse(-ENOTCONN);
    assert_both_fail(-ENOTCONN);
    fake_store_refuse(0);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.state, XENIOMMU_PROTECTED);
}

static int query_again(const struct xeniommu_device *device, const struct xeniommu_info *info,
                       void *arg)
{
    struct xeniommu_info second;
    int *count = arg;
    int rc = device->bus == XENIOMMU_BUS_PCI ? xeniommu_query_pci(xi, device->sbdf, &second)
                                             : xeniommu_query_dt(xi, device->path, &second);

    assert_int_equal(rc, 0);
    assert_int_equal(second.state, info->state);
    return ++*count == 2 ? 42 : 0;
}

static void foreach_stops_and_lets_query(void **state)
{
    int count = 0;

    (void)state;
    fake_store_device(OWN, "pci/0000-00-05-0", "relaxed", "keep", "x");
    assert_int_equal(xeniommu_foreach(xi, query_again, &count), 42);
    assert_int_equal(count, 2);
    count = 0;
    assert_int_equal(xeniommu_foreach(xi, count_device, &count), 0);
    assert_int_equal(count, 3);
}

static int readable(void)
{
    struct pollfd pollfd = {.fd = xeniommu_fd(xi), .events = POLLIN};

    assert_true(pollfd.fd >= 0);
    return poll(&pollfd, 1, 0);
}

static void note(const struct xeniommu_device *device, const struct xeniommu_info *info, void *arg)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s%s=%s%s ", (const char *)arg,
             device->path != NULL ? device->path : "pci", xeniommu_state_name(info->state),
             info->skip_swiotlb ? "+skip" : "");
}

static void assert_dispatch_tells(int rc, const char *expected)
{
    told[0] = '\0';
    assert_int_equal(readable(), 1);
    assert_int_equal(xeniommu_dispatch(xi), rc);
    assert_string_equal(told, expected);
}

static void callbacks_follow_every_change(void **state)
{
    (void)state;
    assert_int_equal(xeniommu_set_callback(xi, note, ""), 0);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    assert_int_equal(readable(), 0);
    told[0] = '\0';
    assert_int_equal(xeniommu_dispatch(xi), 0);
    assert_string_equal(told, "");

    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=unknown ");
    fake_store_remove(OWN "/" UART);
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "/soc/uart@1=unknown ");
    fake_store_device(OWN, NIC, "protected", "skip", "assigned");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=protected+skip ");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "");
}

/* What the word leaves out changes the answer, and nothing else of it. */
static void limits_are_told_beside_the_state(void **state)
{
    struct xeniommu_info info;

    (void)state;
    assert_int_equal(xeniommu_set_callback(xi, note, ""), 0);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    fake_store_set(OWN "/" NIC "/limits", "no-acs a-newer-one");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=protected+skip ");
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_true(info.state == XENIOMMU_PROTECTED && info.skip_swiotlb);
    assert_string_equal(info.reason, "assigned");
    assert_int_equal(info.limits, XENIOMMU_LIMIT_NO_ACS | XENIOMMU_LIMIT_UNKNOWN);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(info.limits, 0);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1/limits", &info), -ENOENT);
    assert_unknown(&info);
    /* Only these states leave something out. */
    fake_store_device(OWN, NIC, "unprotected", "keep", "x");
    fake_store_set(OWN "/" UART "/limits", "map-inclusive");
    fake_store_bump(OWN);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
    assert_int_equal(info.limits, 0);
    assert_int_equal(xeniommu_query_dt(xi, "/soc/uart@1", &info), 0);
    assert_int_equal(info.limits, XENIOMMU_LIMIT_MAP_INCLUSIVE);
}

/* What a later library may tell in is zero, whatever was there before, and whatever the answer. */
static void what_is_reserved_is_zero(void **state)
{
    static const struct xeniommu_info zero;
    struct xeniommu_info info;

    (void)state;
    for (uint32_t sbdf = 0x20; sbdf <= 0x28; sbdf += 8) {
        poison(&info);
        assert_int_equal(xeniommu_query_pci(xi, sbdf, &info), sbdf == 0x20 ? 0 : -ENOENT);
        assert_memory_equal(info.reserved8_, zero.reserved8_, sizeof(zero.reserved8_));
        assert_memory_equal(info.reserved64_, zero.reserved64_, sizeof(zero.reserved64_));
        /* Nor is there anything behind the reason's end. */
        assert_memory_equal(info.reason + strlen(info.reason), zero.reason,
                            sizeof(zero.reason) - strlen(info.reason));
    }
}

/* Each field by itself, with the same reason. */
static void callbacks_follow_every_field(void **state)
{
    (void)state;
    assert_int_equal(xeniommu_set_callback(xi, note, ""), 0);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    fake_store_set(OWN "/" NIC "/swiotlb", "keep");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=protected ");
    fake_store_set(OWN "/" UART "/state", "unprotected");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "/soc/uart@1=unprotected ");
}

static void callbacks_say_unknown_while_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(xeniommu_set_callback(xi, note, ""), 0);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    fake_store_set(OWN "/status", "stopped");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=unknown /soc/uart@1=unknown ");
    fake_store_set(OWN "/status", "ready");
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    fake_store_refuse(-ENOTCONN);
    assert_dispatch_tells(-ENOTCONN, "pci=unknown /soc/uart@1=unknown ");
    fake_store_refuse(0);
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
    fake_store_fail(fake_store_requests() + 9, -ENOMEM);
    fake_store_bump(OWN);
    assert_dispatch_tells(-ENOMEM, "pci=unknown /soc/uart@1=unknown ");
    assert_dispatch_tells(0, "pci=protected+skip /soc/uart@1=relaxed ");
}

static void replace(const struct xeniommu_device *device, const struct xeniommu_info *info,
                    void *arg)
{
    note(device, info, arg);
    assert_int_equal(xeniommu_dispatch(xi), -EDEADLK);
    assert_int_equal(xeniommu_set_callback(xi, note, "new:"), 0);
}

static void callbacks_may_replace_themselves(void **state)
{
    (void)state;
    assert_int_equal(xeniommu_set_callback(xi, replace, "old:"), 0);
    assert_dispatch_tells(0, "old:pci=protected+skip ");
    assert_dispatch_tells(0, "new:pci=protected+skip new:/soc/uart@1=relaxed ");
    assert_int_equal(xeniommu_set_callback(xi, NULL, NULL), 0);
    fake_store_remove(OWN "/" NIC);
    fake_store_bump(OWN);
    assert_dispatch_tells(0, "");
    assert_int_equal(xeniommu_set_callback(xi, note, ""), 0);
    assert_dispatch_tells(0, "/soc/uart@1=relaxed ");
}

static void the_descriptor_stays_the_same(void **state)
{
    int fd = xeniommu_fd(xi);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(xeniommu_fd(xi), fd);
    assert_int_equal(readable(), 1);
    assert_int_equal(xeniommu_dispatch(xi), 0);
    assert_int_equal(readable(), 0);
    fake_store_refuse(-ENOTCONN);
    assert_int_equal(xeniommu_dispatch(xi), -ENOTCONN);
    fake_store_refuse(0);
    assert_int_equal(xeniommu_dispatch(xi), 0);
    assert_int_equal(xeniommu_fd(xi), fd);
}

static void become_ready(void)
{
    fake_store_set(OWN "/status", "ready");
    fake_store_bump(OWN);
}

static void let_3_ms_pass(void)
{
    struct timespec begin, now;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000L + now.tv_nsec - begin.tv_nsec < 3000000);
}

/* The time is over before there is anything to wait for. */
static void wait_ready_may_be_late(void **state)
{
    (void)state;
    fake_store_set(OWN "/status", "starting");
    fake_store_plan(fake_store_requests() + 1, let_3_ms_pass);
    assert_int_equal(xeniommu_wait_ready(xi, 1), -ETIMEDOUT);
}

static void wait_ready_waits(void **state)
{
    (void)state;
    assert_int_equal(xeniommu_wait_ready(xi, 0), 0);
    assert_int_equal(xeniommu_wait_ready(xi, -1), 0);
    fake_store_set(OWN "/status", "starting");
    assert_int_equal(xeniommu_wait_ready(xi, 0), -ETIMEDOUT);
    assert_int_equal(xeniommu_wait_ready(xi, 10), -ETIMEDOUT);
    fake_store_set(OWN "/version", "7");
    assert_int_equal(xeniommu_wait_ready(xi, -1), -EPROTO);
    fake_store_set(OWN "/version", "1");
    /* Ready just after it has looked: the event must not be lost. */
    fake_store_plan(fake_store_requests() + 3, become_ready);
    assert_int_equal(xeniommu_wait_ready(xi, -1), 0);
    fake_store_refuse(-EACCES);
    assert_int_equal(xeniommu_wait_ready(xi, -1), -EACCES);
    fake_store_refuse(-ENOTCONN);
    assert_int_equal(xeniommu_wait_ready(xi, 0), -ETIMEDOUT);
}

/* What the child of a fork sees, as an exit code: 0, or the number of the call that was wrong. */
static int try_as_child(void)
{
    struct xeniommu *own = NULL;
    struct xeniommu_info info;
    int count = 0;

    poison(&info);
    if (xeniommu_query_pci(xi, 0x20, &info) != -ECHILD || info.state != XENIOMMU_UNKNOWN)
        return 1;
    poison(&info);
    if (xeniommu_query_dt(xi, "/soc/uart@1", &info) != -ECHILD || info.skip_swiotlb)
        return 2;
    if (xeniommu_foreach(xi, count_device, &count) != -ECHILD || count != 0)
        return 3;
    if (xeniommu_wait_ready(xi, -1) != -ECHILD)
        return 4;
    if (xeniommu_fd(xi) != -ECHILD)
        return 5;
    if (xeniommu_dispatch(xi) != -ECHILD)
        return 6;
    if (xeniommu_set_callback(xi, note, "") != -ECHILD)
        return 7;
    xeniommu_close(xi);
    if (xeniommu_open(&own, 0) != 0 || xeniommu_query_pci(own, 0x20, &info) != 0)
        return 8;
    xeniommu_close(own);
    fake_store_reset();
    return 0;
}

static bool refuse_madvise;
int __real_madvise(void *address, size_t size, int advice);
int __wrap_madvise(void *address, size_t size, int advice);

int __wrap_madvise(void *address, size_t size, int advice)
{
    if (refuse_madvise) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(address, size, advice);
}

static void assert_child_gets_echild(void)
{
    struct xeniommu_info info;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(try_as_child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(xeniommu_query_pci(xi, 0x20, &info), 0);
}

static void a_child_gets_echild(void **state)
{
    (void)state;
    assert_child_gets_echild();
}

/* As on a kernel that cannot wipe a page at a fork. */
static void a_child_gets_echild_without_help(void **state)
{
    (void)state;
    xeniommu_close(xi);
    refuse_madvise = true;
    assert_int_equal(xeniommu_open(&xi, 0), 0);
    refuse_madvise = false;
    assert_child_gets_echild();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_checks_flags_and_reports_causes),
        TEST(queries_answer),
        TEST(every_query_error_says_unknown),
        TEST(malformed_paths_are_the_callers_error),
        TEST(a_lost_connection_is_found_again),
        TEST(foreach_stops_and_lets_query),
        TEST(callbacks_follow_every_change),
        TEST(limits_are_told_beside_the_state),
        TEST(what_is_reserved_is_zero),
        TEST(callbacks_follow_every_field),
        TEST(callbacks_say_unknown_while_nothing_is_known),
        TEST(callbacks_may_replace_themselves),
        TEST(the_descriptor_stays_the_same),
        TEST(wait_ready_waits),
        TEST(wait_ready_may_be_late),
        TEST(a_child_gets_echild),
        TEST(a_child_gets_echild_without_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
