/* SPDX-License-Identifier: MIT */
/* Tells when the files in libxl's directory change, also in one that is made only later. */
#ifndef XI_OBSERVE_DIRECTORY_WATCH_H
#define XI_OBSERVE_DIRECTORY_WATCH_H

#include <stdbool.h>

#include "../opener.h"

/* A file of that name went; NULL: any may have gone. */
typedef void directory_watch_fn(void *arg, const char *name);

struct directory_watch {
    int fd;
    int target;            /* the directory's watch, -1 while it is not there */
    int above;             /* of the nearest directory above it that is there, -1 for none */
    struct opener *opener; /* these two the caller's */
    const char *root;
    directory_watch_fn *gone;
    void *arg;
};

/* Begins to watch OPENER_DIRECTORY below root; opener and root, opener_watch()'s, must outlive the
 * watch, gone is called by dispatch. 0 or a negative errno, and then there is nothing to close. */
int directory_watch_open(struct directory_watch *watch, struct opener *opener, const char *root,
                         directory_watch_fn *gone, void *arg);
void directory_watch_close(struct directory_watch *watch);

/* Takes in what is pending, or a part of it: the descriptor stays readable then. True when files
 * may have come, gone or changed. */
bool directory_watch_dispatch(struct directory_watch *watch);

/* Tries to watch the directory if it is not watched yet. 1 when it is from now on, 0 when nothing
 * changed, or a negative errno. */
int directory_watch_aim(struct directory_watch *watch);

#endif
