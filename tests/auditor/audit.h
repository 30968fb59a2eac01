/* SPDX-License-Identifier: MIT */
/* Holds what is published against what is true, again and again. */
#ifndef XI_TESTS_AUDITOR_AUDIT_H
#define XI_TESTS_AUDITOR_AUDIT_H

#include "report.h"
#include "source.h"
#include "tree.h"

struct audit {
    struct machine machine;
    struct source *source;
    struct history history;
    struct store store;
    struct report report;
    struct tree *trees; /* [0] is the host's */
    size_t tree_count;
    uint64_t drained;       /* all that changed before has been announced */
    uint64_t heard;         /* what was announced up to now was announced before this */
    uint64_t sweep_cost;    /* how long that took, ns */
    uint64_t looked;        /* when the last look began; 0: none since XenStore was lost */
    uint64_t swept;         /* when all trees were read last, whatever was announced */
    uint64_t allow_overlap; /* ns for which a claim may stand after it was true last */
    uint64_t allow_ready;   /* the same for status = ready without a daemon */
};

/* Looks once. Returns whether XenStore could be read. */
bool audit_step(struct audit *audit);

/* Ends what still stands, and frees all but the source. */
void audit_end(struct audit *audit);

#endif
