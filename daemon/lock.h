/* SPDX-License-Identifier: MIT */
/* One daemon at a time. */
#ifndef XI_LOCK_H
#define XI_LOCK_H

/* Takes the lock (F_OFD_SETLK), whose directory is made if it is missing (not its parents). A
 * descriptor that holds the lock until it and what the children of this process have of it is
 * closed, -EWOULDBLOCK when another process has it, or a negative errno. */
int lock_take(const char *path);

#endif
