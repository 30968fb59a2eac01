/* SPDX-License-Identifier: MIT */
/* The picture that "xen-iommu graph" draws, as source text for graphviz. */
#ifndef XI_CLIENT_CLI_GRAPH_H
#define XI_CLIENT_CLI_GRAPH_H

#include "writer.h"

#include <stdio.h>

/* With more devices than this, those of one IOMMU, owner and verdict are drawn as one. */
#define GRAPH_DEVICES_MAX 24

/* One box: a device, or several that are alike. */
struct graph_node {
    const struct device_report *const *devices;
    size_t count;
    int32_t group; /* whose frame it is drawn in; -1: none */
};

/* All boxes, those of one IOMMU in a row, those without one last, and of these those of one group.
 */
struct graph_nodes {
    const struct device_report **devices; /* in the boxes' order */
    struct graph_node *nodes;
    size_t count;
    bool crowded; /* too many devices for a box each */
};

/* Free it in any case; the devices must outlive it. 0 or -ENOMEM. */
int graph_nodes_make(struct graph_nodes *nodes, const struct device_report *devices, size_t count);

void graph_nodes_free(struct graph_nodes *nodes);

/* Writes the picture of a view's devices. Errors are the stream's: ferror(). 0 or -ENOMEM. */
int graph_write(FILE *file, const struct view *view, const struct device_report *devices,
                size_t count);

#endif
