/* SPDX-License-Identifier: MIT */
/* The devices that are not isolated from each other, and whose they are: by requester ID, as Xen
 * lists PCI functions, and by stream ID, as the host's device tree shows it. */
#ifndef XI_MATES_H
#define XI_MATES_H

#include "inventory.h"

/* Works out group, grouped and unlisted_mate of every device anew. 0 or -ENOMEM. */
int mates_regroup(struct inventory *inventory);

/* Do the lists of the device's group say, too, that its owner has it? True for one that is alone,
 * and for one whose owner is not known. Xen's answer about the device itself tells dom0 from nobody
 * as little as one guest from another. */
bool mates_agree(const struct inventory *inventory, const struct device *device);

/* How the others in the device's group are owned. */
enum group_mates mates_of(const struct inventory *inventory, const struct device *device);

#endif
