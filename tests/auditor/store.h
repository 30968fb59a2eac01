/* SPDX-License-Identifier: MIT */
/* XenStore, as the auditor reads it: a connection that comes back, and knows how long it stood
 * still. */
#ifndef XI_TESTS_AUDITOR_STORE_H
#define XI_TESTS_AUDITOR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xenstore.h>

#define STALLS   64
#define STALL_NS 50000000u /* an answer that takes longer is one that nobody else gets either */

struct stall {
    uint64_t from, to;
};

struct store {
    struct xs_handle *xs; /* NULL while there is no xenstored */
    uint64_t lost;        /* since when */
    uint64_t answered;    /* when the last answer came */
    struct stall stalls[STALLS];
    size_t stall_count;
};

/* Connects, if need be, and sets the watches. Returns whether there is a connection. */
bool store_connect(struct store *store);

/* The connection is of no use any more. */
void store_drop(struct store *store);
void store_close(struct store *store);

/* The next path that changed, to be freed, or NULL. */
char *store_event(struct store *store);

/* A transaction: XBT_NULL, or false, with errno. */
xs_transaction_t store_begin(struct store *store);
bool store_end(struct store *store, xs_transaction_t tx, bool abort);

/* A value as a string, to be freed; NULL with errno. */
char *store_read(struct store *store, xs_transaction_t tx, const char *path);

/* The names of the children, to be freed; NULL with errno. */
char **store_list(struct store *store, xs_transaction_t tx, const char *path, unsigned int *count);

/* Whether an errno says that the connection is gone. */
bool store_is_lost(int error);

/* For how much of a time XenStore gave no answer to anybody, ns. */
uint64_t store_stalled(const struct store *store, uint64_t from, uint64_t to);

#endif
