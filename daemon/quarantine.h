/* SPDX-License-Identifier: MIT */
/* Does libxl's record "assignable" speak of the device that stands there? Xen has no question that
 * tells quarantine from dom0, and a function that is plugged in anew goes to dom0, whatever stood
 * at its address before; pciback may take it first, and libxl's record is still there then. So a
 * record counts only for the device that it was seen to be written for. Pure. */
#ifndef XI_QUARANTINE_H
#define XI_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology.h"

struct quarantine {
    uint64_t since; /* the pass that first saw this device at its address */
    bool doubtful;  /* libxl's record may be an older device's */
};

/* A device that was there before the daemon looked. remembered: what an earlier run left of its
 * address, quarantine_remember()'s text, or NULL for nothing: then the record is believed. */
void quarantine_found(struct quarantine *quarantine, uint64_t pass,
                      const struct pci_function *function, const char *remembered);

/* A device that came while the daemon looked. */
void quarantine_plugged(struct quarantine *quarantine, uint64_t pass);

/* libxl wrote its record, as this pass takes in. What came with the device in one pass counts only
 * where it cannot be older: nothing stood at the address before, or this very device changed its
 * driver since, which libxl does right before and after that. */
void quarantine_recorded(struct quarantine *quarantine, uint64_t pass,
                         const struct pci_function *function);

/* Not, or not any more, with pciback: a record that stands then is about the past. */
void quarantine_released(struct quarantine *quarantine);

/* A guest has it, by Xen's word: Xen itself puts it into quarantine when the guest gives it back.
 */
void quarantine_assigned(struct quarantine *quarantine);

#define QUARANTINE_TEXT_SIZE (PCI_IDENTITY_SIZE + 16)

/* What the next run has to know of an assignable device. */
void quarantine_remember(const struct quarantine *quarantine, const struct pci_function *function,
                         char text[QUARANTINE_TEXT_SIZE]);

#endif
