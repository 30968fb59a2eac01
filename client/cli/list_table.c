/* SPDX-License-Identifier: MIT */
#include "list_table.h"
#include "list_rows.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define TREE_WIDTH 4 /* of the lines of a tree before a device */

/* What is printed of the rows. */
struct layout {
    enum list_column columns[LIST_COLUMNS_MAX + COLUMN_COUNT];
    size_t count;
    bool is_short; /* "0000:" goes without saying, since every device has it */
    const struct list_request *request;
    const struct device_report *devices;
    size_t device_count;
};

/* A cell of this table. */
static const char *cell_of(const struct layout *layout, enum list_column column,
                           const struct device_report *device, char text[LIST_CELL_SIZE])
{
    const char *cell = list_cell(column, device, text);
    bool is_cut = layout->is_short && column == COLUMN_DEVICE &&
                  device->record->device.bus == XENIOMMU_BUS_PCI;

    return is_cut ? cell + strlen("0000:") : cell;
}

static bool has_column(const struct layout *layout, enum list_column column)
{
    size_t i;

    for (i = 0; i < layout->count; i++)
        if (layout->columns[i] == column)
            return true;
    return false;
}

static void drop_column(struct layout *layout, enum list_column column)
{
    size_t i, kept = 0;

    for (i = 0; i < layout->count; i++)
        if (layout->columns[i] != column)
            layout->columns[kept++] = layout->columns[i];
    layout->count = kept;
}

static bool is_empty(const struct layout *layout, enum list_column column)
{
    char text[LIST_CELL_SIZE];
    size_t i;

    for (i = 0; i < layout->device_count; i++)
        if (list_cell(column, &layout->devices[i], text)[0] != '\0')
            return false;
    return true;
}

/* dom0's own devices have one address, not two; and a tree's headings tell the groups. */
static bool is_worth_telling(const struct layout *layout, const struct view *view,
                             enum list_column column)
{
    return (column != COLUMN_HOST || view->domid != 0) &&
           (column != COLUMN_GROUP || !layout->request->tree);
}

static void choose_usual(struct layout *layout, const struct view *view)
{
    size_t i;

    for (i = 0; i < COLUMN_COUNT; i++)
        if (list_column_is_usual((enum list_column)i, view->kind) &&
            is_worth_telling(layout, view, (enum list_column)i) &&
            !is_empty(layout, (enum list_column)i))
            layout->columns[layout->count++] = (enum list_column)i;
}

static void choose_columns(struct layout *layout, const struct view *view)
{
    const struct list_request *request = layout->request;
    size_t i;

    if (request->column_count == 0 || request->added)
        choose_usual(layout, view);
    if (request->tree && !has_column(layout, COLUMN_DEVICE))
        layout->columns[layout->count++] = COLUMN_DEVICE;
    for (i = 0; i < request->column_count; i++)
        if (!(request->added || request->tree) || !has_column(layout, request->columns[i]))
            layout->columns[layout->count++] = request->columns[i];
}

static bool is_asked_for(const struct list_request *request, enum list_column column)
{
    size_t i;

    for (i = 0; i < request->column_count; i++)
        if (request->columns[i] == column)
            return true;
    return false;
}

/* What a column cut shorter says is not worth its place. */
static size_t shortest(enum list_column column, size_t width)
{
    size_t least = column == COLUMN_CLASS                             ? 8
                   : column == COLUMN_NAME || column == COLUMN_DOMAIN ? 12
                                                                      : width;

    return width < least ? width : least;
}

static size_t full_width(const struct layout *layout, enum list_column column)
{
    size_t i, width = strlen(list_column_title(column));
    char text[LIST_CELL_SIZE];

    for (i = 0; i < layout->device_count; i++) {
        size_t len = strlen(cell_of(layout, column, &layout->devices[i], text));

        width = len > width ? len : width;
    }
    if (column == COLUMN_DEVICE && layout->request->tree)
        width += TREE_WIDTH;
    return width;
}

static size_t table_width(const struct layout *layout)
{
    size_t i, width = 0;

    for (i = 0; i < layout->count; i++)
        width += shortest(layout->columns[i], full_width(layout, layout->columns[i])) + 1;
    return width > 0 ? width - 1 : 0;
}

/* Drops columns until the table fits, the first first. */
static void drop_columns(struct layout *layout, const enum list_column *spare, size_t count,
                         size_t width)
{
    size_t i;

    for (i = 0; i < count && table_width(layout) > width; i++)
        if (!is_asked_for(layout->request, spare[i]))
            drop_column(layout, spare[i]);
}

static bool is_one_segment(const struct layout *layout)
{
    size_t i;

    for (i = 0; i < layout->device_count; i++)
        if (layout->devices[i].record->device.sbdf >> 16 != 0)
            return false;
    return true;
}

/* On a terminal, what a person misses least makes room. Who asks for columns gets them. */
static void fit_terminal(struct layout *layout)
{
    static const enum list_column first[] = {COLUMN_NAME, COLUMN_SWIOTLB, COLUMN_GROUP};
    static const enum list_column last[] = {COLUMN_CLASS};
    size_t width = terminal_width();

    if (!terminal_is_there() || layout->request->raw)
        return;
    drop_columns(layout, first, sizeof(first) / sizeof(first[0]), width);
    layout->is_short = table_width(layout) > width && is_one_segment(layout);
    drop_columns(layout, last, sizeof(last) / sizeof(last[0]), width);
}

