/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "sighting.h"

/* A device as one domain sees it. */
struct sighting {
    uint32_t address; /* the domain's own */
    const struct device *device;
    struct verdict verdict;
};

struct sightings {
    struct sighting *items;
    size_t count;
};

static int start(const struct view_source *source, struct tree *tree)
{
    int rc = tree_add(tree, "version", XENIOMMU_ABI_VERSION);

    return rc == 0 ? tree_add(tree, "status", source->status) : rc;
}

/* What the word leaves out; where nothing is confined there is nothing to leave out. */
static int add_limits(struct tree *tree, const char *base, const struct verdict *verdict,
                      unsigned int limits)
{
    char text[XENIOMMU_LIMITS_SIZE];

    if (verdict->state != XENIOMMU_PROTECTED && verdict->state != XENIOMMU_RELAXED)
        return 0;
    (void)xeniommu_format_limits(limits, text, sizeof(text));
    return text[0] ? tree_add_leaf(tree, base, XENIOMMU_LIMITS_NODE, text) : 0;
}

static int add_verdict(struct tree *tree, const char *base, const struct verdict *verdict)
{
    int rc = tree_add_leaf(tree, base, "state", xeniommu_state_name(verdict->state));

    if (rc == 0)
        rc = tree_add_leaf(tree, base, "swiotlb", verdict->skip_swiotlb ? "skip" : "keep");
    if (rc == 0)
        rc = tree_add_leaf(tree, base, "reason", verdict->reason);
    return rc;
}

static int add_number(struct tree *tree, const char *base, const char *leaf, uint32_t number)
{
    char text[16];

    snprintf(text, sizeof(text), "%" PRIu32, number);
    return tree_add_leaf(tree, base, leaf, text);
}

/* Where the hypervisor contradicts the records, nobody is known to have it. */
static bool is_contradicted(const struct device *device)
{
    return device->facts.word == WORD_DENIES && !device->facts.force_assign;
}

static enum owner_kind told_owner(const struct device *device)
{
    return is_contradicted(device) ? OWNER_UNKNOWN : device->owner.kind;
}

static int add_owner(struct tree *tree, const char *base, const struct device *device)
{
    switch (told_owner(device)) {
    case OWNER_DOM0:
        return tree_add_leaf(tree, base, "owner", "0");
    case OWNER_GUEST:
        return add_number(tree, base, "owner", device->owner.domid);
    case OWNER_NONE:
        return tree_add_leaf(tree, base, "owner", "none");
    case OWNER_UNKNOWN:
        break;
    }
    return tree_add_leaf(tree, base, "owner", "unknown");
}

/* No xenstored takes a longer message than XENSTORE_PAYLOAD_MAX, nor oxenstored a longer value than
 * this (its quota-maxsize). */
#define FACTS_MAX 2048

/* What there is no room for is left out: nothing but names of devices is as long as that. */
static void add_word(char facts[FACTS_MAX + 1], const char *base, const char *word)
{
    size_t used = strlen(facts), length = strlen(word);
    size_t path = strlen(XENIOMMU_HOST_DIR "/") + strlen(base) + sizeof("/facts");

    if (!length || used + 1 + length > FACTS_MAX || path + used + 1 + length > XENSTORE_PAYLOAD_MAX)
        return;
    facts[used] = ' ';
    memcpy(facts + used + 1, word, length + 1);
}

static int add_facts(const struct view_source *source, struct tree *tree, const char *base,
                     const struct device *device)
{
    char facts[FACTS_MAX + 1], word[SIGHTING_WORD_SIZE] = "";

    facts_format(&device->facts, device->driver, facts, sizeof(facts));
    if (told_owner(device) == OWNER_GUEST)
        sighting_word(source, device, word);
    add_word(facts, base, word);
    return tree_add_leaf(tree, base, "facts", facts);
}

static int add_host_device(const struct view_source *source, struct tree *tree,
                           const struct device *device)
{
    const char *unit = device->bus == BUS_PCI ? device->coverage.unit
                       : device->node         ? device->node->iommu
                                              : NULL;
    char base[DT_BASE_SIZE];
    int rc;

    if (device->bus == BUS_PCI)
        pci_base(device->function.sbdf, base);
    else if (!dt_base(device->path, base))
        return 0;
    rc = add_verdict(tree, base, &device->verdict);
    if (rc == 0)
        rc = add_limits(tree, base, &device->verdict, device->facts.limits);
    if (rc == 0)
        rc = add_owner(tree, base, device);
    if (rc == 0)
        rc = add_facts(source, tree, base, device);
    if (rc == 0 && device->grouped)
        rc = add_number(tree, base, "group", device->group);
    if (rc == 0 && unit && unit[0])
        rc = tree_add_leaf(tree, base, "iommu", unit);
    return rc;
}

