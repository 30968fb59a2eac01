/* SPDX-License-Identifier: MIT */
#include "transaction.h"

#include <errno.h>

#include "counters.h"

/* C xenstored gives EIO for removing what somebody else removes at the same time: what a
 * transaction has read of a tree then does not fit the rest any more. Such a conflict never gets to
 * the commit. */
#define EARLY_CONFLICTS 4

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

int transaction_run(struct store *store, transaction_fn *fn, void *arg)
{
    struct xs_handle *xs = store_handle(store);
    int early = 0;

    if (!xs)
        return -ENOTCONN;
    for (int tries = 0; tries < TRANSACTION_TRIES; tries++) {
        xs_transaction_t t;
        int rc;

        counter_add(tries ? COUNTER_RETRIES : COUNTER_TRANSACTIONS);
        errno = 0;
        t = xs_transaction_start(xs);
        if (t == XBT_NULL)
            return last_error();
        rc = fn(store, t, arg);
        errno = 0;
        if (xs_transaction_end(xs, t, rc != 0) && rc != -EIO)
            return rc;
        if (rc == -EIO && ++early < EARLY_CONFLICTS)
            continue;
        /* A failure to abort matters only where fn had no complaint of its own. */
        if (rc < 0)
            return rc;
        if (errno != EAGAIN)
            return last_error();
    }
    return -EAGAIN;
}
