/* SPDX-License-Identifier: MIT */
/* What is published: one tree as it was at one moment. */
#ifndef XI_TESTS_AUDITOR_TREE_H
#define XI_TESTS_AUDITOR_TREE_H

#include "claim.h"
#include "store.h"

/* A claim while it stands. */
struct standing {
    struct claim claim;
    bool doubtful; /* no state of now admits it */
    bool reported;
    uint64_t last_true; /* while doubtful; 0: never in memory */
    enum finding finding;
    char detail[DETAIL_SIZE];
};

struct tree {
    int domid; /* or TREE_HOST */
    bool dirty;
    uint64_t read_at; /* when the last reading began; 0: not yet */
    /* What it showed stood at a moment between these, which is all that is known: oxenstored shows
     * what was when the transaction began, C xenstored what was when it ended. */
    uint64_t valid_from, valid_at;
    char *generation; /* "" where there is none */
    struct standing *standing;
    size_t count, size;
    struct slot *slots; /* all that were ever seen */
    size_t slot_count;
};

/* Reads a tree again in one transaction: the claims of now, all of them as new ones, replace those
 * of before, which the caller has to keep. Returns 0, or a negative errno with no claims. */
int tree_read(struct tree *tree, struct store *store);
void tree_free(struct tree *tree);

#endif