int view_of_host(const struct view_source *source, struct tree *tree)
{
    static const char *const words[] = {
        [IOMMU_UNKNOWN] = "unknown", [IOMMU_DISABLED] = "disabled", [IOMMU_ENABLED] = "enabled"};
    char interval[32];
    int rc = start(source, tree);

    if (rc == 0)
        rc = tree_add(tree, "iommu", words[source->iommu]);
    snprintf(interval, sizeof(interval), "%g", source->confirm_ms / 1000.0);
    if (rc == 0)
        rc = tree_add(tree, "confirm-interval", interval);
    if (rc == 0 && source->lock_file)
        rc = tree_add(tree, XENIOMMU_LOCK_NODE, source->lock_file);
    for (size_t i = 0; rc == 0 && i < source->inventory->count; i++)
        rc = add_host_device(source, tree, &source->inventory->devices[i]);
    tree_sort(tree);
    return rc;
}

static int compare_sbdf(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* In order, so that the same set is the same text. */
static int list_gone(const struct pci_addresses *gone, char *text)
{
    uint32_t *sorted = calloc(gone->count, sizeof(*sorted));

    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, gone->sbdfs, gone->count * sizeof(*sorted));
    qsort(sorted, gone->count, sizeof(*sorted), compare_sbdf);
    for (size_t i = 0; i < gone->count; i++) {
        if (i)
            *text++ = ' ';
        xeniommu_pci_name(sorted[i], text);
        text += strlen(text);
    }
    free(sorted);
    return 0;
}

static int add_count(struct tree *tree)
{
    char text[24];

    snprintf(text, sizeof(text), "%zu", tree->count);
    return tree_add(tree, VIEW_COUNT_NODE, text);
}

/* What one message to xenstored has room for, with the path. */
#define GONE_SIZE 3800

static int add_gone(struct tree *tree, const struct pci_addresses *gone)
{
    char text[GONE_SIZE] = "all";

    if (!gone->all && !gone->count)
        return 0;
    if (!gone->all && gone->count * XENIOMMU_PCI_NAME_SIZE < sizeof(text) &&
        list_gone(gone, text) < 0)
        return -ENOMEM;
    return tree_add(tree, VIEW_GONE_NODE, text);
}

/* Of those that are not read yet what an earlier run left stands as it is. */
static int add_remembered(const struct view_source *source, struct tree *tree)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < source->remembered_count; i++) {
        char name[XENIOMMU_PCI_NAME_SIZE];

        if (inventory_find(source->inventory, source->remembered[i].sbdf))
            continue;
        xeniommu_pci_name(source->remembered[i].sbdf, name);
        rc = tree_add(tree, name, source->remembered[i].text);
    }
    return rc;
}

int view_of_seen(const struct view_source *source, struct tree *tree)
{
    int rc = add_remembered(source, tree);

    for (size_t i = 0; rc == 0 && i < source->inventory->pci_count; i++) {
        const struct device *device = &source->inventory->devices[i];
        const struct pci_record *record =
            assignment_record(source->assignment, device->function.sbdf);
        char name[XENIOMMU_PCI_NAME_SIZE], text[QUARANTINE_TEXT_SIZE];

        if (!record || !record->has_driver_path)
            continue;
        /* A record that outlived its time with pciback is remembered as one that does not count. */
        if (!ownership_is_assignable(&device->function) && !device->quarantine.doubtful)
            continue;
        xeniommu_pci_name(device->function.sbdf, name);
        quarantine_remember(&device->quarantine, &device->function, text);
        rc = tree_add(tree, name, text);
    }
    if (rc == 0 && tree->count)
        rc = add_count(tree);
    if (rc == 0)
        rc = add_gone(tree, source->gone);
    tree_sort(tree);
    return rc;
}

