/* SPDX-License-Identifier: MIT */
#include "audit.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All trees are read so often, whatever the watches say: but never more than a part of the time. */
#define SWEEP_NS    200000000u
#define SWEEP_SHARE 10
/* xenstored is known to live for so long after an answer. */
#define HEARTBEAT_NS 20000000u

static struct tree *find_tree(struct audit *audit, int domid)
{
    for (size_t i = 0; i < audit->tree_count; i++)
        if (audit->trees[i].domid == domid)
            return &audit->trees[i];
    audit->trees = realloc(audit->trees, (audit->tree_count + 1) * sizeof(*audit->trees));
    if (!audit->trees)
        err(2, "no memory");
    audit->trees[audit->tree_count] = (struct tree){.domid = domid, .dirty = true};
    return &audit->trees[audit->tree_count++];
}

/* Which tree an event is about: a domain's own, or that of one whose backend it is. */
static void note_event(struct audit *audit, const char *path)
{
    int domid, frontend, end = 0;

    if (strncmp(path, XENIOMMU_HOST_DIR, strlen(XENIOMMU_HOST_DIR)) == 0) {
        find_tree(audit, TREE_HOST)->dirty = true;
        return;
    }
    if (sscanf(path, "/local/domain/%d%n", &domid, &end) != 1 || domid < 0 || domid > 0x7ff0)
        return;
    if (sscanf(path, "/local/domain/0/backend/pci/%d", &frontend) == 1)
        find_tree(audit, frontend)->dirty = true;
    else if (!path[end] || strncmp(path + end, "/iommu", 6) == 0 || strcmp(path + end, "/vm") == 0)
        find_tree(audit, domid)->dirty = true;
}

/* Every tree there is, and was. */
static int sweep(struct audit *audit)
{
    unsigned int count;
    char **names = store_list(&audit->store, XBT_NULL, "/local/domain", &count);

    if (!names && errno != ENOENT)
        return -errno;
    for (unsigned int i = 0; names && i < count; i++)
        find_tree(audit, atoi(names[i]));
    free(names);
    find_tree(audit, TREE_HOST);
    for (size_t i = 0; i < audit->tree_count; i++)
        audit->trees[i].dirty = true;
    audit->swept = now_ns();
    return 0;
}

static uint64_t bound_of(const struct audit *audit, const struct standing *standing)
{
    return standing->claim.kind == CLAIM_READY ? audit->allow_ready : audit->allow_overlap;
}

/* How long no daemon lived within a time: a falsehood of its own, READY_WITHOUT_DAEMON. */
static uint64_t dead_time(const struct history *history, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;

    for (size_t i = history->count; i-- > 0 && history->states[i]->end > from;) {
        const struct truth *truth = history->states[i];
        uint64_t begin = truth->begin > from ? truth->begin : from;
        uint64_t end = i + 1 < history->count ? history->states[i + 1]->begin : to;

        if (end > to)
            end = to;
        if (!truth->alive && end > begin)
            sum += end - begin;
    }
    return sum;
}

/* For how long a claim has been false, without the time in which nobody could have taken it back:
 * xenstored answered nobody, or no daemon lived. */
static uint64_t age(const struct audit *audit, const struct standing *standing, uint64_t now)
{
    uint64_t since = standing->last_true, idle;

    if (now <= since)
        return 0;
    idle = store_stalled(&audit->store, since, now);
    if (standing->claim.kind != CLAIM_READY)
        idle += dead_time(&audit->history, since, now);
    return now - since > idle ? now - since - idle : 0;
}

static void end_doubt(struct audit *audit, struct standing *standing, uint64_t now)
{
    if (standing->doubtful && !standing->reported)
        report_overlap(&audit->report, standing->finding, &standing->claim, standing->detail,
                       age(audit, standing, now), now);
    standing->doubtful = standing->reported = false;
}

/* When a claim was true last, up to now; 0: never, as far as is known. finding: what is wrong in
 * the latest state. */
static uint64_t last_true(const struct audit *audit, const struct tree *tree,
                          struct standing *standing, uint64_t now)
{
    const struct history *history = &audit->history;
    uint64_t last = 0;

    for (size_t i = history->count; i-- > 0;) {
        const struct truth *truth = history->states[i];
        uint64_t end = truth->end < now ? truth->end : now;
        char detail[DETAIL_SIZE];
        enum finding finding;

        if (truth->begin > now || end <= last)
            continue;
        finding = claim_judge(&standing->claim, truth, &audit->machine, tree->slots,
                              tree->slot_count, detail);
        if (finding == FINDING_NONE)
            last = end;
        if (last == now)
            break;
        if (i == history->count - 1) {
            standing->finding = finding;
            memcpy(standing->detail, detail, sizeof(detail));
        }
    }
    return last;
}

/* from: since when the claim may have stood as it does; one that was true at any moment since is
 * true as far as anybody can tell. */
static void judge(struct audit *audit, const struct tree *tree, struct standing *standing,
                  uint64_t from, uint64_t now)
{
    uint64_t last = last_true(audit, tree, standing, now);

    if (last >= from) {
        end_doubt(audit, standing, last);
        return;
    }
    standing->doubtful = true;
    standing->last_true = last;
    if (standing->reported || (last && age(audit, standing, now) <= bound_of(audit, standing)))
        return;
    standing->reported = true;
    report_finding(&audit->report, standing->finding, &standing->claim, standing->detail, last,
                   now);
}

static struct standing *find_standing(struct standing *list, size_t count, size_t hint,
                                      const struct claim *claim)
{
    if (hint < count && claim_equal(&list[hint].claim, claim))
        return &list[hint];
    for (size_t i = 0; i < count; i++)
        if (claim_equal(&list[i].claim, claim))
            return &list[i];
    return NULL;
}