/* What may be cut on a terminal: the last column, and a domain's name only if it is a long one. */
static int column_flags(const struct layout *layout, enum list_column column)
{
    size_t width = full_width(layout, column);

    switch (column) {
    case COLUMN_DEVICE:
        return layout->request->tree ? SCOLS_FL_TREE : 0;
    case COLUMN_OWNER:
    case COLUMN_GROUP:
        return SCOLS_FL_RIGHT;
    case COLUMN_NAME:
        return SCOLS_FL_TRUNC;
    case COLUMN_CLASS:
        return has_column(layout, COLUMN_NAME) ? 0 : SCOLS_FL_TRUNC;
    case COLUMN_DOMAIN:
        return shortest(column, width) < width ? SCOLS_FL_TRUNC : 0;
    default:
        return 0;
    }
}

static int add_columns(struct libscols_table *table, const struct layout *layout)
{
    size_t i;

    for (i = 0; i < layout->count; i++)
        if (scols_table_new_column(table, list_column_title(layout->columns[i]), 0,
                                   column_flags(layout, layout->columns[i])) == NULL)
            return -ENOMEM;
    return 0;
}

/* Columns of a program's input must not be empty; the last ones of a person's may be. */
static const char *shown_cell(const struct layout *layout, enum list_column column,
                              const char *text)
{
    bool is_last = column == COLUMN_CLASS || column == COLUMN_NAME;

    return is_last && !layout->request->raw ? text : or_dash(text);
}

/* 0 or -ENOMEM. */
static int fill_device(struct libscols_line *line, const struct layout *layout,
                       const struct device_report *device)
{
    char text[LIST_CELL_SIZE];
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < layout->count; i++) {
        enum list_column column = layout->columns[i];
        const char *cell = cell_of(layout, column, device, text);

        rc = scols_line_set_data(line, i, shown_cell(layout, column, cell));
        if (rc == 0 && column == COLUMN_STATE)
            rc = scols_cell_set_color(scols_line_get_cell(line, i),
                                      terminal_state_colour(device->record->info.state));
    }
    return rc;
}

static int fill_heading(struct libscols_line *line, const struct layout *layout,
                        const struct list_row *row)
{
    char text[LIST_HEADING_SIZE];
    size_t i;

    for (i = 0; i < layout->count; i++)
        if (layout->columns[i] == COLUMN_DEVICE)
            return scols_line_set_data(line, i, list_heading(row, text));
    return 0;
}

/* Adds a line below its parent, and notes it in lines. */
static int add_line(struct libscols_table *table, const struct layout *layout,
                    const struct list_row *row, struct libscols_line **lines, size_t i)
{
    struct libscols_line *parent = row->parent != LIST_ROW_TOP ? lines[row->parent] : NULL;

    lines[i] = scols_table_new_line(table, parent);
    if (lines[i] == NULL)
        return -ENOMEM;
    return row->device != NULL ? fill_device(lines[i], layout, row->device)
                               : fill_heading(lines[i], layout, row);
}

static int add_lines(struct libscols_table *table, const struct layout *layout,
                     const struct list_row *rows, size_t count)
{
    struct libscols_line **lines = calloc(count + 1, sizeof(struct libscols_line *));
    size_t i;
    int rc = lines != NULL ? 0 : -ENOMEM;

    for (i = 0; rc == 0 && i < count; i++)
        rc = add_line(table, layout, &rows[i], lines, i);
    free(lines);
    return rc;
}

static int set_up(struct libscols_table *table, const struct layout *layout)
{
    const struct list_request *request = layout->request;
    bool colours = !request->raw && terminal_wants_colours(request->colour);
    int rc;

    rc = scols_table_enable_raw(table, request->raw);
    rc = rc != 0 ? rc : scols_table_enable_noheadings(table, request->noheadings);
    rc = rc != 0 ? rc : scols_table_enable_colors(table, colours);
    rc = rc != 0 ? rc : scols_table_set_termwidth(table, terminal_width());
    return rc != 0 ? rc : add_columns(table, layout);
}

static int print_rows(const struct layout *layout, const struct list_row *rows, size_t count)
{
    struct libscols_table *table = scols_new_table();
    int rc;

    if (table == NULL)
        return -ENOMEM;
    rc = set_up(table, layout);
    if (rc == 0)
        rc = add_lines(table, layout, rows, count);
    if (rc == 0 && count > 0)
        rc = scols_print_table(table);
    scols_unref_table(table);
    return rc;
}

int list_table_write(const struct view *view, const struct device_report *devices, size_t count,
                     const struct list_request *request)
{
    struct layout layout = {.request = request, .devices = devices, .device_count = count};
    struct list_row *rows;
    size_t row_count = 0;
    int rc = list_rows(view, devices, count, request->tree, &rows, &row_count);

    choose_columns(&layout, view);
    fit_terminal(&layout);
    if (rc == 0)
        rc = print_rows(&layout, rows, row_count);
    free(rows);
    return rc;
}
