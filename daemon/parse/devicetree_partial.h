/* SPDX-License-Identifier: MIT */
/* What a guest's partial device tree says of which node of the guest's is which of the host's. */
#ifndef XI_PARSE_DEVICETREE_PARTIAL_H
#define XI_PARSE_DEVICETREE_PARTIAL_H

#include "devicetree.h"

struct dt_partial {
    struct dt_partial_pair {
        char *host;  /* xen,path */
        char *guest; /* the node's path, in the guest as in the partial tree */
    } * pairs;       /* sorted by host */
    size_t count;
};

/* Takes the nodes that libxl copies into the guest's tree: those below /passthrough. 0, and the
 * caller clears *partial; -EINVAL where a part of the tree could not be read, or is there twice, so
 * that no node is certain to be the only one; -ENOMEM. */
int dt_partial_take(struct dt_partial *partial, const struct devicetree *tree);

void dt_partial_clear(struct dt_partial *partial);

/* The guest's path of that host's node; NULL where no node says that it is this one, or several do.
 */
const char *dt_partial_find(const struct dt_partial *partial, const char *host);

#endif
