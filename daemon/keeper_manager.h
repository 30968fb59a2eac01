/* SPDX-License-Identifier: MIT */
/* The keeper's way to the service manager: sd_notify(3)'s protocol, without allocation or waiting.
 */
#ifndef XI_KEEPER_MANAGER_H
#define XI_KEEPER_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct manager {
    int fd; /* -1: there is no manager */
    struct sockaddr_un address;
    socklen_t address_length;
    int64_t watchdog_ms, next_feed; /* 0: nobody watches us */
    char held[1024];                /* a message of the daemon's that it has not taken yet */
    size_t held_length;
};

/* Reads the environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. */
void manager_init(struct manager *manager);

/* Tells it that the keeper lives, where that is due. now is the monotonic clock's, in ms. */
void manager_feed(struct manager *manager, int64_t now);

/* How long it may take until manager_feed() has something to do. */
int manager_wait_ms(const struct manager *manager, int64_t now);

/* Hands on what the daemon said over link (-1: none). 0 when the daemon has closed it, else 1. */
int manager_relay(struct manager *manager, int link);

/* True while the manager reads nothing: there is no sense in asking the link. */
bool manager_is_full(const struct manager *manager);

/* For the daemon: where memory is short, it goes before its keeper. */
void manager_yield_memory(void);

#endif
