/* SPDX-License-Identifier: MIT */
/* For the tests of the device tree walker: trees put together piece by piece with libfdt. */
#ifndef XI_TESTS_DEVICETREE_BUILDER_H
#define XI_TESTS_DEVICETREE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "parse/devicetree.h"

/* A tree in the making: begun with the root open. */
struct tree_builder {
    uint8_t *bytes;
    size_t size; /* of the finished tree */
};

void tree_begin(struct tree_builder *builder);
void tree_finish(struct tree_builder *builder); /* closes the root */
void tree_free(struct tree_builder *builder);

void tree_node(struct tree_builder *builder, const char *name);
void tree_end(struct tree_builder *builder);
void tree_property(struct tree_builder *builder, const char *name, const void *value, size_t size);
void tree_string(struct tree_builder *builder, const char *name, const char *value);
void tree_flag(struct tree_builder *builder, const char *name);
void tree_cells(struct tree_builder *builder, const char *name, const uint32_t *cells,
                size_t count);

#define CELLS(builder, name, ...)                                                                  \
    tree_cells(builder, name, (const uint32_t[]){__VA_ARGS__},                                     \
               sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* A node of its own: with this compatible (NULL for none), a reg, and still open. */
void tree_device(struct tree_builder *builder, const char *name, const char *compatible);

/* An IOMMU, complete: with this compatible, phandle and #iommu-cells. */
void tree_iommu(struct tree_builder *builder, const char *name, const char *compatible,
                uint32_t phandle, uint32_t cells);

/* Parses a copy of exactly that size. It must succeed, and its errors be as many as are named here,
 * each holding the text in order. The caller frees the tree. */
struct devicetree *parse_bytes(const uint8_t *bytes, size_t size, const char *const *errors,
                               size_t error_count);

/* The same for a finished builder, which is freed: errors are string literals. */
struct devicetree *parse_tree(struct tree_builder *builder, const char *const *errors,
                              size_t error_count);

#define PARSE_GOOD(builder) parse_tree(builder, NULL, 0)
#define PARSE_BAD(builder, ...)                                                                    \
    parse_tree(builder, (const char *const[]){__VA_ARGS__},                                        \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* The node with that path, which must be there. */
const struct dt_device *device_at(const struct devicetree *tree, const char *path);

/* Asserts device->iommu; NULL for none. */
void expect_iommu(const struct devicetree *tree, const char *path, const char *iommu);

/* Asserts what has to hold of any tree, however bad. */
void expect_sane(const struct devicetree *tree);

#endif
