/* SPDX-License-Identifier: MIT */
/* Why nothing is published of a device. */
#ifndef XI_CLIENT_CLI_MISSING_H
#define XI_CLIENT_CLI_MISSING_H

#include "view.h"

/* In one sentence, without its end; root: before the paths of sysfs, "" but for tests. */
const char *why_missing(const struct view *view, const struct xeniommu_device *device,
                        const char *root);

#endif
