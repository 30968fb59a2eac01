/* SPDX-License-Identifier: MIT */
/* Every specifier becomes one or more intervals of its IOMMU's stream IDs; those that overlap are
 * found by sorting. What cannot be told apart counts as shared. */
#include "parse/devicetree_streams.h"

#include <errno.h>
#include <stdlib.h>

/* Xen's SMMU driver keeps no more of a stream ID and of its mask (SMR_ID_MASK). */
#define SMMU_ID_MASK 0x7fffU

/* Intervals that masks may split into, in all: a mask with holes needs a power of two of them. */
#define SPLITS_MAX (1U << 18)

enum { MAP_ENTRY = 4 /* cells: first ID in, phandle, first ID out, how many */ };

enum unit_kind {
    NO_UNIT,    /* translates nothing that Xen could control */
    SMMU,       /* version 1 or 2: an ID, and a mask of its bits that do not count */
    FIRST_CELL, /* the first cell is the ID */
    OTHER,      /* the whole specifier is the ID */
};

struct interval {
    size_t unit;
    uint64_t first, last; /* stream IDs */
    size_t node;          /* of the device that has them */
};

struct streams {
    const struct dt_blob *blob;
    const struct dt_phandles *phandles;
    struct dt_device *devices;
    enum unit_kind *kinds; /* one for each node */
    size_t *sets;          /* another member of the node's set; at its root, itself */
    struct interval *intervals;
    size_t count, capacity;
    size_t splits;
    bool no_memory;
};

static enum unit_kind kind_of(const struct dt_blob *blob, size_t node)
{
    static const char *const smmus[] = {"arm,smmu-v1",     "arm,smmu-v2", "arm,mmu-400",
                                        "arm,mmu-401",     "arm,mmu-500", "cavium,smmu-v2",
                                        "nvidia,smmu-500", "qcom,smmu-v2"};
    size_t i;

    if (!dt_is_real_iommu(blob, node) && !dt_blob_has(blob, node, DT_PROP_MMU_MASTERS))
        return NO_UNIT;
    if (dt_blob_compatible(blob, node, "arm,smmu-v3") ||
        dt_blob_compatible(blob, node, "renesas,ipmmu-vmsa"))
        return FIRST_CELL;
    for (i = 0; i < sizeof(smmus) / sizeof(*smmus); i++)
        if (dt_blob_compatible(blob, node, smmus[i]))
            return SMMU;
    return dt_blob_has(blob, node, DT_PROP_MMU_MASTERS) ? SMMU : OTHER;
}

/* ------------------------------------------------------------- intervals */

static void add(struct streams *streams, size_t node, size_t unit, uint64_t first, uint64_t last)
{
    if (streams->count == streams->capacity) {
        size_t capacity = streams->capacity ? 2 * streams->capacity : 64;
        void *grown = reallocarray(streams->intervals, capacity, sizeof(*streams->intervals));

        if (!grown) {
            streams->no_memory = true;
            return;
        }
        streams->intervals = grown;
        streams->capacity = capacity;
    }
    streams->intervals[streams->count++] = (struct interval){unit, first, last, node};
    if (streams->devices[node].streams == DT_STREAMS_NONE)
        streams->devices[node].streams = DT_STREAMS_KNOWN;
}

static void add_all_of(struct streams *streams, size_t node, size_t unit)
{
    add(streams, node, unit, 0, UINT64_MAX);
}

/* It has streams that could not be read, and any of the unit's may be one of them. */
static void add_unread(struct streams *streams, size_t node, size_t unit)
{
    streams->devices[node].streams = DT_STREAMS_UNREAD;
    if (unit != DT_NO_NODE && streams->kinds[unit] != NO_UNIT)
        add_all_of(streams, node, unit);
}

/* The IDs that are like this one but for the bits of the mask: the low bits of a mask make an
 * interval longer, each of the others doubles their number. */
static void add_masked(struct streams *streams, size_t node, size_t unit, uint32_t id,
                       uint32_t mask)
{
    uint32_t bits = mask & SMMU_ID_MASK, low = bits & ~(bits + 1), others = bits & ~low;
    uint32_t base = id & SMMU_ID_MASK & ~bits, splits = (1U << __builtin_popcount(others)) - 1;
    uint32_t part = 0;

    if (streams->splits + splits > SPLITS_MAX) {
        add_all_of(streams, node, unit);
        return;
    }
    streams->splits += splits;
    do {
        add(streams, node, unit, base | part, base | part | low);
        part = (part - others) & others;
    } while (part);
}

/* The mask that counts where a specifier has none. False where it cannot be read. */
static bool match_mask(const struct dt_blob *blob, size_t unit, uint32_t *mask)
{
    const struct dt_property *property = dt_blob_get(blob, unit, DT_PROP_STREAM_MATCH_MASK);

    *mask = property ? dt_property_cell(property, 0) : 0;
    return property || !dt_blob_has(blob, unit, DT_PROP_STREAM_MATCH_MASK);
}

