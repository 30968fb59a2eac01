/* SPDX-License-Identifier: MIT */
#include "parse/devicetree_blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

enum {
    PROPERTY_HEADER = 12, /* bytes: token, length, offset of the name */
    NAME_SIZE = 256,      /* bytes of a property's name with its NUL; the specification says 32 */
    VERSION_FIRST = 16,   /* before it, properties were aligned otherwise */
    VERSION_STRUCT_SIZE = 17,
};

/* How far the walk through the structure block is. */
struct walk {
    struct dt_blob *blob;
    size_t node;     /* the innermost open one, DT_NO_NODE outside the root */
    size_t dropping; /* how many open nodes below that are left out */
};

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

/* The name at that offset into the strings, NULL where there is none, or one without end. */
static const char *name_at(const struct dt_blob *blob, uint32_t offset)
{
    uint32_t size = fdt_size_dt_strings(blob->bytes), limit;
    const char *name;

    if (offset >= size)
        return NULL;
    name = (const char *)blob->bytes + fdt_off_dt_strings(blob->bytes) + offset;
    /* All properties may share one long name: libfdt would look for its end each time. */
    limit = size - offset < NAME_SIZE ? size - offset : NAME_SIZE;
    return memchr(name, '\0', limit) ? name : NULL;
}

/* The property whose token begins at that offset, and may be cut off later. Without a name where
 * there is none. */
static struct dt_property property_at(const struct dt_blob *blob, int offset)
{
    const fdt32_t *token = fdt_offset_ptr(blob->bytes, offset, PROPERTY_HEADER);

    if (!token || fdt32_ld(token) != FDT_PROP)
        return (struct dt_property){0};
    return (struct dt_property){.size = fdt32_ld(token + 1),
                                .value = (const uint8_t *)(token + 3),
                                .name = name_at(blob, fdt32_ld(token + 2))};
}

/* A property token from offset to next. 1 to go on, 0 to stop. */
static int take_property(struct walk *walk, int offset, int next)
{
    struct dt_blob *blob = walk->blob;
    struct dt_property property = property_at(blob, offset);

    if (walk->node == DT_NO_NODE)
        return give_up(walk, NULL, "property outside the root");
    /* libfdt adds up lengths before it checks them: next may lie before the value. */
    if ((int64_t)property.size > (int64_t)next - offset - PROPERTY_HEADER)
        return give_up(walk, property.name, "structure damaged by an absurd length");
    if (walk->dropping)
        return 1;
    if (!property.name) {
        dt_blob_error(blob, walk->node, NULL, "property without a name at 0x%x", (unsigned)offset);
        blob->nodes[walk->node].damaged = true;
    } else if (blob->nodes[walk->node].has_children) {
        dt_blob_error(blob, walk->node, property.name, "property after a node, which nobody reads");
    } else {
        dt_blob_add(blob, walk->node, property);
    }
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

/* One token of the structure block. 1 to go on, 0 to stop. */
static int step(struct walk *walk, int *offset)
{
    int next, at = *offset;
    uint32_t tag = fdt_next_tag(walk->blob->bytes, at, &next);

    /* Lengths of almost 4 GiB lead libfdt backwards. */
    if (next <= at)
        return give_up(walk, property_at(walk->blob, at).name, "structure cut off or damaged");
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
    blob->properties = calloc(properties + 1, sizeof(*blob->properties));
    blob->tree->aliases = calloc(properties + 1, sizeof(*blob->tree->aliases));
    return blob->nodes && blob->properties && blob->tree->aliases ? 0 : -ENOMEM;
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
    uint32_t size = fdt_size_dt_strings(fdt);

    if (!cut_block(total, &offset, &size))
        return;
    dt_blob_error(blob, DT_NO_NODE, NULL,
                  "strings not all in the tree: some properties have no name");
    fdt_set_off_dt_strings(fdt, offset);
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
    if (fdt_magic(&header) != FDT_MAGIC || fdt_version(&header) < VERSION_FIRST)
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
