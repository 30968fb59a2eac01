/* SPDX-License-Identifier: MIT */
/* The keeper: the small parent of the daemon. It hands on signals and notifications, and takes back
 * what is published when the daemon ends in any way or gets stuck. */
#ifndef XI_KEEPER_H
#define XI_KEEPER_H

#include "keeper_page.h"

/* The daemon's exit status for "fork me again", as EX_TEMPFAIL. */
#define DAEMON_EXIT_AGAIN 75

/* What the daemon has of its keeper. */
struct keeper_link {
    struct keeper_page *page;
    int fd; /* readable when the keeper is gone; takes keeper_notify() */
};

/* What runs as the daemon; with SIGTERM, SIGINT, SIGHUP and SIGCHLD blocked, until it can take
 * them. Its exit status. */
typedef int keeper_daemon_fn(void *arg, const struct keeper_link *link);

/* Forks the daemon and keeps it. The exit status of the process; the child does not return. */
int keeper_run(keeper_daemon_fn *fn, void *arg);

/* For the daemon: lets the signals come that its keeper hands on, or keeps them back. */
void keeper_let_signals(bool come);

/* For the daemon: tells the service manager something, lines as in sd_notify(3), by way of the
 * keeper. Does not wait. 0 or a negative errno. */
int keeper_notify(const struct keeper_link *link, const char *lines);

#endif
