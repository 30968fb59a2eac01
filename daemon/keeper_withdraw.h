/* SPDX-License-Identifier: MIT */
/* Takes back, over the bare protocol, what a daemon that is gone has published. */
#ifndef XI_KEEPER_WITHDRAW_H
#define XI_KEEPER_WITHDRAW_H

#include "keeper_page.h"
#include "keeper_wire.h"

/* How far it is; zero at first, and again whenever keeper_withdraw() did not give 1. */
struct withdrawal {
    uint32_t next; /* the domain to go on with */
    int met;       /* the last error of a tree so far */
};

/* Sets status to "stopped" and removes every record, in each tree that is marked and exists; as the
 * daemon does, in one transaction a tree, which counts in generation. Where that fails the whole
 * tree is removed. What was taken back is not marked any more, what could not be is.
 *
 * 1 when there is more to be done, and the caller may do something else for a moment; 0 when
 * nothing is left; otherwise the error that ended it (-ETIMEDOUT, -ENOTCONN, or one of
 * wire_connect()), or the last one that a tree met. */
int keeper_withdraw(struct wire *wire, struct keeper_page *page, struct withdrawal *at);

#endif
