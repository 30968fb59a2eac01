/* SPDX-License-Identifier: MIT */
#include "inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_HOST_BRIDGE 0x0600

static int compare(const void *key, const void *element)
{
    uint32_t sbdf = *(const uint32_t *)key;
    const struct device *device = element;

    return sbdf < device->function.sbdf ? -1 : sbdf > device->function.sbdf;
}

struct device *inventory_find(const struct inventory *inventory, uint32_t sbdf)
{
    if (!inventory->pci_count)
        return NULL;
    return bsearch(&sbdf, inventory->devices, inventory->pci_count, sizeof(*inventory->devices),
                   compare);
}

static int compare_path(const void *key, const void *element)
{
    return strcmp(key, ((const struct device *)element)->path);
}

struct device *inventory_find_dt(const struct inventory *inventory, const char *path)
{
    if (inventory->count == inventory->pci_count)
        return NULL;
    return bsearch(path, inventory->devices + inventory->pci_count,
                   inventory->count - inventory->pci_count, sizeof(*inventory->devices),
                   compare_path);
}

void device_name(const struct device *device, char *name, size_t size)
{
    char sbdf[XENIOMMU_PCI_NAME_SIZE];

    xeniommu_pci_name(device->function.sbdf, sbdf);
    snprintf(name, size, "%s", device->bus == BUS_DT ? device->path : sbdf);
}

/* On Intel's Ironlake, Xen leaves the graphics' own unit off where the firmware did not prepare it
 * (is_igd_vt_enabled_quirk() in xen/drivers/passthrough/vtd/quirks.c), and tells nobody. */
static bool may_be_ironlake(const struct pci_topology *topology)
{
    static const uint32_t host_bridges[] = {0x00408086, 0x00448086, 0x00628086, 0x006a8086};
    const struct pci_function *root = pci_topology_find(topology, 0);

    if (!root || !root->id)
        return true;
    for (size_t i = 0; i < sizeof(host_bridges) / sizeof(host_bridges[0]); i++)
        if (root->id == host_bridges[i])
            return true;
    return false;
}

static struct acpi_answer look_up(const struct acpi_tables *tables,
                                  const struct pci_topology *topology, uint32_t sbdf)
{
    struct acpi_answer answer;

    acpi_tables_lookup(tables, topology, sbdf, &answer);
    if (answer.igd_only && may_be_ironlake(topology))
        answer.coverage = COVERAGE_UNKNOWN;
    return answer;
}

/* The devices are made anew; what is known of one that stays is taken over. */
static void add_pci(const struct inventory *inventory, struct inventory *result,
                    const struct pci_topology *topology, const struct acpi_tables *tables)
{
    for (size_t i = 0; i < topology->count; i++) {
        const struct pci_function *function = &topology->functions[i];
        const struct device *known = inventory_find(inventory, function->sbdf);
        struct device *device = &result->devices[result->count];

        if (function->class_code >> 8 == CLASS_HOST_BRIDGE)
            continue;
        if (known && known->function.incarnation == function->incarnation)
            *device = *known;
        else
            *device = (struct device){.bus = BUS_PCI,
                                      .ask = true,
                                      .group = function->sbdf,
                                      .verdict = policy_unknown("owner-unknown")};
        device->function = *function;
        memcpy(device->driver, function->driver, sizeof(device->driver));
        device->coverage = look_up(tables, topology, function->sbdf);
        result->count++;
    }
    result->pci_count = result->count;
}

static int add_dt(const struct inventory *inventory, struct inventory *result,
                  const struct dt_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct dt_entry *entry = &entries->entries[i];
        const struct device *known = inventory_find_dt(inventory, entry->path);
        struct device *device = &result->devices[result->count];

        if (known)
            *device = *known;
        else
            *device = (struct device){.bus = BUS_DT,
                                      .ask = true,
                                      .mates_known = true,
                                      .verdict = policy_unknown("owner-unknown")};
        device->path = strdup(entry->path);
        if (!device->path)
            return -ENOMEM;
        device->node = entry->node;
        memcpy(device->driver, entry->driver, sizeof(device->driver));
        result->count++;
    }
    return 0;
}

