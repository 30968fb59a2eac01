/* SPDX-License-Identifier: MIT */
/* One way to put results on stdout: a table for people, or JSON for programs. */
#ifndef XI_CLIENT_CLI_WRITER_H
#define XI_CLIENT_CLI_WRITER_H

#include "view.h"

#include <stddef.h>

/* One device and its name for people. */
struct device_report {
    const struct tree_record *record;
    char *name; /* "" where it has none */
};

/* A tree as a whole. */
struct status_report {
    size_t count;                            /* devices */
    size_t states[XENIOMMU_QUARANTINED + 1]; /* how many are in each state */
};

struct explanation;

/* Each prints its report, complete, on stdout. 0 or a negative errno. */
struct writer {
    int (*list)(const struct view *view, const struct device_report *devices, size_t count);
    int (*show)(const struct view *view, const struct device_report *device);
    int (*explain)(const struct view *view, const struct explanation *explanation);
    int (*status)(const struct view *view, const struct status_report *report);
};

extern const struct writer writer_text;
extern const struct writer writer_json;

#endif
