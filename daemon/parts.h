/* SPDX-License-Identifier: MIT */
/* The way from one tree to another in parts. What a transaction costs xenstored grows with the
 * square of the nodes in it: thousands at once would keep it from everybody for minutes. Pure. */
#ifndef XI_PARTS_H
#define XI_PARTS_H

#include "tree.h"

/* The next tree on the way, which differs from this one in about most nodes; both are sorted. Each
 * record, that is all below the first two parts of a path (of device tree devices many may be one),
 * is as it was or as wanted. What has to
 * be taken back comes first, "status" before all if it stops being "ready", and after all if it
 * becomes so. 1 and the tree, which the caller clears; 0 when what is wanted is no further; or
 * -ENOMEM. */
int parts_next(const struct tree *have, const struct tree *wanted, size_t most, struct tree *next);

#endif
