/* SPDX-License-Identifier: MIT */
#include "parse/devicetree_refs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PHANDLE_UNRESOLVED UINT32_MAX /* of an overlay that was not applied */

enum { MAP_ENTRY = 4 /* cells: first ID in, phandle, first ID out, how many */ };

enum iommu_kind { NO_IOMMU, REAL, IOMMU_EL2, GRANT_DMA, GRANT_DMA_STUB, VIRTIO };

struct refs {
    const struct dt_blob *blob;
    const struct dt_phandles *phandles;
    struct dt_device *devices;
    bool *masters;
    size_t *next;           /* the IOMMU that a node is behind */
    enum iommu_kind *kinds; /* what each node is to those that name it */
};

static int compare_phandles(const void *a, const void *b)
{
    const struct dt_phandle *left = a, *right = b;

    if (left->value != right->value)
        return left->value < right->value ? -1 : 1;
    return left->node < right->node ? -1 : left->node > right->node;
}

/* After sorting: drops all but the first of each value. */
static void drop_duplicates(const struct dt_blob *blob, struct dt_phandles *phandles)
{
    size_t i, kept = 0;

    for (i = 0; i < phandles->count; i++) {
        const struct dt_phandle *entry = &phandles->entries[i];

        if (kept && phandles->entries[kept - 1].value == entry->value)
            dt_blob_error(blob, entry->node, "phandle", "0x%x is that of %s too, which counts",
                          entry->value, blob->nodes[phandles->entries[kept - 1].node].name);
        else
            phandles->entries[kept++] = *entry;
    }
    phandles->count = kept;
}

int dt_phandles_collect(const struct dt_blob *blob, struct dt_phandles *phandles)
{
    size_t i;

    *phandles = (struct dt_phandles){0};
    phandles->entries = calloc(blob->node_count, sizeof(*phandles->entries));
    if (!phandles->entries)
        return -ENOMEM;
    for (i = 0; i < blob->node_count; i++) {
        const struct dt_property *property = dt_blob_get(blob, i, DT_PROP_PHANDLE);
        uint32_t value = property ? dt_property_cell(property, 0) : 0;

        if (property && (value == 0 || value == PHANDLE_UNRESOLVED))
            dt_blob_error(blob, i, property->name, "0x%x is no phandle", value);
        else if (property)
            phandles->entries[phandles->count++] = (struct dt_phandle){value, i};
    }
    qsort(phandles->entries, phandles->count, sizeof(*phandles->entries), compare_phandles);
    drop_duplicates(blob, phandles);
    return 0;
}

void dt_phandles_clear(struct dt_phandles *phandles)
{
    free(phandles->entries);
    *phandles = (struct dt_phandles){0};
}

