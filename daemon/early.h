/* SPDX-License-Identifier: MIT */
/* Early in a boot, before there is a XenStore or a guest: what Xen says of dom0's devices, told to
 * the Linux driver, for their first bind. */
#ifndef XI_EARLY_H
#define XI_EARLY_H

#include "settings.h"

/* The driver's file, below the sysroot; client/linux/README.md tells its format. */
#define EARLY_FILE "/sys/kernel/xeniommu/early"

/* Finds the verdicts as a pass does, without XenStore, and tells the driver those that are certain.
 * What is missing or fails is logged, and then nothing is told that rests on it. The process's exit
 * code: 0 in all these cases, for no boot may fail of it. */
int early_run(const struct settings *settings);

#endif
