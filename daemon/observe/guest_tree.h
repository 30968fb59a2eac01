/* SPDX-License-Identifier: MIT */
/* What the partial device tree of each domain said when the domain was made. libxl copies it into
 * the guest's tree once; what becomes of the file later changes nothing for that guest. */
#ifndef XI_OBSERVE_GUEST_TREE_H
#define XI_OBSERVE_GUEST_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../opener.h"
#include "../parse/devicetree_partial.h"
#include "toolstack.h"

struct guest_tree {
    uint32_t domid;
    uint8_t handle[16];
    bool born_known;
    struct timespec born;     /* the domain was made before that, where that is known */
    bool settled;             /* what follows is known, and for good */
    enum dt_guest_path where; /* of KNOWN nodes partial tells; UNKNOWN before it is settled */
    struct dt_partial partial;
    bool seen; /* in the reading that goes on */
};

struct guest_trees {
    struct guest_tree *trees;
    size_t count, capacity;
};

/* The domain's, or NULL. Valid until the next call for these trees. */
struct guest_tree *guest_trees_find(const struct guest_trees *trees, uint32_t domid,
                                    const uint8_t handle[16]);

/* The same of one that has none yet. born: NULL where nothing tells. NULL when memory is short. */
struct guest_tree *guest_trees_add(struct guest_trees *trees, uint32_t domid,
                                   const uint8_t handle[16], const struct timespec *born);

/* Settles the tree if it can: file is what the domain's configuration names, NULL for none; opener
 * and sysroot are opener_open()'s. 0; -ENOMEM; another negative errno with the tree as it was, to
 * be tried again; in a problem of its own, *problem says what makes it unknown for good. */
int guest_tree_settle(struct guest_tree *tree, struct opener *opener, const char *sysroot,
                      const char *file, const char **problem);

/* Settles that nothing is known of the paths. */
void guest_tree_give_up(struct guest_tree *tree);

/* How the guest calls that host's node; *path belongs to the tree, NULL but for KNOWN. */
enum dt_guest_path guest_tree_find(const struct guest_tree *tree, const char *host,
                                   const char **path);

/* Forgets the tree at that place; the last one takes its place. */
void guest_trees_drop(struct guest_trees *trees, size_t at);

void guest_trees_clear(struct guest_trees *trees);

#endif
