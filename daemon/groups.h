/* SPDX-License-Identifier: MIT */
/* Which PCI functions share a requester ID, so that one domain's mapping serves them all. The
 * wiring of the host decides that, not the owners, so what was once seen stays true as long as
 * both functions are there. */
#ifndef XI_GROUPS_H
#define XI_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group_pair {
    uint32_t a, b;   /* sbdf, a < b */
    bool dom0_has_a; /* Xen said so when the group of b was last listed */
    bool dom0_has_b; /* ... of a */
};

struct groups {
    struct group_pair *pairs; /* sorted */
    size_t count, capacity;
};

/* Notes that the two share a requester ID. 0 or -ENOMEM. */
int groups_add(struct groups *groups, uint32_t x, uint32_t y);

/* The group of self is about to be listed anew, for dom0's part too. */
void groups_forget_dom0(struct groups *groups, uint32_t self);

/* Dom0 has the mate, by the list of the group of self; the two are noted as a pair. */
void groups_note_dom0(struct groups *groups, uint32_t self, uint32_t mate);

/* Does dom0 have the function, by the list of any of its mates? Of those that are free, in Xen's
 * words, this tells dom0's from those that Xen keeps for nobody. */
bool groups_dom0_has(const struct groups *groups, uint32_t sbdf);

/* Forgets a function that went. */
void groups_drop(struct groups *groups, uint32_t sbdf);

/* Are the two noted as a pair? */
bool groups_pair(const struct groups *groups, uint32_t x, uint32_t y);

/* Every function that is in a pair, and the lowest sbdf of the group that the pairs make. */
struct group_members {
    uint32_t *sbdfs; /* sorted */
    uint32_t *lowest;
    size_t count;
};

/* 0 and *result, which the caller clears, or -ENOMEM. */
int groups_find(const struct groups *groups, struct group_members *result);
void group_members_clear(struct group_members *members);

/* The lowest sbdf of the function's group: its own when it is alone. */
uint32_t group_members_lowest(const struct group_members *members, uint32_t sbdf);

void groups_clear(struct groups *groups);

#endif
