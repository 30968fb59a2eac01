/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "device.h"
#include "explain_words.h"
#include "text_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

static const char *swiotlb_word(const struct xeniommu_info *info)
{
    return info->skip_swiotlb ? "skip" : "keep";
}

static const char *group_text(const struct xeniommu_info *info, char text[16])
{
    if (info->group < 0)
        return "-";
    snprintf(text, 16, "%" PRId32, info->group);
    return text;
}

/* A device's limits as one word. */
static const char *limits_text(const struct device_details *details, char text[LIMIT_TOKEN_SIZE])
{
    const char *rest = details->limits;
    char token[LIMIT_TOKEN_SIZE], *end = text;

    *text = '\0';
    while (next_limit(&rest, token)) {
        if (end > text)
            *end++ = ',';
        end = stpcpy(end, token);
    }
    return or_dash(text);
}

static bool has_limits(const struct device_report *device)
{
    const char *rest = device->record->details->limits;
    char token[LIMIT_TOKEN_SIZE];

    return next_limit(&rest, token);
}

/* A column of the table: which tables have it, and how to fill it. */
enum column_id { DEVICE, STATE, SWIOTLB, OWNER, GROUP, REASON, LIMITS, NAME };

/* When a table has a column: bits, all of which must hold. */
enum column_need { IN_HOST = 1 << 0, LOCALLY = 1 << 1, WITH_LIMITS = 1 << 2 };

static const struct {
    const char *title;
    unsigned int needs; /* of enum column_need */
    int flags;
} columns[] = {
    [DEVICE] = {"DEVICE", 0, 0},
    [STATE] = {"STATE", 0, 0},
    [SWIOTLB] = {"SWIOTLB", 0, 0},
    [OWNER] = {"OWNER", IN_HOST, SCOLS_FL_RIGHT},
    [GROUP] = {"GROUP", 0, SCOLS_FL_RIGHT},
    [REASON] = {"REASON", 0, 0},
    [LIMITS] = {"LIMITS", WITH_LIMITS, 0},
    [NAME] = {"NAME", LOCALLY, SCOLS_FL_TRUNC},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

/* What holds of a table: bits of enum column_need. */
static unsigned int what_holds(const struct view *view, const struct device_report *devices,
                               size_t count)
{
    unsigned int holds = 0;
    size_t i;

    if (view->kind == VIEW_HOST)
        holds |= IN_HOST;
    if (view_is_local(view))
        holds |= LOCALLY;
    for (i = 0; i < count; i++)
        if (has_limits(&devices[i]))
            holds |= WITH_LIMITS;
    return holds;
}

static bool has_column(unsigned int holds, size_t column)
{
    return (columns[column].needs & ~holds) == 0;
}

static const char *cell_text(const struct device_report *device, size_t column,
                             char text[LIMIT_TOKEN_SIZE])
{
    const struct tree_record *record = device->record;

    switch (column) {
    case DEVICE:
        return device_format(&record->device, text);
    case STATE:
        return xeniommu_state_name(record->info.state);
    case SWIOTLB:
        return swiotlb_word(&record->info);
    case OWNER:
        return or_dash(record->details->owner);
    case GROUP:
        return group_text(&record->info, text);
    case REASON:
        return or_dash(record->info.reason);
    case LIMITS:
        return limits_text(record->details, text);
    default:
        return device->name;
    }
}

static int add_columns(struct libscols_table *table, unsigned int holds)
{
    size_t i;

    for (i = 0; i < COLUMN_COUNT; i++)
        if (has_column(holds, i) &&
            scols_table_new_column(table, columns[i].title, 0, columns[i].flags) == NULL)
            return -ENOMEM;
    return 0;
}

static int add_line(struct libscols_table *table, unsigned int holds,
                    const struct device_report *device)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    size_t i, position = 0;
    char text[LIMIT_TOKEN_SIZE];
    int rc = line != NULL ? 0 : -ENOMEM;

    for (i = 0; rc == 0 && i < COLUMN_COUNT; i++)
        if (has_column(holds, i))
            rc = scols_line_set_data(line, position++, cell_text(device, i, text));
    return rc;
}

static int write_list(const struct view *view, const struct device_report *devices, size_t count)
{
    struct libscols_table *table = scols_new_table();
    unsigned int holds = what_holds(view, devices, count);
    size_t i;
    int rc;

    if (table == NULL)
        return -ENOMEM;
    rc = add_columns(table, holds);
    for (i = 0; rc == 0 && i < count; i++)
        rc = add_line(table, holds, &devices[i]);
    if (rc == 0 && count > 0)
        rc = scols_print_table(table);
    scols_unref_table(table);
    return rc;
}

