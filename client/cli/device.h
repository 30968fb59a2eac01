/* SPDX-License-Identifier: MIT */
/* A device as people write it. */
#ifndef XI_CLIENT_CLI_DEVICE_H
#define XI_CLIENT_CLI_DEVICE_H

#include <xeniommu.h>

#define DEVICE_TEXT_SIZE 13

/* Reads "0000:00:04.0", "00:04.0" or "/soc/video@fe001000". device->path points into text. 0, or
 * -EINVAL, and then device is not written. */
int device_parse(const char *text, struct xeniommu_device *device);

/* The device as people write it: in buffer for PCI, else its path. */
const char *device_format(const struct xeniommu_device *device, char buffer[DEVICE_TEXT_SIZE]);

/* The same as text_printable() writes it. The caller frees it; NULL without memory. */
char *device_printable(const struct xeniommu_device *device);

#endif
