/* SPDX-License-Identifier: MIT */
/* What the commands about one device share. */
#ifndef XI_CLIENT_CLI_ONE_DEVICE_H
#define XI_CLIENT_CLI_ONE_DEVICE_H

#include "command.h"

/* The command proper, on a tree that is ready. Returns its exit code or a negative errno; -ENOENT:
 * the device is not published. */
typedef int on_device_fn(const struct request *request, struct view *view,
                         const struct xeniommu_device *device);

/* Runs fn on request->device. Returns the exit code; what went wrong was said on stderr. */
int run_on_device(const struct request *request, on_device_fn *fn);

/* report_make() for one device. */
int device_report_make(struct device_report *report, struct view *view,
                       const struct tree_record *record);

void device_report_free(struct device_report *report);

#endif
