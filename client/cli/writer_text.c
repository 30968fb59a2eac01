/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "explain.h"
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>

#define LINE_WIDTH 79

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

/* A column of the table: which views have it, and how to fill it. */
enum column_id { DEVICE, STATE, SWIOTLB, OWNER, GROUP, REASON, NAME };

static const struct {
    const char *title;
    bool host_only;
    bool local_only;
    int flags;
} columns[] = {
    [DEVICE] = {"DEVICE", false, false, 0},
    [STATE] = {"STATE", false, false, 0},
    [SWIOTLB] = {"SWIOTLB", false, false, 0},
    [OWNER] = {"OWNER", true, false, SCOLS_FL_RIGHT},
    [GROUP] = {"GROUP", false, false, SCOLS_FL_RIGHT},
    [REASON] = {"REASON", false, false, 0},
    [NAME] = {"NAME", false, true, SCOLS_FL_TRUNC},
};

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static bool has_column(const struct view *view, size_t column)
{
    return (!columns[column].host_only || view->kind == VIEW_HOST) &&
           (!columns[column].local_only || view_is_local(view));
}

static const char *cell_text(const struct device_report *device, size_t column, char text[16])
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
        return or_dash(record->host->owner);
    case GROUP:
        return group_text(&record->info, text);
    case REASON:
        return or_dash(record->info.reason);
    default:
        return device->name;
    }
}

static int add_columns(struct libscols_table *table, const struct view *view)
{
    size_t i;

    for (i = 0; i < COLUMN_COUNT; i++)
        if (has_column(view, i) &&
            scols_table_new_column(table, columns[i].title, 0, columns[i].flags) == NULL)
            return -ENOMEM;
    return 0;
}

static int add_line(struct libscols_table *table, const struct view *view,
                    const struct device_report *device)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    size_t i, position = 0;
    char text[16];
    int rc = line != NULL ? 0 : -ENOMEM;

    for (i = 0; rc == 0 && i < COLUMN_COUNT; i++)
        if (has_column(view, i))
            rc = scols_line_set_data(line, position++, cell_text(device, i, text));
    return rc;
}

static int write_list(const struct view *view, const struct device_report *devices, size_t count)
{
    struct libscols_table *table = scols_new_table();
    size_t i;
    int rc;

    if (table == NULL)
        return -ENOMEM;
    rc = add_columns(table, view);
    for (i = 0; rc == 0 && i < count; i++)
        rc = add_line(table, view, &devices[i]);
    if (rc == 0 && count > 0)
        rc = scols_print_table(table);
    scols_unref_table(table);
    return rc;
}

static int write_show(const struct view *view, const struct device_report *device)
{
    const struct tree_record *record = device->record;
    char text[16];

    printf("Device:   %s\n", device_format(&record->device, text));
    if (device->name[0] != '\0')
        printf("Name:     %s\n", device->name);
    printf("State:    %s\n", xeniommu_state_name(record->info.state));
    printf("Swiotlb:  %s\n", swiotlb_word(&record->info));
    printf("Reason:   %s\n", or_dash(record->info.reason));
    printf("Group:    %s\n", group_text(&record->info, text));
    if (view->kind == VIEW_HOST) {
        printf("Owner:    %s\n", or_dash(record->host->owner));
        printf("IOMMU:    %s\n", or_dash(record->host->iommu));
    }
    return 0;
}

/* Prints first and text, broken into lines that end before LINE_WIDTH and begin below text. */
static void print_wrapped(const char *first, const char *text)
{
    size_t indent = strlen(first), column = indent;

    fputs(first, stdout);
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > indent && column + 1 + len > LINE_WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_section(const char *title, const char *text)
{
    if (text == NULL)
        return;
    printf("\n%s\n", title);
    print_wrapped("  ", text);
}

static void print_facts(const struct explanation *explanation)
{
    char line[512];
    size_t i;

    if (explanation->text == NULL)
        return;
    puts("\nWhat it was found from:");
    for (i = 0; i < explanation->fact_count; i++) {
        const struct explained_fact *fact = &explanation->facts[i];

        print_wrapped("  - ", fact->text != NULL ? fact->text : "(not known to this xen-iommu)");
        snprintf(line, sizeof(line), "%s%s%s%s%s", fact->name, fact->value[0] != '\0' ? "=" : "",
                 fact->value, fact->source != NULL ? ", from " : "",
                 fact->source != NULL ? fact->source : "");
        print_wrapped("    ", line);
    }
}

static void print_claim(const struct explained_claim *claim)
{
    if (claim->binding == NULL)
        return;
    printf("\nThe device tree's claim, %s: %s\n", claim->binding, claim->outcome);
    print_wrapped("  ", claim->text);
}

static int write_explain(const struct view *view, const struct explanation *explanation)
{
    const char *reason = explanation->device->record->info.reason;

    (void)write_show(view, explanation->device);
    print_section("What this means:", explanation->meaning);
    print_facts(explanation);
    print_claim(&explanation->claim);
    printf("\nThe rule that decided: %s\n", or_dash(reason));
    print_wrapped("  ", explanation->why != NULL ? explanation->why
                        : reason[0] != '\0'      ? "This xen-iommu does not know that rule: the "
                                                   "xen-iommud that published it is newer."
                                                 : "None is published.");
    print_section("What would change the verdict:", explanation->change);
    print_section("Note:", explanation->note);
    return 0;
}

static int write_status(const struct view *view, const struct status_report *report)
{
    const char *separator = " (";
    size_t i;

    if (view->kind == VIEW_DOMAIN)
        printf("View:        domain %" PRId32 "\n", view->domid);
    else
        printf("View:        %s\n", view->kind == VIEW_HOST ? "host" : "this domain");
    printf("Daemon:      %s\n", view->tree.status[0] != '\0' ? view->tree.status : "absent");
    if (view->kind == VIEW_HOST)
        printf("IOMMU:       %s\n", or_dash(view->tree.iommu));
    printf("Version:     %s\n", or_dash(view->tree.version));
    printf("Generation:  %s\n", or_dash(view->tree.generation));
    printf("Devices:     %zu", report->count);
    for (i = 0; i <= XENIOMMU_QUARANTINED; i++) {
        if (report->states[i] == 0)
            continue;
        printf("%s%zu %s", separator, report->states[i],
               xeniommu_state_name((enum xeniommu_state)i));
        separator = ", ";
    }
    puts(report->count > 0 ? ")" : "");
    return 0;
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

    printf(" %s swiotlb=%s", xeniommu_state_name(info->state), swiotlb_word(info));
    if (view->kind == VIEW_HOST)
        printf(" owner=%s", or_dash(record->host->owner));
    if (info->group >= 0)
        printf(" group=%" PRId32, info->group);
    printf(" reason=%s", or_dash(info->reason));
}

static int write_watch(const struct view *view, const struct watch_event *event)
{
    static const char *const kinds[] = {"status ", "present", "added  ", "changed", "removed"};
    char text[DEVICE_TEXT_SIZE];
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
        printf(" %s", device_format(&event->device->record->device, text));
    if (event->kind != WATCH_STATUS && event->kind != WATCH_REMOVED)
        print_event(view, event->device);
    putchar('\n');
    return 0;
}

const struct writer writer_text = {
    .list = write_list,
    .show = write_show,
    .explain = write_explain,
    .status = write_status,
    .watch = write_watch,
};
