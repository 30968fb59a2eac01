/* SPDX-License-Identifier: MIT */
/* What the parts of xen-iommu share: a command, its request, its exit codes. */
#ifndef XI_CLIENT_CLI_COMMAND_H
#define XI_CLIENT_CLI_COMMAND_H

#include "list_columns.h"
#include "overlay.h"
#include "writer.h"

#include <stdbool.h>
#include <stdint.h>

#define DOMID_MAX 0x7fef /* the last that a domain can have */

/* Exit codes, as the manual page lists them. */
enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_PROTECTED = 3, /* show, check */
    EXIT_REFUSED = 3,       /* apply --now */
    EXIT_NO_DAEMON = 4,
};

enum export_format { FORMAT_DTS, FORMAT_DTBO };
enum graph_type { GRAPH_DOT, GRAPH_SVG, GRAPH_PNG };

/* What a command is asked. */
struct request {
    const struct writer *writer;
    const char *domain; /* --domain as given; NULL: not given */
    int32_t domid;      /* its number; -1: not given */
    struct list_request list;
    const char *device; /* DEVICE, as written; NULL for a command that takes none */
    enum export_format format;
    enum overlay_binding binding;
    enum graph_type type;
    const char *output; /* --output; NULL: standard output */
    bool now;           /* --now */
    bool open;          /* --openmetrics */
    const char *root;   /* before the paths of what apply looks at and changes; "" but for tests */
};

/* Runs a command; returns its exit code. */
typedef int command_fn(const struct request *request);

command_fn command_apply;
command_fn command_check;
command_fn command_list;
command_fn command_metrics;
command_fn command_show;
command_fn command_explain;
command_fn command_export;
command_fn command_graph;
command_fn command_status;
command_fn command_watch;

/* The whole program. Returns its exit code. */
int run_xen_iommu(int argc, char *argv[]);

/* The same, for tests: apply finds /sys, /proc and /dev below root. */
int run_xen_iommu_below(const char *root, int argc, char *argv[]);

/* Prints "xen-iommu: " and a line on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
