/* SPDX-License-Identifier: MIT */
/* The columns of "xen-iommu list", and what it can be asked. */
#ifndef XI_CLIENT_CLI_LIST_COLUMNS_H
#define XI_CLIENT_CLI_LIST_COLUMNS_H

#include "fields.h"
#include "terminal.h"
#include "writer.h"

/* In the order of a table in which none was asked for. */
enum list_column {
    COLUMN_DEVICE,
    COLUMN_STATE,
    COLUMN_SWIOTLB,
    COLUMN_OWNER,
    COLUMN_DOMAIN,
    COLUMN_GUEST,
    COLUMN_HOST,
    COLUMN_GROUP,
    COLUMN_REASON,
    COLUMN_LIMITS,
    COLUMN_IOMMU,
    COLUMN_BUS,
    COLUMN_CLASS,
    COLUMN_NAME,
    COLUMN_COUNT,
};

#define LIST_COLUMNS_MAX (2 * COLUMN_COUNT)

/* What list is asked, beside the view. */
struct list_request {
    enum list_column columns[LIST_COLUMNS_MAX]; /* --columns */
    size_t column_count;                        /* 0: not given */
    bool added;                                 /* they come after those that are shown anyway */
    bool sorted;                                /* --sort was given */
    enum list_column sort;
    unsigned int states; /* --state: bits, 1 << of enum xeniommu_state; 0: all */
    const char *owner;   /* --owner, as given; NULL: all */
    bool tree, raw, noheadings;
    enum colour_when colour;
};

#define LIST_CELL_SIZE LIMIT_TOKEN_SIZE

/* A column's heading. */
const char *list_column_title(enum list_column column);

/* Whether it is shown where none was asked for, unless it is empty. */
bool list_column_is_usual(enum list_column column, enum view_kind kind);

/* What stands in it: in text, or what the report holds. "" where there is nothing. */
const char *list_cell(enum list_column column, const struct device_report *device,
                      char text[LIST_CELL_SIZE]);

/* Orders devices by a column: negative, 0 or positive. States come worst first, and what is not
 * there comes last. */
int list_column_compare(enum list_column column, const struct device_report *a,
                        const struct device_report *b);

/* Each takes in what an option says; 0, or -1 with a complaint. */
int list_parse_columns(struct list_request *request, const char *text);
int list_parse_sort(struct list_request *request, const char *text);
int list_parse_states(struct list_request *request, const char *text);

#endif
