/* SPDX-License-Identifier: MIT */
/* Who is behind which IOMMU: iommus, iommu-map and mmu-masters, by phandle. */
#ifndef XI_PARSE_DEVICETREE_REFS_H
#define XI_PARSE_DEVICETREE_REFS_H

#include "devicetree_blob.h"

/* Phandles and their nodes, sorted by phandle. */
struct dt_phandles {
    struct dt_phandle {
        uint32_t value;
        size_t node;
    } * entries;
    size_t count;
};

/* Notes phandles that are invalid or there twice; of those the first in the tree counts. 0 or
 * -ENOMEM. */
int dt_phandles_collect(const struct dt_blob *blob, struct dt_phandles *phandles);

void dt_phandles_clear(struct dt_phandles *phandles);

/* The node, or DT_NO_NODE. */
size_t dt_phandles_find(const struct dt_phandles *phandles, uint32_t value);

/* A list of phandles, each followed by as many cells as its node says. */
struct dt_list {
    const struct dt_blob *blob;
    const struct dt_phandles *phandles;
    size_t owner; /* the node that has the list */
    const struct dt_property *property;
    enum dt_property_id cells; /* which property of the target says how many cells follow */
    const char *cells_name;
    size_t at;  /* the next cell */
    bool quiet; /* what cannot be read was noted before */
};

/* The next entry's node. DT_NO_NODE at the end and at what cannot be read, where the list ends too:
 * that is noted as an error, but for a phandle that no node has, which sets *dangling. */
size_t dt_list_next(struct dt_list *list, bool *dangling);

/* Does the node translate others' DMA, by a table that is the hypervisor's? Not where it has no
 * #iommu-cells, or is one of those that only stand for something. */
bool dt_is_real_iommu(const struct dt_blob *blob, size_t node);

/* What is wrong with the entry of an iommu-map that begins at that cell, or NULL. */
const char *dt_map_objection(const struct dt_property *map, size_t at, uint32_t mask);

/* Fills iommu, iommu_disabled, dangling, grant_dma, grant_dma_stub, virtio_iommu, is_iommu and
 * claim of the devices, one for each node, whose paths and enabled are known. masters gets true for
 * each node that an IOMMU's mmu-masters names. 0 or -ENOMEM. */
int dt_refs_resolve(const struct dt_blob *blob, const struct dt_phandles *phandles,
                    struct dt_device *devices, bool *masters);

/* Breaks every circle among the links of count nodes (next[i] is a node or DT_NO_NODE): one link
 * becomes DT_NO_NODE, and is noted as an error of that node's property. 0 or -ENOMEM. */
int dt_break_circles(const struct dt_blob *blob, const char *property, size_t *next, size_t count);

#endif
