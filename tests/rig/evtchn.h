/* SPDX-License-Identifier: MIT */
#ifndef XI_TESTS_RIG_EVTCHN_H
#define XI_TESTS_RIG_EVTCHN_H

#include "state.h"

struct xenevtchn_handle {
    int fd;     /* evtchn.fifo */
    int lockfd; /* -1 for a handle made from a descriptor */
    struct event_state *state;
};

/* Starts the thread that raises VIRQ_DOM_EXC when a domain goes, dies or shuts down. 0, or -1 with
 * errno. The handle must live on. */
int virq_start(struct xenevtchn_handle *handle);

#endif
