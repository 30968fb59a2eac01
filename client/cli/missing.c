/* SPDX-License-Identifier: MIT */
#include "missing.h"
#include "device.h"
#include "files.h"

#include <string.h>
#include <unistd.h>

/* What an entry of sysfs tells of a device of this machine's own. */
static const char *why_pci(const struct view *view, const char *address, const char *root)
{
    char path[PATH_MAX], class_code[16];

    if (files_path(path, "%s/sys/bus/pci/devices/%s/class", root, address) != 0 ||
        files_line(path, class_code, sizeof(class_code)) != 0)
        return "this machine has no such device";
    if (strncmp(class_code, "0x0600", strlen("0x0600")) == 0)
        return "it is a host bridge, which has no record by design: the devices below it have "
               "theirs";
    if (view->kind == VIEW_HOST)
        return "the machine has it, and xen-iommud has not taken it in yet; its log tells if it "
               "cannot be read";
    return "the machine has it, and the host gave it no device there: emulated ones have no record";
}

static const char *why_dt(const char *node, const char *root)
{
    char path[PATH_MAX];

    if (files_path(path, "%s/sys/firmware/devicetree/base%s", root, node) != 0 ||
        access(path, F_OK) != 0)
        return "this machine's device tree has no such node";
    return "the device tree has that node, and it is none that can do DMA";
}

const char *why_missing(const struct view *view, const struct xeniommu_device *device,
                        const char *root)
{
    char address[DEVICE_TEXT_SIZE];

    if (!view_is_local(view))
        return "the domain has no device of that name, which is its own and not the host's";
    if (device->bus == XENIOMMU_BUS_DT)
        return why_dt(device->path, root);
    return why_pci(view, device_format(device, address), root);
}
