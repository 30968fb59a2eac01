/* SPDX-License-Identifier: MIT */
/* One device has two names: the host's, and the one that its guest has for it. */
#ifndef XI_CLIENT_CLI_COUNTERPARTS_H
#define XI_CLIENT_CLI_COUNTERPARTS_H

#include "view.h"

#include <stdbool.h>

/* How to find the other name. */
struct counterparts {
    enum view_kind kind;
    bool is_host;          /* of VIEW_DOMAIN: it is dom0, for which both names are the same */
    struct tree_list host; /* of VIEW_DOMAIN: what the domain has, under the host's names */
};

/* Reads what is needed for a view's devices: nothing but for another domain's, for which the host
 * is asked. Free it in any case. 0, -ENOMEM or an error of store_list(). */
int counterparts_load(struct counterparts *counterparts, struct view *view);

void counterparts_free(struct counterparts *counterparts);

/* The record's device as the other side calls it: in the host's view as its guest does, in another
 * domain's as the host does. Belongs to the record, or to counterparts; NULL: not known. */
const struct xeniommu_device *counterpart_of(const struct counterparts *counterparts,
                                             const struct tree_record *record);

#endif
