/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "device.h"
#include "explain.h"
#include "fields.h"
#include "list_table.h"
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_WIDTH   79
#define UNKNOWN_WORD "(not known to this xen-iommu)"

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

/* 0 or -ENOMEM. */
static int print_fields(const struct view *view, const struct device_report *device)
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

/* What would end a limit is not for a guest to do. */
static void print_limits(const struct view *view, const struct device_report *device)
{
    const char *rest = device->record->details->limits;
    char token[LIMIT_TOKEN_SIZE], change[512];

    if (has_limits(device->record->details))
        puts("\nWhat this leaves out:");
    while (next_limit(&rest, token)) {
        const struct limit_words *words = words_of_limit(token);

        printf("  - %s\n", token);
        print_wrapped("    ", words != NULL ? words->text : UNKNOWN_WORD);
        if (words == NULL || view->kind == VIEW_OWN)
            continue;
        snprintf(change, sizeof(change), "To end this: %s", words->change);
        print_wrapped("    ", change);
    }
}

static int write_show(const struct view *view, const struct device_report *device)
{
    if (print_fields(view, device) != 0)
        return -ENOMEM;
    print_limits(view, device);
    return 0;
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

        print_wrapped("  - ", fact->text != NULL ? fact->text : UNKNOWN_WORD);
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

    if (print_fields(view, explanation->device) != 0)
        return -ENOMEM;
    print_section("What this means:", explanation->meaning);
    print_limits(view, explanation->device);
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

/* How old the hypervisor's word behind a claim can be. */
static void print_confirm_interval(const char *seconds)
{
    if (seconds[0] == '\0')
        return;
    if (strspn(seconds, "0.") == strlen(seconds))
        puts("Confirmed:   when something changes, not by time");
    else
        printf("Confirmed:   every claim by the hypervisor, at least every %s s\n", seconds);
}

static int write_status(const struct view *view, const struct status_report *report)
{
    const char *separator = " (";
    size_t i;

    if (view->kind == VIEW_DOMAIN)
        printf("View:        domain %" PRId32 "\n", view->domid);
    else
        printf("View:        %s\n", view->kind == VIEW_HOST ? "host" : "this domain");
    printf("Daemon:      %s\n", view_status(view)[0] != '\0' ? view_status(view) : "absent");
    if (view->kind == VIEW_HOST)
        printf("IOMMU:       %s\n", or_dash(view->tree.iommu));
    printf("Version:     %s\n", or_dash(view->tree.version));
    printf("Generation:  %s\n", or_dash(view->tree.generation));
    print_confirm_interval(report->confirm_interval);
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
    .show = write_show,
    .explain = write_explain,
    .status = write_status,
    .apply = write_apply,
    .watch = write_watch,
};
