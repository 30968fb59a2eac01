/* SPDX-License-Identifier: MIT */
/* Which PCI functions share a requester ID, so that one domain's mapping serves them all. The
 * wiring of the host decides that, not the owners, so what was once seen stays true as long as
 * both functions are there. */
#ifndef XI_GROUPS_H
#define XI_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUPS_NOBODY  UINT32_MAX
#define GROUPS_UNASKED (UINT32_MAX - 1)

struct group_pair {
    uint32_t a, b;    /* sbdf, a < b */
    uint32_t owner_a; /* a domid or GROUPS_*: in whose list a was when the group of b was listed */
    uint32_t owner_b; /* ... b, of a */
};

struct groups {
    struct group_pair *pairs; /* sorted */
    size_t count, capacity;
};

/* Notes that the two share a requester ID. 0 or -ENOMEM. */
int groups_add(struct groups *groups, uint32_t x, uint32_t y);

/* The group of self is about to be listed anew: who has its mates is not known until then. */
void groups_forget_owners(struct groups *groups, uint32_t self);

/* The mate is in this domain's list; the two are noted as a pair. */
void groups_note_owner(struct groups *groups, uint32_t self, uint32_t mate, uint32_t domid);

/* The whole group was listed: a mate that is in no list is nobody's. */
void groups_note_rest(struct groups *groups, uint32_t self);

/* Do all the lists that the function could be in say that this domain has it, or nobody
 * (GROUPS_NOBODY)? True for a function without mates. Xen's answer about a function itself does not
 * tell one guest from another, nor dom0 from nobody. */
bool groups_agree(const struct groups *groups, uint32_t sbdf, uint32_t owner);

/* The lists' words about the mates of a function, as one number: another one when they changed. */
uint64_t groups_digest(const struct groups *groups, uint32_t self);

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
