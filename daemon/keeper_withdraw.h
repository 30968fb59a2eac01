/* SPDX-License-Identifier: MIT */
/* Takes back, over the bare protocol, what a daemon that is gone has published. */
#ifndef XI_KEEPER_WITHDRAW_H
#define XI_KEEPER_WITHDRAW_H

#include "keeper_page.h"
#include "keeper_wire.h"

/* How far it is; zero at first, and again whenever keeper_withdraw() did not give 1. */
struct withdrawal {
    uint32_t next;  /* the domain to go on with */
    int met;        /* the last error of a tree so far */
    bool host, own; /* the host's and dom0's own tree have yet to lose their records */
};

/* Sets status to "stopped", in a transaction that counts in generation, in each tree that is marked
 * and exists, and removes every record then; of the host's and of dom0's tree, which may be large,
 * when that was said in all. Where a part of it fails the whole tree is removed. What was taken
 * back is not marked any more, what could not be is.
 *
 * 1 when there is more to be done, and the caller may do something else for a moment; 0 when
 * nothing is left; otherwise the error that ended it (-ETIMEDOUT, -ENOTCONN, or one of
 * wire_connect()), or the last one that a tree met. */
int keeper_withdraw(struct wire *wire, struct keeper_page *page, struct withdrawal *at);

#endif
