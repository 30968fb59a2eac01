/* SPDX-License-Identifier: MIT */
#include "observe/devicetree_blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

enum {
    PROPERTY_HEADER = 12, /* bytes: token, length, offset of the name */
    VERSION_STRINGS_SIZE = 3,
    VERSION_STRUCT_SIZE = 17,
};

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
    {"xen,force-assign-without-iommu", DT_PROP_XEN_FORCE_ASSIGN, ANYTHING},
    {"xen,iommu", DT_PROP_XEN_IOMMU, TEXT},
    {"xen,passthrough", DT_PROP_XEN_PASSTHROUGH, ANYTHING},
    {"xen,path", DT_PROP_XEN_PATH, TEXT},
};

/* How far the walk through the structure block is. */
struct walk {
    struct dt_blob *blob;
    size_t node;     /* the innermost open one, DT_NO_NODE outside the root */
    size_t dropping; /* how many open nodes below that are left out */
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

static void add_property(struct dt_blob *blob, size_t node, struct dt_property property)
{
    struct dt_node *owner = &blob->nodes[node];
    struct known like = lookup(property.name);
    const char *problem;

    if (like.id == DT_PROP_NONE && is_aliases(blob, node))
        like = (struct known){property.name, DT_PROP_ALIAS, TEXT};
    if (like.id != DT_PROP_NONE && like.id != DT_PROP_ALIAS && dt_blob_has(blob, node, like.id)) {
        /* Both names of the phandle at once are as old as the first of them. */
        if (like.id != DT_PROP_PHANDLE)
            dt_blob_error(blob, node, property.name, "there twice, the first one counts");
        return;
    }
    problem = objection(&property, like.format);
    if (problem)
        dt_blob_error(blob, node, property.name, "%s in %u bytes", problem, property.size);
    if (like.id == DT_PROP_NONE)
        return;
    property.id = like.id;
    property.bad = problem != NULL;
    owner->damaged |= property.bad;
    owner->property_count++;
    blob->properties[blob->property_count++] = property;
}

/* The structure ends here, or cannot be followed any further. */
static int give_up(struct walk *walk, const char *property, const char *cause)
{
    struct dt_blob *blob = walk->blob;

    dt_blob_error(blob, walk->node, property, "%s: nothing after it can be read", cause);
    blob->tree->incomplete = true;
    /* What was still to come could be properties of the open node. */
    if (walk->node != DT_NO_NODE && !blob->nodes[walk->node].has_children)
        blob->nodes[walk->node].damaged = true;
    return 0;
}

/* A property token from offset to next. 1 to go on, 0 to stop. */
static int take_property(struct walk *walk, int offset, int next)
{
    struct dt_blob *blob = walk->blob;
    struct dt_property property = {0};
    int size = 0;

    if (walk->node == DT_NO_NODE)
        return give_up(walk, NULL, "property outside the root");
    if (walk->dropping)
        return 1;
    property.value = fdt_getprop_by_offset(blob->bytes, offset, &property.name, &size);
    if (!property.value) {
        dt_blob_error(blob, walk->node, NULL, "property without a name at 0x%x: %s",
                      (unsigned)offset, fdt_strerror(size));
        blob->nodes[walk->node].damaged = true;
        return 1;
    }
    /* libfdt computes with the length before it checks it. */
    if (size < 0 || size > next - offset - PROPERTY_HEADER)
        return give_up(walk, property.name, "structure damaged by an absurd length");
    if (blob->nodes[walk->node].has_children) {
        dt_blob_error(blob, walk->node, property.name, "property after a node, which nobody reads");
        return 1;
    }
    property.size = (uint32_t)size;
    add_property(blob, walk->node, property);
    return 1;
}

static void open_node(struct walk *walk, const char *name)
{
    struct dt_blob *blob = walk->blob;
    struct dt_node *node = &blob->nodes[blob->node_count];

    if (walk->node != DT_NO_NODE)
        blob->nodes[walk->node].has_children = true;
    if (walk->node != DT_NO_NODE && (name[0] == '\0' || strchr(name, '/'))) {
        dt_blob_error(blob, walk->node, NULL,
                      "a node below it has the name \"%.32s\", and is left out", name);
        walk->dropping = 1;
        return;
    }
    *node = (struct dt_node){
        .name = name, .parent = walk->node, .first_property = blob->property_count};
    walk->node = blob->node_count++;
}

static int take_node(struct walk *walk, int offset)
{
    int len;
    const char *name = fdt_get_name(walk->blob->bytes, offset, &len);

    if (!name)
        return give_up(walk, NULL, "node without a name");
    if (walk->node == DT_NO_NODE && walk->blob->node_count)
        return give_up(walk, NULL, "second root");
    if (walk->dropping)
        walk->dropping++;
    else
        open_node(walk, name);
    return 1;
}

static int close_node(struct walk *walk)
{
    if (walk->dropping)
        walk->dropping--;
    else if (walk->node == DT_NO_NODE)
        return give_up(walk, NULL, "end of a node that did not begin");
    else
        walk->node = walk->blob->nodes[walk->node].parent;
    return 1;
}

/* The name of the property that begins there but cannot be taken, NULL if it is none. */
static const char *property_name(const struct dt_blob *blob, int offset)
{
    const uint8_t *token = fdt_offset_ptr(blob->bytes, offset, PROPERTY_HEADER);
    int len;

    if (!token || fdt32_ld((const fdt32_t *)token) != FDT_PROP)
        return NULL;
    return fdt_get_string(blob->bytes, (int)fdt32_ld((const fdt32_t *)token + 2), &len);
}

/* One token of the structure block. 1 to go on, 0 to stop. */
static int step(struct walk *walk, int *offset)
{
    int next, at = *offset;
    uint32_t tag = fdt_next_tag(walk->blob->bytes, at, &next);

    /* Lengths of almost 4 GiB lead libfdt backwards. */
    if (next <= at)
        return give_up(walk, property_name(walk->blob, at), "structure cut off or damaged");
    *offset = next;
    switch (tag) {
    case FDT_BEGIN_NODE:
        return take_node(walk, at);
    case FDT_END_NODE:
        return close_node(walk);
    case FDT_PROP:
        return take_property(walk, at, next);
    case FDT_NOP:
        return 1;
    default:
        break;
    }
    return walk->node == DT_NO_NODE && walk->blob->node_count
               ? 0
               : give_up(walk, NULL, "end of the tree before that of its nodes");
}

/* As many nodes and properties as there can be; the walk stops where this does. */
static int allocate(struct dt_blob *blob)
{
    size_t nodes = 0, properties = 0;
    int offset = 0, next;
    uint32_t tag;

    do {
        tag = fdt_next_tag(blob->bytes, offset, &next);
        nodes += tag == FDT_BEGIN_NODE;
        properties += tag == FDT_PROP;
        if (next <= offset)
            break;
        offset = next;
    } while (tag != FDT_END);
    blob->nodes = calloc(nodes ? nodes : 1, sizeof(*blob->nodes));
    blob->properties = calloc(properties ? properties : 1, sizeof(*blob->properties));
    return blob->nodes && blob->properties ? 0 : -ENOMEM;
}

/* Cuts a block of the tree, at offset and of size bytes, to the total; true if it had to. */
static bool cut_block(uint32_t total, uint32_t *offset, uint32_t *size)
{
    if (*offset >= sizeof(struct fdt_header) && *offset <= total && *size <= total - *offset)
        return false;
    if (*offset < sizeof(struct fdt_header) || *offset > total)
        *offset = total;
    if (*size > total - *offset)
        *size = total - *offset;
    return true;
}

static void repair_strings(struct dt_blob *blob, uint32_t total)
{
    uint8_t *fdt = blob->bytes;
    uint32_t offset = fdt_off_dt_strings(fdt);
    uint32_t size = fdt_version(fdt) >= VERSION_STRINGS_SIZE ? fdt_size_dt_strings(fdt) : 0;

    if (!cut_block(total, &offset, &size))
        return;
    dt_blob_error(blob, DT_NO_NODE, NULL,
                  "strings not all in the tree: some properties have no name");
    fdt_set_off_dt_strings(fdt, offset);
    if (fdt_version(fdt) >= VERSION_STRINGS_SIZE)
        fdt_set_size_dt_strings(fdt, size);
}

static void repair_structure(struct dt_blob *blob, uint32_t total)
{
    uint8_t *fdt = blob->bytes;
    uint32_t offset = fdt_off_dt_struct(fdt);
    uint32_t size = fdt_version(fdt) >= VERSION_STRUCT_SIZE ? fdt_size_dt_struct(fdt) : 0;

    if (!cut_block(total, &offset, &size))
        return;
    dt_blob_error(blob, DT_NO_NODE, NULL, "structure not all in the tree");
    fdt_set_off_dt_struct(fdt, offset);
    if (fdt_version(fdt) >= VERSION_STRUCT_SIZE)
        fdt_set_size_dt_struct(fdt, size);
}

/* Makes the header of a cut or lying tree true, so that libfdt reads what is there. */
static void repair(struct dt_blob *blob, size_t size)
{
    uint8_t *fdt = blob->bytes;
    uint32_t total = fdt_totalsize(fdt);

    if (total > size || total < sizeof(struct fdt_header)) {
        dt_blob_error(blob, DT_NO_NODE, NULL, "the header says %u bytes, %zu are there", total,
                      size);
        total = (uint32_t)size;
        fdt_set_totalsize(fdt, total);
    }
    /* Nobody here reads the list of reserved memory. */
    fdt_set_off_mem_rsvmap(fdt, sizeof(struct fdt_header));
    repair_structure(blob, total);
    repair_strings(blob, total);
}

/* A copy that libfdt can be let loose on. 0, -EINVAL or -ENOMEM. */
static int take_bytes(struct dt_blob *blob, const void *bytes, size_t size)
{
    struct fdt_header header;

    if (size < sizeof(header))
        return -EINVAL;
    memcpy(&header, bytes, sizeof(header));
    if (fdt_magic(&header) != FDT_MAGIC)
        return -EINVAL;
    if (fdt_totalsize(&header) >= sizeof(header) && fdt_totalsize(&header) < size)
        size = fdt_totalsize(&header);
    if (size > DEVICETREE_MAX_SIZE)
        return -EINVAL;
    blob->bytes = malloc(size);
    if (!blob->bytes)
        return -ENOMEM;
    memcpy(blob->bytes, bytes, size);
    repair(blob, size);
    return fdt_check_header(blob->bytes) ? -EINVAL : 0;
}

int dt_blob_read(struct dt_blob *blob, const void *bytes, size_t size)
{
    struct walk walk = {blob, DT_NO_NODE, 0};
    int offset = 0, rc;

    rc = take_bytes(blob, bytes, size);
    if (!rc)
        rc = allocate(blob);
    if (rc)
        return rc;
    while (step(&walk, &offset))
        ;
    if (!blob->node_count)
        blob->nodes[blob->node_count++] =
            (struct dt_node){.name = "", .parent = DT_NO_NODE, .damaged = true};
    return 0;
}

void dt_blob_clear(struct dt_blob *blob)
{
    free(blob->bytes);
    free(blob->nodes);
    free(blob->properties);
    *blob = (struct dt_blob){0};
}
