/* SPDX-License-Identifier: MIT */
/* The guest's end of a domain's XenStore ring and event channel. */
#ifndef XI_TESTS_RIG_RING_H
#define XI_TESTS_RIG_RING_H

#include "buffer.h"
#include "state.h"

struct xenstore_domain_interface;

struct ring {
    struct xenstore_domain_interface *page;
    struct store_channel *channel;
    int wake_daemon; /* FIFOs */
    int wake_guest;  /* poll() this one */
};

/* Opens domain domid's ring. 0, or -1 with errno. */
int ring_open(struct ring *ring, uint32_t domid);

/* Takes all answers off the ring. */
void ring_receive(struct ring *ring, struct buffer *answers);

/* Puts requests on the ring, as far as there is room. */
void ring_send(struct ring *ring, struct buffer *requests);

/* Empties wake_guest. */
void ring_awake(struct ring *ring);

#endif
