/* SPDX-License-Identifier: MIT */
/* The host, or a domain, in one verdict: is every guest's device protected? */
#ifndef XI_CLIENT_CLI_VERDICT_H
#define XI_CLIENT_CLI_VERDICT_H

#include "explain_words.h"
#include "view.h"

/* What is wrong with a device. */
enum finding_kind {
    FINDING_GUEST, /* a guest has it, and it is not protected */
    FINDING_SPLIT, /* it shares its requester or stream ID with another domain's */
    FINDING_OWNER, /* its owner is not certain: a guest may have it */
    FINDING_KEPT,  /* it is kept for guests, none has it, and its DMA may not be blocked */
    FINDING_KINDS,
};

struct finding {
    enum finding_kind kind;
    const struct tree_record *record; /* in the verdict's list */
    const char *why;                  /* in words; NULL: a reason that this program does not know */
    const char *change;               /* what to do; NULL: likewise */
};

struct verdict {
    struct tree_list list; /* every device of the view */
    struct finding *findings;
    size_t count;                /* of findings */
    size_t kinds[FINDING_KINDS]; /* how many of each */
    size_t guests;  /* devices that guests have; of another view than the host's: its own */
    char text[200]; /* the verdict in a line */
};

/* Reads the view's tree, and judges it. Free the verdict in any case. 0, or as tree_load(). */
int verdict_make(struct verdict *verdict, struct view *view);

void verdict_free(struct verdict *verdict);

/* The kind's name for programs: "guest-not-protected" and so on. */
const char *finding_name(enum finding_kind kind);

#endif
