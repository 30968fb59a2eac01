/* SPDX-License-Identifier: MIT */
/* What differs between two readings of a tree, device by device. */
#ifndef XI_CLIENT_LIB_CHANGES_H
#define XI_CLIENT_LIB_CHANGES_H

#include "list.h"

/* Called for a device: before is NULL if it is new, after if it is gone. 0 goes on. */
typedef int change_fn(const struct tree_record *before, const struct tree_record *after, void *arg);

/* Calls fn, in the lists' order, for each device that is not the same in both. Returns 0, or what
 * fn returned if that was not 0. */
int changes_walk(const struct tree_list *before, const struct tree_list *after, change_fn *fn,
                 void *arg);

#endif
