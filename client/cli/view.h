/* SPDX-License-Identifier: MIT */
/* Which of the published trees a command looks at. */
#ifndef XI_CLIENT_CLI_VIEW_H
#define XI_CLIENT_CLI_VIEW_H

#include "store.h"
#include "tree.h"

#include <stdint.h>

enum view_kind {
    VIEW_HOST,   /* the host's tree: every device under its host address, dom0 only */
    VIEW_OWN,    /* this domain's own */
    VIEW_DOMAIN, /* another domain's, as that domain sees it, dom0 only */
};

struct view {
    enum view_kind kind;
    int32_t domid; /* VIEW_DOMAIN: whose */
    struct store store;
    struct tree tree;
    char watched[TREE_ROOT_SIZE + 16]; /* view_follow(): the tree's generation */
};

/* Connects and chooses: the tree of domain domid, or where that is negative the host's if it can be
 * read, else the own. Close it with view_close(), after an error too. 0 or an error of
 * store_connect() or store_read(). */
int view_open(struct view *view, int32_t domid);

/* The same, but never the host's. 0 or an error of store_connect(). */
int view_open_own(struct view *view, int32_t domid);

/* A view whose store watches the tree, and is not connected yet: store_take_changes() does that.
 * The view may not be moved. */
void view_follow(struct view *view, enum view_kind kind, int32_t domid);

void view_close(struct view *view);

/* 1: this is dom0, and the host's tree is there; 0: it is not; or an error of store_read(). */
int view_host_is_readable(struct store *store);

/* Whether the view's addresses are those of the machine that this program runs on. */
bool view_is_local(const struct view *view);

/* The view's name for programs: "host", "own" or "domain". */
const char *view_name(const struct view *view);

/* The status as last read, or "gone": nobody stands by a published "ready". "" where there is none.
 */
const char *view_status(const struct view *view);

/* Says on stderr if the domain that is looked at is not there, or not for us to see. Returns the
 * exit code, EXIT_FINE if it is there. */
int view_check_domain(struct view *view);

/* Says on stderr what an error of the view, or of reading its tree, means. Returns the exit code.
 */
int view_complain(struct view *view, int error);

#endif
