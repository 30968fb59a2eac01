/* SPDX-License-Identifier: MIT */
/* What is true, and what was: who has which device, which domains there are, whether a daemon
 * lives. */
#ifndef XI_TESTS_AUDITOR_TRUTH_H
#define XI_TESTS_AUDITOR_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_SIZE 256 /* bytes of an address or a device tree path, with its 0 */
#define GROUP_SIZE  64
#define UUID_SIZE   37 /* as text, with its 0 */

/* Owners that are no domids. A domid of 0 is dom0's. */
enum {
    OWNER_NONE = -1,   /* Xen does not know the device */
    OWNER_NOBODY = -2, /* in quarantine: DOMID_IO */
    OWNER_FREE = -3,   /* dom0's or nobody's: Xen does not tell which */
    OWNER_GUEST = -4,  /* some guest's: Xen does not tell whose */
};

struct truth_device {
    char name[DEVICE_SIZE]; /* "0000:00:04.0", or a path that begins with '/' */
    int owner;
    char group[GROUP_SIZE]; /* devices with the same one are mates; "": alone */
    bool adding;            /* libxl has it in hand, to have it put into quarantine */
};

struct truth_domain {
    int domid;
    char uuid[UUID_SIZE]; /* which incarnation of the number; "": not known */
    bool translated;      /* HVM, PVH, Arm */
    bool had_device;      /* this incarnation has one, or had */
};

/* One state of the world. It holds somewhere within begin to end, ns of CLOCK_MONOTONIC: two states
 * overlap by as much as is not known of the moment of the change. */
struct truth {
    uint64_t begin, end; /* end: UINT64_MAX for the one that holds now */
    struct truth_device *devices;
    size_t device_count;
    struct truth_domain *domains; /* without dom0 */
    size_t domain_count;
    bool driven; /* Xen drives an IOMMU */
    bool alive;  /* a daemon runs */
};

/* The states so far, oldest first. The oldest ones are forgotten when they take too much memory. */
struct history {
    struct truth **states;
    size_t count, size;
};

uint64_t now_ns(void);

/* An empty state that holds from a time on. Exits without memory, as all of the auditor does. */
struct truth *truth_new(uint64_t begin);
struct truth *truth_copy(const struct truth *truth, uint64_t begin);
void truth_free(struct truth *truth);

/* Whether two states differ in nothing but their times. */
bool truth_equal(const struct truth *a, const struct truth *b);

/* Adds a domain. uuid: NULL for one that is not known. */
struct truth_domain *truth_add_domain(struct truth *truth, int domid, const char *uuid);
struct truth_device *truth_add_device(struct truth *truth, const char *name, int owner);

const struct truth_device *truth_device(const struct truth *truth, const char *name);
const struct truth_domain *truth_domain(const struct truth *truth, int domid);

/* The state that holds now, or NULL before the first. */
struct truth *history_now(const struct history *history);

/* Takes over a state that begins now; the one before holds no longer than until `settled`, or
 * for ever while that is UINT64_MAX. */
void history_add(struct history *history, struct truth *truth, uint64_t settled);

/* The states before the last have ended by this time. */
void history_settle(struct history *history, uint64_t settled);
void history_free(struct history *history);

#endif
