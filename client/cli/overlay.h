/* SPDX-License-Identifier: MIT */
/* A device tree overlay that says of devices: "behind Xen's IOMMU". */
#ifndef XI_CLIENT_CLI_OVERLAY_H
#define XI_CLIENT_CLI_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

/* How it says so. */
enum overlay_binding {
    OVERLAY_IOMMU_EL2_V1, /* iommus points to a node compatible with "xen,iommu-el2-v1" */
    OVERLAY_XEN_IOMMU,    /* xen,iommu = "on" */
};

/* The devices' paths are absolute and in no particular order. */
struct overlay {
    enum overlay_binding binding;
    const char *const *paths;
    size_t count;
};

/* Each device is one fragment with its target-path, so that the tree that this is applied to needs
 * no labels and no __symbols__. The caller frees *data. 0 or -ENOMEM; overlay_to_dtbo() also
 * -EFBIG: more than a device tree can hold. */
int overlay_to_dts(const struct overlay *overlay, char **data, size_t *size);
int overlay_to_dtbo(const struct overlay *overlay, char **data, size_t *size);

/* Some reader of overlays would take this path for another one's: a ':' begins options to Linux,
 * which cuts the path there. */
bool overlay_path_is_cut(const char *path);

/* Asked for path, libfdt would take other too, if it came first: a component without unit address
 * stands for one with. */
bool overlay_path_stands_for(const char *path, const char *other);

#endif
