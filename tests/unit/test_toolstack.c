/* SPDX-License-Identifier: MIT */
/* libxl's records of device tree devices, as real files: which there are, and which can be read. */
#include "toolstack_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void records_that_cannot_be_read(void **state)
{
    static const char *const texts[] = {"",
                                        "{\"dtdevs\": [",
                                        "[]",
                                        "null",
                                        "{\"dtdevs\": 7}",
                                        "{\"dtdevs\": [{\"path\": 7}]}",
                                        "{\"dtdevs\": [{\"path\": \"soc\"}]}",
                                        "{\"dtdevs\": [{\"path\": \"/soc\\u0000x\"}]}",
                                        "{\"dtdevs\": [null]}"};
    struct toolstack_observer *observer = open_observer();

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        write_record(texts[i]);
        take_events(observer);
        expect_unread(observer);
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
    }
    assert_int_equal(truncate(in_xen(RECORD), 5 << 20), 0);
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_unread(observer);
    write_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    failing_read = EIO;
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_unread(observer);
    failing_read = 0;
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
}

static void a_directory_that_comes_and_goes(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    assert_int_equal(rmdir(in_xen("")), 0);
    assert_int_equal(rmdir(at("/var/lib")), 0);
    observer = open_observer();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
        assert_false(toolstack_observer_get(observer)->incomplete);
        assert_int_equal(mkdir(at("/var/lib"), 0700), 0);
        /* What is above is not of interest by itself. */
        assert_true(is_readable(observer));
        assert_false(toolstack_observer_dispatch(observer));
        assert_int_equal(mkdir(in_xen(""), 0700), 0);
        take_events(observer);
        write_record("{" DTDEVS "}");
        take_events(observer);
        expect_one(observer, GUEST_PATH_HOST, NULL);
        unlink(in_xen(RECORD));
        assert_int_equal(rmdir(in_xen("")), 0);
        take_events(observer);
        assert_int_equal(rmdir(at("/var/lib")), 0);
        assert_false(toolstack_observer_dispatch(observer));
    }
    toolstack_observer_close(observer);
}

static void a_directory_that_is_another(void **state)
{
    struct toolstack_observer *observer = open_observer();

    (void)state;
    assert_int_equal(rename(in_xen(""), at("/old")), 0);
    take_events(observer);
    assert_int_equal(mkdir(in_xen(""), 0700), 0);
    take_events(observer);
    write_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_HOST, NULL);
    /* the one that was there is there again, with what was written in it meanwhile */
    assert_int_equal(rename(in_xen(""), at("/new")), 0);
    take_events(observer);
    write_good_partial("nic@0");
    assert_int_equal(mkdir(in_xen(""), 0700), 0);
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* More events than the kernel keeps: some are lost, and it says only that. */
static void lost_events(void **state)
{
    struct toolstack_observer *observer;
    int most = 0;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &most), 1);
    fclose(file);
    observer = open_observer();
    for (int i = 0; i < most / 2 + 2; i++) {
        write_file(in_xen("a"), "", 0);
        write_file(in_xen("b"), "", 0);
    }
    write_good_partial("nic@0");
    write_record(WITH_TREE);
    while (is_readable(observer))
        assert_true(toolstack_observer_dispatch(observer));
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    /* when it appeared is not known */
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

static void names_of_other_files(void **state)
{
    static const char *const names[] = {
        "userdata-d.7." UUID ".xl",
        "userdata-d.7." UUID ".libxl-json.new",
        "userdata-n.7." UUID ".libxl-json",
        "userdata-d.x." UUID ".libxl-json",
        "userdata-d.7.00010203.libxl-json",
        "userdata-d.07." UUID ".libxl-json",
        "userdata-d.+7." UUID ".libxl-json",
        "userdata-d.-7." UUID ".libxl-json",
        "userdata-d.7.000102030405060708090a0b0c0d0e0f.libxl-json",
    };
    struct toolstack_observer *observer;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        write_file(in_xen(names[i]), "{" DTDEVS "}", strlen("{" DTDEVS "}"));
    observer = open_observer();
    assert_int_equal(toolstack_observer_get(observer)->count, 0);
    assert_int_equal(toolstack_observer_get(observer)->unread_count, 0);
    toolstack_observer_close(observer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, toolstack_set_up, toolstack_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_that_cannot_be_read), TEST(a_directory_that_comes_and_goes),
        TEST(a_directory_that_is_another), TEST(lost_events),
        TEST(names_of_other_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
