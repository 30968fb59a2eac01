/* SPDX-License-Identifier: MIT */
#ifndef XI_INCARNATION_H
#define XI_INCARNATION_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "tree.h"

/* Whom a tree is for. A domain's number is soon another one's, so a tree is written for the domain
 * whose facts were gathered or for none. */
struct incarnation {
    uint32_t domid; /* a domain's, or one of the publisher's own */
    const uint8_t
        *handle; /* its UUID, 16 bytes; NULL for dom0 and the others, which stay the same */
    /* What XenStore must still say when the tree is written: values by absolute path, of the
     * records that it was made from. NULL: nothing. */
    const struct tree *witnesses;
};

/* Looks, in the transaction that writes the tree, whether XenStore still speaks of this very
 * domain. 0; *named tells whether its home says so itself, by "vm", or else Xen has to. -ESTALE
 * when it is another domain's, or a witness says something else; another negative errno. What was
 * read makes the commit fail if it changes until then. */
int incarnation_check(struct store *store, xs_transaction_t t, const struct incarnation *who,
                      bool *named);

#endif
