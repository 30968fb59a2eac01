/* SPDX-License-Identifier: MIT */
#include "graph.h"
#include "command.h"
#include "graph_run.h"
#include "output.h"
#include "reports.h"
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>

/* The picture's source; the caller frees it. 0 or a negative errno. */
static int make_source(struct view *view, const struct tree_list *list, char **source, size_t *size)
{
    struct device_report *reports;
    FILE *file;
    int rc = reports_make(view, list, &reports);

    file = rc == 0 ? open_memstream(source, size) : NULL;
    if (rc == 0 && file == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = graph_write(file, view, reports, list->count);
    if (file != NULL && ferror(file) != 0)
        rc = -ENOMEM;
    if (file != NULL && (fclose(file) != 0 || *source == NULL)) /* it may fail without a word */
        rc = -ENOMEM;
    reports_free(reports, list->count);
    return rc;
}

/* Returns the exit code or a negative errno. */
static int draw(const struct request *request, struct view *view, const struct tree_list *list)
{
    char *source = NULL;
    size_t size = 0;
    int rc = make_source(view, list, &source, &size);

    if (rc == 0 && request->type == GRAPH_DOT)
        rc = output_write(request->output, source, size);
    else if (rc == 0)
        rc = graph_run(request->type == GRAPH_SVG ? "svg" : "png", request->output, source, size);
    free(source);
    return rc;
}

int command_graph(const struct request *request)
{
    struct tree_list list = {0};
    struct view view;
    int rc;

    if (request->type == GRAPH_PNG && request->output == NULL && terminal_is_there()) {
        complain("a png is not for a terminal: name a file with --output");
        return EXIT_USAGE;
    }
    rc = view_open(&view, request->domid);
    if (rc == 0)
        rc = tree_load(&view.tree, &list);
    if (rc == 0)
        rc = draw(request, &view, &list);
    if (rc < 0)
        rc = view_complain(&view, rc);
    tree_list_free(&list);
    view_close(&view);
    return rc;
}
