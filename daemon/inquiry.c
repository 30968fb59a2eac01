/* SPDX-License-Identifier: MIT */
#include "inquiry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "heartbeat.h"
#include "log.h"
#include "mates.h"

void inquiry_ask(const struct inquiry *inquiry, struct device *device)
{
    int before = evidence_error(&device->evidence);
    enum oracle_answer answer;
    int error = device->bus == BUS_DT
                    ? hypervisor_ask_dt(inquiry->hypervisor, device->path, &answer)
                    : hypervisor_ask_pci(inquiry->hypervisor, device->function.sbdf, &answer);

    heartbeat();
    counter_add(COUNTER_QUESTIONS);
    if (error < 0)
        counter_add(COUNTER_QUESTION_ERRORS);
    else
        counter_set_now(COUNTER_ANSWERED);
    evidence_answered(&device->evidence, inquiry->pass, inquiry->tick, answer, error);
    if (error < 0 && error != before) {
        char name[256];

        device_name(device, name, sizeof(name));
        log_warning("asking Xen about %s: %s", name, strerror(-error));
    }
}

/* ------------------------------------------------------------- groups */

/* Domains, each once. */
struct domids {
    uint32_t *domids;
    size_t count;
};

static bool is_listable(const struct device *device)
{
    return device->owner.kind == OWNER_DOM0 || device->owner.kind == OWNER_GUEST;
}

static void add_domid(struct domids *domids, uint32_t domid)
{
    for (size_t i = 0; i < domids->count; i++)
        if (domids->domids[i] == domid)
            return;
    domids->domids[domids->count++] = domid;
}

/* So many questions at most are asked for what neither the host nor any record shows. */
#define STRANGERS_MAX 2048

/* Some guest has a function, and no record tells which; or may have one that the host does not list
 * any more, and then nothing else tells of it. */
static bool anyone_may_own(const struct inquiry *inquiry)
{
    const struct inventory *inventory = inquiry->inventory;

    if (inventory->pci_count * inquiry->domains->count <= STRANGERS_MAX)
        return true;
    for (size_t i = 0; i < inventory->pci_count; i++)
        if (!is_listable(&inventory->devices[i]) &&
            evidence_last(&inventory->devices[i].evidence) == ORACLE_TAKEN)
            return true;
    return false;
}

static void add_living(const struct inquiry *inquiry, struct domids *owners, uint32_t domid)
{
    /* Backend directories and records outlive their domains. */
    if (domain_list_find(inquiry->domains, domid))
        add_domid(owners, domid);
}

/* Dom0, the owners of the devices, and whomever a record names, for what dom0 does not list; all
 * domains where another one may own a member. */
static int collect_owners(const struct inquiry *inquiry, struct domids *owners)
{
    const struct inventory *inventory = inquiry->inventory;
    const struct assignment *assignment = inquiry->assignment;
    bool anyone = anyone_may_own(inquiry);

    owners->count = 0;
    owners->domids = calloc(inventory->pci_count + 2 * assignment->claim_count +
                                assignment->record_count + inquiry->domains->count + 1,
                            sizeof(*owners->domids));
    if (!owners->domids)
        return -ENOMEM;
    for (size_t i = 0; i < inventory->pci_count; i++)
        if (inventory->devices[i].owner.kind == OWNER_GUEST)
            add_domid(owners, inventory->devices[i].owner.domid);
    for (size_t i = 0; i < assignment->claim_count; i++) {
        add_living(inquiry, owners, assignment->claims[i].domid);
        add_living(inquiry, owners, assignment->claims[i].serves);
    }
    for (size_t i = 0; i < assignment->record_count; i++)
        if (assignment->records[i].has_domid)
            add_living(inquiry, owners, assignment->records[i].domid);
    for (size_t i = 0; anyone && i < inquiry->domains->count; i++)
        if (inquiry->domains->domains[i].domid != 0)
            add_domid(owners, inquiry->domains->domains[i].domid);
    /* Last: what a domain that ends meanwhile gives back is in one list or the other. */
    add_domid(owners, 0);
    return 0;
}

/* The members of the device's group that one domain owns. False when Xen would not say. */
static bool list_mates(const struct inquiry *inquiry, const struct device *device, uint32_t domid,
                       int *rc)
{
    uint32_t mates[HYPERVISOR_MATES_MAX];
    size_t count;
    int error = hypervisor_mates(inquiry->hypervisor, domid, device->function.sbdf, mates, &count);

    heartbeat();
    counter_add(COUNTER_GROUP_QUESTIONS);
    if (error < 0) {
        log_debug("listing domain %u's part in the group of %08x: %s", domid, device->function.sbdf,
                  strerror(-error));
        return false;
    }
    for (size_t i = 0; *rc == 0 && i < count; i++) {
        if (mates[i] == device->function.sbdf)
            continue;
        *rc = groups_add(&inquiry->inventory->groups, device->function.sbdf, mates[i]);
        if (*rc == 0)
            groups_note_owner(&inquiry->inventory->groups, device->function.sbdf, mates[i], domid);
    }
    return true;
}

/* What the host's set of devices lacks may have gone from Xen's too. */
static void drop_unlisted(struct inventory *inventory, const struct device *device)
{
    struct groups *groups = &inventory->groups;
    size_t kept = 0;

    for (size_t i = 0; i < groups->count; i++) {
        struct group_pair pair = groups->pairs[i];
        uint32_t self = device->function.sbdf;
        uint32_t other = pair.a == self ? pair.b : pair.a;

        if ((pair.a != self && pair.b != self) || inventory_find(inventory, other))
            groups->pairs[kept++] = pair;
    }
    groups->count = kept;
}

