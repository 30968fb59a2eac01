/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "device_names.h"

#include <errno.h>
#include <stdlib.h>

static void free_reports(struct device_report *reports, size_t count)
{
    size_t i;

    for (i = 0; reports != NULL && i < count; i++)
        free(reports[i].name);
    free(reports);
}

/* The records and their names; NULL without memory. */
static struct device_report *make_reports(const struct view *view, const struct tree_list *list)
{
    struct device_report *reports = calloc(list->count + 1, sizeof(*reports));
    struct device_names *names = view_is_local(view) ? device_names_open() : NULL;
    bool complete = reports != NULL;
    size_t i;

    for (i = 0; complete && i < list->count; i++) {
        reports[i].record = &list->records[i];
        reports[i].name = device_name(names, &list->records[i].device);
        complete = reports[i].name != NULL;
    }
    device_names_close(names);
    if (complete)
        return reports;
    free_reports(reports, list->count);
    return NULL;
}

static int write_list(const struct request *request, const struct view *view,
                      const struct tree_list *list)
{
    struct device_report *reports = make_reports(view, list);
    int rc = reports != NULL ? request->writer->list(view, reports, list->count) : -ENOMEM;

    free_reports(reports, list->count);
    return rc;
}

int command_list(const struct request *request)
{
    struct tree_list list = {0};
    struct view view;
    int code, rc;

    rc = view_open(&view, request->domid);
    if (rc == 0)
        rc = tree_load(&view.tree, &list);
    if (rc == 0)
        rc = write_list(request, &view, &list);
    code = rc == 0 ? EXIT_FINE : view_complain(&view, rc);
    tree_list_free(&list);
    view_close(&view);
    return code;
}
