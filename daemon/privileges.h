/* SPDX-License-Identifier: MIT */
/* Whom the daemon runs as, once it has opened what only root can. */
#ifndef XI_PRIVILEGES_H
#define XI_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom the daemon runs as where nobody says another user, and where there is this one. */
#define PRIVILEGES_USER "xen-iommud"

struct privileges {
    bool drop; /* false: they stay as they are */
    uid_t uid;
    gid_t gid;
};

/* What user means for this process: NULL is PRIVILEGES_USER. They stay where this process is not
 * root, for "root", and where there is no PRIVILEGES_USER, and a line says so. 0; -ENOENT when
 * there is no such user; or another negative errno. */
int privileges_plan(const char *user, struct privileges *plan);

/* Becomes that user for good, with no group but its own, without any capability, and without a way
 * to gain one. To be called while there is one thread: capabilities are each thread's own. 0 or a
 * negative errno, and then the process must end. */
int privileges_drop(const struct privileges *plan);

/* The opener's part: stays root, without all capabilities but those that opening takes. 0 or a
 * negative errno. */
int privileges_keep_opening(void);

#endif
