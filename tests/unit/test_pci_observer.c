/* SPDX-License-Identifier: MIT */
/* The observer of PCI functions where sysfs or udev fail it, on a sysfs of files: what it opens
 * below /sys is looked for below a folder of the test's, and libudev's events are made here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libudev.h>

#include "observe/pci.h"
#include "unit.h"

#define ONE   "0000:00:04.0"
#define TWO   "0000:00:05.0"
#define THREE "0000:00:06.0"

static char root[] = "/tmp/pci-observer-XXXXXX";

static struct {
    int opendir, readdir, realpath; /* errors, 0 for none */
    int receive;                    /* the error after the last event */
    unsigned int events, taken;
    const char *action;
    char syspath[PATH_MAX];
} fake;

DIR *__real_opendir(const char *path);
struct dirent *__real_readdir(DIR *directory);
char *__real_realpath(const char *path, char *resolved);
int __real_lstat(const char *path, struct stat *st);
DIR *__wrap_opendir(const char *path);
struct dirent *__wrap_readdir(DIR *directory);
char *__wrap_realpath(const char *path, char *resolved);
int __wrap_lstat(const char *path, struct stat *st);
struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor);
const char *__wrap_udev_device_get_action(struct udev_device *device);
const char *__wrap_udev_device_get_syspath(struct udev_device *device);
const char *__wrap_udev_device_get_sysname(struct udev_device *device);
struct udev_device *__wrap_udev_device_unref(struct udev_device *device);

static const char *below_root(const char *path)
{
    static char moved[PATH_MAX];

    assert_true(snprintf(moved, sizeof(moved), "%s%s", root, path) < (int)sizeof(moved));
    return moved;
}

/* An error once it is due. */
static bool fails(int error)
{
    errno = error ? error : errno;
    return error != 0;
}

DIR *__wrap_opendir(const char *path)
{
    return fails(fake.opendir) ? NULL : __real_opendir(below_root(path));
}

struct dirent *__wrap_readdir(DIR *directory)
{
    return fails(fake.readdir) ? NULL : __real_readdir(directory);
}

char *__wrap_realpath(const char *path, char *resolved)
{
    return fails(fake.realpath) ? NULL : __real_realpath(below_root(path), resolved);
}

int __wrap_lstat(const char *path, struct stat *st)
{
    return __real_lstat(below_root(path), st);
}

struct udev_device *__wrap_udev_monitor_receive_device(struct udev_monitor *monitor)
{
    (void)monitor;
    if (!fake.events) {
        errno = fake.receive;
        return NULL;
    }
    fake.events--;
    fake.taken++;
    return (struct udev_device *)&fake;
}

const char *__wrap_udev_device_get_action(struct udev_device *device)
{
    (void)device;
    return fake.action;
}

const char *__wrap_udev_device_get_syspath(struct udev_device *device)
{
    (void)device;
    return fake.syspath;
}

const char *__wrap_udev_device_get_sysname(struct udev_device *device)
{
    (void)device;
    return strrchr(fake.syspath, '/') + 1;
}

struct udev_device *__wrap_udev_device_unref(struct udev_device *device)
{
    (void)device;
    return NULL;
}

/* ------------------------------------------------------------- sysfs */

static void run(const char *format, const char *name)
{
    char line[PATH_MAX];

    assert_true(snprintf(line, sizeof(line), "cd %s && name=%s && %s", root, name, format) <
                PATH_MAX);
    assert_int_equal(system(line), 0);
}

static void add(const char *name)
{
    run("mkdir -p sys/devices/$name sys/bus/pci/devices && "
        "for i in class vendor device; do echo 0x1 > sys/devices/$name/$i; done && "
        "ln -s ../../../devices/$name sys/bus/pci/devices/$name",
        name);
}

static void take_away(const char *name)
{
    run("rm -r sys/bus/pci/devices/$name sys/devices/$name", name);
}

