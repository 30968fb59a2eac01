/* SPDX-License-Identifier: MIT */
/*
 * Makes simulated domain DOMID reachable: what clients say on SOCKET goes through the domain's ring
 * page and event channel to the real xenstored, which so takes them for that domain.
 */
#include "mux.h"
#include "ring.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG_BYTES 65536 /* waiting for room on the ring: then clients must wait, too */

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof(address.sun_path))
        errx(1, "%s: longer than a socket's name may be", path);
    strcpy(address.sun_path, path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, MUX_CLIENTS))
        err(1, "%s", path);
    return fd;
}

static void accept_client(struct mux *mux, int listener)
{
    struct mux_client *place = mux_free_place(mux);
    int fd = place ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;

    if (fd >= 0)
        mux_add_client(mux, place, fd);
}

static void serve_clients(struct mux *mux, const struct pollfd *pollfds)
{
    for (int i = 0; i < MUX_CLIENTS; i++) {
        struct mux_client *client = &mux->clients[i];

        if (client->fd >= 0 && pollfds[i].revents & POLLOUT)
            mux_client_writable(mux, client);
        if (client->fd >= 0 && pollfds[i].revents & (POLLIN | POLLHUP | POLLERR))
            mux_client_readable(mux, client);
    }
}

/* One round: waits, and serves what is ready. */
static void serve(struct mux *mux, struct ring *ring, int listener)
{
    struct pollfd pollfds[MUX_CLIENTS + 2];
    short readable = mux->requests.length < BACKLOG_BYTES ? POLLIN : 0;

    for (int i = 0; i < MUX_CLIENTS; i++) {
        short writable = mux->clients[i].out.length ? POLLOUT : 0;

        pollfds[i] = (struct pollfd){mux->clients[i].fd, (short)(readable | writable), 0};
    }
    pollfds[MUX_CLIENTS] = (struct pollfd){ring->wake_guest, POLLIN, 0};
    pollfds[MUX_CLIENTS + 1] = (struct pollfd){mux_free_place(mux) ? listener : -1, POLLIN, 0};
    if (poll(pollfds, MUX_CLIENTS + 2, -1) < 0) {
        if (errno != EINTR)
            err(1, "poll");
        return;
    }
    if (pollfds[MUX_CLIENTS].revents)
        ring_awake(ring);
    serve_clients(mux, pollfds);
    if (pollfds[MUX_CLIENTS + 1].revents)
        accept_client(mux, listener);
}

int main(int argc, char **argv)
{
    struct mux *mux = must_alloc(sizeof(*mux));
    struct ring ring;
    int listener;

    if (argc != 3)
        errx(2, "usage: FAKEXEN_DIR=... guestproxy DOMID SOCKET");
    signal(SIGPIPE, SIG_IGN);
    if (ring_open(&ring, (uint32_t)strtoul(argv[1], NULL, 10)))
        err(1, "domain %s", argv[1]);
    mux_init(mux);
    listener = listen_on(argv[2]);
    for (;;) {
        ring_receive(&ring, &mux->answers);
        mux_deliver(mux);
        ring_send(&ring, &mux->requests);
        serve(mux, &ring, listener);
    }
}
