/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <errno.h>
#include <string.h>

#include "downgrade.h"

/* One record of both trees, as a part of each. */
struct record {
    struct tree have, wanted;
};

/* How much of a path names the record. */
static size_t name_length(const char *path)
{
    size_t first = strcspn(path, "/");

    return path[first] ? first + 1 + strcspn(path + first + 1, "/") : first;
}

static bool of_one_record(const char *a, const char *b)
{
    size_t length = name_length(a);

    return length == name_length(b) && strncmp(a, b, length) == 0;
}

/* The nodes of the record that path belongs to, at the beginning of what is left of a tree. */
static struct tree take(struct tree *left, const char *path)
{
    struct tree taken = {left->nodes, 0, 0};

    while (taken.count < left->count && of_one_record(left->nodes[taken.count].path, path))
        taken.count++;
    left->nodes += taken.count;
    left->count -= taken.count;
    return taken;
}

/* Takes the first record that either has. Sorted by path a record's nodes are together. */
static bool next_record(struct record *left, struct record *record)
{
    const char *path;

    if (!left->have.count && !left->wanted.count)
        return false;
    if (!left->wanted.count ||
        (left->have.count && strcmp(left->have.nodes[0].path, left->wanted.nodes[0].path) < 0))
        path = left->have.nodes[0].path;
    else
        path = left->wanted.nodes[0].path;
    record->have = take(&left->have, path);
    record->wanted = take(&left->wanted, path);
    return true;
}

/* In how many nodes. */
static size_t differ(const struct record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < record->wanted.count; i++) {
        const char *old = tree_get(&record->have, record->wanted.nodes[i].path);

        count += !old || strcmp(old, record->wanted.nodes[i].value) != 0;
    }
    for (size_t i = 0; i < record->have.count; i++)
        count += !tree_get(&record->wanted, record->have.nodes[i].path);
    return count;
}

struct distance {
    size_t nodes;
    bool due; /* something has to be taken back */
};

static struct distance measure(const struct tree *have, const struct tree *wanted)
{
    struct record left = {*have, *wanted}, record;
    struct distance distance = {0, false};

    while (next_record(&left, &record)) {
        distance.nodes += differ(&record);
        distance.due = distance.due || downgrade_is_due(&record.have, &record.wanted);
    }
    return distance;
}

static bool is_status(const struct record *record)
{
    const struct tree *tree = record->have.count ? &record->have : &record->wanted;

    return strcmp(tree->nodes[0].path, "status") == 0;
}

static bool is_ready(const struct tree *tree)
{
    const char *status = tree_get(tree, "status");

    return status && strcmp(status, "ready") == 0;
}

int parts_next(const struct tree *have, const struct tree *wanted, size_t most, struct tree *next)
{
    struct distance distance = measure(have, wanted);
    struct record left = {*have, *wanted}, record;
    size_t taken = 0;
    int rc = 0;

    *next = (struct tree){NULL, 0, 0};
    if (distance.nodes <= most)
        return 0;
    while (rc == 0 && next_record(&left, &record)) {
        bool is_new =
            taken < most && (!distance.due || downgrade_is_due(&record.have, &record.wanted));

        if (is_status(&record))
            is_new = !is_ready(wanted);
        if (is_new)
            taken += differ(&record);
        rc = tree_append(next, is_new ? &record.wanted : &record.have);
    }
    tree_sort(next);
    if (rc < 0)
        tree_clear(next);
    return rc < 0 ? rc : 1;
}
