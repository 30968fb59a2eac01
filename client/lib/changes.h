/* SPDX-License-Identifier: MIT */
/* What differs between two readings of a tree, device by device. */
#ifndef XI_CLIENT_LIB_CHANGES_H
#define XI_CLIENT_LIB_CHANGES_H

#include "list.h"

/* Calls fn, in the lists' order, for each device whose answer is not the same in both: with the new
 * one, or with unknown and keep if the device is gone. */
void changes_report(const struct tree_list *before, const struct tree_list *after,
                    xeniommu_change_fn *fn, void *arg);

#endif
