/* SPDX-License-Identifier: MIT */
/* What the observer of device tree devices makes of a udev that fails, and of one that does not
 * stop: libudev is replaced call by call. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libudev.h>

#include "observe/dt.h"
#include "unit.h"

/* What udev is made to say: devices by number from 1, 0 ends a list. */
static struct {
    const char *syspath[3]; /* in the order of the list */
    bool readable[3];
    int scan;            /* what the scan returns */
    unsigned int events; /* that are pending */
    unsigned int taken;
} udev;

static const char *const names[] = {"/soc/a", "/soc/b", "/soc/c"};

int __wrap_udev_enumerate_scan_devices(struct udev_enumerate *list);
struct udev_list_entry *__wrap_udev_enumerate_get_list_entry(struct udev_enumerate *list);
struct udev_list_entry *__wrap_udev_list_entry_get_next(struct udev_list_entry *entry);
const char *__wrap_udev_list_entry_get_name(struct udev_list_entry *entry);
struct udev_device *__wrap_udev_device_new_from_syspath(struct udev *context, const char *syspath);
const char *__wrap_udev_device_get_property_value(struct udev_device *device, const char *name);
const char *__wrap_udev_device_get_driver(struct udev_device *device);
struct udev_device *__wrap_udev_device_unref(struct udev_device *device);
struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor);

static struct udev_list_entry *entry_at(uintptr_t number)
{
    return number <= 3 && udev.syspath[number - 1] ? (struct udev_list_entry *)number : NULL;
}

int __wrap_udev_enumerate_scan_devices(struct udev_enumerate *list)
{
    (void)list;
    return udev.scan;
}

struct udev_list_entry *__wrap_udev_enumerate_get_list_entry(struct udev_enumerate *list)
{
    (void)list;
    return entry_at(1);
}

struct udev_list_entry *__wrap_udev_list_entry_get_next(struct udev_list_entry *entry)
{
    return entry_at((uintptr_t)entry + 1);
}

const char *__wrap_udev_list_entry_get_name(struct udev_list_entry *entry)
{
    return udev.syspath[(uintptr_t)entry - 1];
}

struct udev_device *__wrap_udev_device_new_from_syspath(struct udev *context, const char *syspath)
{
    (void)context;
    for (uintptr_t i = 0; i < 3; i++)
        if (udev.syspath[i] == syspath && udev.readable[i])
            return (struct udev_device *)(i + 1);
    return NULL;
}

const char *__wrap_udev_device_get_property_value(struct udev_device *device, const char *name)
{
    (void)name;
    return names[(uintptr_t)device - 1];
}

const char *__wrap_udev_device_get_driver(struct udev_device *device)
{
    (void)device;
    return NULL;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *device)
{
    (void)device;
    return NULL;
}

struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor)
{
    (void)monitor;
    if (!udev.events)
        return NULL;
    udev.events--;
    udev.taken++;
    return (struct udev_device *)(uintptr_t)1;
}

/* A folder that is there for as long as the program runs, and one that is not. */
#define THERE "/"
#define GONE  "/gone/of/a/device"

static int set_up(void **state)
{
    struct dt_observer *observer;

    udev.syspath[0] = "/sys/a";
    udev.syspath[1] = udev.syspath[2] = NULL;
    udev.readable[0] = udev.readable[1] = udev.readable[2] = true;
    udev.scan = 0;
    udev.events = udev.taken = 0;
    if (dt_observer_open(&observer, NULL, "/gone"))
        return -1;
    *state = observer;
    return 0;
}

static int tear_down(void **state)
{
    dt_observer_close(*state);
    return 0;
}

static void expect(struct dt_observer *observer, size_t count, bool incomplete)
{
    assert_int_equal(dt_observer_rescan(observer), 0);
    assert_int_equal(dt_observer_entries(observer)->count, count);
    assert_int_equal(dt_observer_entries(observer)->incomplete, incomplete);
    assert_false(dt_observer_entries(observer)->streams_told);
}

static void one_that_cannot_be_read(void **state)
{
    expect(*state, 1, false);
    udev.syspath[1] = THERE;
    udev.syspath[2] = "/sys/c";
    udev.readable[1] = false;
    expect(*state, 2, true);
    udev.readable[1] = true;
    expect(*state, 3, false);
}

static void one_that_went(void **state)
{
    udev.syspath[1] = GONE;
    udev.readable[1] = false;
    expect(*state, 1, false);
}

static void a_scan_that_fails(void **state)
{
    udev.scan = -EIO;
    expect(*state, 1, true);
    udev.scan = 0;
    expect(*state, 1, false);
    udev.scan = -ENOMEM;
    assert_int_equal(dt_observer_rescan(*state), -ENOMEM);
    assert_int_equal(dt_observer_entries(*state)->count, 1);
}

/* An event tells of it as well, though the same devices are there. */
static void an_event(void **state)
{
    udev.events = 1;
    assert_int_equal(dt_observer_dispatch(*state), 0);
    udev.events = 1;
    udev.scan = -EIO;
    assert_int_equal(dt_observer_dispatch(*state), 1);
    assert_true(dt_observer_entries(*state)->incomplete);
}

static void events_without_end(void **state)
{
    udev.events = UINT32_MAX;
    udev.syspath[1] = "/sys/b";
    assert_int_equal(dt_observer_dispatch(*state), 1);
    assert_int_equal(dt_observer_entries(*state)->count, 2);
    assert_true(udev.taken > 0 && udev.taken <= 1000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_cannot_be_read), TEST(one_that_went), TEST(a_scan_that_fails), TEST(an_event),
        TEST(events_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
