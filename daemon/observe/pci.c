/* SPDX-License-Identifier: MIT */
#include "observe/pci.h"

#include <errno.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

struct pci_observer {
    struct udev *udev;
    struct udev_monitor *monitor;
    struct pci_topology topology;
    size_t capacity;
    uint32_t incarnations;
    uint32_t *dropped;
    size_t dropped_count;
    bool looked; /* once at all of them */
};

/* "0000:00:04.0". False for anything else, segments over 16 bits included: those are the
 * kernel's own invention (Intel VMD), and Xen has no name for them. */
static bool parse_sysname(const char *name, uint32_t *sbdf)
{
    unsigned int segment, bus, device, function;
    int end = 0;

    if (sscanf(name, "%4x:%2x:%2x.%1x%n", &segment, &bus, &device, &function, &end) != 4 ||
        name[end] || device > 31 || function > 7)
        return false;
    *sbdf = segment << 16 | bus << 8 | device << 3 | function;
    return true;
}

static bool read_number(struct udev_device *device, const char *attribute, unsigned long *value)
{
    const char *text = udev_device_get_sysattr_value(device, attribute);
    char *end;

    if (!text || !*text)
        return false;
    errno = 0;
    *value = strtoul(text, &end, 0);
    return errno == 0 && end != text && *end == '\0';
}

static uint32_t read_id(struct udev_device *device)
{
    unsigned long vendor, id;

    if (!read_number(device, "vendor", &vendor) || !read_number(device, "device", &id))
        return 0;
    return (uint32_t)(id << 16 | (vendor & 0xffff));
}

static uint32_t physfn_of(struct udev_device *device)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *base;
    uint32_t sbdf;
    ssize_t length;

    if (snprintf(path, sizeof(path), "%s/physfn", udev_device_get_syspath(device)) >=
        (int)sizeof(path))
        return PCI_NO_SBDF;
    length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return PCI_NO_SBDF;
    target[length] = '\0';
    base = strrchr(target, '/');
    return parse_sysname(base ? base + 1 : target, &sbdf) ? sbdf : PCI_NO_SBDF;
}

/* 0, -ENODEV when it is not a function Xen can name, or it went while we looked. */
static int read_function(struct udev_device *device, struct pci_function *function)
{
    struct udev_device *parent;
    const char *driver;
    unsigned long value;

    memset(function, 0, sizeof(*function));
    if (!parse_sysname(udev_device_get_sysname(device), &function->sbdf) ||
        !read_number(device, "class", &value))
        return -ENODEV;
    function->class_code = (uint32_t)value;
    function->id = read_id(device);
    function->physfn = physfn_of(device);
    function->parent = PCI_NO_SBDF;
    parent = udev_device_get_parent_with_subsystem_devtype(device, "pci", NULL);
    if (parent)
        (void)parse_sysname(udev_device_get_sysname(parent), &function->parent);
    /* The kernel gives this attribute to functions with a bridge's header only. */
    if (read_number(device, "secondary_bus_number", &value)) {
        function->is_bridge = true;
        function->secondary_bus = (uint8_t)value;
    }
    driver = udev_device_get_driver(device);
    if (driver)
        snprintf(function->driver, sizeof(function->driver), "%s", driver);
    return 0;
}

