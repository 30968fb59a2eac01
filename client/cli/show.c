/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "device.h"
#include "device_names.h"

#include <errno.h>
#include <stdlib.h>

static int write_device(const struct request *request, const struct view *view,
                        const struct tree_record *record)
{
    struct device_names *names = view_is_local(view) ? device_names_open() : NULL;
    struct device_report report = {.record = record, .name = device_name(names, &record->device)};
    int rc = report.name != NULL ? request->writer->show(view, &report) : -ENOMEM;

    free(report.name);
    device_names_close(names);
    return rc;
}

static int show(const struct request *request, struct view *view,
                const struct xeniommu_device *device)
{
    struct tree_record record;
    int rc = tree_refresh(&view->tree);

    if (rc == 0)
        rc = tree_read(&view->tree, device, &record);
    if (rc == -ENOENT) {
        complain("%s: nothing is published of such a device here", request->device);
        return EXIT_FAILED;
    }
    if (rc == 0)
        rc = write_device(request, view, &record);
    if (rc != 0)
        return view_complain(view, rc);
    return record.info.state == XENIOMMU_PROTECTED ? EXIT_FINE : EXIT_NOT_PROTECTED;
}

int command_show(const struct request *request)
{
    struct xeniommu_device device;
    struct view view;
    int code, rc;

    if (device_parse(request->device, &device) != 0) {
        complain("\"%s\" is neither a PCI address nor a device tree path", request->device);
        return EXIT_USAGE;
    }
    rc = view_open(&view, request->domid);
    code = rc == 0 ? show(request, &view, &device) : view_complain(&view, rc);
    view_close(&view);
    return code;
}
