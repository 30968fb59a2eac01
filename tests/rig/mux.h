/* SPDX-License-Identifier: MIT */
/*
 * Lets several clients share one connection to xenstored, as a guest kernel's xenbus driver does:
 * request ids and watch tokens are rewritten, and what a client leaves behind when it goes
 * (watches, open transactions) is taken back.
 */
#ifndef XI_TESTS_RIG_MUX_H
#define XI_TESTS_RIG_MUX_H

#include "buffer.h"

#include <stdint.h>

#define MUX_CLIENTS 64

struct mux_client {
    int fd;      /* -1: a free place */
    uint32_t id; /* never used again */
    struct buffer in, out;
    struct mux_watch *watches;
    struct mux_transaction *transactions;
};

struct mux {
    struct mux_client clients[MUX_CLIENTS];
    struct mux_request *pending; /* sent, not answered; in order */
    uint32_t next_client, next_request;
    struct buffer requests; /* to xenstored */
    struct buffer answers;  /* from xenstored */
};

void mux_init(struct mux *mux);

/* The place for another client, or NULL when all are taken. */
struct mux_client *mux_free_place(struct mux *mux);

/* Gives the place to the client behind fd. */
void mux_add_client(struct mux *mux, struct mux_client *client, int fd);

/* The client's descriptor can be read, or written. The client may be gone afterwards. */
void mux_client_readable(struct mux *mux, struct mux_client *client);
void mux_client_writable(struct mux *mux, struct mux_client *client);

/* Hands the whole messages in mux->answers to the clients. */
void mux_deliver(struct mux *mux);

#endif
