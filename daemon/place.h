/* SPDX-License-Identifier: MIT */
/* Where the daemon's trees stand in XenStore, whom they are for, and single nodes of them. For
 * publisher.c and downgrade.c alone, the only code that writes XenStore. Unless said otherwise all
 * return 0 or a negative errno; t may be XBT_NULL: outside of any transaction. */
#ifndef XI_PLACE_H
#define XI_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

/* XenStore's own limit for an absolute path. */
#define PATH_SIZE 3072

/* domid is a domain's everywhere here, or PUBLISHER_HOST or PUBLISHER_SEEN for dom0's own trees. */

/* The directory of a tree, and with a name a node in it. -ENAMETOOLONG when that cannot be. */
int place_path(uint32_t domid, const char *name, char path[PATH_SIZE]);

/* Whether its tree stands in a domain's home. */
bool place_is_domain(uint32_t domid);

/* What the tree in the store counts itself as; 0 when there is none, or none with a count. */
int place_read_generation(struct store *store, xs_transaction_t t, uint32_t domid,
                          uint64_t *generation);

/* Makes missing parents, the home of a removed domain among them. */
int place_write(struct store *store, xs_transaction_t t, uint32_t domid, const char *name,
                const char *value);

/* A node with all below it; NULL: the whole tree. 0 too when it was not there. Makes nothing. */
int place_remove(struct store *store, xs_transaction_t t, uint32_t domid, const char *name);

/* Lets nobody but dom0 read a node. Makes nothing: -ENOENT where there is no such node. */
int place_hide(struct store *store, xs_transaction_t t, uint32_t domid, const char *name);

/* An empty tree in place of what was there, with its permissions. */
int place_start_anew(struct store *store, xs_transaction_t t, uint32_t domid);

/* A domain's home is read in the transaction that writes below it: if it goes in between, the
 * commit conflicts, and the next try finds it gone. -ENOENT when it is. */
int place_check_home(struct store *store, xs_transaction_t t, uint32_t domid);

/* The same for the tree itself. */
int place_check_tree(struct store *store, xs_transaction_t t, uint32_t domid);

#endif
