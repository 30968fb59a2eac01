/* SPDX-License-Identifier: MIT */
#include "list_columns.h"
#include "command.h"
#include "device.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* In which views a column is usual: bits. */
#define IN_HOST   (1U << VIEW_HOST)
#define IN_OWN    (1U << VIEW_OWN)
#define IN_DOMAIN (1U << VIEW_DOMAIN)
#define IN_ALL    (IN_HOST | IN_OWN | IN_DOMAIN)

static const struct {
    const char *title;
    unsigned int usual;
} columns[] = {
    [COLUMN_DEVICE] = {"DEVICE", IN_ALL},   [COLUMN_STATE] = {"STATE", IN_ALL},
    [COLUMN_SWIOTLB] = {"SWIOTLB", IN_ALL}, [COLUMN_OWNER] = {"OWNER", IN_HOST},
    [COLUMN_DOMAIN] = {"DOMAIN", IN_HOST},  [COLUMN_GUEST] = {"GUEST", IN_HOST},
    [COLUMN_HOST] = {"HOST", IN_DOMAIN},    [COLUMN_GROUP] = {"GROUP", IN_ALL},
    [COLUMN_REASON] = {"REASON", IN_ALL},   [COLUMN_LIMITS] = {"LIMITS", IN_ALL},
    [COLUMN_IOMMU] = {"IOMMU", 0},          [COLUMN_BUS] = {"BUS", 0},
    [COLUMN_CLASS] = {"CLASS", IN_ALL},     [COLUMN_NAME] = {"NAME", IN_ALL},
};

const char *list_column_title(enum list_column column)
{
    return columns[column].title;
}

bool list_column_is_usual(enum list_column column, enum view_kind kind)
{
    return (columns[column].usual & 1U << kind) != 0;
}

/* "0000:" goes without saying where a table has two addresses. */
static const char *counterpart_cell(const struct device_report *device, char text[LIST_CELL_SIZE])
{
    const char *name;

    if (device->counterpart == NULL)
        return "";
    name = device_format(device->counterpart, text);
    return device->counterpart->bus == XENIOMMU_BUS_PCI && device->counterpart->sbdf >> 16 == 0
               ? name + strlen("0000:")
               : name;
}

/* Without the word that most kinds of device end in: there is little room. */
static const char *class_cell(const char *name, char text[LIST_CELL_SIZE])
{
    static const char common[] = " controller";
    size_t len = strlen(name), end = strlen(common);

    if (len <= end || len >= LIST_CELL_SIZE || strcmp(name + len - end, common) != 0)
        return name;
    memcpy(text, name, len - end);
    text[len - end] = '\0';
    return text;
}

static const char *text_or_none(const char *text)
{
    return text != NULL ? text : "";
}

/* "-", where the other commands' functions say so, is nothing. */
static const char *none_if_dash(const char *text)
{
    return strcmp(text, "-") == 0 ? "" : text;
}

const char *list_cell(enum list_column column, const struct device_report *device,
                      char text[LIST_CELL_SIZE])
{
    const struct tree_record *record = device->record;

    switch (column) {
    case COLUMN_DEVICE:
        return device_format(&record->device, text);
    case COLUMN_STATE:
        return xeniommu_state_name(record->info.state);
    case COLUMN_SWIOTLB:
        return swiotlb_word(&record->info);
    case COLUMN_OWNER:
        return record->details->owner;
    case COLUMN_DOMAIN:
        return text_or_none(device->owner_name);
    case COLUMN_GUEST:
    case COLUMN_HOST:
        return counterpart_cell(device, text);
    case COLUMN_GROUP:
        return none_if_dash(group_text(&record->info, text));
    case COLUMN_REASON:
        return record->info.reason;
    case COLUMN_LIMITS:
        return none_if_dash(limits_text(record->details, text));
    case COLUMN_IOMMU:
        return record->details->iommu;
    case COLUMN_BUS:
        return record->device.bus == XENIOMMU_BUS_PCI ? "pci" : "dt";
    case COLUMN_CLASS:
        return class_cell(text_or_none(device->class_name), text);
    case COLUMN_NAME:
    case COLUMN_COUNT:
        break;
    }
    return text_or_none(device->name);
}

