/* SPDX-License-Identifier: MIT */
#include "status.h"
#include "command.h"
#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "60" or "0.5": what is a number in JSON too. */
static bool is_decimal(const char *text)
{
    size_t whole = text[0] == '0' ? 1 : strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

    return whole > 0 && text[whole + (part > 0 ? part + 1 : 0)] == '\0';
}

int status_read_confirm_interval(struct view *view, struct status_report *report)
{
    struct store_value value;
    int rc;

    if (view->kind != VIEW_HOST)
        return 0;
    rc = store_read(&view->store, XENIOMMU_HOST_DIR "/confirm-interval", &value);
    if (rc != 0)
        return rc == -ENOENT ? 0 : rc;
    if (value.len < sizeof(report->confirm_interval) && is_decimal(value.data))
        memcpy(report->confirm_interval, value.data, value.len + 1);
    free(value.data);
    return 0;
}

/* Nothing is counted while the daemon does not stand by it. */
static int count_devices(struct view *view, struct status_report *report, struct verdict *verdict)
{
    int rc = verdict_make(verdict, view);
    size_t i;

    if (rc != 0)
        return rc;
    report->verdict = verdict;
    report->count = verdict->list.count;
    for (i = 0; i < verdict->list.count; i++)
        report->states[verdict->list.records[i].info.state]++;
    return 0;
}

int command_status(const struct request *request)
{
    struct status_report report = {0};
    struct verdict verdict = {0};
    struct view view;
    int code, rc;

    rc = view_open(&view, request->domid);
    if (rc == 0)
        rc = count_devices(&view, &report, &verdict);
    if (rc == 0)
        rc = status_read_confirm_interval(&view, &report);
    code = rc == 0 ? EXIT_FINE : view_complain(&view, rc);
    if (rc == 0 || code == EXIT_NO_DAEMON) {
        rc = request->writer->status(&view, &report);
        if (rc != 0)
            code = view_complain(&view, rc);
    }
    verdict_free(&verdict);
    view_close(&view);
    return code;
}
