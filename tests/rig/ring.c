/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <unistd.h>
#include <xen/io/xs_wire.h>

int ring_open(struct ring *ring, uint32_t domid)
{
    ring->page = state_map_domain("ring", domid);
    ring->channel = state_map_domain("chan", domid);
    ring->wake_guest = state_fifo_domain(domid);
    ring->wake_daemon = state_fifo("evtchn.fifo", true);
    if (!ring->page || !ring->channel || ring->wake_guest < 0 || ring->wake_daemon < 0)
        return -1;
    return 0;
}

static void notify(struct ring *ring)
{
    uint32_t port = ring->channel->local_port;

    if (port)
        state_raise(&ring->channel->to_daemon, ring->wake_daemon, port);
}

static bool put(struct ring *ring, struct buffer *requests)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t consumer = *(volatile uint32_t *)&page->req_cons, producer = page->req_prod;
    uint32_t room = XENSTORE_RING_SIZE - (producer - consumer);
    uint32_t length = requests->length < room ? (uint32_t)requests->length : room;

    if (!length)
        return false;
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < length; i++)
        page->req[MASK_XENSTORE_IDX(producer + i)] = requests->bytes[i];
    atomic_thread_fence(memory_order_seq_cst);
    page->req_prod = producer + length;
    buffer_drop(requests, length);
    notify(ring);
    return true;
}

static bool get(struct ring *ring, struct buffer *answers)
{
    struct xenstore_domain_interface *page = ring->page;
    uint32_t producer = *(volatile uint32_t *)&page->rsp_prod, consumer = page->rsp_cons;
    uint32_t length = producer - consumer;
    char bytes[XENSTORE_RING_SIZE];

    if (!length || length > XENSTORE_RING_SIZE)
        return false;
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = page->rsp[MASK_XENSTORE_IDX(consumer + i)];
    atomic_thread_fence(memory_order_seq_cst);
    page->rsp_cons = consumer + length;
    buffer_add(answers, bytes, length);
    notify(ring); /* there is room again */
    return true;
}

void ring_receive(struct ring *ring, struct buffer *answers)
{
    ring->channel->to_guest = 0; /* before looking, so that a later event wakes us again */
    while (get(ring, answers))
        ;
}

void ring_send(struct ring *ring, struct buffer *requests)
{
    while (put(ring, requests))
        ;
}

void ring_awake(struct ring *ring)
{
    uint32_t ports[64];

    while (read(ring->wake_guest, ports, sizeof(ports)) > 0)
        ;
}