/* How many changes there were between two readings that none of them showed. */
static void count_unseen(struct audit *audit, const char *before, const char *after)
{
    unsigned long long x = before ? strtoull(before, NULL, 10) : 0;
    unsigned long long y = after ? strtoull(after, NULL, 10) : 0;

    if (before && after && y > x + 1)
        audit->report.unseen += (unsigned long)(y - x - 1);
}

/* Takes over what was known of the claims of before, and judges those that are new. gone: when
 * those that are not there any more had gone at the latest. */
static void compare(struct audit *audit, struct tree *tree, struct standing *before, size_t count,
                    uint64_t from, uint64_t gone)
{
    uint64_t now = tree->valid_at;

    source_update(audit->source, &audit->history);
    for (size_t i = 0; i < tree->count; i++) {
        struct standing *same = find_standing(before, count, i, &tree->standing[i].claim);

        if (!same) {
            judge(audit, tree, &tree->standing[i], from, now);
            continue;
        }
        tree->standing[i] = *same;
        same->doubtful = false; /* it goes on, there */
    }
    for (size_t i = 0; i < count; i++)
        end_doubt(audit, &before[i], gone);
}

/* Everything that was announced. */
static void drain(struct audit *audit)
{
    char *path;

    audit->drained = now_ns();
    while ((path = store_event(&audit->store))) {
        note_event(audit, path);
        free(path);
    }
    audit->heard = now_ns();
}

static int read_again(struct audit *audit, struct tree *tree)
{
    struct standing *before = tree->standing;
    size_t count = tree->count;
    uint64_t from = tree->read_at, valid_from = tree->valid_from, valid_at = tree->valid_at;
    uint64_t gone = audit->heard;
    char *generation = tree->generation;
    int domid = tree->domid, rc;

    tree->generation = NULL;
    tree->dirty = false;
    rc = tree_read(tree, &audit->store);
    if (rc < 0) { /* what was known stands */
        free(tree->standing);
        free(tree->generation);
        tree->standing = before;
        tree->count = tree->size = count;
        tree->generation = generation;
        tree->read_at = from;
        tree->valid_from = valid_from;
        tree->valid_at = valid_at;
        tree->dirty = true;
        return rc;
    }
    /* Was it announced before the reading, or does the reading show more than that? */
    drain(audit);
    tree = find_tree(audit, domid); /* it may have moved */
    if (tree->dirty)
        gone = tree->valid_at;
    audit->report.readings++;
    count_unseen(audit, generation, tree->generation);
    compare(audit, tree, before, count, from, gone);
    free(generation);
    free(before);
    return 0;
}

/* A store that is gone says nothing any more. */
static void forget(struct audit *audit)
{
    store_drop(&audit->store);
    for (size_t i = 0; i < audit->tree_count; i++) {
        struct tree *tree = &audit->trees[i];

        for (size_t j = 0; j < tree->count; j++)
            end_doubt(audit, &tree->standing[j], audit->store.lost);
        tree->count = 0;
        tree->read_at = 0;
        free(tree->generation);
        tree->generation = NULL;
    }
}

static int look(struct audit *audit)
{
    char *heartbeat;
    bool sweeping;
    int rc = 0;

    drain(audit);
    sweeping = now_ns() - audit->swept > SWEEP_NS + SWEEP_SHARE * audit->sweep_cost;
    if (sweeping)
        rc = sweep(audit);
    for (size_t i = 0; rc == 0 && i < audit->tree_count; i++)
        if (audit->trees[i].dirty)
            rc = read_again(audit, &audit->trees[i]);
    if (rc < 0)
        return rc;
    if (sweeping)
        audit->sweep_cost = now_ns() - audit->swept;
    if (now_ns() - audit->store.answered < HEARTBEAT_NS)
        return 0;
    errno = 0;
    heartbeat = store_read(&audit->store, XBT_NULL, XENIOMMU_HOST_DIR "/status");
    if (!heartbeat)
        return -errno;
    free(heartbeat);
    return 0;
}

/* What stands. A tree of which nothing new was announced is still as it was read. */
static void judge_tree(struct audit *audit, struct tree *tree)
{
    if (!tree->dirty && tree->valid_at < audit->drained)
        tree->valid_from = tree->valid_at = audit->drained;
    for (size_t i = 0; i < tree->count; i++)
        judge(audit, tree, &tree->standing[i], tree->valid_from, tree->valid_at);
}

/* How well is looked: what comes and goes between two looks may be missed. */
static void note_look(struct audit *audit, bool looked)
{
    uint64_t now = now_ns();

    if (looked && audit->looked && now - audit->looked > audit->report.longest_gap)
        audit->report.longest_gap = now - audit->looked;
    audit->looked = looked ? now : 0;
    audit->report.looks += looked;
}

bool audit_step(struct audit *audit)
{
    int rc = store_connect(&audit->store) ? look(audit) : -ENOTCONN;

    note_look(audit, rc == 0 || rc == -ENOENT);
    if (rc < 0 && store_is_lost(-rc)) {
        if (audit->store.xs)
            forget(audit);
        return false;
    }
    source_update(audit->source, &audit->history);
    for (size_t i = 0; i < audit->tree_count; i++)
        judge_tree(audit, &audit->trees[i]);
    return rc == 0 || rc == -ENOENT;
}

void audit_end(struct audit *audit)
{
    uint64_t now = now_ns();

    for (size_t i = 0; i < audit->tree_count; i++) {
        for (size_t j = 0; j < audit->trees[i].count; j++)
            end_doubt(audit, &audit->trees[i].standing[j], now);
        tree_free(&audit->trees[i]);
    }
    free(audit->trees);
    store_close(&audit->store);
    history_free(&audit->history);
}