int view_of_witnesses(const struct view_source *source, uint32_t domid, struct tree *tree)
{
    char path[64], value[16];
    int rc = 0;

    snprintf(value, sizeof(value), "%" PRIu32, domid);
    for (size_t i = 0; rc == 0 && i < source->inventory->pci_count; i++) {
        const struct device *device = &source->inventory->devices[i];
        char name[XENIOMMU_PCI_NAME_SIZE];

        if (device->owner.kind != OWNER_GUEST || device->owner.domid != domid ||
            !policy_is_claim(&device->verdict))
            continue;
        xeniommu_pci_name(device->function.sbdf, name);
        snprintf(path, sizeof(path), "/libxl/pci/%s/domid", name);
        rc = tree_add(tree, path, value);
    }
    return rc;
}

/* ------------------------------------------------------------- a domain's own view */

static void see_dom0(const struct view_source *source, struct sightings *seen)
{
    for (size_t i = 0; i < source->inventory->pci_count; i++) {
        const struct device *device = &source->inventory->devices[i];

        /* One of unknown owner that pciback keeps is none of dom0's drivers' business. */
        if (device->owner.kind == OWNER_DOM0 || (device->owner.kind == OWNER_UNKNOWN &&
                                                 strcmp(device->function.driver, "pciback") != 0))
            seen->items[seen->count++] =
                (struct sighting){device->function.sbdf, device, device->verdict};
    }
}

/* What a guest is told of a device that a record names, and that is not known to be its own:
 * nothing of the verdict that another owner got. */
static struct verdict unconfirmed(const struct device *device)
{
    return policy_unknown(policy_is_claim(&device->verdict) ? "assignment-ending"
                                                            : device->verdict.reason);
}

static void see_guest(const struct view_source *source, uint32_t domid, struct sightings *seen)
{
    const struct assignment *assignment = source->assignment;

    for (size_t i = 0; i < assignment->claim_count; i++) {
        const struct pci_claim *claim = &assignment->claims[i];
        const struct device *device;
        struct sighting *item = &seen->items[seen->count];

        if (!sighting_of_claim(source, claim, domid, &item->address))
            continue;
        device = inventory_find(source->inventory, claim->sbdf);
        if (!device)
            continue;
        item->device = device;
        item->verdict = device->verdict;
        if (device->owner.kind != OWNER_GUEST || device->owner.domid != domid)
            item->verdict = unconfirmed(device);
        seen->count++;
    }
}

static int compare(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->device->function.sbdf < y->device->function.sbdf
               ? -1
               : x->device->function.sbdf > y->device->function.sbdf;
}

/* Two devices at one address cannot be told from each other, and one device has one address. */
static void merge(struct sightings *seen)
{
    size_t kept = 0;

    for (size_t i = 0; i < seen->count; i++) {
        struct sighting *last = kept ? &seen->items[kept - 1] : NULL;

        if (!last || last->address != seen->items[i].address)
            seen->items[kept++] = seen->items[i];
        else if (last->device != seen->items[i].device)
            last->verdict = policy_unknown(SIGHTING_CONFLICT);
    }
    seen->count = kept;
    for (size_t i = 0; i < kept; i++)
        for (size_t j = 0; j < i; j++)
            if (seen->items[i].device == seen->items[j].device)
                seen->items[i].verdict = seen->items[j].verdict = policy_unknown(SIGHTING_CONFLICT);
}

/* The number of a group in a domain's tree is the lowest of the domain's own addresses in it, so
 * that it says nothing of the host. False when no other of this domain's devices is in it. */
static bool own_group(const struct sightings *seen, const struct sighting *item, uint32_t *group)
{
    bool lowest_known = false, shared = false;

    if (!item->device->grouped)
        return false;
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->items[i].device->group != item->device->group)
            continue;
        if (!lowest_known)
            *group = seen->items[i].address;
        lowest_known = true;
        shared = shared || &seen->items[i] != item;
    }
    return shared;
}

static int add_sightings(struct tree *tree, const struct sightings *seen)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < seen->count; i++) {
        uint32_t group;
        char base[PCI_BASE_SIZE];

        pci_base(seen->items[i].address, base);
        rc = add_verdict(tree, base, &seen->items[i].verdict);
        if (rc == 0)
            rc = add_limits(tree, base, &seen->items[i].verdict,
                            seen->items[i].device->facts.limits);
        if (rc == 0 && own_group(seen, &seen->items[i], &group))
            rc = add_number(tree, base, "group", group);
    }
    return rc;
}

