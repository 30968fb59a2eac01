/* SPDX-License-Identifier: MIT */
#include "graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *unit_of(const struct device_report *device)
{
    return device->record->details->iommu;
}

/* What does not come is last. */
static int compare_unit(const struct device_report *a, const struct device_report *b)
{
    int order = (unit_of(a)[0] == '\0') - (unit_of(b)[0] == '\0');

    return order != 0 ? order : strcmp(unit_of(a), unit_of(b));
}

static int compare_verdict(const struct device_report *a, const struct device_report *b)
{
    const struct tree_record *first = a->record, *second = b->record;
    int order = strcmp(first->details->owner, second->details->owner);

    if (order == 0)
        order = (int)first->info.state - (int)second->info.state;
    if (order == 0)
        order = strcmp(first->info.reason, second->info.reason);
    if (order == 0)
        order = first->info.skip_swiotlb - second->info.skip_swiotlb;
    return order != 0 ? order : strcmp(first->details->limits, second->details->limits);
}

/* Where there is no room, a group is drawn only if its members differ: then it tells something. */
static int32_t drawn_group(const struct device_report *device, const struct device_report *devices,
                           size_t count, bool crowded)
{
    int32_t group = device->record->info.group;
    size_t i;

    if (!crowded || group < 0)
        return group;
    for (i = 0; i < count; i++)
        if (devices[i].record->info.group == group &&
            (compare_unit(&devices[i], device) != 0 || compare_verdict(&devices[i], device) != 0))
            return group;
    return -1;
}

/* A device and the frame it is drawn in. */
struct place {
    const struct device_report *device;
    int32_t group;
};

/* Boxes without a frame come first. */
static int compare_frame(const struct place *a, const struct place *b)
{
    int order = compare_unit(a->device, b->device);

    return order != 0 ? order : (a->group > b->group) - (a->group < b->group);
}

static int compare(const void *a, const void *b)
{
    const struct place *first = a, *second = b;
    int order = compare_frame(first, second);

    if (order == 0)
        order = compare_verdict(first->device, second->device);
    return order != 0
               ? order
               : tree_compare(&first->device->record->device, &second->device->record->device);
}

static bool is_alike(const struct place *a, const struct place *b)
{
    return compare_frame(a, b) == 0 && compare_verdict(a->device, b->device) == 0;
}

/* places are in order. */
static void fill(struct graph_nodes *nodes, const struct place *places, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        nodes->devices[i] = places[i].device;
        if (i == 0 || !nodes->crowded || !is_alike(&places[i - 1], &places[i]))
            nodes->nodes[nodes->count++] =
                (struct graph_node){.devices = &nodes->devices[i], .group = places[i].group};
        nodes->nodes[nodes->count - 1].count++;
    }
}

int graph_nodes_make(struct graph_nodes *nodes, const struct device_report *devices, size_t count)
{
    struct place *places = calloc(count + 1, sizeof(*places));
    size_t i;

    *nodes = (struct graph_nodes){
        .devices = calloc(count + 1, sizeof(*nodes->devices)),
        .nodes = calloc(count + 1, sizeof(*nodes->nodes)),
        .crowded = count > GRAPH_DEVICES_MAX,
    };
    if (places == NULL || nodes->devices == NULL || nodes->nodes == NULL) {
        free(places);
        return -ENOMEM;
    }
    for (i = 0; i < count; i++)
        places[i] = (struct place){
            .device = &devices[i],
            .group = drawn_group(&devices[i], devices, count, nodes->crowded),
        };
    qsort(places, count, sizeof(*places), compare);
    fill(nodes, places, count);
    free(places);
    return 0;
}

void graph_nodes_free(struct graph_nodes *nodes)
{
    free(nodes->devices);
    free(nodes->nodes);
    *nodes = (struct graph_nodes){0};
}
