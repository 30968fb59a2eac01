/* SPDX-License-Identifier: MIT */
#include "observe/pci.h"

#include <dirent.h>
#include <errno.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "complaints.h"
#include "log.h"
#include "observe/pci_function.h"
#include "observe/pci_table.h"

#define DEVICES "/sys/bus/pci/devices"

/* So many uevents are taken in at once: then others have their turn. */
#define EVENTS_MAX 256

struct pci_observer {
    struct udev *udev;
    struct udev_monitor *monitor;
    struct opener *opener; /* the caller's, or NULL */
    struct pci_table table;
    bool missed; /* uevents were lost, and not all was read since */
    struct complaints troubles, before;
};

static void tell_trouble(struct pci_observer *observer, const char *name, const char *what,
                         int error)
{
    complain(&observer->troubles, &observer->before, "reading the PCI functions: %s: %s: %s", name,
             what, strerror(-error));
}

/* Brings one function up to date with sysfs: what a uevent itself says may be old by now. Whether
 * there is news. */
static bool update(struct pci_observer *observer, const char *syspath, enum pci_news news)
{
    struct pci_function function;
    const char *what;
    uint32_t sbdf;
    int rc;

    if (!pci_function_parse_name(pci_function_name(syspath), &sbdf))
        return false;
    rc = pci_function_read(syspath, observer->opener, &function, &what);
    if (rc == -ENOENT)
        return pci_table_drop(&observer->table, sbdf);
    if (rc == 0) {
        what = "taking it in";
        rc = pci_table_put(&observer->table, &function, news);
    }
    if (rc >= 0)
        return rc > 0;
    tell_trouble(observer, syspath, what, rc);
    (void)pci_table_unread(&observer->table, sbdf, news);
    return true;
}

/* libudev's own enumeration leaves out what it failed to read, and does not always say so.
 * Whether there is news. */
static bool look_at(struct pci_observer *observer, const char *name, enum pci_news news)
{
    char link[sizeof(DEVICES) + NAME_MAX + 1], *syspath;
    uint32_t sbdf;

    if (!pci_function_parse_name(name, &sbdf))
        return false;
    snprintf(link, sizeof(link), DEVICES "/%s", name);
    errno = 0;
    syspath = realpath(link, NULL);
    if (syspath) {
        bool changed = update(observer, syspath, news);

        free(syspath);
        return changed;
    }
    if (errno == ENOENT)
        return pci_table_drop(&observer->table, sbdf);
    tell_trouble(observer, link, "its link", errno ? -errno : -ENOMEM);
    (void)pci_table_unread(&observer->table, sbdf, news);
    return true;
}

/* ------------------------------------------------------------- uevents */

/* A bridge may learn its buses only when something below it appears. */
static bool update_bridge_above(struct pci_observer *observer, const char *syspath)
{
    char path[PATH_MAX];
    char *slash;

    snprintf(path, sizeof(path), "%s", syspath);
    slash = strrchr(path, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return update(observer, path, PCI_NEWS_NONE);
}

/* By the time the kernel announces a removal the bus has no link to the device. If there is one,
 * then to another device, whose own event may be among those that were lost: events that were
 * waiting outlive a rescan for lost ones. */
static bool handle_removal(struct pci_observer *observer, const char *name)
{
    uint32_t sbdf;
    bool known;

    if (!pci_function_parse_name(name, &sbdf))
        return false;
    known = pci_table_drop(&observer->table, sbdf);
    return look_at(observer, name, PCI_NEWS_EVENT) || known;
}

static bool handle_uevent(struct pci_observer *observer, struct udev_device *event,
                          const char *action)
{
    const char *syspath = udev_device_get_syspath(event);
    enum pci_news news = PCI_NEWS_EVENT;
    bool changed;

    if (strcmp(action, "remove") == 0)
        return handle_removal(observer, pci_function_name(syspath));
    if (strcmp(action, "bind") == 0)
        news = PCI_NEWS_BIND;
    if (strcmp(action, "unbind") == 0)
        news = PCI_NEWS_UNBIND;
    changed = update(observer, syspath, news);
    return update_bridge_above(observer, syspath) || changed;
}

int pci_observer_dispatch(struct pci_observer *observer)
{
    int changed = 0;

    for (int taken = 0; taken < EVENTS_MAX; taken++) {
        struct udev_device *event;
        const char *action;

        errno = 0;
        event = udev_monitor_receive_device(observer->monitor);
        if (!event && (errno == 0 || errno == EAGAIN || errno == EINTR))
            return changed;
        /* Full, or one that could not be taken in: it is lost either way. */
        if (!event)
            return -ENOBUFS;
        action = udev_device_get_action(event);
        if (action) {
            log_debug("uevent %s %s", action, udev_device_get_sysname(event));
            changed |= handle_uevent(observer, event, action);
        }
        udev_device_unref(event);
        if (!action)
            return -ENOBUFS;
    }
    return PCI_OBSERVER_MORE;
}

/* ------------------------------------------------------------- all of them */

static int look_at_all(struct pci_observer *observer, enum pci_news news)
{
    DIR *directory = opendir(DEVICES);
    const struct dirent *entry;
    int rc;

    /* A host without PCI has no such bus. */
    if (!directory)
        return errno == ENOENT ? 0 : -errno;
    for (;;) {
        errno = 0;
        entry = readdir(directory);
        if (!entry)
            break;
        (void)look_at(observer, entry->d_name, news);
    }
    rc = -errno;
    closedir(directory);
    return rc;
}

static bool is_gone(uint32_t sbdf)
{
    char link[sizeof(DEVICES) + NAME_MAX + 1];
    struct stat st;

    snprintf(link, sizeof(link), DEVICES "/%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff,
             sbdf >> 3 & 0x1f, sbdf & 7);
    return lstat(link, &st) < 0 && errno == ENOENT;
}

static void drop_gone(struct pci_observer *observer)
{
    const struct pci_topology *topology = &observer->table.topology;

    for (size_t i = topology->count; i-- > 0;)
        if (is_gone(topology->functions[i].sbdf))
            (void)pci_table_drop(&observer->table, topology->functions[i].sbdf);
}

int pci_observer_rescan(struct pci_observer *observer, bool missed)
{
    int rc;

    observer->missed = observer->missed || missed;
    observer->before = observer->troubles;
    observer->troubles = (struct complaints){NULL, 0};
    pci_table_start(&observer->table);
    rc = look_at_all(observer, observer->missed ? PCI_NEWS_MISSED : PCI_NEWS_NONE);
    if (rc < 0) {
        tell_trouble(observer, DEVICES, "listing it", rc);
        pci_table_unlisted(&observer->table);
    } else {
        observer->missed = false;
        observer->table.looked = true;
    }
    drop_gone(observer);
    complaints_clear(&observer->before);
    return 0;
}

/* ------------------------------------------------------------- life */

int pci_observer_open(struct pci_observer **out, struct opener *opener)
{
    struct pci_observer *observer = calloc(1, sizeof(*observer));
    int rc = -ENOMEM;

    *out = NULL;
    if (!observer)
        return -ENOMEM;
    observer->opener = opener;
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
    pci_table_clear(&observer->table);
    complaints_clear(&observer->troubles);
    free(observer);
}

int pci_observer_fd(const struct pci_observer *observer)
{
    return udev_monitor_get_fd(observer->monitor);
}

const struct pci_topology *pci_observer_topology(const struct pci_observer *observer)
{
    return &observer->table.topology;
}
