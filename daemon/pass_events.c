/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pass.h"

#define TOKEN_INTRODUCE "introduce"
#define TOKEN_RELEASE   "release"

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

int reconciler_take_events(struct reconciler *reconciler)
{
    int rc = 0;

    for (int taken = 0; taken < EVENTS_MAX; taken++) {
        const char *path, *token;
        char **event;

        rc = store_next_event(reconciler->parts.store, &event);
        if (rc <= 0)
            return rc < 0 ? rc : taken > 0;
        path = event[XS_WATCH_PATH];
        token = event[XS_WATCH_TOKEN];
        log_debug("watch event %s (%s)", path, token);
        /* A domain that was introduced may have its home in the place of an old one. */
        if (strcmp(token, TOKEN_INTRODUCE) == 0)
            reconciler->introduced = true;
        else
            (void)assignment_observer_event(reconciler->parts.assignment, path, token);
        free(event);
    }
    return 1;
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

int pass_take_news(struct reconciler *reconciler)
{
    /* xenstored sends its events before the answer to any later question. */
    int rc = store_sync(reconciler->parts.store);
    int events = rc == 0 ? reconciler_take_events(reconciler) : rc;
    int uevents = events >= 0 ? reconciler_take_uevents(reconciler) : events;

    if (uevents < 0)
        return uevents;
    if (!events && !uevents)
        return 0;
    reconciler->overtaken = true;
    for (size_t i = 0; i < reconciler->inventory.pci_count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        if (has_news(reconciler, device))
            evidence_changed(&device->evidence, reconciler->pass + 1);
    }
    return 0;
}
