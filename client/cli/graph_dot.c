/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "fields.h"
#include "graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_MAX 4  /* that a box of several devices names */
#define TEXT_MAX      30 /* characters of a name */

/* How a state looks: for those who see no colours, in its shape too. */
static const struct look {
    const char *shape, *style, *fill, *line, *edge;
} looks[] = {
    [XENIOMMU_PROTECTED] = {"box", "rounded,filled", "#d9f0d3", "#1b7837", "solid"},
    [XENIOMMU_RELAXED] = {"box", "filled", "#fff3bf", "#8c6d00", "dashed"},
    [XENIOMMU_UNPROTECTED] = {"octagon", "filled,bold", "#fdd0c7", "#b2182b", "bold"},
    [XENIOMMU_QUARANTINED] = {"component", "filled", "#d6e6f4", "#2166ac", "solid"},
    [XENIOMMU_UNKNOWN] = {"hexagon", "filled,dashed", "#eeeeee", "#555555", "dotted"},
};

/* Text of others, inside a quoted string: nothing of it is an order to graphviz, whose strings know
 * backslashes, and entities as HTML does. Cut to max characters. */
static void put_text(FILE *file, const char *text, size_t max)
{
    size_t i;

    for (i = 0; text[i] != '\0' && i < max; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fprintf(file, "\\%c", text[i]);
        else if (text[i] == '&')
            fputs("&amp;", file);
        else
            fputc(text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?', file);
    }
    if (text[i] != '\0')
        fputs("...", file);
}

/* A line of a label, unless there is nothing to say. */
static void put_line(FILE *file, const char *before, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    fprintf(file, "\\n%s", before);
    put_text(file, text, TEXT_MAX);
}

/* 0 or -ENOMEM. */
static int put_device(FILE *file, const char *before, const struct xeniommu_device *device)
{
    char *text;

    if (device == NULL)
        return 0;
    text = device_printable(device);
    if (text == NULL)
        return -ENOMEM;
    fputs(before, file);
    put_text(file, text, SIZE_MAX);
    free(text);
    return 0;
}

/* What is the same for all of a box's devices. */
static void put_verdict(FILE *file, const struct tree_record *record)
{
    char text[LIMIT_TOKEN_SIZE];

    put_line(file, "", xeniommu_state_name(record->info.state));
    if (record->info.reason[0] != '\0') {
        fputs(" (", file);
        put_text(file, record->info.reason, SIZE_MAX);
        fputc(')', file);
    }
    if (has_limits(record->details))
        put_line(file, "limits: ", limits_text(record->details, text));
    if (strcmp(record->details->owner, "unknown") == 0)
        put_line(file, "", "owner not known");
}

/* 0 or -ENOMEM. */
static int put_one(FILE *file, enum view_kind kind, const struct device_report *device)
{
    bool named = device->class_name != NULL && device->class_name[0] != '\0';
    int rc = put_device(file, "", &device->record->device);

    if (rc == 0)
        rc = put_device(file, kind == VIEW_HOST ? "\\nin the guest " : "\\nin the host ",
                        device->counterpart);
    put_line(file, "", named ? device->class_name : device->name);
    put_verdict(file, device->record);
    return rc;
}

/* "0000:" goes without saying where there is little room. 0 or -ENOMEM. */
static int put_short(FILE *file, const struct xeniommu_device *device)
{
    char address[DEVICE_TEXT_SIZE];

    if (device->bus == XENIOMMU_BUS_DT)
        return put_device(file, "\\n", device);
    fprintf(file, " %s",
            device_format(device, address) + (device->sbdf >> 16 == 0 ? strlen("0000:") : 0));
    return 0;
}

/* 0 or -ENOMEM. */
static int put_several(FILE *file, const struct graph_node *node)
{
    size_t i, named = node->count <= ADDRESSES_MAX ? node->count : ADDRESSES_MAX - 1;
    int rc = 0;

    fprintf(file, "%zu devices", node->count);
    put_verdict(file, node->devices[0]->record);
    fputs("\\n", file);
    for (i = 0; rc == 0 && i < named; i++)
        rc = put_short(file, &node->devices[i]->record->device);
    if (named < node->count)
        fprintf(file, " +%zu", node->count - named);
    return rc;
}

/* What an SVG tells of a box of several that a pointer rests on: all of them. 0 or -ENOMEM. */
static int put_tooltip(FILE *file, const struct graph_node *node)
{
    size_t i;
    int rc = 0;

    fputs("\", tooltip=\"", file);
    for (i = 0; rc == 0 && i < node->count; i++)
        rc = put_device(file, i > 0 ? "\\n" : "", &node->devices[i]->record->device);
    return rc;
}

static int put_node(FILE *file, enum view_kind kind, const struct graph_nodes *nodes, size_t i)
{
    const struct graph_node *node = &nodes->nodes[i];
    const struct look *look = &looks[node->devices[0]->record->info.state];
    int rc;

    fprintf(file, "    n%zu [shape=%s, style=\"%s\", fillcolor=\"%s\", color=\"%s\", label=\"", i,
            look->shape, look->style, look->fill, look->line);
    rc = node->count == 1 ? put_one(file, kind, node->devices[0]) : put_several(file, node);
    rc = rc != 0 ? rc : put_tooltip(file, node);
    fputs("\"];\n", file);
    return rc;
}

/* Frames around what IOMMUs and groups have in common. */
static void begin_unit(FILE *file, size_t i, const char *unit)
{
    fprintf(file, "  subgraph cluster_u%zu {\n    style=\"%s\"; color=\"#777777\"; label=\"", i,
            unit[0] != '\0' ? "solid" : "dashed");
    put_text(file, unit[0] != '\0' ? "IOMMU " : "no IOMMU known", SIZE_MAX);
    put_text(file, unit, 64);
    fputs("\";\n", file);
}

static void begin_group(FILE *file, size_t i, int32_t group)
{
    fprintf(file,
            "  subgraph cluster_g%zu {\n    style=\"rounded,dashed\"; color=\"#555555\"; "
            "label=\"group %" PRId32 ": not isolated from each other\";\n",
            i, group);
}

/* Begins and ends frames between one box and the next; either may be NULL. */
static void change_frames(FILE *file, enum view_kind kind, const struct graph_node *from,
                          const struct graph_node *to, size_t i)
{
    const char *left = from != NULL ? from->devices[0]->record->details->iommu : NULL;
    const char *entered = to != NULL ? to->devices[0]->record->details->iommu : NULL;
    bool same_unit = left != NULL && entered != NULL && strcmp(left, entered) == 0;
    bool same_group = same_unit && from->group == to->group;

    if (from != NULL && from->group >= 0 && !same_group)
        fputs("  }\n", file);
    if (from != NULL && !same_unit && kind == VIEW_HOST)
        fputs("  }\n", file);
    if (to != NULL && !same_unit && kind == VIEW_HOST)
        begin_unit(file, i, entered);
    if (to != NULL && to->group >= 0 && !same_group)
        begin_group(file, i, to->group);
}

static int put_nodes(FILE *file, enum view_kind kind, const struct graph_nodes *nodes)
{
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < nodes->count; i++) {
        change_frames(file, kind, i > 0 ? &nodes->nodes[i - 1] : NULL, &nodes->nodes[i], i);
        rc = put_node(file, kind, nodes, i);
    }
    if (nodes->count > 0)
        change_frames(file, kind, &nodes->nodes[nodes->count - 1], NULL, 0);
    return rc;
}

