/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "list_rows.h"
#include "reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OWNER_SIZE sizeof(((struct device_details *)0)->owner)

static int write_list(const struct request *request, struct view *view, const char *owner,
                      const struct tree_list *list)
{
    struct device_report *reports;
    size_t count;
    int rc = reports_make(view, list, &reports);

    if (rc == 0) {
        count = list_select(&request->list, owner, reports, list->count);
        rc = request->writer->list(view, reports, count, &request->list);
    }
    reports_free(reports, list->count);
    return rc;
}

/* Sets owner to what the host's tree calls whom --owner stands for: a number, "none", "unknown", or
 * a domain's name. 0, an exit code with a complaint, or a negative errno. */
static int find_owner(const struct request *request, struct view *view, char owner[OWNER_SIZE])
{
    const char *text = request->list.owner;
    int32_t domid;
    int rc;

    if (view->kind != VIEW_HOST) {
        complain("--owner: only the host's view tells who owns a device");
        return EXIT_USAGE;
    }
    if (strcmp(text, "none") == 0 || strcmp(text, "unknown") == 0) {
        snprintf(owner, OWNER_SIZE, "%s", text);
        return 0;
    }
    rc = domain_parse(&view->store, text, &domid);
    if (rc == 0)
        snprintf(owner, OWNER_SIZE, "%" PRId32, domid);
    return rc;
}

int command_list(const struct request *request)
{
    char owner[OWNER_SIZE] = "";
    struct tree_list list = {0};
    struct view view;
    int rc;

    rc = view_open(&view, request->domid);
    if (rc == 0 && request->list.owner != NULL)
        rc = find_owner(request, &view, owner);
    snprintf(view.tree.only_owner, sizeof(view.tree.only_owner), "%s", owner);
    if (rc == 0)
        rc = tree_load(&view.tree, &list);
    if (rc == 0)
        rc = write_list(request, &view, owner[0] != '\0' ? owner : NULL, &list);
    if (rc < 0)
        rc = view_complain(&view, rc);
    tree_list_free(&list);
    view_close(&view);
    return rc;
}
