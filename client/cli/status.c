/* SPDX-License-Identifier: MIT */
#include "command.h"

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
    code = rc == 0 ? EXIT_FINE : view_complain(&view, rc);
    if (rc == 0 || code == EXIT_NO_DAEMON) {
        rc = request->writer->status(&view, &report);
        if (rc != 0)
            code = view_complain(&view, rc);
    }
    view_close(&view);
    return code;
}
