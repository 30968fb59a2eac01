/* SPDX-License-Identifier: MIT */
/* Which devices "xen-iommu list" shows, and in what order. */
#ifndef XI_CLIENT_CLI_LIST_ROWS_H
#define XI_CLIENT_CLI_LIST_ROWS_H

#include "list_columns.h"

/* Moves the devices that are asked for to the front, in order, the others behind them. owner: what
 * the host's tree calls whom --owner stands for, or NULL. Returns how many are asked for. */
size_t list_select(const struct list_request *request, const char *owner,
                   struct device_report *devices, size_t count);

#define LIST_ROW_TOP SIZE_MAX

/* A line of a table: a device, or with --tree what devices have in common. */
struct list_row {
    const struct device_report *device; /* NULL: a heading */
    const char *unit;                   /* of a heading of a unit: its name, "" for none */
    int32_t group;                      /* of a heading of a group; else -1 */
    size_t parent;                      /* the number of the row above it, or LIST_ROW_TOP */
};

#define LIST_HEADING_SIZE 80

/* A heading's text. */
const char *list_heading(const struct list_row *row, char text[LIST_HEADING_SIZE]);

/* The rows of a list: the devices as they are; or below their unit, in the host's view, and their
 * group, those without a unit last. Parents come before what is below them. The caller frees
 * *rows, and the devices must outlive them. 0 or -ENOMEM. */
int list_rows(const struct view *view, const struct device_report *devices, size_t count, bool tree,
              struct list_row **rows, size_t *row_count);

#endif