static void spoil(const char *name)
{
    run("rm sys/devices/$name/class && mkdir sys/devices/$name/class", name);
}

static void mend(const char *name)
{
    run("rmdir sys/devices/$name/class && echo 0x1 > sys/devices/$name/class", name);
}

static int event(struct pci_observer *observer, const char *action, const char *name)
{
    fake.action = action;
    snprintf(fake.syspath, sizeof(fake.syspath), "%s/sys/devices/%s", root, name);
    fake.events = 1;
    fake.taken = 0;
    return pci_observer_dispatch(observer);
}

static int set_up(void **state)
{
    struct pci_observer *observer;

    memset(&fake, 0, sizeof(fake));
    fake.receive = EAGAIN;
    run("rm -rf sys", "");
    add(ONE);
    add(TWO);
    if (pci_observer_open(&observer, NULL) < 0)
        return -1;
    *state = observer;
    return 0;
}

static int tear_down(void **state)
{
    pci_observer_close(*state);
    run("rm -rf sys", "");
    return 0;
}

static void expect(struct pci_observer *observer, size_t count, bool incomplete)
{
    assert_int_equal(pci_observer_topology(observer)->count, count);
    assert_int_equal(pci_observer_topology(observer)->incomplete, incomplete);
}

static void rescan(struct pci_observer *observer, size_t count, bool incomplete)
{
    assert_int_equal(pci_observer_rescan(observer, false), 0);
    expect(observer, count, incomplete);
}

static const struct pci_function *get(const struct pci_observer *observer, uint32_t sbdf)
{
    const struct pci_function *function = pci_topology_find(pci_observer_topology(observer), sbdf);

    assert_non_null(function);
    return function;
}

static void comes_and_goes(void **state)
{
    expect(*state, 2, false);
    add(THREE);
    rescan(*state, 3, false);
    take_away(TWO);
    rescan(*state, 2, false);
    assert_null(pci_topology_find(pci_observer_topology(*state), 0x28));
    add(TWO);
    assert_int_equal(event(*state, "add", TWO), 1);
    expect(*state, 3, false);
    assert_true(get(*state, 0x28)->again);
    take_away(TWO);
    assert_int_equal(event(*state, "remove", TWO), 1);
    expect(*state, 2, false);
    assert_int_equal(event(*state, "remove", TWO), 0);
}

/* Another stands there by now, whose own event may be lost. */
static void removal_of_an_older_one(void **state)
{
    uint32_t incarnation = get(*state, 0x20)->incarnation;

    (void)event(*state, "unbind", ONE);
    assert_int_equal(event(*state, "remove", ONE), 1);
    expect(*state, 2, false);
    assert_int_not_equal(get(*state, 0x20)->incarnation, incarnation);
    assert_true(get(*state, 0x20)->again);
    assert_int_equal(get(*state, 0x20)->unbinds, 0);
    fake.realpath = EMFILE;
    assert_int_equal(event(*state, "remove", ONE), 1);
    expect(*state, 1, true);
    fake.realpath = 0;
    rescan(*state, 2, false);
}

/* What could not be read holds up nothing once it was read, or went. */
static void unread_no_more(void **state)
{
    spoil(ONE);
    spoil(TWO);
    (void)event(*state, "change", ONE);
    (void)event(*state, "change", TWO);
    expect(*state, 2, true);
    mend(ONE);
    (void)event(*state, "change", ONE);
    expect(*state, 2, true);
    take_away(TWO);
    assert_int_equal(event(*state, "remove", TWO), 1);
    expect(*state, 1, false);
    add(THREE);
    spoil(THREE);
    assert_int_equal(event(*state, "add", THREE), 1);
    expect(*state, 1, true);
    take_away(THREE);
    assert_int_equal(event(*state, "remove", THREE), 1);
    expect(*state, 1, false);
}

