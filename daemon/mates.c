/* SPDX-License-Identifier: MIT */
#include "mates.h"

#include <stdlib.h>

static void group_pci(struct inventory *inventory, const struct group_members *members)
{
    for (size_t i = 0; i < inventory->pci_count; i++) {
        struct device *device = &inventory->devices[i];

        device->group = group_members_lowest(members, device->function.sbdf);
        device->grouped = false;
        device->unlisted_mate = false;
    }
    for (size_t i = 0; i < members->count; i++) {
        bool listed = inventory_find(inventory, members->sbdfs[i]);

        for (size_t j = 0; j < inventory->pci_count; j++) {
            struct device *device = &inventory->devices[j];

            if (device->group != members->lowest[i] || device->function.sbdf == members->sbdfs[i])
                continue;
            device->grouped = device->grouped || listed;
            device->unlisted_mate = device->unlisted_mate || !listed;
        }
    }
}

/* By the host's tree, whose numbers say nothing outside of it. */
static void group_dt(struct inventory *inventory)
{
    struct device *devices = inventory->devices;

    for (size_t i = inventory->pci_count; i < inventory->count; i++) {
        devices[i].group = devices[i].node ? devices[i].node->group : 0;
        devices[i].grouped = false;
    }
    for (size_t i = inventory->pci_count; i < inventory->count; i++)
        for (size_t j = i + 1; devices[i].group && j < inventory->count; j++)
            if (devices[j].group == devices[i].group)
                devices[i].grouped = devices[j].grouped = true;
}

int mates_regroup(struct inventory *inventory)
{
    struct group_members members;
    int rc = groups_find(&inventory->groups, &members);

    if (rc < 0)
        return rc;
    group_pci(inventory, &members);
    group_dt(inventory);
    group_members_clear(&members);
    return 0;
}

static bool same_owner(const struct ownership *a, const struct ownership *b)
{
    return a->kind == b->kind && (a->kind != OWNER_GUEST || a->domid == b->domid);
}

static uint32_t expected_owner(const struct ownership *owner)
{
    return owner->kind == OWNER_GUEST  ? owner->domid
           : owner->kind == OWNER_DOM0 ? 0
                                       : GROUPS_NOBODY;
}

bool mates_agree(const struct inventory *inventory, const struct device *device)
{
    return device->bus == BUS_DT || device->owner.kind == OWNER_UNKNOWN ||
           groups_agree(&inventory->groups, device->function.sbdf, expected_owner(&device->owner));
}

/* All that share its ID are known. A tree that has the stream IDs taken out, as dom0's has, tells
 * nothing, and then nothing is held against anyone. */
static bool are_known(const struct inventory *inventory, const struct device *device)
{
    if (device->bus == BUS_PCI)
        return evidence_is_listed(&device->evidence);
    return device->node ? device->node->streams != DT_STREAMS_UNREAD : !inventory->streams_told;
}

static enum group_mates mate(const struct inventory *inventory, const struct device *device,
                             const struct device *other)
{
    enum oracle_answer answer = evidence_answer(&other->evidence);

    if (other->owner.kind == OWNER_UNKNOWN || !are_known(inventory, other) ||
        !mates_agree(inventory, other) ||
        evidence_word(other->bus, other->owner.kind, answer) != WORD_FITS)
        return MATES_DOUBTFUL;
    /* One that belongs to nobody takes nothing from its mate's confinement: the shared mapping is
     * the mate's, or it blocks. The other way round it may reach what its mate may. */
    if (other->owner.kind == OWNER_NONE)
        return MATES_TOGETHER;
    return same_owner(&device->owner, &other->owner) ? MATES_TOGETHER : MATES_APART;
}

static bool share_group(const struct device *device, const struct device *other)
{
    /* A bridge only passes on what the functions below it do. */
    return other != device && other->bus == device->bus && other->grouped &&
           other->group == device->group && !other->function.is_bridge;
}

enum group_mates mates_of(const struct inventory *inventory, const struct device *device)
{
    enum group_mates worst = MATES_TOGETHER;

    if (!are_known(inventory, device))
        return MATES_UNKNOWN;
    if (device->function.is_bridge)
        return MATES_TOGETHER;
    if (device->unlisted_mate)
        worst = MATES_UNLISTED;
    for (size_t i = 0; device->grouped && i < inventory->count; i++) {
        const struct device *other = &inventory->devices[i];
        enum group_mates how;

        if (!share_group(device, other))
            continue;
        how = mate(inventory, device, other);
        if (how == MATES_APART)
            return MATES_APART;
        if (how != MATES_TOGETHER)
            worst = how;
    }
    return worst;
}
