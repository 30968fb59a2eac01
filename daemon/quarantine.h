/* SPDX-License-Identifier: MIT */
/* Does libxl's record "assignable" speak of the device that stands there? Xen has no question that
 * tells quarantine from dom0, and a function that is plugged in anew goes to dom0, whatever stood
 * at its address before; pciback may take it first, and libxl's record is still there then. Nor has
 * who takes a function out of quarantine to remove the record. So a record counts only for the
 * device, and for the time with pciback, that it was seen to be written for. Pure. */
#ifndef XI_QUARANTINE_H
#define XI_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology.h"

/* From where what libxl wrote is counted against what happened to the device. */
enum quarantine_start {
    QUARANTINE_UNCOUNTED, /* not all of it is known */
    QUARANTINE_OF_PCIBACK,
    QUARANTINE_OF_DRIVER, /* bound to another, or just plugged in */
    QUARANTINE_OF_NONE,   /* unbound */
};

struct quarantine {
    uint64_t since; /* the pass that first saw this device at its address */
    bool doubtful;  /* libxl's record may be an older device's, or of an older time with pciback */
    /* Private to quarantine.c. */
    enum quarantine_start start;
    uint32_t unbinds, times; /* from then on */
    bool over;               /* the next pass starts anew */
    bool owed;         /* sysfs shows no driver, and the uevent of that unbinding is to come */
    uint64_t followed; /* by this pass */
};

/* A device that was there before the daemon looked. remembered: what an earlier run left of its
 * address, quarantine_remember()'s text, or NULL for nothing: then the record is believed. */
void quarantine_found(struct quarantine *quarantine, uint64_t pass,
                      const struct pci_function *function, const char *remembered);

/* A device that came while the daemon looked. */
void quarantine_plugged(struct quarantine *quarantine, uint64_t pass,
                        const struct pci_function *function);

/* A device that is still there, once in each pass: as the last one saw it, and as this one does.
 * Once it was unbound from a driver, or bound to another than pciback, a record that stands is
 * about the past. */
void quarantine_followed(struct quarantine *quarantine, uint64_t pass,
                         const struct pci_function *known, const struct pci_function *function);

/* The same, where nothing happened since the last pass. */
void quarantine_seen(struct quarantine *quarantine, uint64_t pass,
                     const struct pci_function *function);

/* libxl wrote or removed its record, so often; the pass knows already of every unbinding that is
 * older. Counts only where none can be younger: libxl writes right after it has unbound the device
 * from a driver, once for each time, before it binds it to pciback, and removes what it wrote when
 * it takes the device from there. Of what it wrote before, one event may come late. */
void quarantine_recorded(struct quarantine *quarantine, const struct pci_function *function,
                         unsigned int times);

/* No event of libxl's can come late any more; until then another pass is due. */
bool quarantine_is_settled(const struct quarantine *quarantine);

/* Not, or not any more, with pciback: a record that stands then is about the past. */
void quarantine_released(struct quarantine *quarantine);

/* A guest has it, by Xen's word: Xen itself puts it into quarantine when the guest gives it back.
 */
void quarantine_assigned(struct quarantine *quarantine);

#define QUARANTINE_TEXT_SIZE (2 * PCI_IDENTITY_SIZE + 16)

/* What the next run has to know of an assignable device. */
void quarantine_remember(const struct quarantine *quarantine, const struct pci_function *function,
                         char text[QUARANTINE_TEXT_SIZE]);

#endif
