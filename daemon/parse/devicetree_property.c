/* SPDX-License-Identifier: MIT */
/* Which properties are of use, and what form they have. */
#include "parse/devicetree_blob.h"

#include <string.h>

enum format { ANYTHING, TEXT, NUMBER, CELL_COUNT, LIST };

static const struct known {
    const char *name;
    enum dt_property_id id;
    enum format format;
} known[] = {
    {"#dma-cells", DT_PROP_DMA_CELLS, CELL_COUNT},
    {"#interconnect-cells", DT_PROP_INTERCONNECT_CELLS, CELL_COUNT},
    {"#iommu-cells", DT_PROP_IOMMU_CELLS, CELL_COUNT},
    {"#size-cells", DT_PROP_SIZE_CELLS, CELL_COUNT},
    {"#stream-id-cells", DT_PROP_STREAM_ID_CELLS, CELL_COUNT},
    {"compatible", DT_PROP_COMPATIBLE, TEXT},
    {"device_type", DT_PROP_DEVICE_TYPE, TEXT},
    {"dma-coherent", DT_PROP_DMA_COHERENT, ANYTHING},
    {"dma-masters", DT_PROP_DMA_MASTERS, ANYTHING},
    {"dma-noncoherent", DT_PROP_DMA_NONCOHERENT, ANYTHING},
    {"interconnect-names", DT_PROP_INTERCONNECT_NAMES, TEXT},
    {"interconnects", DT_PROP_INTERCONNECTS, LIST},
    {"iommu-map", DT_PROP_IOMMU_MAP, LIST},
    {"iommu-map-mask", DT_PROP_IOMMU_MAP_MASK, NUMBER},
    {"iommus", DT_PROP_IOMMUS, LIST},
    {"linux,phandle", DT_PROP_PHANDLE, NUMBER},
    {"mmu-masters", DT_PROP_MMU_MASTERS, LIST},
    {"phandle", DT_PROP_PHANDLE, NUMBER},
    {"reg", DT_PROP_REG, ANYTHING},
    {"status", DT_PROP_STATUS, TEXT},
    {"stream-match-mask", DT_PROP_STREAM_MATCH_MASK, NUMBER},
    {"xen,force-assign-without-iommu", DT_PROP_XEN_FORCE_ASSIGN, ANYTHING},
    {"xen,iommu", DT_PROP_XEN_IOMMU, TEXT},
    {"xen,passthrough", DT_PROP_XEN_PASSTHROUGH, ANYTHING},
    {"xen,path", DT_PROP_XEN_PATH, TEXT},
};

static struct known lookup(const char *name)
{
    struct known other = {name, DT_PROP_NONE, ANYTHING};
    size_t i, len = strlen(name);

    for (i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i];
    if (name[0] == '#' && len > 6 && strcmp(name + len - 6, "-cells") == 0)
        other.format = CELL_COUNT;
    return other;
}

/* What is wrong with a value of that format, or NULL. */
static const char *objection(const struct dt_property *property, enum format format)
{
    switch (format) {
    case TEXT:
        if (!property->size || property->value[property->size - 1] != '\0')
            return "no string";
        return NULL;
    case NUMBER:
        return property->size == 4 ? NULL : "not one cell";
    case CELL_COUNT:
        if (property->size != 4)
            return "not one cell";
        return dt_property_cell(property, 0) > DT_CELLS_MAX ? "more cells than any specifier has"
                                                            : NULL;
    case LIST:
        return property->size && property->size % 4 == 0 ? NULL : "no whole number of cells";
    case ANYTHING:
        break;
    }
    return NULL;
}

static bool is_aliases(const struct dt_blob *blob, size_t node)
{
    return blob->nodes[node].parent == DT_ROOT && strcmp(blob->nodes[node].name, "aliases") == 0;
}

static void add_alias(struct dt_blob *blob, const struct dt_property *property)
{
    blob->tree->aliases[blob->tree->alias_count++] =
        (struct dt_alias){property->name, (const char *)property->value};
}

void dt_blob_add(struct dt_blob *blob, size_t node, struct dt_property property)
{
    struct dt_node *owner = &blob->nodes[node];
    struct known like = lookup(property.name);
    const char *problem;

    if (like.id == DT_PROP_NONE && is_aliases(blob, node))
        like = (struct known){property.name, DT_PROP_ALIAS, TEXT};
    if (owner->seen & 1U << like.id) {
        /* A phandle has two names, and both are there in old trees. */
        if (like.id != DT_PROP_PHANDLE)
            dt_blob_error(blob, node, property.name, "there twice, the first one counts");
        return;
    }
    problem = objection(&property, like.format);
    if (problem)
        dt_blob_error(blob, node, property.name, "%s in %u bytes", problem, property.size);
    if (like.id == DT_PROP_ALIAS && !problem)
        add_alias(blob, &property);
    if (like.id == DT_PROP_NONE || like.id == DT_PROP_ALIAS)
        return;
    property.id = like.id;
    property.bad = problem != NULL;
    owner->damaged |= property.bad;
    owner->seen |= 1U << like.id;
    owner->property_count++;
    blob->properties[blob->property_count++] = property;
}
