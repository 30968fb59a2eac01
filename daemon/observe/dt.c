/* SPDX-License-Identifier: MIT */
#include "observe/dt.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* The buses whose devices are made from device tree nodes and can be masters of their own. What
 * sits on I2C, SPI, MDIO and the like does no DMA. */
static const char *const subsystems[] = {"platform", "amba"};
#define SUBSYSTEMS (sizeof(subsystems) / sizeof(subsystems[0]))

/* So that events that come without end do not put off what they are for. */
#define EVENTS_MAX 256

/* A device that udev knows. */
struct found {
    char *path;
    char driver[32];
};

struct founds {
    struct found *items;
    size_t count, capacity;
    bool incomplete; /* one could not be read */
};

struct dt_observer {
    struct udev *udev;
    struct udev_monitor *monitor;
    struct devicetree *tree; /* NULL: none */
    bool dom0_tree;          /* as Xen made it for dom0, not the host's own */
    struct founds founds;
    struct dt_entries entries;
};

/* ------------------------------------------------------------- the flattened tree */

static int read_blob(const char *path, char **blob, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    int rc = 0;

    if (fd < 0)
        return -errno;
    *blob = malloc(DEVICETREE_MAX_SIZE + 1);
    if (!*blob)
        rc = -ENOMEM;
    while (rc == 0 && used <= DEVICETREE_MAX_SIZE) {
        ssize_t got = read(fd, *blob + used, DEVICETREE_MAX_SIZE + 1 - used);

        if (got < 0 && errno != EINTR)
            rc = -errno;
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    *size = used;
    if (rc < 0)
        free(*blob);
    return rc;
}

static void log_errors(const char *path, const struct devicetree *tree)
{
    for (size_t i = 0; i < tree->error_count; i++)
        log_warning("%s: %s", path, tree->errors[i]);
    if (tree->errors_lost)
        log_warning("%s: %zu more errors", path, tree->errors_lost);
}

static int read_tree(struct dt_observer *observer, const char *file, const char *sysroot)
{
    char path[PATH_MAX], *blob = NULL;
    size_t size = 0;
    int rc;

    observer->dom0_tree = !file;
    if (file)
        snprintf(path, sizeof(path), "%s", file);
    else
        snprintf(path, sizeof(path), "%s/sys/firmware/fdt", sysroot);
    rc = read_blob(path, &blob, &size);
    if (rc == -ENOENT && !file)
        return 0;
    if (rc == 0) {
        rc = devicetree_parse(blob, size, &observer->tree);
        free(blob);
    }
    if (rc < 0) {
        log_error("%s: %s", path, rc == -EINVAL ? "not a flattened device tree" : strerror(-rc));
        return rc;
    }
    log_errors(path, observer->tree);
    return 0;
}

/* ------------------------------------------------------------- udev */

static void founds_clear(struct founds *founds)
{
    for (size_t i = 0; i < founds->count; i++)
        free(founds->items[i].path);
    free(founds->items);
    *founds = (struct founds){NULL, 0, 0, false};
}

static int add_found(struct founds *founds, const char *path, const char *driver)
{
    char *copy = strdup(path);

    if (copy && founds->count == founds->capacity) {
        size_t capacity = founds->capacity ? 2 * founds->capacity : 64;
        void *grown = reallocarray(founds->items, capacity, sizeof(*founds->items));

        if (grown) {
            founds->items = grown;
            founds->capacity = capacity;
        }
    }
    if (!copy || founds->count == founds->capacity) {
        free(copy);
        return -ENOMEM;
    }
    founds->items[founds->count] = (struct found){.path = copy};
    snprintf(founds->items[founds->count].driver, sizeof(founds->items[0].driver), "%s",
             driver ? driver : "");
    founds->count++;
    return 0;
}

/* Has the device's folder gone? Where that cannot be told, it has not. */
static bool is_gone(const char *syspath)
{
    struct stat st;

    return lstat(syspath, &st) && (errno == ENOENT || errno == ENOTDIR);
}

/* libudev tells with NULL that there is no such thing, and that it could not be read. */
static void note_unread(struct founds *founds, const char *value)
{
    if (!value && errno && errno != ENOENT && errno != ENODATA)
        founds->incomplete = true;
}

static int add_device(struct dt_observer *observer, struct founds *founds, const char *syspath)
{
    struct udev_device *device = udev_device_new_from_syspath(observer->udev, syspath);
    const char *path;
    int rc = 0;

    if (!device) {
        /* One that went while we looked is none; one that could not be read is. */
        founds->incomplete = founds->incomplete || !is_gone(syspath);
        return 0;
    }
    errno = 0;
    path = udev_device_get_property_value(device, "OF_FULLNAME");
    note_unread(founds, path);
    if (path && path[0] == '/' && path[1]) {
        const char *driver;

        errno = 0;
        driver = udev_device_get_driver(device);
        note_unread(founds, driver);
        rc = add_found(founds, path, driver);
    }
    udev_device_unref(device);
    return rc;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    /* One node may have several devices; the one with a driver is of more use. */
    return order ? order : strcmp(y->driver, x->driver);
}

static int enumerate(struct dt_observer *observer, struct founds *founds)
{
    struct udev_enumerate *list = udev_enumerate_new(observer->udev);
    struct udev_list_entry *entry;
    int rc = list ? 0 : -ENOMEM;

    for (size_t i = 0; rc >= 0 && i < SUBSYSTEMS; i++)
        rc = udev_enumerate_add_match_subsystem(list, subsystems[i]);
    if (rc >= 0)
        rc = udev_enumerate_scan_devices(list);
    /* It lists what it could read all the same. */
    if (list && rc < 0 && rc != -ENOMEM) {
        founds->incomplete = true;
        rc = 0;
    }
    if (rc >= 0) {
        struct udev_list_entry *head;

        rc = 0;
        errno = 0;
        head = udev_enumerate_get_list_entry(list);
        if (!head && errno && errno != ENODATA)
            founds->incomplete = true;
        udev_list_entry_foreach(entry, head)
        {
            if (rc == 0)
                rc = add_device(observer, founds, udev_list_entry_get_name(entry));
        }
    }
    if (list)
        udev_enumerate_unref(list);
    if (rc == 0 && founds->count)
        qsort(founds->items, founds->count, sizeof(*founds->items), compare_found);
    return rc;
}

/* ------------------------------------------------------------- both together */

/* What the tree lists of its own accord: what can do DMA or may, and is for some domain's drivers.
 * In dom0's tree Xen has replaced "xen,passthrough" by status = "disabled". Whoever has a node that
 * is not in use has a part in the streams that it shares. */
static bool is_listed(const struct dt_device *node, bool dom0_tree)
{
    return (node->relevance == DT_DMA_UNKNOWN || node->relevance == DT_DMA_CAPABLE) &&
           !node->is_iommu && (node->enabled || node->passthrough || dom0_tree || node->group != 0);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct dt_entry *)a)->path, ((const struct dt_entry *)b)->path);
}

