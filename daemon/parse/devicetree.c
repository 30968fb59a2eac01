/* SPDX-License-Identifier: MIT */
#include "parse/devicetree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse/devicetree_blob.h"
#include "parse/devicetree_refs.h"
#include "parse/devicetree_rule.h"
#include "parse/devicetree_streams.h"

/* For all paths together: a tree of many deep nodes must not take any amount of memory. */
#define PATHS_MAX (16U * 1024 * 1024)

/* What is needed while a tree is read. */
struct parse {
    struct dt_blob blob;
    struct dt_phandles phandles;
    struct dt_device *devices; /* one for each node, in the order of nodes */
    size_t *lengths;           /* of the paths; 0 for a node that is left out */
    bool *masters;
};

struct sorted {
    const char *path;
    size_t node;
};

static size_t path_length(const struct dt_blob *blob, size_t node, const size_t *lengths)
{
    size_t parent = blob->nodes[node].parent, length;

    if (parent != DT_ROOT && !lengths[parent])
        return 0;
    length = lengths[parent] + 1 + strlen(blob->nodes[node].name);
    if (length < DEVICETREE_PATH_MAX)
        return length;
    dt_blob_error(blob, node, NULL, "a path of %zu bytes: left out, with all below it", length);
    blob->tree->incomplete = true;
    return 0;
}

/* Fills lengths. Bytes of all paths with their NULs. */
static size_t measure_paths(const struct dt_blob *blob, size_t *lengths)
{
    size_t i, total = 0;
    bool full = false;

    for (i = DT_ROOT + 1; i < blob->node_count; i++) {
        lengths[i] = path_length(blob, i, lengths);
        if (lengths[i] && total + lengths[i] + 1 > PATHS_MAX) {
            if (!full)
                dt_blob_error(blob, i, NULL, "more than %u bytes of paths: left out", PATHS_MAX);
            full = true;
            lengths[i] = 0;
        }
        if (lengths[i])
            total += lengths[i] + 1;
    }
    blob->tree->incomplete |= full;
    return total;
}

static int write_paths(struct parse *parse)
{
    struct dt_blob *blob = &parse->blob;
    size_t i, total = measure_paths(blob, parse->lengths);
    char *at = malloc(total + 1);

    if (!at)
        return -ENOMEM;
    blob->tree->paths = at;
    for (i = DT_ROOT + 1; i < blob->node_count; i++) {
        size_t parent = blob->nodes[i].parent, length = parse->lengths[i];

        if (!length)
            continue;
        if (parent != DT_ROOT)
            memcpy(at, parse->devices[parent].path, parse->lengths[parent]);
        at[parse->lengths[parent]] = '/';
        strcpy(at + parse->lengths[parent] + 1, blob->nodes[i].name);
        parse->devices[i].path = at;
        at += length + 1;
    }
    return 0;
}

/* One string, an absolute path of whole components. */
static const char *clean_path(const struct dt_blob *blob, size_t node, enum dt_property_id id)
{
    const struct dt_property *property = dt_blob_get(blob, node, id);
    const char *path = property ? (const char *)property->value : "";
    size_t length = strlen(path);

    if (!property || property->size != length + 1 || path[0] != '/' || path[length - 1] == '/' ||
        strstr(path, "//"))
        return NULL;
    return path;
}

static void read_own(const struct dt_blob *blob, struct dt_device *devices)
{
    size_t i;

    for (i = 0; i < blob->node_count; i++) {
        const char *compatible = dt_blob_text(blob, i, DT_PROP_COMPATIBLE);

        devices[i].compatible = compatible ? compatible : "";
        devices[i].xen_path = clean_path(blob, i, DT_PROP_XEN_PATH);
        devices[i].passthrough = dt_blob_has(blob, i, DT_PROP_XEN_PASSTHROUGH);
        devices[i].force_assign = dt_blob_has(blob, i, DT_PROP_XEN_FORCE_ASSIGN);
        devices[i].damaged = blob->nodes[i].damaged;
    }
}

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *left = a, *right = b;
    int order = strcmp(left->path, right->path);

    if (order != 0)
        return order;
    return left->node < right->node ? -1 : left->node > right->node;
}

/* Moves the devices to the tree in order. */
static void hand_over(const struct parse *parse, const struct sorted *sorted, size_t count)
{
    struct devicetree *tree = parse->blob.tree;
    bool missing = tree->incomplete;
    size_t i;

    for (i = 0; i < count; i++) {
        const struct dt_device *device = &parse->devices[sorted[i].node];

        if (tree->count && strcmp(tree->devices[tree->count - 1].path, sorted[i].path) == 0) {
            dt_blob_error(&parse->blob, sorted[i].node, NULL, "there twice, the first one counts");
            missing = missing || device->streams != DT_STREAMS_NONE;
            tree->doubled = true;
        } else {
            tree->devices[tree->count++] = *device;
        }
    }
    if (missing)
        dt_streams_distrust(tree);
}

