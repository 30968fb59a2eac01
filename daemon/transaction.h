/* SPDX-License-Identifier: MIT */
/* XenStore transactions, and the only place that knows their retries. */
#ifndef XI_TRANSACTION_H
#define XI_TRANSACTION_H

#include "store.h"

/* The work inside one transaction. 0: commit it. 1: there is nothing to commit, nor to be sure of.
 * Negative errno: give it up. It is run again from the start after a conflict. */
typedef int transaction_fn(struct store *store, xs_transaction_t t, void *arg);

/* Runs fn until its transaction is committed; one that only reads is committed too, since nothing
 * but the commit tells that all it read stood there together. 0 when it was, 1 when fn had nothing
 * to commit, fn's own error, or -EAGAIN when somebody else interfered TRANSACTION_TRIES times
 * running. */
#define TRANSACTION_TRIES 32
int transaction_run(struct store *store, transaction_fn *fn, void *arg);

#endif