/* The index of this address, or of where it belongs. */
static size_t position(const struct pci_topology *topology, uint32_t sbdf)
{
    size_t low = 0, high = topology->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (topology->functions[middle].sbdf < sbdf)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool present(const struct pci_topology *topology, size_t at, uint32_t sbdf)
{
    return at < topology->count && topology->functions[at].sbdf == sbdf;
}

/* 1 when that changed anything, 0 when not, -ENOMEM. */
static int upsert(struct pci_observer *observer, struct pci_function *function)
{
    struct pci_topology *topology = &observer->topology;
    size_t at = position(topology, function->sbdf);

    if (present(topology, at, function->sbdf)) {
        function->incarnation = topology->functions[at].incarnation;
        function->events = topology->functions[at].events + 1;
        function->rebound = topology->functions[at].rebound;
        function->again = topology->functions[at].again;
        function->late = topology->functions[at].late;
        if (memcmp(&topology->functions[at], function, sizeof(*function)) == 0)
            return 0;
        topology->functions[at] = *function;
        return 1;
    }
    if (topology->count == observer->capacity) {
        size_t capacity = observer->capacity ? 2 * observer->capacity : 64;
        void *grown = reallocarray(topology->functions, capacity, sizeof(*function));

        if (!grown)
            return -ENOMEM;
        topology->functions = grown;
        observer->capacity = capacity;
    }
    memmove(&topology->functions[at + 1], &topology->functions[at],
            (topology->count - at) * sizeof(*function));
    function->incarnation = ++observer->incarnations;
    for (size_t i = 0; i < observer->dropped_count; i++)
        function->again = function->again || observer->dropped[i] == function->sbdf;
    function->late = observer->looked;
    topology->functions[at] = *function;
    topology->count++;
    return 1;
}

static int drop(struct pci_observer *observer, uint32_t sbdf)
{
    struct pci_topology *topology = &observer->topology;
    size_t at = position(topology, sbdf);

    if (!present(topology, at, sbdf))
        return 0;
    observer->dropped =
        realloc(observer->dropped, (observer->dropped_count + 1) * sizeof(uint32_t));
    observer->dropped[observer->dropped_count++] = sbdf;
    topology->count--;
    memmove(&topology->functions[at], &topology->functions[at + 1],
            (topology->count - at) * sizeof(*topology->functions));
    return 1;
}

/* Brings one function up to date with sysfs: what the uevent itself says may be old by now. */
static int update(struct pci_observer *observer, const char *syspath, const char *sysname)
{
    struct udev_device *device = udev_device_new_from_syspath(observer->udev, syspath);
    struct pci_function function;
    uint32_t sbdf;
    int rc;

    rc = device ? read_function(device, &function) : -ENODEV;
    if (rc == 0)
        rc = upsert(observer, &function);
    else if (parse_sysname(sysname, &sbdf))
        rc = drop(observer, sbdf);
    else
        rc = 0;
    if (device)
        udev_device_unref(device);
    return rc;
}

static int handle_uevent(struct pci_observer *observer, struct udev_device *event)
{
    const char *action = udev_device_get_action(event);
    struct udev_device *parent;
    uint32_t sbdf;
    int changed, rc;

    /* The kernel announces a removal while sysfs still shows the device. Should the same address
     * appear again, that is an event of its own, behind this one. */
    if (action && strcmp(action, "remove") == 0)
        return parse_sysname(udev_device_get_sysname(event), &sbdf) ? drop(observer, sbdf) : 0;
    changed = update(observer, udev_device_get_syspath(event), udev_device_get_sysname(event));
    if (action && strcmp(action, "unbind") == 0 &&
        parse_sysname(udev_device_get_sysname(event), &sbdf)) {
        size_t at = position(&observer->topology, sbdf);
        if (present(&observer->topology, at, sbdf))
            observer->topology.functions[at].rebound = true;
    }
    /* A bridge may learn its buses only when something below it appears. */
    parent = udev_device_get_parent_with_subsystem_devtype(event, "pci", NULL);
    if (changed < 0 || !parent)
        return changed;
    rc = update(observer, udev_device_get_syspath(parent), udev_device_get_sysname(parent));
    return rc < 0 ? rc : changed || rc;
}

int pci_observer_dispatch(struct pci_observer *observer)
{
    int changed = 0;

    for (;;) {
        struct udev_device *event;
        int rc;

        errno = 0;
        event = udev_monitor_receive_device(observer->monitor);
        if (!event) {
            if (errno == ENOBUFS)
                return -ENOBUFS;
            return changed;
        }
        log_debug("uevent %s %s", udev_device_get_action(event), udev_device_get_sysname(event));
        rc = handle_uevent(observer, event);
        udev_device_unref(event);
        if (rc < 0)
            return rc;
        changed |= rc;
    }
}

static int scan(struct pci_observer *observer, struct udev_enumerate *enumerate)
{
    struct udev_list_entry *entry;
    int rc;

    if (udev_enumerate_add_match_subsystem(enumerate, "pci") < 0)
        return -ENOMEM;
    rc = udev_enumerate_scan_devices(enumerate);
    if (rc < 0)
        return rc;
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate))
    {
        const char *syspath = udev_list_entry_get_name(entry);
        const char *base = strrchr(syspath, '/');

        rc = update(observer, syspath, base ? base + 1 : syspath);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* What was there all the time is the same device. */
static void keep_incarnations(struct pci_topology *now, const struct pci_topology *before)
{
    for (size_t i = 0; i < now->count; i++) {
        const struct pci_function *old = pci_topology_find(before, now->functions[i].sbdf);

        if (!old)
            continue;
        now->functions[i].incarnation = old->incarnation;
        now->functions[i].late = old->late;
    }
}

int pci_observer_rescan(struct pci_observer *observer, bool missed)
{
    struct pci_topology old = observer->topology;
    size_t old_capacity = observer->capacity;
    struct udev_enumerate *enumerate = udev_enumerate_new(observer->udev);
    int rc;

    if (!enumerate)
        return -ENOMEM;
    observer->topology = (struct pci_topology){0};
    observer->capacity = 0;
    rc = scan(observer, enumerate);
    udev_enumerate_unref(enumerate);
    if (rc < 0) {
        free(observer->topology.functions);
        observer->topology = old;
        observer->capacity = old_capacity;
        return rc;
    }
    if (!missed)
        keep_incarnations(&observer->topology, &old);
    observer->looked = true;
    free(old.functions);
    return 0;
}

int pci_observer_open(struct pci_observer **out)
{
    struct pci_observer *observer = calloc(1, sizeof(*observer));
    int rc = -ENOMEM;

    *out = NULL;
    if (!observer)
        return -ENOMEM;
    observer->udev = udev_new();
    if (!observer->udev)
        goto out;
    /* The kernel's own events: udevd need not run, and its rules have nothing to add here. */
    observer->monitor = udev_monitor_new_from_netlink(observer->udev, "kernel");
    if (!observer->monitor) {
        rc = errno ? -errno : -EIO;
        goto out;
    }
    rc = udev_monitor_filter_add_match_subsystem_devtype(observer->monitor, "pci", NULL);
    if (rc == 0)
        rc = udev_monitor_enable_receiving(observer->monitor);
    if (rc == 0)
        rc = pci_observer_rescan(observer, false);
out:
    if (rc < 0) {
        pci_observer_close(observer);
        return rc;
    }
    *out = observer;
    return 0;
}

void pci_observer_close(struct pci_observer *observer)
{
    if (!observer)
        return;
    if (observer->monitor)
        udev_monitor_unref(observer->monitor);
    if (observer->udev)
        udev_unref(observer->udev);
    free(observer->topology.functions);
    free(observer->dropped);
    free(observer);
}

int pci_observer_fd(const struct pci_observer *observer)
{
    return udev_monitor_get_fd(observer->monitor);
}

const struct pci_topology *pci_observer_topology(const struct pci_observer *observer)
{
    return &observer->topology;
}
