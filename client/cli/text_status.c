/* SPDX-License-Identifier: MIT */
#include "device.h"
#include "fields.h"
#include "text_parts.h"
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int text_write_status(const struct view *view, const struct status_report *report)
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
    printf("ABI version: %s\n", or_dash(view->tree.version));
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
    if (report->verdict != NULL)
        printf("Verdict:     %s%s\n", report->verdict->text,
               report->verdict->count > 0 ? ": see xen-iommu check" : "");
    return 0;
}

static void print_owner(const struct view *view, const char *owner)
{
    int32_t domid;

    if (view->kind != VIEW_HOST)
        return;
    if (owner_is_domain(owner, &domid))
        printf(", %s%" PRId32, domid == 0 ? "dom" : "domain ", domid);
    else
        printf(", owner %s", or_dash(owner));
}

/* 0 or -ENOMEM. */
static int print_finding(const struct view *view, const struct finding *finding)
{
    const struct tree_record *record = finding->record;
    char *device = device_printable(&record->device);

    if (device == NULL)
        return -ENOMEM;
    fputs(device, stdout);
    free(device);
    print_owner(view, record->details->owner);
    printf(": %s (%s).", xeniommu_state_name(record->info.state), or_dash(record->info.reason));
    if (finding->why != NULL)
        printf(" %s", finding->why);
    if (finding->change != NULL)
        printf(" To do: %s", finding->change);
    putchar('\n');
    return 0;
}

int text_write_check(const struct view *view, const struct verdict *verdict)
{
    size_t i;
    int rc = 0;

    if (verdict->count == 0)
        printf("%s\n", verdict->text);
    for (i = 0; rc == 0 && i < verdict->count; i++)
        rc = print_finding(view, &verdict->findings[i]);
    return rc;
}
