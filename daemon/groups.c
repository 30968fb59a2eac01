/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t position(const struct groups *groups, struct group_pair pair)
{
    size_t low = 0, high = groups->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct group_pair at = groups->pairs[middle];

        if (at.a < pair.a || (at.a == pair.a && at.b < pair.b))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int groups_add(struct groups *groups, uint32_t x, uint32_t y)
{
    struct group_pair pair = x < y ? (struct group_pair){x, y} : (struct group_pair){y, x};
    size_t at = position(groups, pair);

    if (x == y ||
        (at < groups->count && groups->pairs[at].a == pair.a && groups->pairs[at].b == pair.b))
        return 0;
    if (groups->count == groups->capacity) {
        size_t capacity = groups->capacity ? 2 * groups->capacity : 16;
        void *grown = reallocarray(groups->pairs, capacity, sizeof(*groups->pairs));

        if (!grown)
            return -ENOMEM;
        groups->pairs = grown;
        groups->capacity = capacity;
    }
    memmove(&groups->pairs[at + 1], &groups->pairs[at],
            (groups->count - at) * sizeof(*groups->pairs));
    groups->pairs[at] = pair;
    groups->count++;
    return 0;
}

void groups_drop(struct groups *groups, uint32_t sbdf)
{
    size_t kept = 0;

    for (size_t i = 0; i < groups->count; i++)
        if (groups->pairs[i].a != sbdf && groups->pairs[i].b != sbdf)
            groups->pairs[kept++] = groups->pairs[i];
    groups->count = kept;
}

static bool find_index(const uint32_t *sbdfs, size_t count, uint32_t sbdf, size_t *index)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sbdfs[middle] < sbdf)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return low < count && sbdfs[low] == sbdf;
}

void groups_find(const struct groups *groups, const uint32_t *sbdfs, uint32_t *lowest, size_t count)
{
    bool changed = true;

    for (size_t i = 0; i < count; i++)
        lowest[i] = sbdfs[i];
    /* Each round hands the lowest address one pair further; groups are small. */
    while (changed) {
        changed = false;
        for (size_t i = 0; i < groups->count; i++) {
            size_t a, b;
            uint32_t low;

            if (!find_index(sbdfs, count, groups->pairs[i].a, &a) ||
                !find_index(sbdfs, count, groups->pairs[i].b, &b))
                continue;
            low = lowest[a] < lowest[b] ? lowest[a] : lowest[b];
            changed = changed || lowest[a] != low || lowest[b] != low;
            lowest[a] = lowest[b] = low;
        }
    }
}

void groups_clear(struct groups *groups)
{
    free(groups->pairs);
    *groups = (struct groups){NULL, 0, 0};
}
