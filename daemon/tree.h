/* SPDX-License-Identifier: MIT */
/* A set of XenStore nodes with values, by path relative to some directory. Plain data. */
#ifndef XI_TREE_H
#define XI_TREE_H

#include <stdbool.h>
#include <stddef.h>

struct tree_node {
    char *path;
    char *value;
};

struct tree {
    struct tree_node *nodes; /* sorted by path once tree_sort() was called */
    size_t count, capacity;
};

/* Adds a node; a path may be added once only. 0 or -ENOMEM. */
int tree_add(struct tree *tree, const char *path, const char *value);

/* Adds BASE/LEAF. 0 or -ENOMEM. */
int tree_add_leaf(struct tree *tree, const char *base, const char *leaf, const char *value);

/* Adds all nodes of another tree. 0 or -ENOMEM, and then some of them. */
int tree_append(struct tree *tree, const struct tree *other);

/* Gives a node another value. 0 or -ENOMEM, and then it is as it was. */
int tree_replace(struct tree_node *node, const char *value);

/* Due after the last tree_add() and before anything below. */
void tree_sort(struct tree *tree);

/* The value at this path, or NULL. */
const char *tree_get(const struct tree *tree, const char *path);

/* Is there a node at or below this directory? */
bool tree_has_below(const struct tree *tree, const char *directory, size_t length);

bool tree_equal(const struct tree *a, const struct tree *b);

void tree_clear(struct tree *tree);

#endif
