/* SPDX-License-Identifier: MIT */
/* Taking a word back where the publisher's transaction cannot be had. */
#ifndef XI_DOWNGRADE_H
#define XI_DOWNGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "tree.h"

/* How long a claim that no longer holds may stand, from the first failure to take it back: then the
 * process ends, so that who watches it withdraws. Milliseconds. */
#define DOWNGRADE_BOUND_MS 2000u

/* Does any device have a claim (protected, relaxed, quarantined, skip) in this tree? Pure. */
bool downgrade_has_claims(const struct tree *tree);

/* Does what stands in a tree claim more than what is wanted there: some claim that is not wanted as
 * it is, of another owner, or without a limit that is wanted beside it? Pure. */
bool downgrade_is_due(const struct tree *stands, const struct tree *wanted);

/* Takes a whole tree back without a transaction, in the first way that works, so that no reader
 * believes it and readers that remember it hear of the change. Nothing is made in a domain's home,
 * which may be gone, or another domain's, by now. domid: as for the publisher. 0, or the negative
 * errno of the first way when none worked. */
int downgrade_plainly(struct store *store, uint32_t domid);

#endif
