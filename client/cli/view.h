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
};

/* Connects and chooses: the tree of domain domid, or where that is negative the host's if it can be
 * read, else the own. Close it with view_close(), after an error too. 0 or an error of
 * store_connect() or store_read(). */
int view_open(struct view *view, int32_t domid);

/* The same, but never the host's. 0 or an error of store_connect(). */
int view_open_own(struct view *view, int32_t domid);

void view_close(struct view *view);

/* Whether the view's addresses are those of the machine that this program runs on. */
bool view_is_local(const struct view *view);

/* The view's name for programs: "host", "own" or "domain". */
const char *view_name(const struct view *view);

/* Says on stderr what an error of the view, or of reading its tree, means. Returns the exit code.
 */
int view_complain(struct view *view, int error);

#endif
