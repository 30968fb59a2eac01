/* SPDX-License-Identifier: MIT */
/* What a tree claims, and whether a state of the world admits it. Pure. */
#ifndef XI_TESTS_AUDITOR_CLAIM_H
#define XI_TESTS_AUDITOR_CLAIM_H

#include "truth.h"

#include <xeniommu-schema.h>

#define TREE_HOST   (-1) /* in a domid's place: /tool/xen-iommud */
#define DETAIL_SIZE 320

enum claim_kind {
    CLAIM_STATE,  /* a record's state, where it is one that promises something */
    CLAIM_SKIP,   /* swiotlb = skip */
    CLAIM_RECORD, /* that there is a record at all, of a guest's */
    CLAIM_TREE,   /* that there is a tree at all, of a guest's */
    CLAIM_READY,  /* status = ready */
};

enum finding {
    FINDING_NONE,
    FALSE_PROTECTED,
    FALSE_RELAXED,
    FALSE_QUARANTINED,
    FALSE_SKIP,
    WRONG_DOMAIN,
    GHOST,
    READY_WITHOUT_DAEMON,
    FINDINGS,
};

struct claim {
    enum claim_kind kind;
    int tree;                  /* a domid, or TREE_HOST */
    char device[DEVICE_SIZE];  /* of a record: as the tree's domain sees it */
    enum xeniommu_state state; /* CLAIM_STATE */
    int owner;                 /* whose it is said to be; OWNER_NONE: not known */
    char uuid[UUID_SIZE];      /* whose home the tree lies in, by XenStore; "": it does not say */
    bool homeless;             /* CLAIM_TREE: nothing of a domain stands beside it */
};

/* What the toolstack was seen to say of a guest's addresses. */
struct slot {
    char uuid[UUID_SIZE];
    char address[16], device[16];
};

/* What is known of the machine and does not change. */
struct machine {
    enum { DOM0_RELAXED, DOM0_STRICT, DOM0_PASSTHROUGH, DOM0_PVH } dom0;
    char **uncovered; /* functions that no IOMMU covers */
    size_t uncovered_count;
    char **bridges; /* functions that only pass on what others send */
    size_t bridge_count;
};

/* The name of a finding, as the output has it. */
const char *finding_name(enum finding finding);

bool claim_equal(const struct claim *a, const struct claim *b);

/* What is wrong with a claim in a state of the world. slots: of the claim's tree. detail: receives
 * why, as text. */
enum finding claim_judge(const struct claim *claim, const struct truth *truth,
                         const struct machine *machine, const struct slot *slots, size_t slot_count,
                         char detail[DETAIL_SIZE]);

#endif
