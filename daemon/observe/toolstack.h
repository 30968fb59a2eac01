/* SPDX-License-Identifier: MIT */
/* Observer of libxl's own record of device tree devices: it leaves nothing of them in XenStore,
 * only in /var/lib/xen/userdata-d.DOMID.UUID.libxl-json, as "dtdevs". */
#ifndef XI_OBSERVE_TOOLSTACK_H
#define XI_OBSERVE_TOOLSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/birth.h"

#include "../opener.h"

/* Where in the guest's own tree a device is. */
enum dt_guest_path {
    GUEST_PATH_HOST,    /* under the host's path: the domain has no partial device tree */
    GUEST_PATH_KNOWN,   /* under guest_path, which its partial tree told when it was made */
    GUEST_PATH_UNKNOWN, /* its partial tree does not tell for certain: nowhere that is known */
};

/* One device tree device that one domain's configuration names. */
struct dt_record {
    char *path; /* the host's */
    enum dt_guest_path where;
    char *guest_path; /* with GUEST_PATH_KNOWN, else NULL */
    uint32_t domid;
    uint8_t handle[16]; /* of the domain that the record was written for: its UUID */
};

/* A domain of which a record is there that could not be read, or not all of it: what it has is not
 * known. */
struct dt_unread {
    uint32_t domid;
    uint8_t handle[16];
};

struct dt_records {
    struct dt_record *records; /* sorted by path */
    size_t count;
    struct dt_unread *unread;
    size_t unread_count;
    bool incomplete; /* the directory could not be read: any domain's record may be missing */
};

struct toolstack_observer;

/* Watches sysroot/var/lib/xen, whose files opener opens, NULL for this process; it is the caller's
 * as long as the observer is there, as is birth_arg; birth: NULL where nobody keeps that. 0 or a
 * negative errno; a directory that is not there is an
 * empty one. The caller closes it. */
int toolstack_observer_open(struct toolstack_observer **observer, const char *sysroot,
                            struct opener *opener, birth_fn *birth, void *birth_arg);
void toolstack_observer_close(struct toolstack_observer *observer); /* NULL is allowed */

/* Readable when dispatch has something to do. */
int toolstack_observer_fd(const struct toolstack_observer *observer);

/* Takes in what is pending. True when the records are to be read again. */
bool toolstack_observer_dispatch(struct toolstack_observer *observer);

/* Reads all records anew. What makes no sense is complained of once. 0, also when something could
 * not be read: see the records; or -ENOMEM, and then they are as they were. */
int toolstack_observer_refresh(struct toolstack_observer *observer);

/* Something could not be read that a later refresh may read, and no event need tell when. */
bool toolstack_observer_wants_refresh(const struct toolstack_observer *observer);

/* Valid until the next refresh or close. */
const struct dt_records *toolstack_observer_get(const struct toolstack_observer *observer);

#endif