static void add_id(struct streams *streams, size_t node, size_t unit, uint32_t id)
{
    uint32_t mask;

    if (streams->kinds[unit] != SMMU)
        add(streams, node, unit, id, id);
    else if (match_mask(streams->blob, unit, &mask))
        add_masked(streams, node, unit, id, mask);
    else
        add_unread(streams, node, unit);
}

/* ------------------------------------------------------------- iommus */

/* A specifier of so many cells, which begin at that one of the property. */
static void take_specifier(struct streams *streams, size_t node, size_t unit,
                           const struct dt_property *property, size_t at, size_t cells)
{
    enum unit_kind kind = streams->kinds[unit];
    uint32_t first = cells > 0 ? dt_property_cell(property, at) : 0,
             second = cells > 1 ? dt_property_cell(property, at + 1) : 0;

    if (kind == NO_UNIT)
        return;
    if (kind == OTHER && cells == 0)
        add_all_of(streams, node, unit);
    else if (cells == 0 || (kind != FIRST_CELL && cells > 2))
        add_unread(streams, node, unit);
    else if (kind == FIRST_CELL || cells == 1)
        add_id(streams, node, unit, first);
    else if (kind == SMMU)
        add_masked(streams, node, unit, first, second);
    else
        add(streams, node, unit, (uint64_t)first << 32 | second, (uint64_t)first << 32 | second);
}

static void read_iommus(struct streams *streams, size_t node)
{
    const struct dt_property *property = dt_blob_get(streams->blob, node, DT_PROP_IOMMUS);
    struct dt_list list = {.blob = streams->blob,
                           .phandles = streams->phandles,
                           .owner = node,
                           .property = property,
                           .cells = DT_PROP_IOMMU_CELLS,
                           .quiet = true};
    bool dangling;

    while (property && list.at < dt_property_count(property)) {
        size_t at = list.at, unit = dt_list_next(&list, &dangling);

        if (unit == DT_NO_NODE) {
            unit = dt_phandles_find(streams->phandles, dt_property_cell(property, at));
            add_unread(streams, node, unit);
            return;
        }
        take_specifier(streams, node, unit, property, at + 1, list.at - at - 1);
    }
}

/* ------------------------------------------------------------- iommu-map */

static void add_masked_range(struct streams *streams, size_t node, size_t unit, uint32_t first,
                             uint32_t last)
{
    uint32_t mask, id;

    if (!match_mask(streams->blob, unit, &mask)) {
        add_unread(streams, node, unit);
    } else if (last > SMMU_ID_MASK || streams->splits + (last - first) > SPLITS_MAX) {
        add_all_of(streams, node, unit);
    } else if (!(mask & SMMU_ID_MASK)) {
        add(streams, node, unit, first, last);
    } else {
        streams->splits += last - first;
        for (id = first; id <= last; id++)
            add_masked(streams, node, unit, id, mask);
    }
}

/* IDs from first to last, of a unit that says how many cells they have. */
static void take_range(struct streams *streams, size_t node, size_t unit, uint32_t first,
                       uint32_t last)
{
    enum unit_kind kind = streams->kinds[unit];
    int cells = dt_blob_cells(streams->blob, unit, DT_PROP_IOMMU_CELLS);

    if (kind == OTHER && cells == 0)
        add_all_of(streams, node, unit);
    else if (kind == OTHER && cells != 1)
        add_unread(streams, node, unit);
    else if (kind == SMMU)
        add_masked_range(streams, node, unit, first, last);
    else
        add(streams, node, unit, first, last);
}

static void read_map(struct streams *streams, size_t node)
{
    const struct dt_property *map = dt_blob_get(streams->blob, node, DT_PROP_IOMMU_MAP),
                             *mask = dt_blob_get(streams->blob, node, DT_PROP_IOMMU_MAP_MASK);
    uint32_t mask_value = mask ? dt_property_cell(mask, 0) : UINT32_MAX;
    size_t at, count = map ? dt_property_count(map) : 0;

    if (count % MAP_ENTRY)
        streams->devices[node].streams = DT_STREAMS_UNREAD;
    for (at = 0; at + MAP_ENTRY <= count; at += MAP_ENTRY) {
        size_t unit = dt_phandles_find(streams->phandles, dt_property_cell(map, at + 1));
        uint32_t first = dt_property_cell(map, at + 2), length = dt_property_cell(map, at + 3);

        if (unit == DT_NO_NODE || !dt_blob_has(streams->blob, unit, DT_PROP_IOMMU_CELLS))
            streams->devices[node].streams = DT_STREAMS_UNREAD;
        else if (streams->kinds[unit] == NO_UNIT)
            continue;
        /* A length of 0 is left for the firmware to fill in. */
        else if (count % MAP_ENTRY || !length || dt_map_objection(map, at, mask_value))
            add_unread(streams, node, unit);
        else
            take_range(streams, node, unit, first, first + (length - 1));
    }
}

/* ------------------------------------------------------------- mmu-masters */