static void free_devices(struct inventory *inventory)
{
    for (size_t i = inventory->pci_count; i < inventory->count; i++)
        free(inventory->devices[i].path);
    free(inventory->devices);
}

int inventory_update(struct inventory *inventory, const struct pci_topology *topology,
                     const struct acpi_tables *tables, const struct dt_entries *entries)
{
    struct inventory result = {
        .devices = calloc(topology->count + entries->count + 1, sizeof(*result.devices))};

    if (!result.devices)
        return -ENOMEM;
    add_pci(inventory, &result, topology, tables);
    if (add_dt(inventory, &result, entries) < 0) {
        free_devices(&result);
        return -ENOMEM;
    }
    inventory->shrunk = false;
    for (size_t i = 0; i < inventory->pci_count; i++) {
        const struct pci_function *old = &inventory->devices[i].function;
        const struct pci_function *now = pci_topology_find(topology, old->sbdf);

        if (now && now->incarnation == old->incarnation)
            continue;
        groups_drop(&inventory->groups, old->sbdf);
        inventory->shrunk = true;
    }
    free_devices(inventory);
    inventory->devices = result.devices;
    inventory->count = result.count;
    inventory->pci_count = result.pci_count;
    return 0;
}

int inventory_regroup(struct inventory *inventory)
{
    size_t count = inventory->pci_count;
    uint32_t *numbers = calloc(2 * count + 1, sizeof(*numbers));
    uint32_t *lowest = numbers + count;

    if (!numbers)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = inventory->devices[i].function.sbdf;
        inventory->devices[i].grouped = false;
    }
    groups_find(&inventory->groups, numbers, lowest, count);
    for (size_t i = 0; i < count; i++) {
        struct device *first = inventory_find(inventory, lowest[i]);

        inventory->devices[i].group = lowest[i];
        if (first && first != &inventory->devices[i])
            first->grouped = inventory->devices[i].grouped = true;
    }
    free(numbers);
    return 0;
}

static bool same_owner(const struct ownership *a, const struct ownership *b)
{
    return a->kind == b->kind && (a->kind != OWNER_GUEST || a->domid == b->domid);
}

/* Xen's own word on a mate has to fit its owner. */
static bool is_confirmed(const struct device *device)
{
    return device->oracle == (device->owner.kind == OWNER_GUEST ? ORACLE_TAKEN : ORACLE_FREE);
}

static enum group_mates mate(const struct device *device, const struct device *other)
{
    if (other->owner.kind == OWNER_UNKNOWN || !is_confirmed(other))
        return MATES_DOUBTFUL;
    /* One that belongs to nobody takes nothing from its mate's confinement: the shared mapping is
     * the mate's, or it blocks. The other way round it may reach what its mate may. */
    if (other->owner.kind == OWNER_NONE)
        return MATES_TOGETHER;
    return same_owner(&device->owner, &other->owner) ? MATES_TOGETHER : MATES_APART;
}

enum group_mates inventory_mates(const struct inventory *inventory, const struct device *device)
{
    enum group_mates worst = MATES_TOGETHER;

    if (!device->mates_known)
        return MATES_UNKNOWN;
    /* A bridge only passes on what the functions below it do. */
    if (!device->grouped || device->function.is_bridge)
        return MATES_TOGETHER;
    for (size_t i = 0; i < inventory->pci_count; i++) {
        const struct device *other = &inventory->devices[i];
        enum group_mates how;

        if (other == device || other->group != device->group || other->function.is_bridge)
            continue;
        how = mate(device, other);
        if (how == MATES_APART)
            return MATES_APART;
        if (how != MATES_TOGETHER)
            worst = how;
    }
    return worst;
}

void inventory_clear(struct inventory *inventory)
{
    free_devices(inventory);
    groups_clear(&inventory->groups);
    *inventory = (struct inventory){0};
}
