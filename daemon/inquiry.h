/* SPDX-License-Identifier: MIT */
/* The slow part of a pass: what has to be asked of the hypervisor, device by device. */
#ifndef XI_INQUIRY_H
#define XI_INQUIRY_H

#include "inventory.h"

struct inquiry {
    struct hypervisor *hypervisor;
    struct inventory *inventory;
    const struct assignment *assignment; /* whoever it names may own a group's member */
    const struct domain_list *domains;
    uint64_t pass;
    uint64_t tick; /* the clock of evidence_age() */
};

/* Asks the oracle about one device, now. */
void inquiry_ask(const struct inquiry *inquiry, struct device *device);

/* Asks about every device whose answer is missing or may not hold, and lists the groups these may
 * be in. A question that Xen fails to answer stays due. 0 or -ENOMEM. */
int inquiry_run(const struct inquiry *inquiry);

/* True when a question is still due. */
bool inquiry_is_due(const struct inventory *inventory);

/* Asks again about the claims that Xen confirmed longest ago: one in ticks of them, and each whose
 * last question is ticks - 1 ticks old. Called once a tick, each claim is asked about within ticks
 * of them. What a claim's group mates are asked counts too, for it rests on their answers; and so
 * does what Xen's word kept from being a claim, for no event need tell that this ended. Where
 * Xen's word is another one now, the device has changed. 1 when there is such a device, 0 when not,
 * or -ENOMEM. */
int inquiry_confirm(const struct inquiry *inquiry, unsigned int ticks);

#endif
