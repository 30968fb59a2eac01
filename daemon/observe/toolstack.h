/* SPDX-License-Identifier: MIT */
/* Observer of libxl's own record of device tree devices: it leaves nothing of them in XenStore,
 * only in /var/lib/xen/userdata-d.DOMID.UUID.libxl-json, as "dtdevs". */
#ifndef XI_OBSERVE_TOOLSTACK_H
#define XI_OBSERVE_TOOLSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One device tree device that one domain's configuration names. */
struct dt_record {
    char *path;       /* the host's */
    char *guest_path; /* the guest's own, from its partial device tree; NULL: the host's serves */
    uint32_t domid;
    uint8_t handle[16]; /* of the domain that the record was written for: its UUID */
};

/* Sorted by path. */
struct dt_records {
    struct dt_record *records;
    size_t count;
};

struct toolstack_observer;

/* Watches sysroot/var/lib/xen. 0 or a negative errno; a directory that is not there is an empty
 * one. The caller closes it. */
int toolstack_observer_open(struct toolstack_observer **observer, const char *sysroot);
void toolstack_observer_close(struct toolstack_observer *observer); /* NULL is allowed */

/* Readable when a record may have changed; -1 when there is no directory to watch. */
int toolstack_observer_fd(const struct toolstack_observer *observer);

/* Takes in what is pending. True when the records are to be read again. */
bool toolstack_observer_dispatch(struct toolstack_observer *observer);

/* Reads all records anew. What makes no sense is complained of once and left out. 0 or a negative
 * errno, and then the records are as they were. */
int toolstack_observer_refresh(struct toolstack_observer *observer);

/* Valid until the next refresh or close. */
const struct dt_records *toolstack_observer_get(const struct toolstack_observer *observer);

#endif