static void not_listed(void **state)
{
    const int errors[] = {EACCES, EMFILE, ENOMEM};

    for (int i = 0; i < 3; i++) {
        fake.opendir = errors[i];
        rescan(*state, 2, true);
        fake.opendir = 0;
        rescan(*state, 2, false);
        fake.readdir = errors[i];
        rescan(*state, 2, true);
        fake.readdir = 0;
        fake.realpath = errors[i];
        rescan(*state, 2, true);
        fake.realpath = 0;
        rescan(*state, 2, false);
    }
}

static void no_bus(void **state)
{
    run("rm -rf sys", "");
    rescan(*state, 0, false);
}

static void no_list_at_first(void **state)
{
    struct pci_observer *observer;

    (void)state;
    fake.opendir = EACCES;
    assert_int_equal(pci_observer_open(&observer, NULL), 0);
    expect(observer, 0, true);
    fake.opendir = 0;
    rescan(observer, 2, false);
    assert_false(get(observer, 0x20)->late);
    pci_observer_close(observer);
}

static void one_that_cannot_be_read(void **state)
{
    uint32_t incarnation = get(*state, 0x20)->incarnation, events = get(*state, 0x20)->events;

    spoil(ONE);
    assert_int_equal(event(*state, "change", ONE), 1);
    expect(*state, 2, true);
    assert_int_equal(get(*state, 0x20)->events, events + 1);
    rescan(*state, 2, true);
    assert_int_equal(event(*state, "change", TWO), 1);
    expect(*state, 2, true);
    mend(ONE);
    rescan(*state, 2, false);
    assert_int_equal(get(*state, 0x20)->incarnation, incarnation);
    spoil(ONE);
    rescan(*state, 2, true);
    take_away(ONE);
    rescan(*state, 1, false);
}

/* What is there again and again in the same way is an event all the same. */
static void events_count(void **state)
{
    static const char *const actions[] = {"add", "bind", "change", "unbind", "move"};
    uint32_t events = get(*state, 0x20)->events;

    for (int i = 0; i < 5; i++) {
        assert_int_equal(event(*state, actions[i], ONE), 1);
        assert_int_equal(get(*state, 0x20)->events, ++events);
        assert_int_equal(get(*state, 0x20)->unbinds, i >= 3);
    }
    rescan(*state, 2, false);
    assert_int_equal(get(*state, 0x20)->events, events);
    assert_int_equal(event(*state, "change", "something"), 0);
}

static void lost_events(void **state)
{
    uint32_t incarnation = get(*state, 0x20)->incarnation, events = get(*state, 0x20)->events;

    fake.receive = ENOBUFS;
    assert_int_equal(pci_observer_dispatch(*state), -ENOBUFS);
    fake.receive = EINVAL;
    assert_int_equal(pci_observer_dispatch(*state), -ENOBUFS);
    fake.receive = EAGAIN;
    assert_int_equal(pci_observer_dispatch(*state), 0);
    take_away(TWO);
    add(TWO);
    /* that some were lost is not forgotten because the next look failed */
    fake.opendir = EMFILE;
    assert_int_equal(pci_observer_rescan(*state, true), 0);
    fake.opendir = 0;
    rescan(*state, 2, false);
    assert_int_equal(get(*state, 0x20)->incarnation, incarnation);
    assert_int_equal(get(*state, 0x20)->events, events + 1);
    assert_true(get(*state, 0x28)->again && get(*state, 0x28)->late);
    rescan(*state, 2, false);
    assert_int_equal(get(*state, 0x20)->events, events + 1);
}

static void events_without_end(void **state)
{
    fake.events = 1000;
    fake.action = "change";
    snprintf(fake.syspath, sizeof(fake.syspath), "%s/sys/devices/%s", root, ONE);
    assert_int_equal(pci_observer_dispatch(*state), PCI_OBSERVER_MORE);
    assert_int_equal(fake.taken, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_and_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removal_of_an_older_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unread_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_bus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_list_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_without_end, set_up, tear_down),
    };
    int rc;

    if (!mkdtemp(root))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(root);
    return rc;
}
