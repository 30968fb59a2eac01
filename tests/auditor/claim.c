/* SPDX-License-Identifier: MIT */
#include "claim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *finding_name(enum finding finding)
{
    static const char *const names[] = {
        "none",       "false-protected", "false-relaxed", "false-quarantined",
        "false-skip", "wrong-domain",    "ghost",         "ready-without-daemon"};

    return names[finding];
}

bool claim_equal(const struct claim *a, const struct claim *b)
{
    return a->kind == b->kind && a->tree == b->tree && a->state == b->state &&
           a->owner == b->owner && a->homeless == b->homeless && strcmp(a->uuid, b->uuid) == 0 &&
           strcmp(a->device, b->device) == 0;
}

__attribute__((format(printf, 3, 4))) static enum finding
say(enum finding finding, char detail[DETAIL_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(detail, DETAIL_SIZE, format, args);
    va_end(args);
    return finding;
}

static const char *owner_name(int owner, char text[16])
{
    switch (owner) {
    case OWNER_NONE:
        return "not known to Xen";
    case OWNER_NOBODY:
        return "nobody's";
    case OWNER_FREE:
        return "dom0's or nobody's";
    case OWNER_GUEST:
        return "some guest's";
    default:
        snprintf(text, 16, "domain %d's", owner);
        return text;
    }
}

static bool is_among(const char *name, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum finding false_state(enum xeniommu_state state)
{
    switch (state) {
    case XENIOMMU_PROTECTED:
        return FALSE_PROTECTED;
    case XENIOMMU_RELAXED:
        return FALSE_RELAXED;
    case XENIOMMU_QUARANTINED:
        return FALSE_QUARANTINED;
    default:
        return FINDING_NONE;
    }
}

/* Whether the device may be this owner's. */
static bool fits(const struct truth_device *device, int owner, enum xeniommu_state state)
{
    if (device->owner == owner)
        return true;
    if (device->owner == OWNER_FREE)
        return owner == 0 || owner == OWNER_NOBODY;
    if (device->owner == OWNER_GUEST)
        return owner > 0;
    /* libxl's word, which comes before the deed: docs/policy.md */
    return device->adding && device->owner == 0 && owner == OWNER_NOBODY &&
           state == XENIOMMU_QUARANTINED;
}

static bool is_anothers(int mate, int owner)
{
    return mate == OWNER_GUEST ? owner <= 0 : mate >= 0 && mate != owner;
}

static const struct truth_device *stranger(const struct truth_device *device, int owner,
                                           const struct truth *truth, const struct machine *machine)
{
    if (!*device->group || is_among(device->name, machine->bridges, machine->bridge_count))
        return NULL;
    for (size_t i = 0; i < truth->device_count; i++) {
        const struct truth_device *mate = &truth->devices[i];

        if (mate != device && is_anothers(mate->owner, owner) &&
            strcmp(mate->group, device->group) == 0 &&
            !is_among(mate->name, machine->bridges, machine->bridge_count))
            return mate;
    }
    return NULL;
}

/* Whether any device of this owner can be in this state. */
static bool can_be(enum xeniommu_state state, int owner, bool pci, const struct machine *machine)
{
    switch (state) {
    case XENIOMMU_QUARANTINED:
        return pci && owner == OWNER_NOBODY;
    case XENIOMMU_RELAXED:
        return pci && owner == 0 && machine->dom0 != DOM0_PASSTHROUGH;
    case XENIOMMU_PROTECTED:
        return owner > 0 ||
               (owner == 0 && (!pci || machine->dom0 == DOM0_STRICT || machine->dom0 == DOM0_PVH));
    default:
        return true;
    }
}

/* Whether this device is this owner's, in this state. */
static enum finding judge_device(const struct truth_device *device, int owner,
                                 enum xeniommu_state state, const struct truth *truth,
                                 const struct machine *machine, char detail[DETAIL_SIZE])
{
    enum finding wrong = false_state(state);
    const struct truth_device *mate;
    bool pci = device->name[0] != '/';
    char text[16];

    if (!truth->driven)
        return say(wrong, detail, "Xen drives no IOMMU");
    if (!fits(device, owner, state)) {
        bool other = device->owner >= 0 || device->owner == OWNER_GUEST;

        if (owner >= 0 && other)
            wrong = WRONG_DOMAIN;
        return say(wrong, detail, "%s is %s", device->name, owner_name(device->owner, text));
    }
    if (!can_be(state, owner, pci, machine))
        return say(wrong, detail, "%s is %s, which cannot be so here", device->name,
                   owner_name(device->owner, text));
    if (owner <= 0 && is_among(device->name, machine->uncovered, machine->uncovered_count))
        return say(wrong, detail, "no IOMMU covers %s", device->name);
    mate = stranger(device, owner, truth, machine);
    if (mate)
        return say(wrong, detail, "%s shares a requester ID with %s, which is %s", device->name,
                   mate->name, owner_name(mate->owner, text));
    return FINDING_NONE;
}

static bool is_translated(int owner, bool pci, const struct truth *truth,
                          const struct machine *machine)
{
    const struct truth_domain *domain = truth_domain(truth, owner);

    return owner == 0 ? !pci || machine->dom0 == DOM0_PVH : domain && domain->translated;
}

static enum finding judge_known(const struct claim *claim, const char *name,
                                const struct truth *truth, const struct machine *machine,
                                char detail[DETAIL_SIZE])
{
    const struct truth_device *device = truth_device(truth, name);
    bool skip = claim->kind == CLAIM_SKIP;
    enum xeniommu_state state = skip ? XENIOMMU_PROTECTED : claim->state;
    enum finding found;

    if (!device)
        return say(skip ? FALSE_SKIP : false_state(state), detail, "Xen does not know %s", name);
    found = judge_device(device, claim->owner, state, truth, machine, detail);
    if (found == FINDING_NONE && skip &&
        !is_translated(claim->owner, name[0] != '/', truth, machine))
        return say(FALSE_SKIP, detail, "the owner of %s has no memory that the IOMMU translates",
                   name);
    return skip && found != FINDING_NONE ? FALSE_SKIP : found;
}

/* A guest's record may be about any device that was announced for this address. The worst of what
 * is wrong counts when none of them is right: that it is another domain's. */
static enum finding judge_guest(const struct claim *claim, const struct truth *truth,
                                const struct machine *machine, const struct slot *slots,
                                size_t slot_count, char detail[DETAIL_SIZE])
{
    enum finding worst = FINDING_NONE, found;
    char text[DETAIL_SIZE];
    bool announced = false;

    for (size_t i = 0; i < slot_count + truth->device_count; i++) {
        const struct slot *slot = i < slot_count ? &slots[i] : NULL;
        const char *name = slot ? slot->device : truth->devices[i - slot_count].name;

        if (slot &&
            (strcmp(slot->uuid, claim->uuid) != 0 || strcmp(slot->address, claim->device) != 0))
            continue;
        if (!slot && (announced || (name[0] == '/') != (claim->device[0] == '/')))
            continue; /* where nothing was announced, it may be any one */
        announced |= slot != NULL;
        found = judge_known(claim, name, truth, machine, text);
        if (found == FINDING_NONE)
            return FINDING_NONE;
        if (worst == FINDING_NONE || (slot && found == WRONG_DOMAIN)) {
            worst = !slot && found == WRONG_DOMAIN ? false_state(claim->state) : found;
            memcpy(detail, text, sizeof(text));
        }
    }
    return worst != FINDING_NONE
               ? worst
               : say(claim->kind == CLAIM_SKIP ? FALSE_SKIP : false_state(claim->state), detail,
                     "there is no device");
}

static enum finding judge_record(const struct claim *claim, const struct truth_domain *domain,
                                 const struct slot *slots, size_t slot_count,
                                 char detail[DETAIL_SIZE])
{
    for (size_t i = 0; i < slot_count; i++)
        if (strcmp(slots[i].uuid, claim->uuid) == 0 && strcmp(slots[i].address, claim->device) == 0)
            return FINDING_NONE;
    return domain->had_device
               ? FINDING_NONE
               : say(GHOST, detail, "this domain %d never had a device", claim->tree);
}

static enum finding judge_in_domain(const struct claim *claim, const struct truth *truth,
                                    const struct machine *machine, const struct slot *slots,
                                    size_t slot_count, char detail[DETAIL_SIZE])
{
    const struct truth_domain *domain = truth_domain(truth, claim->tree);
    bool same =
        domain && (!*claim->uuid || !*domain->uuid || strcmp(claim->uuid, domain->uuid) == 0);

    if (claim->kind == CLAIM_TREE) {
        if (claim->homeless)
            return say(GHOST, detail, "nothing else of domain %d is in its home", claim->tree);
        return same ? FINDING_NONE
                    : say(GHOST, detail,
                          domain ? "domain %d is another one" : "there is no domain %d",
                          claim->tree);
    }
    if (!same)
        return FINDING_NONE; /* the tree itself is what is wrong */
    if (claim->kind == CLAIM_RECORD)
        return judge_record(claim, domain, slots, slot_count, detail);
    return judge_guest(claim, truth, machine, slots, slot_count, detail);
}

enum finding claim_judge(const struct claim *claim, const struct truth *truth,
                         const struct machine *machine, const struct slot *slots, size_t slot_count,
                         char detail[DETAIL_SIZE])
{
    detail[0] = '\0';
    if (claim->kind == CLAIM_READY)
        return truth->alive ? FINDING_NONE : say(READY_WITHOUT_DAEMON, detail, "no daemon runs");
    if (claim->tree > 0)
        return judge_in_domain(claim, truth, machine, slots, slot_count, detail);
    return judge_known(claim, claim->device, truth, machine, detail);
}
