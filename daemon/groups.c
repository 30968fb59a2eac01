/* SPDX-License-Identifier: MIT */
#include "groups.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "search.h"

static int compare_pair(const void *key, const void *item)
{
    const struct group_pair *x = key, *y = item;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

static size_t position(const struct groups *groups, struct group_pair pair)
{
    return search_first(&pair, groups->pairs, groups->count, sizeof(pair), compare_pair);
}

static struct group_pair pair_of(uint32_t x, uint32_t y)
{
    return x < y ? (struct group_pair){x, y, GROUPS_UNASKED, GROUPS_UNASKED}
                 : (struct group_pair){y, x, GROUPS_UNASKED, GROUPS_UNASKED};
}

int groups_add(struct groups *groups, uint32_t x, uint32_t y)
{
    struct group_pair pair = pair_of(x, y);
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

/* What the list of the group of self said of its mate; NULL for a pair without self. */
static uint32_t *owner_of_mate(struct group_pair *pair, uint32_t self)
{
    return pair->a == self ? &pair->owner_b : pair->b == self ? &pair->owner_a : NULL;
}

void groups_forget_owners(struct groups *groups, uint32_t self)
{
    for (size_t i = 0; i < groups->count; i++) {
        uint32_t *owner = owner_of_mate(&groups->pairs[i], self);

        if (owner)
            *owner = GROUPS_UNASKED;
    }
}

void groups_note_owner(struct groups *groups, uint32_t self, uint32_t mate, uint32_t domid)
{
    *owner_of_mate(&groups->pairs[position(groups, pair_of(self, mate))], self) = domid;
}

void groups_note_rest(struct groups *groups, uint32_t self)
{
    for (size_t i = 0; i < groups->count; i++) {
        uint32_t *owner = owner_of_mate(&groups->pairs[i], self);

        if (owner && *owner == GROUPS_UNASKED)
            *owner = GROUPS_NOBODY;
    }
}

bool groups_agree(const struct groups *groups, uint32_t sbdf, uint32_t owner)
{
    for (size_t i = 0; i < groups->count; i++) {
        const struct group_pair *pair = &groups->pairs[i];
        uint32_t said = pair->a == sbdf ? pair->owner_a : pair->owner_b;

        if ((pair->a == sbdf || pair->b == sbdf) && said != GROUPS_UNASKED && said != owner)
            return false;
    }
    return true;
}

uint64_t groups_digest(const struct groups *groups, uint32_t self)
{
    uint64_t digest = 0;

    for (size_t i = 0; i < groups->count; i++) {
        const struct group_pair *pair = &groups->pairs[i];

        if (pair->a == self || pair->b == self)
            digest = digest * 31 + ((uint64_t)(pair->a ^ pair->b) << 32) +
                     (pair->a == self ? pair->owner_b : pair->owner_a) + 1;
    }
    return digest;
}

void groups_drop(struct groups *groups, uint32_t sbdf)
{
    size_t kept = 0;

    for (size_t i = 0; i < groups->count; i++)
        if (groups->pairs[i].a != sbdf && groups->pairs[i].b != sbdf)
            groups->pairs[kept++] = groups->pairs[i];
    groups->count = kept;
}

bool groups_pair(const struct groups *groups, uint32_t x, uint32_t y)
{
    struct group_pair pair = pair_of(x, y);
    size_t at = position(groups, pair);

    return at < groups->count && groups->pairs[at].a == pair.a && groups->pairs[at].b == pair.b;
}

static int compare_sbdf(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static size_t find_index(const uint32_t *sbdfs, size_t count, uint32_t sbdf)
{
    return search_first(&sbdf, sbdfs, count, sizeof(sbdf), compare_sbdf);
}

/* Every function that has a mate, sorted, each once. NULL: no memory. */
static uint32_t *list_members(const struct groups *groups, size_t *count)
{
    uint32_t *members = calloc(2 * groups->count + 1, sizeof(*members));
    size_t kept = 0;

    if (!members)
        return NULL;
    for (size_t i = 0; i < groups->count; i++) {
        members[2 * i] = groups->pairs[i].a;
        members[2 * i + 1] = groups->pairs[i].b;
    }
    qsort(members, 2 * groups->count, sizeof(*members), compare_sbdf);
    for (size_t i = 0; i < 2 * groups->count; i++)
        if (!kept || members[kept - 1] != members[i])
            members[kept++] = members[i];
    *count = kept;
    return members;
}

/* Hands the lowest address of each group through all its members; groups are small. */
static void spread_lowest(const struct groups *groups, const uint32_t *members, uint32_t *lowest,
                          size_t count)
{
    bool changed = true;

    memcpy(lowest, members, count * sizeof(*lowest));
    while (changed) {
        changed = false;
        for (size_t i = 0; i < groups->count; i++) {
            size_t a = find_index(members, count, groups->pairs[i].a);
            size_t b = find_index(members, count, groups->pairs[i].b);
            uint32_t low = lowest[a] < lowest[b] ? lowest[a] : lowest[b];

            changed = changed || lowest[a] != low || lowest[b] != low;
            lowest[a] = lowest[b] = low;
        }
    }
}

int groups_find(const struct groups *groups, struct group_members *result)
{
    size_t count = 0;
    uint32_t *members = list_members(groups, &count);
    uint32_t *lowest = members ? calloc(count + 1, sizeof(*lowest)) : NULL;

    if (!lowest) {
        free(members);
        return -ENOMEM;
    }
    spread_lowest(groups, members, lowest, count);
    *result = (struct group_members){members, lowest, count};
    return 0;
}

uint32_t group_members_lowest(const struct group_members *members, uint32_t sbdf)
{
    size_t at = find_index(members->sbdfs, members->count, sbdf);

    return at < members->count && members->sbdfs[at] == sbdf ? members->lowest[at] : sbdf;
}

void group_members_clear(struct group_members *members)
{
    free(members->sbdfs);
    free(members->lowest);
    *members = (struct group_members){NULL, NULL, 0};
}

void groups_clear(struct groups *groups)
{
    free(groups->pairs);
    *groups = (struct groups){NULL, 0, 0};
}
