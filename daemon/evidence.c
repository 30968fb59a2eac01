/* SPDX-License-Identifier: MIT */
#include "evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

void evidence_ask(struct hypervisor *hypervisor, struct device *device)
{
    int before = device->error;

    device->error = device->bus == BUS_DT
                        ? hypervisor_ask_dt(hypervisor, device->path, &device->oracle)
                        : hypervisor_ask_pci(hypervisor, device->function.sbdf, &device->oracle);
    device->fresh = true;
    device->ask = device->error < 0;
    if (device->error < 0 && device->error != before) {
        char name[256];

        device_name(device, name, sizeof(name));
        log_warning("asking Xen about %s: %s", name, strerror(-device->error));
    }
}

/* The domains that own a device, each once. */
struct owners {
    uint32_t *domids;
    size_t count;
};

static bool is_listable(const struct device *device)
{
    return device->owner.kind == OWNER_DOM0 || device->owner.kind == OWNER_GUEST;
}

static void add_owner(struct owners *owners, uint32_t domid)
{
    for (size_t i = 0; i < owners->count; i++)
        if (owners->domids[i] == domid)
            return;
    owners->domids[owners->count++] = domid;
}

/* Of every device, or of those only that are asked about in this pass. */
static int collect_owners(const struct inventory *inventory, bool asked_only, struct owners *owners)
{
    owners->count = 0;
    owners->domids = calloc(inventory->pci_count + 1, sizeof(*owners->domids));
    if (!owners->domids)
        return -ENOMEM;
    for (size_t i = 0; i < inventory->pci_count; i++) {
        const struct device *device = &inventory->devices[i];

        if (is_listable(device) && (!asked_only || device->fresh || !device->mates_known))
            add_owner(owners, device->owner.kind == OWNER_GUEST ? device->owner.domid : 0);
    }
    return 0;
}

/* The members of the device's group that one domain owns. False when Xen would not say. */
static bool list_mates(struct hypervisor *hypervisor, struct inventory *inventory,
                       const struct device *device, uint32_t domid, int *rc)
{
    uint32_t mates[HYPERVISOR_MATES_MAX];
    size_t count;
    int error = hypervisor_mates(hypervisor, domid, device->function.sbdf, mates, &count);

    if (error < 0) {
        log_debug("listing domain %u's part in the group of %08x: %s", domid, device->function.sbdf,
                  strerror(-error));
        return false;
    }
    for (size_t i = 0; *rc == 0 && i < count; i++)
        *rc = groups_add(&inventory->groups, device->function.sbdf, mates[i]);
    return true;
}

static int list_groups(struct hypervisor *hypervisor, struct inventory *inventory,
                       const struct owners *all, const struct owners *asked)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < inventory->pci_count; i++) {
        struct device *device = &inventory->devices[i];
        bool complete = true;
        /* What no domain owns is in nobody's list, so such a device has to look for the others. */
        const struct owners *owners = device->fresh || !device->mates_known ? all
                                      : is_listable(device)                 ? NULL
                                                                            : asked;

        for (size_t j = 0; rc == 0 && owners && j < owners->count; j++)
            complete &= list_mates(hypervisor, inventory, device, owners->domids[j], &rc);
        if (owners)
            device->mates_known = complete;
    }
    return rc;
}

int evidence_gather(struct hypervisor *hypervisor, struct inventory *inventory)
{
    struct owners all = {NULL, 0}, asked = {NULL, 0};
    int rc = 0;

    if (!evidence_is_due(inventory))
        return 0;
    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->devices[i].ask)
            evidence_ask(hypervisor, &inventory->devices[i]);
    rc = collect_owners(inventory, false, &all);
    if (rc == 0)
        rc = collect_owners(inventory, true, &asked);
    if (rc == 0)
        rc = list_groups(hypervisor, inventory, &all, &asked);
    free(all.domids);
    free(asked.domids);
    return rc == 0 ? inventory_regroup(inventory) : rc;
}

bool evidence_is_due(const struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->devices[i].ask || !inventory->devices[i].mates_known)
            return true;
    return false;
}