static int list_group(const struct inquiry *inquiry, struct device *device,
                      const struct domids *owners)
{
    struct groups *groups = &inquiry->inventory->groups;
    bool complete = true;
    int rc = 0;

    drop_unlisted(inquiry->inventory, device);
    groups_forget_owners(groups, device->function.sbdf);
    for (size_t i = 0; rc == 0 && i < owners->count; i++)
        complete &= list_mates(inquiry, device, owners->domids[i], &rc);
    if (complete)
        groups_note_rest(groups, device->function.sbdf);
    evidence_listed(&device->evidence, inquiry->pass, complete);
    return rc;
}

/* Who has a device, only its mates' lists tell. */
static bool has_changed_mate(const struct inquiry *inquiry, const struct device *device)
{
    const struct inventory *inventory = inquiry->inventory;

    for (size_t i = 0; device->grouped && i < inventory->pci_count; i++)
        if (inventory->devices[i].group == device->group &&
            evidence_list_is_older(&device->evidence, &inventory->devices[i].evidence))
            return true;
    return false;
}

static int list_groups(const struct inquiry *inquiry, const struct domids *owners)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < inquiry->inventory->pci_count; i++) {
        struct device *device = &inquiry->inventory->devices[i];

        /* What no domain owns is in nobody's list, so it has to look for the others. */
        if (evidence_list_is_due(&device->evidence) || has_changed_mate(inquiry, device) ||
            !is_listable(device))
            rc = list_group(inquiry, device, owners);
    }
    return rc;
}

int inquiry_run(const struct inquiry *inquiry)
{
    struct inventory *inventory = inquiry->inventory;
    struct domids owners = {NULL, 0};
    int rc;

    for (size_t i = 0; i < inventory->count; i++)
        if (evidence_is_due(&inventory->devices[i].evidence))
            inquiry_ask(inquiry, &inventory->devices[i]);
    rc = collect_owners(inquiry, &owners);
    if (rc == 0)
        rc = list_groups(inquiry, &owners);
    free(owners.domids);
    return rc == 0 ? mates_regroup(inventory) : rc;
}

bool inquiry_is_due(const struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct device *device = &inventory->devices[i];

        if (evidence_is_due(&device->evidence) ||
            (device->bus == BUS_PCI && evidence_list_is_due(&device->evidence)))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------- confirmation */

/* A claim, or what the claim of a group mate rests on. */
static bool bears_claim(const struct inventory *inventory, const struct device *device)
{
    if (policy_is_claim(&device->verdict))
        return true;
    for (size_t i = 0; device->grouped && i < inventory->count; i++) {
        const struct device *other = &inventory->devices[i];

        if (other->bus == device->bus && other->grouped && other->group == device->group &&
            policy_is_claim(&other->verdict))
            return true;
    }
    return false;
}

/* Xen's word stood against the owner: nothing but another answer takes that away. */
static bool is_disputed(const struct device *device)
{
    return device->facts.word == WORD_DENIES;
}

struct turn {
    struct device *device;
    uint64_t age;
};

static int compare_turns(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;

    if (x->age != y->age)
        return x->age > y->age ? -1 : 1;
    return x->device < y->device ? -1 : x->device > y->device;
}

/* Oldest first. NULL: no memory. */
static struct turn *list_turns(const struct inquiry *inquiry, size_t *count)
{
    struct inventory *inventory = inquiry->inventory;
    struct turn *turns = calloc(inventory->count + 1, sizeof(*turns));

    *count = 0;
    for (size_t i = 0; turns && i < inventory->count; i++) {
        struct device *device = &inventory->devices[i];

        if ((bears_claim(inventory, device) || is_disputed(device)) &&
            !evidence_is_due(&device->evidence))
            turns[(*count)++] =
                (struct turn){device, evidence_age(&device->evidence, inquiry->tick)};
    }
    if (*count)
        qsort(turns, *count, sizeof(*turns), compare_turns);
    return turns;
}

/* True when Xen says the same as before, of the device and of its group. */
static bool confirm(const struct inquiry *inquiry, struct device *device,
                    const struct domids *owners, int *rc)
{
    enum oracle_answer before = evidence_last(&device->evidence);
    const struct groups *groups = &inquiry->inventory->groups;
    uint64_t digest = groups_digest(groups, device->function.sbdf);

    inquiry_ask(inquiry, device);
    if (device->bus == BUS_PCI && device->grouped)
        *rc = list_group(inquiry, device, owners);
    if (evidence_last(&device->evidence) == before &&
        (device->bus == BUS_DT || (groups_digest(groups, device->function.sbdf) == digest &&
                                   evidence_is_listed(&device->evidence))))
        return true;
    evidence_changed(&device->evidence, inquiry->pass + 1);
    return false;
}

int inquiry_confirm(const struct inquiry *inquiry, unsigned int ticks)
{
    size_t count, share, turn = inquiry->tick % ticks;
    struct turn *turns = list_turns(inquiry, &count);
    struct domids owners = {NULL, 0};
    int changed = 0, rc = turns ? collect_owners(inquiry, &owners) : -ENOMEM;

    share = (turn + 1) * count / ticks - turn * count / ticks;
    for (size_t i = 0; rc == 0 && i < count && (i < share || turns[i].age + 1 >= ticks); i++)
        if (!confirm(inquiry, turns[i].device, &owners, &rc))
            changed = 1;
    free(owners.domids);
    free(turns);
    return rc < 0 ? rc : changed;
}
