/* SPDX-License-Identifier: MIT */
/* What runs of the daemon tell each other: for which device each record "assignable" was written,
 * and where a function went while libxl had such a record. What comes there later, and while no
 * daemon runs, is another one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "pass.h"
#include "view.h"

static int read_seen(struct reconciler *reconciler, const char *name, char **text)
{
    char path[128];

    *text = NULL;
    snprintf(path, sizeof(path), PUBLISHER_SEEN_DIR "/%s", name);
    return store_read(reconciler->parts.store, XBT_NULL, path, text, NULL);
}

/* "0000-00-04-0 0000-00-05-0". False for anything else. */
static bool parse_gone(const char *text, struct pci_addresses *gone)
{
    while (*text) {
        size_t length = strcspn(text, " ");
        uint32_t sbdf;

        if (xeniommu_pci_parse(text, length, &sbdf) < 0 || pci_addresses_add(gone, sbdf) < 0)
            return false;
        text += length + (text[length] == ' ');
    }
    return true;
}

/* Where an earlier run saw a function go. What cannot be read may be anywhere. */
static int recall_gone(struct reconciler *reconciler)
{
    char *text;
    int rc = read_seen(reconciler, VIEW_GONE_NODE, &text);

    pci_addresses_clear(&reconciler->gone);
    if (rc < 0 && store_is_lost(rc))
        return rc;
    if (rc == 0)
        reconciler->gone.all = !parse_gone(text, &reconciler->gone);
    else
        reconciler->gone.all = rc != -ENOENT;
    free(text);
    return 0;
}

/* What an earlier run left of a device that was there before this one looked. */
static int recall(struct reconciler *reconciler, struct device *device)
{
    bool gone = pci_addresses_hold(&reconciler->gone, device->function.sbdf);
    char name[XENIOMMU_PCI_NAME_SIZE], *text = NULL;
    int rc = -ENOENT;

    xeniommu_pci_name(device->function.sbdf, name);
    if (ownership_is_assignable(&device->function))
        rc = read_seen(reconciler, name, &text);
    if (rc < 0 && store_is_lost(rc))
        return rc;
    /* What could not be read counts as something that does not fit. */
    quarantine_found(&device->quarantine, reconciler->pass, &device->function,
                     text                     ? text
                     : rc == -ENOENT && !gone ? NULL
                                              : "");
    if (!ownership_is_assignable(&device->function))
        quarantine_released(&device->quarantine);
    free(text);
    return 0;
}

int pass_recall(struct reconciler *reconciler)
{
    int rc = recall_gone(reconciler);

    for (size_t i = 0; rc == 0 && i < reconciler->inventory.pci_count; i++)
        rc = recall(reconciler, &reconciler->inventory.devices[i]);
    return rc;
}

static void add_gone(struct reconciler *reconciler, uint32_t sbdf)
{
    if (pci_addresses_add(&reconciler->gone, sbdf) < 0)
        reconciler->gone.all = true;
}

/* Functions that have a record by the last reading of the records, or had an event of it since. */
void pass_note_gone(struct reconciler *reconciler)
{
    const struct inventory *inventory = &reconciler->inventory;
    const struct assignment *assignment = assignment_observer_get(reconciler->parts.assignment);
    struct recorded *recorded = assignment_observer_recorded(reconciler->parts.assignment);

    for (size_t i = 0; i < recorded->count; i++)
        if (!inventory_find(inventory, recorded->items[i].sbdf))
            add_gone(reconciler, recorded->items[i].sbdf);
    for (size_t i = 0; i < assignment->record_count; i++) {
        uint32_t sbdf = assignment->records[i].sbdf;

        if (inventory_find(inventory, sbdf))
            continue;
        /* What was announced of it is not about the next one. */
        (void)recorded_take(recorded, sbdf);
        if (assignment->records[i].has_driver_path)
            add_gone(reconciler, sbdf);
    }
    /* Of what is there the device's own entry tells more. */
    for (size_t i = 0; i < inventory->pci_count; i++)
        (void)pci_addresses_remove(&reconciler->gone, inventory->devices[i].function.sbdf);
}
