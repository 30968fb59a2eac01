/* SPDX-License-Identifier: MIT */
/* What the auditor says. */
#ifndef XI_TESTS_AUDITOR_REPORT_H
#define XI_TESTS_AUDITOR_REPORT_H

#include "claim.h"

/* How long falsehoods of a kind stood which ended within the bound. */
struct overlap {
    unsigned long count;
    uint64_t longest; /* ns */
    char where[DEVICE_SIZE + 64];
};

struct report {
    bool json;
    bool each; /* tell each overlap when it is over */
    uint64_t begin;
    unsigned long found[FINDINGS];
    struct overlap overlaps[FINDINGS];
    unsigned long looks;
    uint64_t longest_gap;           /* between two looks, ns */
    unsigned long rounds;           /* how often Xen was asked; 0: another truth */
    uint64_t longest_unasked;       /* between the begins of two, ns */
    unsigned long readings, unseen; /* of trees; generations that were never read */
};

/* One line about a claim that is false. since: when it was true last, 0 never; now: when this was
 * seen. */
void report_finding(struct report *report, enum finding finding, const struct claim *claim,
                    const char *detail, uint64_t since, uint64_t now);

/* A claim that was false for a time, within the bound, and is over now. */
void report_overlap(struct report *report, enum finding finding, const struct claim *claim,
                    const char *detail, uint64_t length, uint64_t now);

/* The last line. Returns whether there were findings. */
bool report_summary(const struct report *report, uint64_t now);

#endif
