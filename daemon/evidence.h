/* SPDX-License-Identifier: MIT */
/* The slow part of a pass: what has to be asked of the hypervisor, device by device. */
#ifndef XI_EVIDENCE_H
#define XI_EVIDENCE_H

#include "inventory.h"

/* Asks the oracle about one device, now. */
void evidence_ask(struct hypervisor *hypervisor, struct device *device);

/* Asks about every device whose answer is missing or may not hold (device->ask), and lists the
 * groups these may be in. A question that Xen fails to answer stays due. 0 or -ENOMEM. */
int evidence_gather(struct hypervisor *hypervisor, struct inventory *inventory);

/* True when a question is still due. */
bool evidence_is_due(const struct inventory *inventory);

#endif
