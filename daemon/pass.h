/* SPDX-License-Identifier: MIT */
/* What the parts of a pass share. Private to reconcile.c and pass_*.c, of which pass_events.c has
 * reconciler_watch() and reconciler_take_*events(). */
#ifndef XI_PASS_H
#define XI_PASS_H

#include "complaints.h"
#include "inquiry.h"
#include "observe/pci_table.h"
#include "reconcile.h"
#include "view.h"

struct reconciler {
    struct reconcile_parts parts;
    struct inventory inventory;
    struct domain_list domains;
    uint64_t pass; /* the number of this pass, or of the last one */
    uint64_t tick; /* how often reconciler_confirm() was called */
    enum iommu_use iommu;
    struct xen_cmdline cmdline; /* one for the life of the hypervisor */
    bool cmdline_known;
    bool devices_changed;
    bool looked;                   /* the set of devices was taken over once */
    bool awaits;                   /* ... but not all of it: some could not be read at that time */
    struct remembered *remembered; /* what an earlier run left of those */
    size_t remembered_count;
    struct pci_addresses gone; /* where a function went that libxl has a record of; none is there */
    bool introduced;
    bool domain_ended; /* one that was alive in the last pass is not any more, or one went */
    bool blind;        /* XenStore did not give the toolstack's records */
    bool overtaken;    /* there were events that this pass was too early for */
    bool unwritten;    /* a domain's tree could not be written in the last pass */
    bool stale;        /* ... since it is not about the facts that were gathered any more */
    bool homeless;     /* a live domain has no home in XenStore yet */
    bool published;    /* once at least */
    struct complaints oddities;       /* what the toolstack wrote of things that are not there */
    struct complaints contradictions; /* claims of the device tree that Xen denies */
    struct complaints troubles;       /* what Xen failed to answer in the last pass */
    struct complaints now;            /* ... in this one */
};

/* pass_observe.c: what can be known without asking Xen about single devices. 0 or a negative errno;
 * unless that is -ENOMEM or a lost connection the pass goes on all the same. */
int pass_observe(struct reconciler *reconciler);

/* The same where there is no XenStore. 0 or a negative errno: the pass is of no use. */
int pass_observe_early(struct reconciler *reconciler);

/* pass_remember.c: takes in what an earlier run left of the devices that were there before this one
 * looked, those included that could not be read until now. 0 or a negative errno: it is not known
 * then, and what is there for the next run has to stay. */
int pass_recall(struct reconciler *reconciler);
void pass_forget_remembered(struct reconciler *reconciler);

/* Keeps gone up to date with the inventory, before the records are read for that. */
void pass_note_gone(struct reconciler *reconciler);

/* pass_events.c: takes in every watch event that fired until now, however many. 1 when there were
 * any, 0 when not, or a negative errno. */
int pass_take_pending(struct reconciler *reconciler);

/* Takes in what was announced until now, once Xen has answered. What had an event
 * since this pass looked at it may have been another domain's when Xen was asked, so the answer
 * does not count. 0 or a negative errno. */
int pass_take_news(struct reconciler *reconciler);

/* pass_decide.c: what the questions to Xen need. */
struct inquiry pass_inquiry(struct reconciler *reconciler);

/* Takes back what does not hold any more, from what is known without asking Xen
 * about a device. True when there was anything. */
bool pass_downgrade(struct reconciler *reconciler);

/* A stronger word than the published one needs Xen's answer from this pass: asks where that is
 * missing. True when there was anything to ask. */
bool pass_ask_again(struct reconciler *reconciler);

/* Finds every verdict. */
void pass_conclude(struct reconciler *reconciler);

/* pass_publish.c: writes the trees; in the first half of a pass those only that stand already, for
 * nothing but a whole pass may begin one. 0 or a negative errno. */
int pass_publish(struct reconciler *reconciler, bool whole);

#endif
