/* SPDX-License-Identifier: MIT */
/* A small process that stays root when the daemon no longer is: it opens what only root can and
 * hands the descriptors over, asked by kind and number, never by a path. */
#ifndef XI_OPENER_H
#define XI_OPENER_H

#include "opener_file.h"

struct opener;

/* Starts it, below the caller as long as that lives; root prefixes the paths (not sysfs's) and is
 * the caller's as long. To be called while there is one thread. 0 or a negative errno; the caller
 * calls opener_stop(). */
int opener_start(struct opener **opener, const char *root);

/* Tells it to end, and does not wait for that. NULL is allowed. */
void opener_stop(struct opener *opener);

/* Readable when the opener has ended or failed: nothing more will be opened then. */
int opener_fd(const struct opener *opener);

/* Opens what is asked for: the opener does, or, where there is none (NULL), this process. A
 * descriptor or a negative errno: what open(2) gave, -EINVAL for a request without sense, -EPIPE
 * when the opener has ended, -ETIMEDOUT when it does not answer (it is not asked again then). Of
 * OPENER_PARTIAL_TREE *link is what lstat(2) tells of its name; NULL else. */
int opener_open(struct opener *opener, const char *root, const struct opener_request *what,
                struct stat *link);

/* Adds a watch to that inotify descriptor (OPENER_WATCH). Its number or a negative errno, as above.
 */
int opener_watch(struct opener *opener, const char *root, const struct opener_request *what,
                 int inotify);

#endif
