/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

static int add_owned(struct tree *tree, char *path, char *value)
{
    if (path && value && tree->count == tree->capacity) {
        size_t capacity = tree->capacity ? 2 * tree->capacity : 32;
        void *grown = reallocarray(tree->nodes, capacity, sizeof(*tree->nodes));

        if (grown) {
            tree->nodes = grown;
            tree->capacity = capacity;
        }
    }
    if (!path || !value || tree->count == tree->capacity) {
        free(path);
        free(value);
        return -ENOMEM;
    }
    tree->nodes[tree->count++] = (struct tree_node){path, value};
    return 0;
}

int tree_add(struct tree *tree, const char *path, const char *value)
{
    return add_owned(tree, strdup(path), strdup(value));
}

int tree_add_leaf(struct tree *tree, const char *base, const char *leaf, const char *value)
{
    char *path;

    if (asprintf(&path, "%s/%s", base, leaf) < 0)
        return -ENOMEM;
    return add_owned(tree, path, strdup(value));
}

int tree_append(struct tree *tree, const struct tree *other)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < other->count; i++)
        rc = tree_add(tree, other->nodes[i].path, other->nodes[i].value);
    return rc;
}

int tree_replace(struct tree_node *node, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(node->value);
    node->value = copy;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct tree_node *)a)->path, ((const struct tree_node *)b)->path);
}

void tree_sort(struct tree *tree)
{
    if (tree->count)
        qsort(tree->nodes, tree->count, sizeof(*tree->nodes), compare);
}

/* A path of which only length bytes count. */
struct beginning {
    const char *path;
    size_t length;
};

static int compare_beginning(const void *key, const void *item)
{
    const struct beginning *beginning = key;

    return strncmp(beginning->path, ((const struct tree_node *)item)->path, beginning->length);
}

static size_t find_first(const struct tree *tree, const char *path, size_t length)
{
    struct beginning key = {path, length};

    return search_first(&key, tree->nodes, tree->count, sizeof(*tree->nodes), compare_beginning);
}

const char *tree_get(const struct tree *tree, const char *path)
{
    size_t at = find_first(tree, path, strlen(path) + 1);

    if (at < tree->count && strcmp(tree->nodes[at].path, path) == 0)
        return tree->nodes[at].value;
    return NULL;
}

bool tree_has_below(const struct tree *tree, const char *directory, size_t length)
{
    /* Between the directory and what is below it others may sort, such as "a-b" between "a" and
     * "a/b", so the walk goes on as long as the name itself fits. */
    for (size_t at = find_first(tree, directory, length); at < tree->count; at++) {
        const char *path = tree->nodes[at].path;

        if (strncmp(path, directory, length) != 0)
            return false;
        if (path[length] == '/' || path[length] == '\0')
            return true;
    }
    return false;
}

bool tree_equal(const struct tree *a, const struct tree *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->nodes[i].path, b->nodes[i].path) != 0 ||
            strcmp(a->nodes[i].value, b->nodes[i].value) != 0)
            return false;
    return true;
}

void tree_clear(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->nodes[i].path);
        free(tree->nodes[i].value);
    }
    free(tree->nodes);
    *tree = (struct tree){NULL, 0, 0};
}