static struct dt_entry *find_entry(const struct dt_entries *entries, const char *path)
{
    struct dt_entry key = {.path = path};

    if (!entries->count)
        return NULL;
    return bsearch(&key, entries->entries, entries->count, sizeof(key), compare_entries);
}

/* Devices that are in no flattened tree came with an overlay; what they can do is not known. */
static void merge(const struct dt_observer *observer, const struct founds *founds,
                  struct dt_entries *entries)
{
    const struct devicetree *tree = observer->tree;
    size_t listed;

    entries->incomplete = founds->incomplete;
    entries->streams_told = tree && tree->streams_told;
    for (size_t i = 0; tree && i < tree->count; i++)
        if (is_listed(&tree->devices[i], observer->dom0_tree))
            entries->entries[entries->count++] =
                (struct dt_entry){.path = tree->devices[i].path, .node = &tree->devices[i]};
    listed = entries->count;
    for (size_t i = 0; i < founds->count; i++) {
        struct dt_entries known = {.entries = entries->entries, .count = listed};
        const struct found *found = &founds->items[i];
        struct dt_entry *entry = find_entry(&known, found->path);

        if (i && strcmp(found->path, founds->items[i - 1].path) == 0)
            continue;
        if (!entry && !(tree && devicetree_find(tree, found->path))) {
            entry = &entries->entries[entries->count++];
            *entry = (struct dt_entry){.path = found->path};
        }
        if (entry)
            memcpy(entry->driver, found->driver, sizeof(entry->driver));
    }
    if (entries->count)
        qsort(entries->entries, entries->count, sizeof(*entries->entries), compare_entries);
}

