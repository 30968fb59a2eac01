/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xeniommu-schema.h>

#include "log.h"
#include "pass.h"

#define TOKEN_INTRODUCE "introduce"
#define TOKEN_RELEASE   "release"
#define TOKEN_MARK      "mark"

/* Taken in at a time: events that come without end must not put off a pass. */
#define EVENTS_MAX 1024

int reconciler_watch(struct reconciler *reconciler)
{
    int rc = assignment_observer_connect(reconciler->parts.assignment);

    if (rc == 0)
        rc = store_watch(reconciler->parts.store, "@introduceDomain", TOKEN_INTRODUCE);
    if (rc == 0)
        rc = store_watch(reconciler->parts.store, "@releaseDomain", TOKEN_RELEASE);
    return rc;
}

/* 1 and whether it is the mark; 0 when there is no event; or a negative errno. */
static int take_event(struct reconciler *reconciler, bool *mark)
{
    const char *path, *token;
    char **event;
    int rc = store_next_event(reconciler->parts.store, &event);

    if (rc <= 0)
        return rc;
    path = event[XS_WATCH_PATH];
    token = event[XS_WATCH_TOKEN];
    log_debug("watch event %s (%s)", path, token);
    *mark = strcmp(token, TOKEN_MARK) == 0;
    /* A domain that was introduced may have its home in the place of an old one. */
    if (strcmp(token, TOKEN_INTRODUCE) == 0)
        reconciler->introduced = true;
    else
        (void)assignment_observer_event(reconciler->parts.assignment, path, token);
    free(event);
    return 1;
}

int reconciler_take_events(struct reconciler *reconciler)
{
    bool mark;
    int rc = 1;

    for (int taken = 0; taken < EVENTS_MAX; taken++) {
        rc = take_event(reconciler, &mark);
        if (rc <= 0)
            return rc < 0 ? rc : taken > 0;
    }
    return RECONCILER_MORE_EVENTS;
}

/* A new watch fires at once, behind all that fired before. */
static int take_events_to_mark(struct reconciler *reconciler)
{
    struct store *store = reconciler->parts.store;
    bool mark = false;
    int rc = store_watch(store, XENIOMMU_HOST_DIR, TOKEN_MARK);

    if (rc == 0)
        rc = store_sync(store);
    for (int taken = 1; rc >= 0 && taken > 0 && !mark;) {
        taken = take_event(reconciler, &mark);
        rc = taken < 0 ? taken : rc;
    }
    return rc < 0 ? rc : store_unwatch(store, XENIOMMU_HOST_DIR, TOKEN_MARK);
}

int pass_take_pending(struct reconciler *reconciler)
{
    /* xenstored sends its events before the answer to any later question. */
    int rc = reconciler->parts.store ? store_sync(reconciler->parts.store) : 0, events;

    if (rc < 0 || !reconciler->parts.store)
        return rc;
    events = reconciler_take_events(reconciler);
    if (events != RECONCILER_MORE_EVENTS)
        return events;
    rc = take_events_to_mark(reconciler);
    return rc < 0 ? rc : 1;
}

int reconciler_take_uevents(struct reconciler *reconciler)
{
    int rc = pci_observer_dispatch(reconciler->parts.pci);

    if (rc == -ENOBUFS) {
        log_notice("uevents were lost, reading all PCI functions again");
        rc = pci_observer_rescan(reconciler->parts.pci, true);
        rc = rc < 0 ? rc : 1;
    }
    if (rc > 0)
        reconciler->devices_changed = true;
    return rc;
}

/* Something happened to the device since this pass looked at it. */
static bool has_news(const struct reconciler *reconciler, const struct device *device)
{
    uint32_t sbdf = device->function.sbdf;
    const struct pci_function *now =
        pci_topology_find(pci_observer_topology(reconciler->parts.pci), sbdf);

    return !now || now->incarnation != device->function.incarnation ||
           now->events != device->function.events ||
           assignment_observer_is_pending(reconciler->parts.assignment, sbdf);
}

/* libxl's records name the owner of a device tree device, and no answer tells one guest's from
 * another's: what was asked of with a record that is another one by now is not known. */
static int take_record_news(struct reconciler *reconciler)
{
    int rc;

    if (!toolstack_observer_dispatch(reconciler->parts.toolstack))
        return 0;
    rc = toolstack_observer_refresh(reconciler->parts.toolstack);
    reconciler_records_changed(reconciler);
    return rc < 0 ? rc : 1;
}

int pass_take_news(struct reconciler *reconciler)
{
    int events = pass_take_pending(reconciler);
    int uevents = events >= 0 ? reconciler_take_uevents(reconciler) : events;
    int records = uevents >= 0 ? take_record_news(reconciler) : uevents;

    if (records < 0)
        return records;
    if (!events && !uevents && !records)
        return 0;
    reconciler->overtaken = true;
    for (size_t i = 0; i < reconciler->inventory.pci_count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        /* What was not taken in may be about any of them. */
        if (uevents == PCI_OBSERVER_MORE || has_news(reconciler, device))
            evidence_changed(&device->evidence, reconciler->pass + 1);
    }
    return 0;
}
