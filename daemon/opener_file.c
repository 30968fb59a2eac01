/* SPDX-License-Identifier: MIT */
#include "opener_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "observe/partial_name.h"

#define READ_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Nothing but what directory_watch.c asks for. */
#define WATCH_MASK                                                                                 \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF |       \
     IN_MOVE_SELF | IN_ONLYDIR)

static int open_path(const char *path, int flags)
{
    int fd = open(path, flags);

    return fd < 0 ? -errno : fd;
}

static int open_config(const struct opener_request *what)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%04x:%02x:%02x.%x/config", what->sbdf >> 16,
             what->sbdf >> 8 & 0xff, what->sbdf >> 3 & 0x1f, what->sbdf & 7);
    return open_path(path, READ_FLAGS);
}

static int open_directory(const char *root)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s" OPENER_DIRECTORY, root) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return open_path(path, READ_FLAGS | O_DIRECTORY);
}

int opener_record_path(char *path, size_t size, const char *root, const struct opener_request *what)
{
    const uint8_t *u = what->uuid;
    int length = snprintf(path, size,
                          "%s" OPENER_DIRECTORY "/userdata-d.%u.%02x%02x%02x%02x-%02x%02x-"
                          "%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x.libxl-json",
                          root, what->domid, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8],
                          u[9], u[10], u[11], u[12], u[13], u[14], u[15]);

    return length >= (int)size ? -ENAMETOOLONG : 0;
}

static int open_record(const char *root, const struct opener_request *what)
{
    char path[PATH_MAX];
    int rc = opener_record_path(path, sizeof(path), root, what);

    return rc < 0 ? rc : open_path(path, READ_FLAGS);
}

/* The record is root's own word: what it names, libxl itself reads as root. */
static int open_partial_tree(const char *root, const struct opener_request *what, struct stat *link)
{
    char path[PATH_MAX], name[PATH_MAX];
    int record = open_record(root, what), rc;

    if (record < 0)
        return record;
    rc = partial_name_read(record, name, sizeof(name));
    close(record);
    if (rc < 0)
        return rc;
    if (name[0] != '/')
        return -EINVAL;
    if (snprintf(path, sizeof(path), "%s%s", root, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    if (lstat(path, link))
        return -errno;
    return open_path(path, READ_FLAGS);
}

int opener_file_open(const char *root, const struct opener_request *what, struct stat *link)
{
    memset(link, 0, sizeof(*link));
    switch (what->kind) {
    case OPENER_PCI_CONFIG:
        return open_config(what);
    case OPENER_RECORDS:
        return open_directory(root);
    case OPENER_RECORD:
        return open_record(root, what);
    case OPENER_PARTIAL_TREE:
        return open_partial_tree(root, what, link);
    default:
        return -EINVAL;
    }
}

int opener_file_watch(const char *root, const struct opener_request *what, int inotify)
{
    char path[PATH_MAX];
    uint32_t left = what->levels;
    int watch;

    if (what->kind != OPENER_WATCH || (what->mask & ~(uint32_t)WATCH_MASK) ||
        !(what->mask & IN_ONLYDIR))
        return -EINVAL;
    if (snprintf(path, sizeof(path), "%s" OPENER_DIRECTORY, root) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    for (; left; left--) {
        char *slash = strrchr(path, '/');

        if (!slash || path[1] == '\0')
            return -ENODEV;
        slash[slash == path] = '\0';
    }
    watch = inotify_add_watch(inotify, path, what->mask);
    return watch < 0 ? -errno : watch;
}
