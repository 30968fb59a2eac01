/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "device.h"
#include "fields.h"
#include "list_table.h"
#include "text_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Who has it, and what the other side calls it; 0 or -ENOMEM. */
static int print_sides(const struct view *view, const struct device_report *device)
{
    const char *title = view->kind == VIEW_HOST ? "Guest's:  " : "Host's:   ";
    const char *name = device->owner_name != NULL ? device->owner_name : "";

    if (view->kind == VIEW_HOST)
        printf("Owner:    %s%s%s%s\n", or_dash(device->record->details->owner),
               name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "");
    if (device->counterpart == NULL)
        return 0;
    if (print_device(title, device->counterpart) != 0)
        return -ENOMEM;
    putchar('\n');
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
    if (print_sides(view, device) != 0)
        return -ENOMEM;
    if (view->kind == VIEW_HOST)
        printf("IOMMU:    %s\n", or_dash(record->details->iommu));
    if (has_limits(device->record->details))
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
    if (has_limits(device->record->details))
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
    .list = list_table_write,
    .show = text_write_show,
    .explain = text_write_explain,
    .status = text_write_status,
    .check = text_write_check,
    .apply = write_apply,
    .watch = write_watch,
};