size_t dt_phandles_find(const struct dt_phandles *phandles, uint32_t value)
{
    size_t low = 0, high = phandles->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (phandles->entries[middle].value == value)
            return phandles->entries[middle].node;
        if (phandles->entries[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return DT_NO_NODE;
}

size_t dt_list_next(struct dt_list *list, bool *dangling)
{
    size_t count = list->property ? dt_property_count(list->property) : 0, node;
    const char *name = list->property ? list->property->name : NULL;
    uint32_t phandle;
    int cells;

    if (list->at >= count)
        return DT_NO_NODE;
    phandle = dt_property_cell(list->property, list->at);
    node = dt_phandles_find(list->phandles, phandle);
    if (node == DT_NO_NODE) {
        *dangling = true;
        return DT_NO_NODE;
    }
    cells = dt_blob_cells(list->blob, node, list->cells);
    if (cells < 0 || (size_t)cells > count - list->at - 1) {
        if (list->quiet)
            return DT_NO_NODE;
        if (cells < 0)
            dt_blob_error(list->blob, list->owner, name, "0x%x has no %s", phandle,
                          list->cells_name);
        else
            dt_blob_error(list->blob, list->owner, name, "ends within the %d cells of 0x%x", cells,
                          phandle);
        return DT_NO_NODE;
    }
    list->at += 1 + (size_t)cells;
    return node;
}

static enum iommu_kind kind_of(const struct dt_blob *blob, size_t node)
{
    if (!dt_blob_has(blob, node, DT_PROP_IOMMU_CELLS))
        return NO_IOMMU;
    if (dt_blob_compatible(blob, node, "xen,iommu-el2-v1"))
        return IOMMU_EL2;
    if (dt_blob_compatible(blob, node, "xen,grant-dma"))
        return dt_blob_cells(blob, node, DT_PROP_IOMMU_CELLS) == 0 ? GRANT_DMA_STUB : GRANT_DMA;
    /* The last one is what Linux 5.8 to 6.0 describe virtio,pci-iommu by. */
    if (dt_blob_compatible(blob, node, "virtio,pci-iommu") ||
        dt_blob_compatible(blob, node, "virtio,mmio") ||
        dt_blob_compatible(blob, node, "pci1af4,1057"))
        return VIRTIO;
    return REAL;
}

bool dt_is_real_iommu(const struct dt_blob *blob, size_t node)
{
    return kind_of(blob, node) == REAL;
}

/* The device names this node as its IOMMU. */
static void relate(struct refs *refs, size_t node, size_t iommu)
{
    struct dt_device *device = &refs->devices[node];

    switch (refs->kinds[iommu]) {
    case IOMMU_EL2:
        device->claim = DT_CLAIMS_IOMMU_EL2;
        break;
    case GRANT_DMA_STUB:
        device->grant_dma_stub = true;
        device->grant_dma = true;
        break;
    case GRANT_DMA:
        device->grant_dma = true;
        break;
    case VIRTIO:
        device->virtio_iommu = true;
        break;
    case REAL:
        if (!refs->devices[iommu].enabled)
            device->iommu_disabled = true;
        else if (refs->next[node] == DT_NO_NODE)
            refs->next[node] = iommu;
        break;
    case NO_IOMMU:
        break;
    }
}

static void read_iommus(struct refs *refs, size_t node)
{
    struct dt_list list = {.blob = refs->blob,
                           .phandles = refs->phandles,
                           .owner = node,
                           .property = dt_blob_get(refs->blob, node, DT_PROP_IOMMUS),
                           .cells = DT_PROP_IOMMU_CELLS,
                           .cells_name = "#iommu-cells"};
    size_t iommu;

    while ((iommu = dt_list_next(&list, &refs->devices[node].dangling)) != DT_NO_NODE)
        relate(refs, node, iommu);
}

const char *dt_map_objection(const struct dt_property *map, size_t at, uint32_t mask)
{
    uint32_t id = dt_property_cell(map, at), target = dt_property_cell(map, at + 2),
             length = dt_property_cell(map, at + 3);

    if (id & ~mask)
        return "begins at an ID that iommu-map-mask rules out";
    /* A length of 0 is left for the firmware to fill in. */
    if (length && (id + (length - 1) < id || target + (length - 1) < target))
        return "reaches beyond the last ID";
    return NULL;
}

static void read_map_entry(struct refs *refs, size_t node, const struct dt_property *map, size_t at)
{
    uint32_t phandle = dt_property_cell(map, at + 1);
    size_t iommu = dt_phandles_find(refs->phandles, phandle);

    if (iommu == DT_NO_NODE)
        refs->devices[node].dangling = true;
    else if (!dt_blob_has(refs->blob, iommu, DT_PROP_IOMMU_CELLS))
        dt_blob_error(refs->blob, node, map->name, "0x%x has no #iommu-cells", phandle);
    else
        relate(refs, node, iommu);
}

static void read_map(struct refs *refs, size_t node)
{
    const struct dt_property *map = dt_blob_get(refs->blob, node, DT_PROP_IOMMU_MAP),
                             *mask = dt_blob_get(refs->blob, node, DT_PROP_IOMMU_MAP_MASK);
    uint32_t mask_value = mask ? dt_property_cell(mask, 0) : UINT32_MAX;
    size_t at, count = map ? dt_property_count(map) : 0;

    if (count % MAP_ENTRY) {
        dt_blob_error(refs->blob, node, map->name, "%zu cells are no entries of four", count);
        return;
    }
    for (at = 0; at < count; at += MAP_ENTRY) {
        const char *problem = dt_map_objection(map, at, mask_value);

        if (problem)
            dt_blob_error(refs->blob, node, map->name, "entry %zu %s", at / MAP_ENTRY, problem);
        else
            read_map_entry(refs, node, map, at);
    }
}

/* The old binding of the SMMU: it lists who is behind it. */
static void read_masters(struct refs *refs, size_t smmu)
{
    struct dt_list list = {.blob = refs->blob,
                           .phandles = refs->phandles,
                           .owner = smmu,
                           .property = dt_blob_get(refs->blob, smmu, DT_PROP_MMU_MASTERS),
                           .cells = DT_PROP_STREAM_ID_CELLS,
                           .cells_name = "#stream-id-cells"};
    bool dangling = false;
    size_t node;

    while ((node = dt_list_next(&list, &dangling)) != DT_NO_NODE) {
        refs->masters[node] = true;
        if (!refs->devices[smmu].enabled)
            refs->devices[node].iommu_disabled = true;
        else if (refs->next[node] == DT_NO_NODE)
            refs->next[node] = smmu;
    }
    if (dangling)
        dt_blob_error(refs->blob, smmu, "mmu-masters", "a phandle that no node has");
}

static void read_own(struct refs *refs, size_t node)
{
    struct dt_device *device = &refs->devices[node];
    const char *xen_iommu = dt_blob_text(refs->blob, node, DT_PROP_XEN_IOMMU);

    device->is_iommu = dt_blob_has(refs->blob, node, DT_PROP_IOMMU_CELLS) ||
                       dt_blob_has(refs->blob, node, DT_PROP_MMU_MASTERS);
    if (xen_iommu && strcmp(xen_iommu, "on") == 0)
        device->claim = DT_CLAIMS_XEN_IOMMU;
    read_iommus(refs, node);
    read_map(refs, node);
}

static void read_all(struct refs *refs)
{
    const struct dt_blob *blob = refs->blob;
    size_t i;

    for (i = 0; i < blob->node_count; i++) {
        refs->next[i] = DT_NO_NODE;
        refs->kinds[i] = kind_of(blob, i);
    }
    for (i = 0; i < blob->node_count; i++)
        read_own(refs, i);
    for (i = 0; i < blob->node_count; i++)
        if (dt_blob_has(blob, i, DT_PROP_MMU_MASTERS))
            read_masters(refs, i);
}

int dt_refs_resolve(const struct dt_blob *blob, const struct dt_phandles *phandles,
                    struct dt_device *devices, bool *masters)
{
    struct refs refs = {blob, phandles, devices, masters, NULL, NULL};
    int rc = -ENOMEM;
    size_t i;

    refs.next = calloc(blob->node_count, sizeof(*refs.next));
    refs.kinds = calloc(blob->node_count, sizeof(*refs.kinds));
    if (!refs.next || !refs.kinds)
        goto out;
    read_all(&refs);
    rc = dt_break_circles(blob, "iommus", refs.next, blob->node_count);
    for (i = 0; i < blob->node_count; i++)
        if (refs.next[i] != DT_NO_NODE)
            devices[i].iommu = devices[refs.next[i]].path;
out:
    free(refs.next);
    free(refs.kinds);
    return rc;
}

int dt_break_circles(const struct dt_blob *blob, const char *property, size_t *next, size_t count)
{
    size_t *walk = calloc(count, sizeof(*walk)); /* the walk that came by, from 1 */
    size_t start, node, last;

    if (!walk)
        return -ENOMEM;
    for (start = 0; start < count; start++) {
        last = DT_NO_NODE;
        for (node = start; node != DT_NO_NODE && !walk[node]; node = next[node]) {
            walk[node] = start + 1;
            last = node;
        }
        if (node == DT_NO_NODE || walk[node] != start + 1)
            continue;
        dt_blob_error(blob, last, property, "leads back to %s in a circle", blob->nodes[node].name);
        next[last] = DT_NO_NODE;
    }
    free(walk);
    return 0;
}
