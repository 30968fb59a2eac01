/* SPDX-License-Identifier: MIT */
#include "list_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_asked_for(const struct list_request *request, const char *owner,
                         const struct tree_record *record)
{
    if (request->states != 0 && (request->states & 1U << record->info.state) == 0)
        return false;
    return owner == NULL || strcmp(record->details->owner, owner) == 0;
}

/* Devices that are the same in the column stay in their own order. */
static int compare(const void *a, const void *b, void *arg)
{
    const struct device_report *first = a, *second = b;
    const enum list_column *column = arg;
    int order = list_column_compare(*column, first, second);

    return order != 0 ? order : tree_compare(&first->record->device, &second->record->device);
}

size_t list_select(const struct list_request *request, const char *owner,
                   struct device_report *devices, size_t count)
{
    enum list_column column = request->sorted ? request->sort : COLUMN_DEVICE;
    size_t i, selected = 0;

    for (i = 0; i < count; i++) {
        struct device_report device = devices[i];

        if (!is_asked_for(request, owner, device.record))
            continue;
        devices[i] = devices[selected];
        devices[selected++] = device;
    }
    qsort_r(devices, selected, sizeof(*devices), compare, &column);
    return selected;
}

const char *list_heading(const struct list_row *row, char text[LIST_HEADING_SIZE])
{
    if (row->unit == NULL)
        snprintf(text, LIST_HEADING_SIZE, "group %d", (int)row->group);
    else
        snprintf(text, LIST_HEADING_SIZE, "%s",
                 row->unit[0] != '\0' ? row->unit : "no IOMMU known");
    return text;
}

/* Rows being made; there is room for all that can come. */
struct rows {
    struct list_row *rows;
    size_t count;
};

static size_t add_row(struct rows *rows, struct list_row row)
{
    rows->rows[rows->count] = row;
    return rows->count++;
}

static size_t unit_row(struct rows *rows, const char *unit)
{
    size_t i;

    for (i = 0; i < rows->count; i++)
        if (rows->rows[i].unit != NULL && strcmp(rows->rows[i].unit, unit) == 0)
            return i;
    return add_row(rows, (struct list_row){.unit = unit, .group = -1, .parent = LIST_ROW_TOP});
}

static size_t group_row(struct rows *rows, int32_t group, size_t parent)
{
    size_t i;

    for (i = 0; i < rows->count; i++)
        if (rows->rows[i].group == group && rows->rows[i].parent == parent)
            return i;
    return add_row(rows, (struct list_row){.group = group, .parent = parent});
}

/* Below what it has in common with others. */
static void add_to_tree(struct rows *rows, enum view_kind kind, const struct device_report *device)
{
    size_t parent = LIST_ROW_TOP;

    if (kind == VIEW_HOST)
        parent = unit_row(rows, device->record->details->iommu);
    if (device->record->info.group >= 0)
        parent = group_row(rows, device->record->info.group, parent);
    add_row(rows, (struct list_row){.device = device, .group = -1, .parent = parent});
}

static void make_tree(struct rows *rows, enum view_kind kind, const struct device_report *devices,
                      size_t count)
{
    size_t i;
    int pass;

    for (pass = 0; pass < 2; pass++)
        for (i = 0; i < count; i++)
            if ((devices[i].record->details->iommu[0] == '\0') == (pass == 1))
                add_to_tree(rows, kind, &devices[i]);
}

int list_rows(const struct view *view, const struct device_report *devices, size_t count, bool tree,
              struct list_row **rows, size_t *row_count)
{
    struct rows made = {.rows = calloc(3 * count + 1, sizeof(*made.rows))};
    size_t i;

    *rows = made.rows;
    if (made.rows == NULL)
        return -ENOMEM;
    if (tree)
        make_tree(&made, view->kind, devices, count);
    for (i = 0; !tree && i < count; i++)
        add_row(&made,
                (struct list_row){.device = &devices[i], .group = -1, .parent = LIST_ROW_TOP});
    *row_count = made.count;
    return 0;
}
