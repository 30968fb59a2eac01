/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "output.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The only devices that an overlay may say anything of: what it says is that no swiotlb-xen is
 * needed. */
static bool is_exported(const struct tree_record *record)
{
    return record->device.bus == XENIOMMU_BUS_DT && record->info.state == XENIOMMU_PROTECTED &&
           record->info.skip_swiotlb;
}

/* Whether an overlay can name this device and no other; says why not. */
static bool can_be_named(const struct tree_list *list, const char *path)
{
    size_t i;

    if (overlay_path_is_cut(path)) {
        complain("%s: a ':' in a path cannot be exported: Linux ends the path of an overlay's "
                 "target there",
                 path);
        return false;
    }
    for (i = 0; i < list->count; i++) {
        const char *other = list->records[i].device.path;

        if (other == NULL || strcmp(path, other) == 0 || !overlay_path_stands_for(path, other))
            continue;
        complain("%s: cannot be exported: by that name an overlay may hit %s", path, other);
        return false;
    }
    return true;
}

/* The paths of what is exported; the caller frees them, and they live as long as the list. 0,
 * -ENOMEM, or -EINVAL: one cannot be named. */
static int collect_paths(const struct tree_list *list, const char ***paths, size_t *count)
{
    size_t i;

    *count = 0;
    *paths = calloc(list->count + 1, sizeof(**paths));
    if (*paths == NULL)
        return -ENOMEM;
    for (i = 0; i < list->count; i++) {
        if (!is_exported(&list->records[i]))
            continue;
        if (!can_be_named(list, list->records[i].device.path))
            return -EINVAL;
        (*paths)[(*count)++] = list->records[i].device.path;
    }
    return 0;
}

/* Returns the exit code, or a negative errno. */
static int export_list(const struct request *request, const struct tree_list *list)
{
    struct overlay overlay = {.binding = request->binding};
    const char **paths;
    char *data = NULL;
    size_t size = 0;
    int rc = collect_paths(list, &paths, &overlay.count);

    overlay.paths = paths;
    if (rc == 0)
        rc = request->format == FORMAT_DTBO ? overlay_to_dtbo(&overlay, &data, &size)
                                            : overlay_to_dts(&overlay, &data, &size);
    if (rc == 0 && overlay.count == 0)
        complain("the overlay is empty: no device tree device here is protected and may do without "
                 "swiotlb-xen");
    if (rc == 0)
        rc = output_write(request->output, data, size);
    else if (rc == -EINVAL)
        rc = EXIT_FAILED;
    free(data);
    free(paths);
    return rc;
}

int command_export(const struct request *request)
{
    struct tree_list list = {0};
    struct view view;
    int rc;

    if (request->format == FORMAT_DTBO && request->output == NULL && isatty(STDOUT_FILENO)) {
        complain("a dtbo is not for a terminal: name a file with --output");
        return EXIT_USAGE;
    }
    rc = view_open_own(&view, request->domid);
    if (rc == 0)
        rc = tree_load(&view.tree, &list);
    if (rc == 0)
        rc = export_list(request, &list);
    if (rc < 0)
        rc = view_complain(&view, rc);
    tree_list_free(&list);
    view_close(&view);
    return rc;
}
