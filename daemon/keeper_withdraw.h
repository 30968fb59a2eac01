/* SPDX-License-Identifier: MIT */
/* Takes back, over the bare protocol, what a daemon that is gone has published. */
#ifndef XI_KEEPER_WITHDRAW_H
#define XI_KEEPER_WITHDRAW_H

#include "keeper_page.h"
#include "keeper_wire.h"

/* Sets status to "stopped" and removes every record, in each tree that is marked and exists; as the
 * daemon does, in one transaction a tree, which counts in generation. Where that fails the whole
 * tree is removed. What was taken back is not marked any more. 0 when nothing is left; otherwise
 * the error that ended it (-ETIMEDOUT, -ENOTCONN, or one of wire_connect()), or the last one that
 * was met. */
int keeper_withdraw(struct wire *wire, struct keeper_page *page);

#endif