/* The worst is the first to be seen. */
static int badness(enum xeniommu_state state)
{
    static const int places[] = {
        [XENIOMMU_UNPROTECTED] = 0, [XENIOMMU_UNKNOWN] = 1,   [XENIOMMU_RELAXED] = 2,
        [XENIOMMU_QUARANTINED] = 3, [XENIOMMU_PROTECTED] = 4,
    };

    return places[state];
}

/* Domains by number, then words. */
static int32_t owner_place(const char *owner)
{
    int32_t domid;

    return owner_is_domain(owner, &domid) ? domid : INT32_MAX;
}

static int compare_numbers(int32_t a, int32_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_text(const char *a, const char *b)
{
    if (a[0] == '\0' || b[0] == '\0')
        return (a[0] == '\0') - (b[0] == '\0');
    return strcmp(a, b);
}

static int compare_devices(const struct xeniommu_device *a, const struct xeniommu_device *b)
{
    if (a == NULL || b == NULL)
        return (a == NULL) - (b == NULL);
    return tree_compare(a, b);
}

int list_column_compare(enum list_column column, const struct device_report *a,
                        const struct device_report *b)
{
    const struct tree_record *first = a->record, *second = b->record;
    char text_a[LIST_CELL_SIZE], text_b[LIST_CELL_SIZE];
    int order = 0;

    switch (column) {
    case COLUMN_DEVICE:
        return tree_compare(&first->device, &second->device);
    case COLUMN_STATE:
        return badness(first->info.state) - badness(second->info.state);
    case COLUMN_OWNER:
        order = compare_numbers(owner_place(first->details->owner),
                                owner_place(second->details->owner));
        break;
    case COLUMN_GUEST:
    case COLUMN_HOST:
        return compare_devices(a->counterpart, b->counterpart);
    case COLUMN_GROUP:
        return compare_numbers(first->info.group & INT32_MAX, second->info.group & INT32_MAX);
    default:
        break;
    }
    return order != 0 ? order
                      : compare_text(list_cell(column, a, text_a), list_cell(column, b, text_b));
}

/* The column that a word of a list names, in capitals or not; -1 with a complaint. */
static int find_column(const char *text, size_t len)
{
    char known[256], *end = known;
    size_t i;

    for (i = 0; i < COLUMN_COUNT; i++)
        if (strlen(columns[i].title) == len && strncasecmp(columns[i].title, text, len) == 0)
            return (int)i;
    for (i = 0; i < COLUMN_COUNT; i++)
        end += sprintf(end, " %s", columns[i].title);
    complain("\"%.*s\" is not a column:%s", (int)len, text, known);
    return -1;
}

int list_parse_columns(struct list_request *request, const char *text)
{
    request->added = text[0] == '+';
    request->column_count = 0;
    for (text += request->added;; text++) {
        size_t len = strcspn(text, ",");
        int column = find_column(text, len);

        if (column < 0)
            return -1;
        if (request->column_count == LIST_COLUMNS_MAX) {
            complain("more than %d columns", LIST_COLUMNS_MAX);
            return -1;
        }
        request->columns[request->column_count++] = (enum list_column)column;
        text += len;
        if (*text == '\0')
            return 0;
    }
}

int list_parse_sort(struct list_request *request, const char *text)
{
    int column = find_column(text, strlen(text));

    request->sorted = column >= 0;
    request->sort = column >= 0 ? (enum list_column)column : COLUMN_DEVICE;
    return column >= 0 ? 0 : -1;
}

/* The state that a word of a list names; -1 with a complaint. */
static int find_state(const char *text, size_t len)
{
    int i;

    for (i = XENIOMMU_UNKNOWN; i <= XENIOMMU_QUARANTINED; i++) {
        const char *name = xeniommu_state_name((enum xeniommu_state)i);

        if (strlen(name) == len && strncmp(name, text, len) == 0)
            return i;
    }
    complain("\"%.*s\" is not a state: it is protected, relaxed, unprotected, quarantined or "
             "unknown",
             (int)len, text);
    return -1;
}

int list_parse_states(struct list_request *request, const char *text)
{
    for (;; text++) {
        size_t len = strcspn(text, ",");
        int state = find_state(text, len);

        if (state < 0)
            return -1;
        request->states |= 1U << state;
        text += len;
        if (*text == '\0')
            return 0;
    }
}
