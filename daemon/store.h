/* SPDX-License-Identifier: MIT */
/* The connection to XenStore: reading, watching, and noticing that xenstored is gone. Writing is
 * the publisher's. All calls return 0 or a negative errno unless said otherwise. */
#ifndef XI_STORE_H
#define XI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xenstore.h>

struct store;

/* A store that is not yet connected; the caller frees it with store_free(). */
int store_new(struct store **store);
void store_free(struct store *store); /* NULL is allowed */

/* Connects, over xenstored's socket, or through the kernel where there never was a socket. */
int store_connect(struct store *store);
void store_disconnect(struct store *store);

/* Waits until xenstored has answered something, behind which all events of before are pending. 0 or
 * a negative errno. */
int store_sync(struct store *store);

/* True for the errors that a lost connection gives (-EPIPE, -EBADF ...). */
bool store_is_lost(int error);

/* xenstored itself closed the connection, so nobody reads there what we wrote. False while not
 * connected, and where there is no socket. */
bool store_is_cut(const struct store *store);

/* Readable when a watch fired. */
int store_fd(struct store *store);

/* Readable when xenstored closed its end, which store_fd() never tells; -1 where there is no
 * socket. */
int store_lifeline_fd(const struct store *store);

int store_watch(struct store *store, const char *path, const char *token);

int store_unwatch(struct store *store, const char *path, const char *token);

/* The next pending watch event: 1 and a copy that the caller frees with free() in *event,
 * (*event)[XS_WATCH_PATH] and (*event)[XS_WATCH_TOKEN]; 0 when there is none. */
int store_next_event(struct store *store, char ***event);

/* The value of a node, NUL-terminated, to be freed by the caller; its length in *length if that is
 * not NULL. -ENOENT where there is no such node. */
int store_read(struct store *store, xs_transaction_t t, const char *path, char **value,
               size_t *length);

/* A decimal number without sign or space. -EINVAL when the value is anything else. */
int store_read_number(struct store *store, xs_transaction_t t, const char *path, uint64_t *number);

/* The names of the children, in one block that the caller frees. */
int store_list(struct store *store, xs_transaction_t t, const char *path, char ***names,
               size_t *count);

/* For the publisher and transaction.c alone. NULL while not connected. */
struct xs_handle *store_handle(struct store *store);

/* Decimal digits only, no sign, no space, up to UINT64_MAX. */
bool parse_number(const char *text, uint64_t *number);

#endif
