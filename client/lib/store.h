/* SPDX-License-Identifier: MIT */
/* One XenStore connection that outlives xenstored: lost, it is found again on the next use. */
#ifndef XI_CLIENT_LIB_STORE_H
#define XI_CLIENT_LIB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xs_handle;

/* Not thread-safe: its owner locks. Paths that do not begin with '/' are relative to the own
 * domain's home. */
struct store {
    struct xs_handle *xs;     /* NULL while there is no connection */
    struct xs_handle *lister; /* a second connection, for store_list(); NULL until it is needed */
    const char *watched;      /* what is watched on every connection; NULL: nothing */
    uint64_t epoch;           /* grows with each event, and with each lost or new connection */
    int epoll;                /* readable when store_take_changes() has work; -1: not asked for */
    int timer;                /* in epoll: when to try again */
    int hangup;               /* in epoll: a second connection, since libxenstore's descriptor does
                                 not wake when xenstored dies; -1: none, as in a guest */
    unsigned int backoff_ms;  /* before the next attempt to connect */
    bool changed;             /* something happened that store_take_changes() has not told yet */
    bool over_socket;         /* xenstored had a socket; the device is no way to it then */
    char seen[32];            /* what is watched, when store_take_changes() last looked at it */
};

/* What a node holds. */
struct store_value {
    char *data; /* malloc'ed, ends in a NUL that len does not count */
    size_t len;
};

/* Sets a store to "no connection, no watch". */
void store_init(struct store *store);

/* Connects, and sets the watch, unless there is a connection already.
 * 0, -EACCES, -EMFILE, -ENFILE, -ENOMEM, -ENOSPC: no watch is left to this domain, or -ENOTCONN for
 * every other cause. */
int store_connect(struct store *store);

/* Ends the connection and the watch. */
void store_close(struct store *store);

/* As store_close(), for the child of a fork: leaves the parent's connection and thread alone. */
void store_abandon(struct store *store);

/* Reads a node; the caller frees value->data. On an error value is empty.
 * 0, -ENOENT, -EACCES, -ENOMEM, or -ENOTCONN: the connection is lost, and closed. */
int store_read(struct store *store, const char *path, struct store_value *value);

/* Lists a node's children; the caller frees names, in one piece. Errors as store_read(), and
 * -E2BIG: more than this xenstored can tell. oxenstored answers with a message that is longer than
 * the protocol allows, and libxenstore gives up the connection: so it gets one of its own. */
int store_list(struct store *store, const char *path, char ***names, unsigned int *count);

/* Watches a path from now on, over reconnections too; path must live as long as the store. Only
 * before the first store_connect(); a store watches one path. */
void store_watch(struct store *store, const char *path);

/* The descriptor to poll, of a store with a watch: readable when store_take_changes() has work, at
 * first too. No connection is needed. -EMFILE, -ENFILE or -ENOMEM. */
int store_fd(struct store *store);

/* Takes the pending events, of a store with a watch, without waiting and without a system call
 * where there is none; they, and a lost connection, show in epoch. store_take_changes() still tells
 * them. */
void store_take_events(struct store *store);

/* Takes the events of everything that was changed until now, reconnects where that is due. Does not
 * wait for events, but for xenstored's answer. Sets changed if anything may have changed since the
 * last call, a lost or new connection included. 0 or an error of store_connect(). */
int store_take_changes(struct store *store, bool *changed);

/* Makes the next store_take_changes() tell of a change, and the descriptor readable in delay_ms. */
void store_mark_changed(struct store *store, unsigned int delay_ms);

#endif
