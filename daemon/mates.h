/* SPDX-License-Identifier: MIT */
/* The devices that are not isolated from each other, and whose they are: by requester ID, as Xen
 * lists PCI functions, and by stream ID, as the host's device tree shows it. */
#ifndef XI_MATES_H
#define XI_MATES_H

#include "inventory.h"

/* Works out group, grouped and unlisted_mate of every device anew. 0 or -ENOMEM. */
int mates_regroup(struct inventory *inventory);

/* Dom0 has the device, as the list of its group tells where Xen's answer about itself does not:
 * what is free is dom0's or nobody's. False for one that is alone. */
bool mates_say_dom0(const struct inventory *inventory, const struct device *device);

/* How the others in the device's group are owned. */
enum group_mates mates_of(const struct inventory *inventory, const struct device *device);

#endif
