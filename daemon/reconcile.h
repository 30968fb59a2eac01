/* SPDX-License-Identifier: MIT */
/* One pass: gather the facts, find the verdicts, publish the difference. Level-triggered: what
 * happened only decides what is read and asked again, never what is concluded from it. */
#ifndef XI_RECONCILE_H
#define XI_RECONCILE_H

#include "inventory.h"
#include "observe/assignment.h"
#include "observe/dt.h"
#include "observe/hypervisor.h"
#include "observe/pci.h"
#include "observe/toolstack.h"
#include "parse/acpi.h"
#include "publisher.h"

/* The parts a reconciler works with; the caller keeps and frees them. */
struct reconcile_parts {
    struct store *store; /* to read; NULL, for reconciler_find() only: there is no XenStore */
    struct hypervisor *hypervisor;
    struct pci_observer *pci;
    struct dt_observer *dt;
    struct toolstack_observer *toolstack;
    struct assignment_observer *assignment;
    struct publisher *publisher;
    const struct acpi_tables *tables;
    bool grant_dma_stub; /* a zero-cell xen,grant-dma is a claim of Xen's IOMMU, as configured */
    unsigned int confirm_ms; /* what is published of reconciler_confirm(); 0: it is never called */
    const char *lock_file;   /* as published: an absolute path; NULL: nobody holds one */
    const char *builtin_cmdline; /* what was built into Xen, as configured; NULL: not said */
    const char
        *status; /* what a complete tree says of itself: "ready" while somebody keeps it so */
};

struct reconciler;

/* 0 or -ENOMEM. */
int reconciler_new(struct reconciler **reconciler, const struct reconcile_parts *parts);
void reconciler_free(struct reconciler *reconciler); /* NULL is allowed */

/* Sets the watches on a fresh connection to XenStore. 0 or a negative errno. */
int reconciler_watch(struct reconciler *reconciler);

/* Takes in pending watch events, a bounded number of them at a time. 1 when there were any,
 * RECONCILER_MORE_EVENTS when there may be more, 0 when there were none, or a negative errno: the
 * connection is lost. */
#define RECONCILER_MORE_EVENTS 2
int reconciler_take_events(struct reconciler *reconciler);

/* The same for the kernel's uevents about PCI functions. 1 when any of them changed, 0 when not, or
 * a negative errno. */
int reconciler_take_uevents(struct reconciler *reconciler);

/* libxl's records of device tree devices were written. */
void reconciler_records_changed(struct reconciler *reconciler);
/* The firmware's tables could be read at last. They replace those of the parts. */
void reconciler_set_tables(struct reconciler *reconciler, const struct acpi_tables *tables);
/* The set of devices changed. */
void reconciler_devices_changed(struct reconciler *reconciler);
/* It is time to look where the hypervisor may have let go without a word. */
void reconciler_suspect(struct reconciler *reconciler);
/* The store may be another one: no verdict is published before it was found anew. */
void reconciler_forget(struct reconciler *reconciler);
/* Nothing that is known need hold any more: ask everything again. */
void reconciler_distrust(struct reconciler *reconciler);

/* Runs a pass. 0, or the error that kept it from being done as a whole: then another pass is due,
 * but what could be taken back has been. -ENOMEM: the reconciler is of no more use. */
int reconciler_run(struct reconciler *reconciler);

/* Runs a pass without XenStore, in which nobody but dom0 has anything, and publishes nothing: for
 * when dom0 is alone. The parts need no store, publisher, status or lock. 0 or a negative errno. */
int reconciler_find(struct reconciler *reconciler);

/* What the last pass found; valid until the next one. */
const struct inventory *reconciler_inventory(const struct reconciler *reconciler);

/* After reconciler_find(): nothing happened to the device that the pass was too early for. */
bool reconciler_vouches_for(const struct reconciler *reconciler, const struct device *device);

/* Has Xen confirm the claims it was asked about longest ago. Called RECONCILER_CONFIRM_TICKS times
 * in an interval, every claim is confirmed once in it at least. 1: Xen's word is another one by
 * now, a pass is due at once; 0: nothing changed; -ENOMEM. */
#define RECONCILER_CONFIRM_TICKS 16
int reconciler_confirm(struct reconciler *reconciler);

/* After a pass: there were events that it was too early for. */
bool reconciler_wants_pass(const struct reconciler *reconciler);

/* After a pass that went well: some domain's tree could not be written, so another pass is due
 * soon. */
bool reconciler_wants_retry(const struct reconciler *reconciler);

/* After a pass that went well: Xen answered every question, and every tree could be written. */
bool reconciler_is_complete(const struct reconciler *reconciler);

/* After a pass: what cannot be learnt from any event makes another one due in a while. */
bool reconciler_wants_recheck(const struct reconciler *reconciler);

/* A line for people: how many devices are in which state. */
void reconciler_summary(const struct reconciler *reconciler, char *text, size_t size);

#endif
