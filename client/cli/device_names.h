/* SPDX-License-Identifier: MIT */
/* What people call a PCI device: pci.ids' words for what sysfs says of it. */
#ifndef XI_CLIENT_CLI_DEVICE_NAMES_H
#define XI_CLIENT_CLI_DEVICE_NAMES_H

#include <xeniommu.h>

struct device_names;

/* Prepares the look-up. NULL: this machine has no PCI, or no memory is left. */
struct device_names *device_names_open(void);

void device_names_close(struct device_names *names);

/* The device's name; the caller frees it. "" where it has none, or names is NULL; NULL without
 * memory. */
char *device_name(struct device_names *names, const struct xeniommu_device *device);

/* What kind of device it is, as "Ethernet controller"; likewise. */
char *device_class(struct device_names *names, const struct xeniommu_device *device);

#endif
