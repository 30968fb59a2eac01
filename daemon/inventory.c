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

static void start_pci(struct device *device, uint64_t pass, const struct pci_function *function)
{
    *device = (struct device){
        .bus = BUS_PCI, .group = function->sbdf, .verdict = policy_unknown("owner-unknown")};
    quarantine_plugged(&device->quarantine, pass, function);
}

static void follow_pci(struct device *device, uint64_t pass, const struct device *known,
                       const struct pci_function *function)
{
    *device = *known;
    quarantine_followed(&device->quarantine, pass, &known->function, function);
}

/* The devices are made anew; what is known of one that stays is taken over. */
static void add_pci(const struct inventory *inventory, struct inventory *result, uint64_t pass,
                    const struct pci_topology *topology)
{
    for (size_t i = 0; i < topology->count; i++) {
        const struct pci_function *function = &topology->functions[i];
        const struct device *known = inventory_find(inventory, function->sbdf);
        struct device *device = &result->devices[result->count];

        if (function->class_code >> 8 == CLASS_HOST_BRIDGE)
            continue;
        if (known && known->function.incarnation == function->incarnation)
            follow_pci(device, pass, known, function);
        else
            start_pci(device, pass, function);
        if (!known || device->function.events != function->events)
            evidence_changed(&device->evidence, pass);
        device->function = *function;
        memcpy(device->driver, function->driver, sizeof(device->driver));
        result->count++;
    }
    result->pci_count = result->count;
    result->incomplete = topology->incomplete;
}

static int add_dt(const struct inventory *inventory, struct inventory *result, uint64_t pass,
                  const struct dt_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const struct dt_entry *entry = &entries->entries[i];
        const struct device *known = inventory_find_dt(inventory, entry->path);
        struct device *device = &result->devices[result->count];

        if (known)
            *device = *known;
        else
            *device = (struct device){.bus = BUS_DT, .verdict = policy_unknown("owner-unknown")};
        if (!known || strcmp(device->driver, entry->driver) != 0)
            evidence_changed(&device->evidence, pass);
        device->path = strdup(entry->path);
        if (!device->path)
            return -ENOMEM;
        device->node = entry->node;
        memcpy(device->driver, entry->driver, sizeof(device->driver));
        result->count++;
    }
    result->streams_told = entries->streams_told;
    return 0;
}

static void free_devices(struct inventory *inventory)
{
    for (size_t i = inventory->pci_count; i < inventory->count; i++)
        free(inventory->devices[i].path);
    free(inventory->devices);
}

/* Xen may list what went all the same, so those that shared its requester ID are listed anew. */
static void forget_mates(struct inventory *inventory, struct groups *groups, uint32_t sbdf,
                         uint64_t pass)
{
    for (size_t i = 0; i < inventory->pci_count; i++)
        if (groups_pair(groups, inventory->devices[i].function.sbdf, sbdf))
            evidence_changed(&inventory->devices[i].evidence, pass);
    groups_drop(groups, sbdf);
}

static void drop_gone(struct inventory *result, struct inventory *inventory, uint64_t pass)
{
    for (size_t i = 0; i < inventory->pci_count; i++) {
        const struct pci_function *old = &inventory->devices[i].function;
        const struct device *now = inventory_find(result, old->sbdf);

        if (now && now->function.incarnation == old->incarnation)
            continue;
        forget_mates(result, &inventory->groups, old->sbdf, pass);
        result->shrunk = true;
    }
}

int inventory_update(struct inventory *inventory, uint64_t pass,
                     const struct pci_topology *topology, const struct dt_entries *entries)
{
    struct inventory result = {
        .devices = calloc(topology->count + entries->count + 1, sizeof(*result.devices))};

    if (!result.devices)
        return -ENOMEM;
    add_pci(inventory, &result, pass, topology);
    if (add_dt(inventory, &result, pass, entries) < 0) {
        free_devices(&result);
        return -ENOMEM;
    }
    result.shrunk = inventory->count > result.count;
    drop_gone(&result, inventory, pass);
    result.groups = inventory->groups;
    free_devices(inventory);
    *inventory = result;
    return 0;
}

void inventory_clear(struct inventory *inventory)
{
    free_devices(inventory);
    groups_clear(&inventory->groups);
    *inventory = (struct inventory){0};
}