/* 0 or -ENOMEM. */
static int print_device(const char *before, const struct xeniommu_device *device)
{
    char *text = device_printable(device);

    if (text == NULL)
        return -ENOMEM;
    printf("%s%s", before, text);
    free(text);
    return 0;
}

int text_print_fields(const struct view *view, const struct device_report *device)
{
    const struct tree_record *record = device->record;
    char text[LIMIT_TOKEN_SIZE];

    if (print_device("Device:   ", &record->device) != 0)
        return -ENOMEM;
    putchar('\n');
    if (device->name[0] != '\0')
        printf("Name:     %s\n", device->name);
    printf("State:    %s\n", xeniommu_state_name(record->info.state));
    printf("Swiotlb:  %s\n", swiotlb_word(&record->info));
    printf("Reason:   %s\n", or_dash(record->info.reason));
    printf("Group:    %s\n", group_text(&record->info, text));
    if (view->kind == VIEW_HOST) {
        printf("Owner:    %s\n", or_dash(record->details->owner));
        printf("IOMMU:    %s\n", or_dash(record->details->iommu));
    }
    if (has_limits(device))
        printf("Limits:   %s\n", limits_text(record->details, text));
    return 0;
}

static int add_apply_line(struct libscols_table *table, const struct apply_device *device)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    char address[DEVICE_TEXT_SIZE];
    const char *const cells[] = {
        device_format(&device->device, address),
        device->name,
        or_dash(device->driver),
        apply_outcome_name(device->outcome),
        or_dash(device->reason),
        device->detail,
    };
    size_t i;
    int rc = line != NULL ? 0 : -ENOMEM;

    for (i = 0; rc == 0 && i < sizeof(cells) / sizeof(cells[0]); i++)
        rc = scols_line_set_data(line, i, cells[i]);
    return rc;
}

static int write_apply(const struct apply_report *report)
{
    static const char *const titles[] = {"DEVICE", "NAME", "DRIVER", "OUTCOME", "REASON", "DETAIL"};
    struct libscols_table *table = scols_new_table();
    size_t i;
    int rc = table != NULL ? 0 : -ENOMEM;

    for (i = 0; rc == 0 && i < sizeof(titles) / sizeof(titles[0]); i++)
        if (scols_table_new_column(table, titles[i], 0, 0) == NULL)
            rc = -ENOMEM;
    for (i = 0; rc == 0 && i < report->count; i++)
        rc = add_apply_line(table, &report->devices[i]);
    if (rc == 0 && report->count > 0)
        rc = scols_print_table(table);
    scols_unref_table(table);
    return rc;
}

static int print_time(const struct timespec *time)
{
    struct tm parts;
    char text[32];

    if (localtime_r(&time->tv_sec, &parts) == NULL ||
        strftime(text, sizeof(text), "%F %T", &parts) == 0)
        return -EOVERFLOW;
    printf("%s ", text);
    return 0;
}

static void print_event(const struct view *view, const struct device_report *device)
{
    const struct tree_record *record = device->record;
    const struct xeniommu_info *info = &record->info;
    char text[LIMIT_TOKEN_SIZE];

    printf(" %s swiotlb=%s", xeniommu_state_name(info->state), swiotlb_word(info));
    if (view->kind == VIEW_HOST)
        printf(" owner=%s", or_dash(record->details->owner));
    if (info->group >= 0)
        printf(" group=%" PRId32, info->group);
    printf(" reason=%s", or_dash(info->reason));
    if (has_limits(device))
        printf(" limits=%s", limits_text(record->details, text));
}

static int write_watch(const struct view *view, const struct watch_event *event)
{
    static const char *const kinds[] = {"status ", "present", "added  ", "changed", "removed"};
    int rc = print_time(&event->time);

    if (rc != 0)
        return rc;
    fputs(kinds[event->kind], stdout);
    if (event->kind == WATCH_STATUS)
        printf(" %s%s",
               event->obstacle != NULL    ? "unknown: "
               : event->status[0] != '\0' ? event->status
                                          : "absent",
               event->obstacle != NULL ? event->obstacle : "");
    else
        rc = print_device(" ", &event->device->record->device);
    if (rc != 0)
        return rc;
    if (event->kind != WATCH_STATUS && event->kind != WATCH_REMOVED)
        print_event(view, event->device);
    putchar('\n');
    return 0;
}

const struct writer writer_text = {
    .list = write_list,
    .show = text_write_show,
    .explain = text_write_explain,
    .status = text_write_status,
    .check = text_write_check,
    .apply = write_apply,
    .watch = write_watch,
};