int dt_observer_rescan(struct dt_observer *observer)
{
    size_t most = observer->tree ? observer->tree->count : 0;
    struct dt_entries entries = {NULL, 0, false, false};
    struct founds founds = {NULL, 0, 0, false};
    int rc = enumerate(observer, &founds);

    if (rc == 0) {
        entries.entries = calloc(most + founds.count + 1, sizeof(*entries.entries));
        rc = entries.entries ? 0 : -ENOMEM;
    }
    if (rc < 0) {
        founds_clear(&founds);
        return rc;
    }
    merge(observer, &founds, &entries);
    founds_clear(&observer->founds);
    free(observer->entries.entries);
    observer->founds = founds;
    observer->entries = entries;
    return 0;
}

static bool same_entries(const struct dt_entries *a, const struct dt_entries *b)
{
    if (a->count != b->count || a->incomplete != b->incomplete)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->entries[i].path, b->entries[i].path) != 0 ||
            strcmp(a->entries[i].driver, b->entries[i].driver) != 0)
            return false;
    return true;
}

int dt_observer_dispatch(struct dt_observer *observer)
{
    bool any = false, lost;
    struct udev_device *event;
    int taken = 0;

    do {
        errno = 0;
        event = udev_monitor_receive_device(observer->monitor);
        /* Full, or one that could not be taken in: it is lost either way. */
        lost = !event && errno != 0 && errno != EAGAIN && errno != EINTR;
        any = any || event || lost;
        if (event)
            udev_device_unref(event);
    } while ((event || lost) && ++taken < EVENTS_MAX);
    if (!any)
        return 0;
    /* They are few and seldom come or go: all are read again. */
    {
        struct dt_entries before = observer->entries;
        struct founds strings = observer->founds;
        int rc;

        observer->entries = (struct dt_entries){NULL, 0, false, false};
        observer->founds = (struct founds){NULL, 0, 0, false};
        rc = dt_observer_rescan(observer);
        if (rc < 0) {
            observer->entries = before;
            observer->founds = strings;
            return rc;
        }
        rc = !same_entries(&before, &observer->entries);
        free(before.entries);
        founds_clear(&strings);
        return rc;
    }
}

static int listen_to_kernel(struct dt_observer *observer)
{
    int rc = 0;

    observer->udev = udev_new();
    if (!observer->udev)
        return -ENOMEM;
    observer->monitor = udev_monitor_new_from_netlink(observer->udev, "kernel");
    if (!observer->monitor)
        return errno ? -errno : -EIO;
    for (size_t i = 0; rc >= 0 && i < SUBSYSTEMS; i++)
        rc =
            udev_monitor_filter_add_match_subsystem_devtype(observer->monitor, subsystems[i], NULL);
    return rc < 0 ? rc : udev_monitor_enable_receiving(observer->monitor);
}

int dt_observer_open(struct dt_observer **out, const char *file, const char *sysroot)
{
    struct dt_observer *observer = calloc(1, sizeof(*observer));
    int rc;

    *out = NULL;
    if (!observer)
        return -ENOMEM;
    rc = listen_to_kernel(observer);
    if (rc == 0)
        rc = read_tree(observer, file, sysroot);
    if (rc == 0)
        rc = dt_observer_rescan(observer);
    if (rc < 0) {
        dt_observer_close(observer);
        return rc;
    }
    *out = observer;
    return 0;
}

void dt_observer_close(struct dt_observer *observer)
{
    if (!observer)
        return;
    if (observer->monitor)
        udev_monitor_unref(observer->monitor);
    if (observer->udev)
        udev_unref(observer->udev);
    free(observer->entries.entries);
    founds_clear(&observer->founds);
    devicetree_free(observer->tree);
    free(observer);
}

int dt_observer_fd(const struct dt_observer *observer)
{
    return udev_monitor_get_fd(observer->monitor);
}

const struct dt_entries *dt_observer_entries(const struct dt_observer *observer)
{
    return &observer->entries;
}
