/* SPDX-License-Identifier: MIT */
/* What the daemon may do: all that root can while it opens what it needs, next to nothing from then
 * on, with a helper for what is opened later. */
#ifndef XI_RIGHTS_H
#define XI_RIGHTS_H

#include "opener.h"
#include "privileges.h"

struct rights {
    struct privileges privileges;
    struct opener *opener; /* NULL: this process opens what it needs */
};

/* Finds whom to run as (privileges_plan()'s user), and starts the opener where that is not root:
 * before anything is open that it would hold as well. root prefixes the paths and is the caller's
 * until rights_end(). 0; -ENOENT when there is no such user; another negative errno, all of which
 * were logged. */
int rights_prepare(struct rights *rights, const char *user, const char *root);

/* Behind it only what is open, and what the opener opens, is there. 0 or a negative errno, which
 * was logged: the process must end then. */
int rights_give_up(const struct rights *rights);

void rights_end(struct rights *rights);

#endif
