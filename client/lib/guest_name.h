/* SPDX-License-Identifier: MIT */
/* What the guest that has a device of the host's calls it. */
#ifndef XI_CLIENT_LIB_GUEST_NAME_H
#define XI_CLIENT_LIB_GUEST_NAME_H

#include "api.h"

#include <stddef.h>

/* Finds the guest's name in a "facts" node of the host's tree: the one word "guest-address=" of a
 * PCI function, "guest-path=" of a device tree device. path, of size bytes, receives a device tree
 * path, to which guest points then. False where it is not told, told twice, or malformed in the
 * least; guest is all zero then. */
bool guest_name_find(const char *facts, size_t len, enum xeniommu_bus bus,
                     struct xeniommu_device *guest, char *path, size_t size);

#endif
