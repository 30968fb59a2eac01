/* SPDX-License-Identifier: MIT */
/* The nodes of a flattened tree, and those of their properties that are of use here. */
#ifndef XI_PARSE_DEVICETREE_BLOB_H
#define XI_PARSE_DEVICETREE_BLOB_H

#include <stdint.h>

#include "devicetree.h"

#define DT_NO_NODE SIZE_MAX
#define DT_ROOT    ((size_t)0)

/* No specifier is longer in Linux (MAX_PHANDLE_ARGS). */
#define DT_CELLS_MAX 16

enum dt_property_id {
    DT_PROP_NONE,  /* of no use here */
    DT_PROP_ALIAS, /* any property of /aliases */
    DT_PROP_COMPATIBLE,
    DT_PROP_DEVICE_TYPE,
    DT_PROP_DMA_CELLS,
    DT_PROP_DMA_COHERENT,
    DT_PROP_DMA_MASTERS,
    DT_PROP_DMA_NONCOHERENT,
    DT_PROP_INTERCONNECT_CELLS,
    DT_PROP_INTERCONNECT_NAMES,
    DT_PROP_INTERCONNECTS,
    DT_PROP_IOMMU_CELLS,
    DT_PROP_IOMMU_MAP,
    DT_PROP_IOMMU_MAP_MASK,
    DT_PROP_IOMMUS,
    DT_PROP_MMU_MASTERS,
    DT_PROP_PHANDLE,
    DT_PROP_REG,
    DT_PROP_SIZE_CELLS,
    DT_PROP_STATUS,
    DT_PROP_STREAM_ID_CELLS,
    DT_PROP_STREAM_MATCH_MASK,
    DT_PROP_XEN_FORCE_ASSIGN,
    DT_PROP_XEN_IOMMU,
    DT_PROP_XEN_PASSTHROUGH,
    DT_PROP_XEN_PATH,
};

struct dt_property {
    enum dt_property_id id;
    bool bad;      /* not of its format: noted as an error, and its node is damaged */
    uint32_t size; /* bytes */
    const uint8_t *value;
    const char *name;
};

struct dt_node {
    const char *name;
    size_t parent; /* before its children; DT_NO_NODE for the root, which is node 0 */
    size_t first_property;
    size_t property_count;
    uint32_t seen; /* 1 << id of each property that it has */
    bool has_children;
    bool damaged;
};

struct dt_blob {
    uint8_t *bytes;
    struct dt_node *nodes;
    size_t node_count;
    struct dt_property *properties;
    size_t property_count;
    struct devicetree *tree; /* takes the errors and the aliases, these not sorted */
};

/* Reads the bytes into blob, which starts as zeroes but for tree. 0, and then there is a root, an
 * empty one where the tree has none; -EINVAL or -ENOMEM as devicetree_parse(). The caller clears
 * blob in any case. */
int dt_blob_read(struct dt_blob *blob, const void *bytes, size_t size);

void dt_blob_clear(struct dt_blob *blob);

/* Adds a property, with its size, value and name, to the node that was the last to begin, if it is
 * of use. */
void dt_blob_add(struct dt_blob *blob, size_t node, struct dt_property property);

/* The node's first property of that kind, NULL where it is absent or bad. What comes back has the
 * format of its kind: text ends in NUL, a number is one cell, a list is one or more whole cells. */
const struct dt_property *dt_blob_get(const struct dt_blob *blob, size_t node,
                                      enum dt_property_id id);

/* Is it there at all, good or bad? */
bool dt_blob_has(const struct dt_blob *blob, size_t node, enum dt_property_id id);

/* The text of a property, its first string if it holds several; NULL where dt_blob_get() is. */
const char *dt_blob_text(const struct dt_blob *blob, size_t node, enum dt_property_id id);

/* A #...-cells property: 0 to DT_CELLS_MAX, or -1 where dt_blob_get() is NULL. */
int dt_blob_cells(const struct dt_blob *blob, size_t node, enum dt_property_id id);

/* Is one of the strings in the node's compatible this one? The case of letters does not count, as
 * in Linux and Xen. */
bool dt_blob_compatible(const struct dt_blob *blob, size_t node, const char *string);

size_t dt_property_count(const struct dt_property *property); /* in whole cells */
uint32_t dt_property_cell(const struct dt_property *property, size_t i);

/* Notes "PATH: PROPERTY: cause"; without "PROPERTY: " where property is NULL, without "PATH: " for
 * DT_NO_NODE. */
void dt_blob_error(const struct dt_blob *blob, size_t node, const char *property,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
