/* SPDX-License-Identifier: MIT */
/* A flattened device tree as hostile bytes: as it comes, and with a header that fits. Real trees
 * are the seeds. */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "devicetree_sane.h"
#include "parse/devicetree_partial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* As a guest's partial tree: what it finds is a node of its own that says so. */
static void look_up(const struct devicetree *tree)
{
    struct dt_partial partial;

    if (dt_partial_take(&partial, tree) != 0) {
        require(partial.pairs == NULL);
        return;
    }
    for (size_t i = 0; i < partial.count; i++) {
        const char *found = dt_partial_find(&partial, partial.pairs[i].host);
        const struct dt_device *node = devicetree_find(tree, partial.pairs[i].guest);

        require(node && strcmp(node->xen_path, partial.pairs[i].host) == 0);
        require(!found || strcmp(found, node->path) == 0);
    }
    dt_partial_clear(&partial);
}

static bool parse(const uint8_t *bytes, size_t size)
{
    struct devicetree *tree;

    if (devicetree_parse(bytes, size, &tree) != 0) {
        require(tree == NULL);
        return false;
    }
    require(devicetree_fault(tree) == NULL);
    look_up(tree);
    devicetree_free(tree);
    return true;
}

/* What no mutation would keep right: the magic, the version and the size. */
static void seal(uint8_t *bytes, size_t size)
{
    fdt_set_magic(bytes, FDT_MAGIC);
    fdt_set_version(bytes, FDT_LAST_SUPPORTED_VERSION);
    fdt_set_last_comp_version(bytes, FDT_LAST_COMPATIBLE_VERSION);
    fdt_set_totalsize(bytes, (uint32_t)size);
    fdt_set_size_dt_struct(bytes, (uint32_t)size);
    fdt_set_size_dt_strings(bytes, (uint32_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    parse(data, size);
    if (size < sizeof(struct fdt_header))
        return 0;
    copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    seal(copy, size);
    require(parse(copy, size));
    free(copy);
    return 0;
}