static int add_pci_view(const struct view_source *source, uint32_t domid, struct tree *tree)
{
    size_t most = domid == 0 ? source->inventory->pci_count : source->assignment->claim_count;
    struct sightings seen = {calloc(most + 1, sizeof(*seen.items)), 0};
    int rc;

    if (!seen.items)
        return -ENOMEM;
    if (domid == 0)
        see_dom0(source, &seen);
    else
        see_guest(source, domid, &seen);
    if (seen.count)
        qsort(seen.items, seen.count, sizeof(*seen.items), compare);
    if (domid != 0)
        merge(&seen);
    rc = add_sightings(tree, &seen);
    free(seen.items);
    return rc;
}

/* The number of a group in its owner's tree says nothing of the host: it is the place of its first
 * member among the owner's devices. 0 where no other of those is in the group. */
static uint32_t own_dt_group(const struct view_source *source, const struct device *device)
{
    const struct inventory *inventory = source->inventory;
    uint32_t place = 0, first = 0, members = 0;

    for (size_t i = inventory->pci_count; device->grouped && i < inventory->count; i++) {
        const struct device *other = &inventory->devices[i];

        if (other->owner.kind != device->owner.kind || other->owner.domid != device->owner.domid)
            continue;
        place++;
        if (other->group == device->group && !members++)
            first = place;
    }
    return members > 1 ? first : 0;
}

static int add_dt_group(const struct view_source *source, struct tree *tree, const char *base,
                        const struct device *device)
{
    uint32_t group = own_dt_group(source, device);

    return group ? add_number(tree, base, "group", group) : 0;
}

static int add_dt_of_dom0(const struct view_source *source, struct tree *tree)
{
    char base[DT_BASE_SIZE];
    int rc = 0;

    for (size_t i = source->inventory->pci_count; rc == 0 && i < source->inventory->count; i++) {
        const struct device *device = &source->inventory->devices[i];
        size_t count;

        (void)dt_records_find(source->dt_records, device->path, &count);
        if (device->owner.kind != OWNER_DOM0 && (device->owner.kind != OWNER_UNKNOWN || count))
            continue;
        if (!dt_base(device->path, base))
            continue;
        rc = add_verdict(tree, base, &device->verdict);
        if (rc == 0)
            rc = add_dt_group(source, tree, base, device);
    }
    return rc;
}

/* Two of the guest's nodes cannot have one path, but two records may say so: 1 then. */
static int add_once(struct tree *tree, const char *base, const struct verdict *verdict)
{
    char state[DT_BASE_SIZE + 8];
    struct verdict conflict = policy_unknown(SIGHTING_CONFLICT);
    int rc;

    snprintf(state, sizeof(state), "%s/state", base);
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->nodes[i].path, state) != 0)
            continue;
        rc = tree_replace(&tree->nodes[i], xeniommu_state_name(conflict.state));
        if (rc == 0)
            rc = tree_replace(&tree->nodes[i + 1], "keep");
        if (rc == 0)
            rc = tree_replace(&tree->nodes[i + 2], conflict.reason);
        return rc == 0 ? 1 : rc;
    }
    return add_verdict(tree, base, verdict);
}

static int add_dt_of_guest(const struct view_source *source, uint32_t domid, struct tree *tree)
{
    const struct domain *domain = domain_list_find(source->domains, domid);
    char base[DT_BASE_SIZE];
    int rc = 0;

    for (size_t i = 0; domain && rc == 0 && i < source->dt_records->count; i++) {
        const struct dt_record *record = &source->dt_records->records[i];
        const struct device *device = inventory_find_dt(source->inventory, record->path);
        const char *path = sighting_of_record(record, domain);
        struct verdict verdict;

        if (!device || !path)
            continue;
        verdict = device->owner.kind == OWNER_GUEST && device->owner.domid == domid
                      ? device->verdict
                      : unconfirmed(device);
        if (!dt_base(path, base))
            continue;
        rc = add_once(tree, base, &verdict);
        if (rc == 0)
            rc = add_dt_group(source, tree, base, device);
        rc = rc < 0 ? rc : 0;
    }
    return rc;
}

int view_of_domain(const struct view_source *source, uint32_t domid, struct tree *tree)
{
    int rc = start(source, tree);

    if (rc == 0)
        rc = add_pci_view(source, domid, tree);
    if (rc == 0)
        rc = domid == 0 ? add_dt_of_dom0(source, tree) : add_dt_of_guest(source, domid, tree);
    tree_sort(tree);
    return rc;
}