static void put_edge(FILE *file, size_t i, const struct look *look, int32_t domid)
{
    fprintf(file, "  n%zu -> d%" PRId32 " [style=%s, color=\"%s\"];\n", i, domid, look->edge,
            look->line);
}

static void put_domain(FILE *file, int32_t domid, const char *name)
{
    fprintf(file, "  d%" PRId32 " [shape=ellipse, style=filled, fillcolor=\"#ffffff\", label=\"",
            domid);
    fprintf(file, "domain %" PRId32, domid);
    put_line(file, "", name);
    fputs("\"];\n", file);
}

/* The domains, each once, and who has what: in the host's view by the owners. */
static void put_owners(FILE *file, const struct graph_nodes *nodes)
{
    size_t i, j;
    int32_t domid, other;

    for (i = 0; i < nodes->count; i++) {
        const struct device_report *device = nodes->nodes[i].devices[0];
        bool is_new = true;

        if (!owner_is_domain(device->record->details->owner, &domid))
            continue;
        for (j = 0; j < i && is_new; j++)
            is_new = !owner_is_domain(nodes->nodes[j].devices[0]->record->details->owner, &other) ||
                     other != domid;
        if (is_new)
            put_domain(file, domid, device->owner_name);
        put_edge(file, i, &looks[device->record->info.state], domid);
    }
}

/* In a domain's view all is its own. */
static void put_owner(FILE *file, const struct view *view, const struct graph_nodes *nodes)
{
    size_t i;

    if (view->kind == VIEW_DOMAIN)
        put_domain(file, view->domid, "");
    else
        fputs("  d0 [shape=ellipse, style=filled, fillcolor=\"#ffffff\", label=\"this domain\"];\n",
              file);
    for (i = 0; i < nodes->count; i++)
        put_edge(file, i, &looks[nodes->nodes[i].devices[0]->record->info.state],
                 view->kind == VIEW_DOMAIN ? view->domid : 0);
}

static void put_title(FILE *file, const struct view *view, size_t count)
{
    fprintf(file, "  label=\"%zu device%s, ", count, count == 1 ? "" : "s");
    if (view->kind == VIEW_DOMAIN)
        fprintf(file, "as domain %" PRId32 " sees them", view->domid);
    else
        fputs(view->kind == VIEW_HOST ? "as the host sees them" : "of this domain", file);
    if (view->kind == VIEW_HOST && view->tree.iommu[0] != '\0') {
        fputs("; IOMMU ", file);
        put_text(file, view->tree.iommu, SIZE_MAX);
    }
    fputs("\";\n", file);
}

int graph_write(FILE *file, const struct view *view, const struct device_report *devices,
                size_t count)
{
    struct graph_nodes nodes;
    int rc = graph_nodes_make(&nodes, devices, count);

    fputs("digraph \"xen-iommu\" {\n"
          "  rankdir=LR; ranksep=1.2; nodesep=0.15; labelloc=t;\n"
          "  fontname=\"sans-serif\"; fontsize=12;\n"
          "  node [fontname=\"sans-serif\", fontsize=10, margin=\"0.12,0.06\"];\n",
          file);
    put_title(file, view, count);
    if (rc == 0)
        rc = put_nodes(file, view->kind, &nodes);
    if (rc == 0 && view->kind == VIEW_HOST)
        put_owners(file, &nodes);
    else if (rc == 0)
        put_owner(file, view, &nodes);
    fputs("}\n", file);
    graph_nodes_free(&nodes);
    return rc;
}
