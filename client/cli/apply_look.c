/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "files.h"
#include "rebind.h"
#include "use.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *apply_outcome_name(enum apply_outcome outcome)
{
    static const char *const names[] = {
        [APPLY_WOULD_REBIND] = "would-rebind",
        [APPLY_REBOUND] = "rebound",
        [APPLY_UNCHANGED] = "unchanged",
        [APPLY_REFUSED] = "refused",
        [APPLY_FAILED] = "failed",
    };

    return names[outcome];
}

void apply_note(struct apply_device *device, enum apply_outcome outcome, const char *reason,
                const char *format, ...)
{
    va_list args;

    device->outcome = outcome;
    device->reason = reason;
    va_start(args, format);
    vsnprintf(device->detail, sizeof(device->detail), format, args);
    va_end(args);
}

/* Always 1: there is a reason. */
static int refuse(struct apply_device *device, const char *reason, const char *detail)
{
    apply_note(device, APPLY_REFUSED, reason, "%s", detail);
    return 1;
}

/* Drivers that hold a device for somebody whom no kernel interface shows. */
static bool is_for_others(const char *driver)
{
    static const char *const others[] = {"vfio",    "uio",         "igb_uio",
                                         "pciback", "xen-pciback", "pci-stub"};
    size_t i;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strncmp(driver, others[i], strlen(others[i])) == 0)
            return true;
    return false;
}

static int look_at_driver(struct apply_device *device, const char *root)
{
    struct rebind rebind = {root, device->bus, device->name, device->driver};
    int rc = rebind_driver(&rebind, device->driver, sizeof(device->driver));

    if (rc != 0)
        return refuse(device, "in-use-unknown", strerror(-rc));
    if (device->driver[0] == '\0')
        return refuse(device, "no-driver", "nothing to give it to");
    if (is_for_others(device->driver))
        return refuse(device, "user-space-driver", device->driver);
    rc = rebind_possible(&rebind);
    return rc != 0 ? refuse(device, "not-possible", "its driver cannot be unbound and bound") : 0;
}

/* The driver with its parameter "observe" would take nothing off. */
static int look_at_module(struct apply_device *device, const char *root)
{
    char path[PATH_MAX], text[8];

    if (files_path(path, "%s/sys/module/xeniommu/parameters/observe", root) == 0 &&
        files_line(path, text, sizeof(text)) == 0 && text[0] != 'N')
        return refuse(device, "driver-observes", "the parameter observe of xeniommu is set");
    return 0;
}

static int look_at_function(struct apply_device *device, const char *folder)
{
    char path[PATH_MAX], text[32];

    if (files_path(path, "%s/sriov_numvfs", folder) == 0 &&
        files_line(path, text, sizeof(text)) == 0 && strcmp(text, "0") != 0)
        return refuse(device, "virtual-functions", text);
    if (files_path(path, "%s/class", folder) == 0 && files_line(path, text, sizeof(text)) == 0 &&
        strncmp(text, "0x03", 4) == 0)
        return refuse(device, "display", "the firmware's console may be on it");
    return 0;
}

int apply_look(struct apply_device *device, const char *root, struct use *use)
{
    char path[PATH_MAX], folder[PATH_MAX];
    int rc;

    *use = (struct use){.root = root};
    if (look_at_driver(device, root) != 0 || look_at_module(device, root) != 0)
        return 0;
    if (files_path(path, "%s/sys/bus/%s/devices/%s", root, device->bus, device->name) != 0 ||
        realpath(path, folder) == NULL) {
        refuse(device, "in-use-unknown", "its folder in sysfs cannot be found");
        return 0;
    }
    if (look_at_function(device, folder) != 0)
        return 0;
    rc = use_find(use, root, folder);
    if (rc == 0 && use->reason != NULL)
        refuse(device, use->reason, use->detail);
    else if (rc == 0)
        apply_note(device, APPLY_WOULD_REBIND, "", "%s", "");
    return rc;
}
