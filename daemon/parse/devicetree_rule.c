/* SPDX-License-Identifier: MIT */
#include "parse/devicetree_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the place of a node means for those below it. */
struct place {
    bool pci;       /* they are PCI functions */
    bool no_memory; /* they have no memory addresses: I2C, SPI, MDIO, USB, ... */
    bool container; /* a node without compatible, which no driver binds to */
    bool bus; /* no driver makes devices of them: it is the root, wires, or a container there */
};

static bool begins_with(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

static bool is_available(const struct dt_blob *blob, size_t node)
{
    const char *status = dt_blob_text(blob, node, DT_PROP_STATUS);

    if (!dt_blob_has(blob, node, DT_PROP_STATUS))
        return true;
    return status && (strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0);
}

void dt_rule_status(const struct dt_blob *blob, struct dt_device *devices)
{
    size_t i;

    for (i = 0; i < blob->node_count; i++)
        devices[i].enabled =
            i == DT_ROOT || (is_available(blob, i) && devices[blob->nodes[i].parent].enabled);
}

static bool is_pci(const struct dt_blob *blob, size_t node)
{
    const char *type = dt_blob_text(blob, node, DT_PROP_DEVICE_TYPE);

    return type && strcmp(type, "pci") == 0;
}

/* Nothing but wires: no driver of its own comes before that of a bus. */
static bool is_bus(const struct dt_blob *blob, size_t node)
{
    static const char *const buses[] = {"simple-bus", "simple-pm-bus", "simple-mfd", "isa",
                                        "arm,amba-bus"};
    const char *compatible = dt_blob_text(blob, node, DT_PROP_COMPATIBLE);
    size_t i;

    for (i = 0; compatible && i < sizeof(buses) / sizeof(*buses); i++)
        if (strcasecmp(compatible, buses[i]) == 0)
            return true;
    return false;
}

static struct place place_of(const struct dt_blob *blob, size_t node, const struct place *places)
{
    const struct place *above = &places[blob->nodes[node].parent];
    bool container = !dt_blob_has(blob, node, DT_PROP_COMPATIBLE) && !blob->nodes[node].damaged;

    return (struct place){
        .pci = above->pci || is_pci(blob, node),
        .no_memory = above->no_memory || dt_blob_cells(blob, node, DT_PROP_SIZE_CELLS) == 0,
        .container = container,
        .bus = container ? above->bus : is_bus(blob, node),
    };
}

static bool is_firmware(const struct dt_blob *blob, size_t node)
{
    return blob->nodes[node].parent == DT_ROOT && strcmp(blob->nodes[node].name, "firmware") == 0;
}

/* Where "dma-mem" stands in the node's interconnect-names, -1 where it does not. */
static int dma_mem_index(const struct dt_blob *blob, size_t node)
{
    const struct dt_property *names = dt_blob_get(blob, node, DT_PROP_INTERCONNECT_NAMES);
    const char *at, *end;
    int i;

    if (!names)
        return -1;
    at = (const char *)names->value;
    end = at + names->size;
    for (i = 0; at < end; i++, at += strlen(at) + 1)
        if (strcmp(at, "dma-mem") == 0)
            return i;
    return -1;
}

/* Does the node itself tell that it does DMA? */
static bool has_evidence(const struct dt_blob *blob, size_t node)
{
    if (dt_blob_has(blob, node, DT_PROP_IOMMUS) || dt_blob_has(blob, node, DT_PROP_IOMMU_MAP) ||
        is_pci(blob, node) || dma_mem_index(blob, node) >= 0 ||
        dt_blob_compatible(blob, node, "virtio,mmio"))
        return true;
    if (dt_blob_has(blob, node, DT_PROP_DMA_CELLS) && !dt_blob_has(blob, node, DT_PROP_DMA_MASTERS))
        return true;
    /* A bus says this for those on it. */
    return !is_bus(blob, node) && (dt_blob_has(blob, node, DT_PROP_DMA_COHERENT) ||
                                   dt_blob_has(blob, node, DT_PROP_DMA_NONCOHERENT));
}

/* Wiring, software, or a part of the processor: a generic binding without registers. */
static bool is_abstract(const struct dt_blob *blob, size_t node, const char *compatible)
{
    if (dt_blob_has(blob, node, DT_PROP_REG) || compatible[0] == '\0')
        return false;
    return !strchr(compatible, ',') || begins_with(compatible, "arm,") ||
           begins_with(compatible, "linux,");
}

static enum dt_relevance relevance_of(const struct dt_blob *blob, size_t node,
                                      const struct place *places, bool evidence)
{
    const char *compatible = dt_blob_text(blob, node, DT_PROP_COMPATIBLE);
    size_t parent = blob->nodes[node].parent;

    if (places[parent].pci)
        return DT_NOT_A_DEVICE;
    if (evidence || has_evidence(blob, node))
        return DT_DMA_CAPABLE;
    if (blob->nodes[node].damaged)
        return DT_DMA_UNKNOWN;
    if (!compatible || dt_blob_compatible(blob, node, "operating-points-v2"))
        return DT_NOT_A_DEVICE;
    if (places[parent].container && places[parent].bus && !is_firmware(blob, parent))
        return DT_NOT_A_DEVICE;
    if (places[parent].no_memory || is_bus(blob, node) || begins_with(compatible, "xen,") ||
        is_abstract(blob, node, compatible))
        return DT_NO_DMA;
    return DT_DMA_UNKNOWN;
}

int dt_rule_relevance(const struct dt_blob *blob, const bool *masters, struct dt_device *devices)
{
    struct place *places = calloc(blob->node_count, sizeof(*places));
    size_t i;

    if (!places)
        return -ENOMEM;
    places[DT_ROOT].bus = true;
    for (i = DT_ROOT + 1; i < blob->node_count; i++) {
        bool evidence = masters[i] || devices[i].claim != DT_NO_CLAIM;

        places[i] = place_of(blob, i, places);
        devices[i].pci_host = is_pci(blob, i) && !places[blob->nodes[i].parent].pci;
        devices[i].relevance = relevance_of(blob, i, places, evidence);
    }
    free(places);
    return 0;
}

/* The node that Linux takes for the next one on the way of this one's DMA to memory. */
static size_t dma_parent(const struct dt_blob *blob, const struct dt_phandles *phandles,
                         size_t node)
{
    struct dt_list list = {.blob = blob,
                           .phandles = phandles,
                           .owner = node,
                           .property = dt_blob_get(blob, node, DT_PROP_INTERCONNECTS),
                           .cells = DT_PROP_INTERCONNECT_CELLS,
                           .cells_name = "#interconnect-cells"};
    size_t parent = DT_NO_NODE;
    bool dangling;
    int i;

    for (i = dma_mem_index(blob, node); i >= 0; i--) {
        parent = dt_list_next(&list, &dangling);
        if (parent == DT_NO_NODE)
            break;
    }
    return parent == DT_NO_NODE ? blob->nodes[node].parent : parent;
}

static bool says_coherence(const struct dt_blob *blob, size_t node)
{
    return dt_blob_has(blob, node, DT_PROP_DMA_COHERENT) ||
           dt_blob_has(blob, node, DT_PROP_DMA_NONCOHERENT);
}

/* Goes up from the node to one that says it or is done, and writes the answer to all passed. */
static void settle(const struct dt_blob *blob, const size_t *next, bool *done,
                   struct dt_device *devices, size_t node)
{
    size_t top = node;
    bool coherent = false;

    while (top != DT_NO_NODE && !done[top] && !says_coherence(blob, top))
        top = next[top];
    if (top != DT_NO_NODE)
        coherent =
            done[top] ? devices[top].dma_coherent : dt_blob_has(blob, top, DT_PROP_DMA_COHERENT);
    for (; node != DT_NO_NODE && !done[node]; node = next[node]) {
        devices[node].dma_coherent = coherent;
        done[node] = true;
        if (node == top)
            break;
    }
}

int dt_rule_coherent(const struct dt_blob *blob, const struct dt_phandles *phandles,
                     struct dt_device *devices)
{
    size_t *next = calloc(blob->node_count, sizeof(*next));
    bool *done = calloc(blob->node_count, sizeof(*done));
    size_t i;
    int rc = next && done ? 0 : -ENOMEM;

    for (i = 0; !rc && i < blob->node_count; i++)
        next[i] = dma_parent(blob, phandles, i);
    if (!rc)
        rc = dt_break_circles(blob, "interconnects", next, blob->node_count);
    for (i = 0; !rc && i < blob->node_count; i++)
        settle(blob, next, done, devices, i);
    free(next);
    free(done);
    return rc;
}