static void take_master(struct streams *streams, size_t smmu, size_t master,
                        const struct dt_list *list, size_t at)
{
    if (at == list->at)
        add_unread(streams, master, smmu);
    for (; at < list->at; at++)
        add_id(streams, master, smmu, dt_property_cell(list->property, at));
}

static void read_masters(struct streams *streams, size_t smmu)
{
    struct dt_list list = {.blob = streams->blob,
                           .phandles = streams->phandles,
                           .owner = smmu,
                           .property = dt_blob_get(streams->blob, smmu, DT_PROP_MMU_MASTERS),
                           .cells = DT_PROP_STREAM_ID_CELLS,
                           .quiet = true};
    size_t at = 0, master;
    bool dangling;

    while ((master = dt_list_next(&list, &dangling)) != DT_NO_NODE) {
        take_master(streams, smmu, master, &list, at + 1);
        at = list.at;
    }
    /* Whoever it may be that the rest names: the unit stands for it. */
    if (!list.property || at < dt_property_count(list.property))
        add_unread(streams, smmu, smmu);
}

static void read_all(struct streams *streams)
{
    const struct dt_blob *blob = streams->blob;
    size_t i;

    for (i = 0; i < blob->node_count; i++) {
        streams->kinds[i] = kind_of(blob, i);
        streams->sets[i] = i;
        /* Its property without a name, or in no form, could be any. */
        streams->devices[i].streams = blob->nodes[i].damaged ? DT_STREAMS_UNREAD : DT_STREAMS_NONE;
    }
    for (i = 0; i < blob->node_count; i++) {
        read_iommus(streams, i);
        read_map(streams, i);
        if (dt_blob_has(blob, i, DT_PROP_MMU_MASTERS))
            read_masters(streams, i);
    }
}

/* ------------------------------------------------------------- groups */

static size_t find_set(size_t *sets, size_t node)
{
    while (sets[node] != node) {
        sets[node] = sets[sets[node]];
        node = sets[node];
    }
    return node;
}

/* The root of a set is the first of its nodes in the tree. */
static void join(size_t *sets, size_t a, size_t b)
{
    size_t x = find_set(sets, a), y = find_set(sets, b);

    if (x < y)
        sets[y] = x;
    else
        sets[x] = y;
}

static int compare(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;

    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void join_overlapping(struct streams *streams)
{
    const struct interval *items = streams->intervals;
    uint64_t reach = 0; /* the last ID of all that hang together so far */
    size_t i;

    if (streams->count)
        qsort(streams->intervals, streams->count, sizeof(*items), compare);
    for (i = 0; i < streams->count; i++) {
        bool beside = i == 0 || items[i].unit != items[i - 1].unit || items[i].first > reach;

        if (!beside)
            join(streams->sets, items[i].node, items[i - 1].node);
        if (beside || items[i].last > reach)
            reach = items[i].last;
    }
}

/* Is it among the devices whose owner somebody asks for? */
static bool has_owner(const struct dt_device *device)
{
    return device->path && !device->is_iommu &&
           (device->relevance == DT_DMA_UNKNOWN || device->relevance == DT_DMA_CAPABLE);
}

/* Numbers the sets of more than one. A set with a member of whose owner nothing will be known
 * counts as unread. */
static int number(struct streams *streams)
{
    size_t i, count = streams->blob->node_count;
    struct dt_device *devices = streams->devices;
    bool *doubtful = calloc(count, sizeof(*doubtful));

    if (!doubtful)
        return -ENOMEM;
    for (i = 0; i < count; i++) {
        size_t root = find_set(streams->sets, i);

        if (root == i)
            continue;
        devices[i].group = devices[root].group = (uint32_t)root + 1;
        doubtful[root] = doubtful[root] || !has_owner(&devices[i]) || !has_owner(&devices[root]);
    }
    for (i = 0; i < count; i++)
        if (doubtful[find_set(streams->sets, i)])
            devices[i].streams = DT_STREAMS_UNREAD;
    free(doubtful);
    return 0;
}

int dt_streams_group(const struct dt_blob *blob, const struct dt_phandles *phandles,
                     struct dt_device *devices)
{
    struct streams streams = {.blob = blob, .phandles = phandles, .devices = devices};
    int rc = -ENOMEM;

    streams.kinds = calloc(blob->node_count, sizeof(*streams.kinds));
    streams.sets = calloc(blob->node_count, sizeof(*streams.sets));
    if (streams.kinds && streams.sets)
        read_all(&streams);
    if (streams.kinds && streams.sets && !streams.no_memory) {
        join_overlapping(&streams);
        rc = number(&streams);
    }
    blob->tree->streams_told = streams.count > 0;
    free(streams.kinds);
    free(streams.sets);
    free(streams.intervals);
    return rc;
}

void dt_streams_distrust(struct devicetree *tree)
{
    size_t i;

    for (i = 0; i < tree->count; i++)
        if (tree->devices[i].streams == DT_STREAMS_KNOWN)
            tree->devices[i].streams = DT_STREAMS_UNREAD;
}