static int sort_devices(const struct parse *parse)
{
    const struct dt_blob *blob = &parse->blob;
    struct sorted *sorted = calloc(blob->node_count, sizeof(*sorted));
    size_t i, count = 0;

    blob->tree->devices = calloc(blob->node_count, sizeof(*blob->tree->devices));
    if (!sorted || !blob->tree->devices) {
        free(sorted);
        return -ENOMEM;
    }
    for (i = DT_ROOT + 1; i < blob->node_count; i++)
        if (parse->devices[i].path)
            sorted[count++] = (struct sorted){parse->devices[i].path, i};
    qsort(sorted, count, sizeof(*sorted), compare_sorted);
    hand_over(parse, sorted, count);
    free(sorted);
    return 0;
}

static int compare_aliases(const void *a, const void *b)
{
    const struct dt_alias *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    if (order != 0)
        return order;
    /* Both point into the blob: the one that comes first in there counts. */
    return left->path < right->path ? -1 : left->path > right->path;
}

static void sort_aliases(const struct dt_blob *blob)
{
    struct devicetree *tree = blob->tree;
    size_t i, kept = 0;

    qsort(tree->aliases, tree->alias_count, sizeof(*tree->aliases), compare_aliases);
    for (i = 0; i < tree->alias_count; i++) {
        if (kept && strcmp(tree->aliases[kept - 1].name, tree->aliases[i].name) == 0)
            dt_blob_error(blob, DT_NO_NODE, tree->aliases[i].name, "an alias that is there twice");
        else
            tree->aliases[kept++] = tree->aliases[i];
    }
    tree->alias_count = kept;
}

/* From the nodes to the tree. 0 or -ENOMEM. */
static int understand(struct parse *parse)
{
    const struct dt_blob *blob = &parse->blob;
    int rc = dt_phandles_collect(blob, &parse->phandles);

    parse->devices = calloc(blob->node_count, sizeof(*parse->devices));
    parse->lengths = calloc(blob->node_count, sizeof(*parse->lengths));
    parse->masters = calloc(blob->node_count, sizeof(*parse->masters));
    if (rc || !parse->devices || !parse->lengths || !parse->masters)
        return -ENOMEM;
    rc = write_paths(parse);
    if (rc)
        return rc;
    read_own(blob, parse->devices);
    dt_rule_status(blob, parse->devices);
    rc = dt_refs_resolve(blob, &parse->phandles, parse->devices, parse->masters);
    if (!rc)
        rc = dt_rule_relevance(blob, parse->masters, parse->devices);
    if (!rc)
        rc = dt_rule_coherent(blob, &parse->phandles, parse->devices);
    if (!rc)
        rc = dt_streams_group(blob, &parse->phandles, parse->devices);
    if (!rc)
        rc = sort_devices(parse);
    sort_aliases(blob);
    return rc;
}

int devicetree_parse(const void *blob, size_t size, struct devicetree **tree)
{
    struct parse parse = {0};
    int rc;

    *tree = NULL;
    parse.blob.tree = calloc(1, sizeof(**tree));
    if (!parse.blob.tree)
        return -ENOMEM;
    rc = dt_blob_read(&parse.blob, blob, size);
    if (!rc)
        rc = understand(&parse);
    if (rc) {
        devicetree_free(parse.blob.tree);
    } else {
        *tree = parse.blob.tree;
        (*tree)->blob = parse.blob.bytes;
        parse.blob.bytes = NULL;
    }
    free(parse.devices);
    free(parse.lengths);
    free(parse.masters);
    dt_phandles_clear(&parse.phandles);
    dt_blob_clear(&parse.blob);
    return rc;
}

void devicetree_free(struct devicetree *tree)
{
    if (!tree)
        return;
    free(tree->devices);
    free(tree->aliases);
    free(tree->paths);
    free(tree->blob);
    free(tree);
}

static int compare_with_path(const void *path, const void *device)
{
    return strcmp(path, ((const struct dt_device *)device)->path);
}

const struct dt_device *devicetree_find(const struct devicetree *tree, const char *path)
{
    return bsearch(path, tree->devices, tree->count, sizeof(*tree->devices), compare_with_path);
}

static int compare_with_name(const void *name, const void *alias)
{
    return strcmp(name, ((const struct dt_alias *)alias)->name);
}

const char *devicetree_alias(const struct devicetree *tree, const char *name)
{
    const struct dt_alias *alias =
        bsearch(name, tree->aliases, tree->alias_count, sizeof(*tree->aliases), compare_with_name);

    return alias ? alias->path : NULL;
}
