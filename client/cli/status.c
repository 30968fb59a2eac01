/* SPDX-License-Identifier: MIT */
#include "command.h"

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

/* Only the host's tree tells, and older daemons do not. */
static int read_confirm_interval(struct view *view, struct status_report *report)
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
static int count_devices(struct view *view, struct status_report *report)
{
    struct tree_list list;
    int rc = tree_load(&view->tree, &list);
    size_t i;

    report->count = list.count;
    for (i = 0; i < list.count; i++)
        report->states[list.records[i].info.state]++;
    tree_list_free(&list);
    return rc;
}

int command_status(const struct request *request)
{
    struct status_report report = {0};
    struct view view;
    int code, rc;

    rc = view_open(&view, request->domid);
    if (rc == 0)
        rc = count_devices(&view, &report);
    if (rc == 0)
        rc = read_confirm_interval(&view, &report);
    code = rc == 0 ? EXIT_FINE : view_complain(&view, rc);
    if (rc == 0 || code == EXIT_NO_DAEMON) {
        rc = request->writer->status(&view, &report);
        if (rc != 0)
            code = view_complain(&view, rc);
    }
    view_close(&view);
    return code;
}
