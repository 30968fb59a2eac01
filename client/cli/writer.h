/* SPDX-License-Identifier: MIT */
/* One way to put results on stdout: a table for people, or JSON for programs. */
#ifndef XI_CLIENT_CLI_WRITER_H
#define XI_CLIENT_CLI_WRITER_H

#include "view.h"

#include <stddef.h>
#include <time.h>

/* One device, and what other sources than its record say of it. */
struct device_report {
    const struct tree_record *record;
    char *name;       /* "" or NULL where it has none */
    char *class_name; /* likewise: what kind of device it is */
    char *owner_name; /* likewise: of the domain that has it */
    /* The same device as the other side sees it: in the host's view as its guest does, in another
     * domain's as the host does. NULL: not known. */
    struct xeniommu_device *counterpart;
};

/* A tree as a whole. */
struct status_report {
    size_t count;                            /* devices */
    size_t states[XENIOMMU_QUARANTINED + 1]; /* how many are in each state */
    char confirm_interval[16];     /* seconds, decimal, within which every claim is confirmed; 0: no
                                      bound; "": not known, or there are no claims */
    const struct verdict *verdict; /* NULL: there is none, since nobody stands by what is there */
};

enum watch_event_kind {
    WATCH_STATUS,  /* the daemon's status, or what keeps it from being known, is another */
    WATCH_PRESENT, /* a device that was there before anything was told */
    WATCH_ADDED,
    WATCH_CHANGED,
    WATCH_REMOVED, /* with a record of unknown and keep */
};

/* One line of watch. */
struct watch_event {
    enum watch_event_kind kind;
    struct timespec time;
    const struct device_report
        *device;          /* NULL for WATCH_STATUS; else the three below are not set */
    const char *status;   /* as published, "" where absent or not known */
    const char *obstacle; /* why it is not known; NULL: it is */
};

struct explanation;
struct verdict;
struct apply_report;
struct list_request;

/* Each prints its report, complete, on stdout. 0 or a negative errno. */
struct writer {
    int (*list)(const struct view *view, const struct device_report *devices, size_t count,
                const struct list_request *request);
    int (*show)(const struct view *view, const struct device_report *device);
    int (*explain)(const struct view *view, const struct explanation *explanation);
    int (*status)(const struct view *view, const struct status_report *report);
    int (*check)(const struct view *view, const struct verdict *verdict);
    int (*apply)(const struct apply_report *report);
    int (*watch)(const struct view *view, const struct watch_event *event);
};

extern const struct writer writer_text;
extern const struct writer writer_json;

#endif
