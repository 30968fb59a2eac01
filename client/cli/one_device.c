/* SPDX-License-Identifier: MIT */
#include "one_device.h"
#include "device.h"
#include "missing.h"
#include "reports.h"

#include <errno.h>

int device_report_make(struct device_report *report, struct view *view,
                       const struct tree_record *record)
{
    struct report_maker maker;
    int rc;

    report_maker_open(&maker, view);
    rc = report_make(report, &maker, record);
    report_maker_close(&maker);
    return rc;
}

void device_report_free(struct device_report *report)
{
    report_free(report);
}

int run_on_device(const struct request *request, on_device_fn *fn)
{
    struct xeniommu_device device;
    struct view view;
    int code;

    if (device_parse(request->device, &device) != 0) {
        complain("\"%s\" is neither a PCI address nor a device tree path", request->device);
        return EXIT_USAGE;
    }
    code = view_open(&view, request->domid);
    if (code == 0)
        code = tree_refresh(&view.tree);
    if (code == 0)
        code = fn(request, &view, &device);
    if (code == -ENOENT) {
        complain("%s: nothing is published of such a device here: %s", request->device,
                 why_missing(&view, &device, request->root));
        code = EXIT_FAILED;
    } else if (code < 0) {
        code = view_complain(&view, code);
    }
    view_close(&view);
    return code;
}
