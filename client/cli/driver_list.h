/* SPDX-License-Identifier: MIT */
/* What the Linux driver says of each device in debugfs: client/linux/README.md. */
#ifndef XI_CLIENT_CLI_DRIVER_LIST_H
#define XI_CLIENT_CLI_DRIVER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define DRIVER_LIST "/sys/kernel/debug/xeniommu/devices"

/* A line of it. */
struct driver_line {
    char *bus, *name; /* as in sysfs */
    char *done;       /* "taken", "would-take", "kept" */
    char *why;        /* a token */
    char *text;       /* what the others point into */
};

struct driver_list {
    struct driver_line *lines;
    size_t count;
};

/* Reads it. Free it in any case. 0; -ENOENT: the driver is not there, or debugfs is not mounted;
 * -EPROTO: a line that is not known; or another negative errno. */
int driver_list_read(struct driver_list *list, const char *root);

void driver_list_free(struct driver_list *list);

/* The device's line, or NULL. */
const struct driver_line *driver_list_find(const struct driver_list *list, const char *bus,
                                           const char *name);

/* Whether the line says that the device has swiotlb-xen, and that the driver could take it off. */
bool driver_line_is_open(const struct driver_line *line);

#endif
