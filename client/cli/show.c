/* SPDX-License-Identifier: MIT */
#include "one_device.h"

static int show(const struct request *request, struct view *view,
                const struct xeniommu_device *device)
{
    struct device_report report;
    struct device_details details;
    struct tree_record record = {.details = &details};
    int rc = tree_read(&view->tree, device, &record);

    if (rc == 0)
        rc = device_report_make(&report, view, &record);
    if (rc != 0)
        return rc;
    rc = request->writer->show(view, &report);
    device_report_free(&report);
    if (rc != 0)
        return rc;
    return record.info.state == XENIOMMU_PROTECTED ? EXIT_FINE : EXIT_NOT_PROTECTED;
}

int command_show(const struct request *request)
{
    return run_on_device(request, show);
}
