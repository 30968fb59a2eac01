/* SPDX-License-Identifier: MIT */
/* Which PCI functions share a requester ID, so that one domain's mapping serves them all. The
 * wiring of the host decides that, not the owners, so what was once seen stays true as long as
 * both functions are there. */
#ifndef XI_GROUPS_H
#define XI_GROUPS_H

#include <stddef.h>
#include <stdint.h>

struct group_pair {
    uint32_t a, b; /* sbdf, a < b */
};

struct groups {
    struct group_pair *pairs; /* sorted */
    size_t count, capacity;
};

/* Notes that the two share a requester ID. 0 or -ENOMEM. */
int groups_add(struct groups *groups, uint32_t x, uint32_t y);

/* Forgets a function that went. */
void groups_drop(struct groups *groups, uint32_t sbdf);

/* For each of count functions, sorted by sbdf, the lowest sbdf of its group: its own when alone. */
void groups_find(const struct groups *groups, const uint32_t *sbdfs, uint32_t *lowest,
                 size_t count);

void groups_clear(struct groups *groups);

#endif
