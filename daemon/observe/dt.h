/* SPDX-License-Identifier: MIT */
/* Observer of the host's device tree devices: the flattened tree that dom0 booted with, or the
 * host's own, and udev for what overlays added since. Which nodes are listed: docs/devices.md. */
#ifndef XI_OBSERVE_DT_H
#define XI_OBSERVE_DT_H

#include "../parse/devicetree.h"

/* One device that may do DMA. */
struct dt_entry {
    const char *path;
    const struct dt_device *node; /* NULL: it is not in the flattened tree */
    char driver[32];              /* the bound driver in dom0, "" for none */
};

/* Sorted by path. */
struct dt_entries {
    struct dt_entry *entries;
    size_t count;
    bool incomplete;   /* what udev has of some device could not be read: enumerate again */
    bool streams_told; /* the tree tells stream IDs: then nodes of it that share them have a group,
                          and of devices that are not in the tree nothing is known */
};

struct dt_observer;

/* Starts to listen, reads the tree in file (NULL: sysroot/sys/firmware/fdt, which may be missing: a
 * host without device tree) and enumerates. 0 or a negative errno with *out NULL. What is wrong
 * inside the tree is logged, and the rest counts. */
int dt_observer_open(struct dt_observer **out, const char *file, const char *sysroot);
void dt_observer_close(struct dt_observer *observer); /* NULL is allowed */

/* Readable when dispatch has something to do. */
int dt_observer_fd(const struct dt_observer *observer);

/* Takes in the pending uevents. 1 when the devices changed, 0 when not, or a negative errno. */
int dt_observer_dispatch(struct dt_observer *observer);

/* Enumerates anew. 0 or a negative errno, and then the entries are as they were. */
int dt_observer_rescan(struct dt_observer *observer);

/* Valid until the next dispatch, rescan or close. */
const struct dt_entries *dt_observer_entries(const struct dt_observer *observer);

#endif
