/* SPDX-License-Identifier: MIT */
#include "parse/devicetree_partial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_copied(const struct dt_device *node)
{
    static const char above[] = "/passthrough/";

    return strncmp(node->path, above, sizeof(above) - 1) == 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct dt_partial_pair *)a)->host,
                  ((const struct dt_partial_pair *)b)->host);
}

static int add(struct dt_partial *partial, const struct dt_device *node)
{
    struct dt_partial_pair *pair = &partial->pairs[partial->count++];

    pair->host = strdup(node->xen_path);
    pair->guest = strdup(node->path);
    return pair->host && pair->guest ? 0 : -ENOMEM;
}

static int add_all(struct dt_partial *partial, const struct devicetree *tree)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < tree->count; i++) {
        const struct dt_device *node = &tree->devices[i];

        if (is_copied(node) && node->damaged)
            rc = -EINVAL;
        else if (is_copied(node) && node->xen_path)
            rc = add(partial, node);
    }
    return rc;
}

int dt_partial_take(struct dt_partial *partial, const struct devicetree *tree)
{
    int rc;

    *partial = (struct dt_partial){NULL, 0};
    if (tree->incomplete || tree->doubled)
        return -EINVAL;
    partial->pairs = calloc(tree->count + 1, sizeof(*partial->pairs));
    if (!partial->pairs)
        return -ENOMEM;
    rc = add_all(partial, tree);
    if (rc < 0)
        dt_partial_clear(partial);
    else
        qsort(partial->pairs, partial->count, sizeof(*partial->pairs), compare);
    return rc;
}

void dt_partial_clear(struct dt_partial *partial)
{
    for (size_t i = 0; i < partial->count; i++) {
        free(partial->pairs[i].host);
        free(partial->pairs[i].guest);
    }
    free(partial->pairs);
    *partial = (struct dt_partial){NULL, 0};
}

const char *dt_partial_find(const struct dt_partial *partial, const char *host)
{
    const struct dt_partial_pair key = {.host = (char *)host}, *end, *found = NULL;

    if (partial->count)
        found = bsearch(&key, partial->pairs, partial->count, sizeof(key), compare);
    if (!found)
        return NULL;
    end = partial->pairs + partial->count;
    if ((found > partial->pairs && strcmp(found[-1].host, host) == 0) ||
        (found + 1 < end && strcmp(found[1].host, host) == 0))
        return NULL;
    return found->guest;
}
