/* SPDX-License-Identifier: MIT */
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
