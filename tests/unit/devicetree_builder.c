/* SPDX-License-Identifier: MIT */
#include "devicetree_builder.h"

#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "devicetree_sane.h"
#include "unit.h"

enum { ROOM = 256 * 1024 };

void tree_begin(struct tree_builder *builder)
{
    builder->bytes = calloc(1, ROOM);
    assert_non_null(builder->bytes);
    assert_int_equal(fdt_create(builder->bytes, ROOM), 0);
    assert_int_equal(fdt_finish_reservemap(builder->bytes), 0);
    tree_node(builder, "");
}

void tree_finish(struct tree_builder *builder)
{
    tree_end(builder);
    assert_int_equal(fdt_finish(builder->bytes), 0);
    builder->size = fdt_totalsize(builder->bytes);
}

void tree_free(struct tree_builder *builder)
{
    free(builder->bytes);
    builder->bytes = NULL;
}

void tree_node(struct tree_builder *builder, const char *name)
{
    assert_int_equal(fdt_begin_node(builder->bytes, name), 0);
}

void tree_end(struct tree_builder *builder)
{
    assert_int_equal(fdt_end_node(builder->bytes), 0);
}

void tree_property(struct tree_builder *builder, const char *name, const void *value, size_t size)
{
    assert_int_equal(fdt_property(builder->bytes, name, value, (int)size), 0);
}

void tree_string(struct tree_builder *builder, const char *name, const char *value)
{
    tree_property(builder, name, value, strlen(value) + 1);
}

void tree_flag(struct tree_builder *builder, const char *name)
{
    tree_property(builder, name, "", 0);
}

void tree_cells(struct tree_builder *builder, const char *name, const uint32_t *cells, size_t count)
{
    void *value;
    size_t i;

    assert_int_equal(
        fdt_property_placeholder(builder->bytes, name, (int)(count * sizeof(*cells)), &value), 0);
    for (i = 0; i < count; i++)
        fdt32_st((uint8_t *)value + i * sizeof(*cells), cells[i]);
}

void tree_device(struct tree_builder *builder, const char *name, const char *compatible)
{
    tree_node(builder, name);
    if (compatible)
        tree_string(builder, "compatible", compatible);
    CELLS(builder, "reg", 0x1000, 0x1000);
}

void tree_iommu(struct tree_builder *builder, const char *name, const char *compatible,
                uint32_t phandle, uint32_t cells)
{
    tree_device(builder, name, compatible);
    CELLS(builder, "phandle", phandle);
    CELLS(builder, "#iommu-cells", cells);
    tree_end(builder);
}

struct devicetree *parse_bytes(const uint8_t *bytes, size_t size, const char *const *errors,
                               size_t error_count)
{
    uint8_t *copy = malloc(size);
    struct devicetree *tree;
    size_t i;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    assert_int_equal(devicetree_parse(copy, size, &tree), 0);
    free(copy);
    expect_sane(tree);
    for (i = 0; i < tree->error_count || i < error_count; i++) {
        const char *is = i < tree->error_count ? tree->errors[i] : "nothing";
        const char *ought = i < error_count ? errors[i] : "nothing";

        if (!strstr(is, ought))
            fail_msg("error %zu is '%s', not '%s'", i, is, ought);
    }
    return tree;
}

struct devicetree *parse_tree(struct tree_builder *builder, const char *const *errors,
                              size_t error_count)
{
    struct devicetree *tree = parse_bytes(builder->bytes, builder->size, errors, error_count);

    tree_free(builder);
    return tree;
}

const struct dt_device *device_at(const struct devicetree *tree, const char *path)
{
    const struct dt_device *device = devicetree_find(tree, path);

    if (!device)
        fail_msg("%s is not there", path);
    return device;
}

void expect_iommu(const struct devicetree *tree, const char *path, const char *iommu)
{
    const struct dt_device *device = device_at(tree, path);

    if (!iommu) {
        assert_null(device->iommu);
        return;
    }
    assert_non_null(device->iommu);
    assert_string_equal(device->iommu, iommu);
}

void expect_sane(const struct devicetree *tree)
{
    const char *fault = devicetree_fault(tree);

    if (fault)
        fail_msg("%s", fault);
}
