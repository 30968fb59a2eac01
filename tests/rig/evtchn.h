/* SPDX-License-Identifier: MIT */
#ifndef XI_TESTS_RIG_EVTCHN_H
#define XI_TESTS_RIG_EVTCHN_H

#include "state.h"

struct domain;

struct xenevtchn_handle {
    int fd;     /* evtchn.fifo */
    int lockfd; /* -1 for a handle made from a descriptor */
    struct event_state *state;
};

/* Whether a channel is bound to a domain that is not in this list. */
bool evtchn_bound_to_others(const struct domain *domains, size_t count);

/* Starts the thread that raises VIRQ_DOM_EXC when a domain goes, dies or shuts down. 0, or -1 with
 * errno. The handle must live on. */
int virq_start(struct xenevtchn_handle *handle);

#endif
