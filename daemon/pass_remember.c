/* SPDX-License-Identifier: MIT */
/* What runs of the daemon tell each other: for which device each record "assignable" was written,
 * and where a function went while libxl had such a record. What comes there later, and while no
 * daemon runs, is another one. What is told of a function that cannot be read yet is kept until it
 * can, or is known to be gone; else it would be lost with the first tree written without it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "log.h"
#include "pass.h"
#include "view.h"

/* Trying again helps. */
static bool is_passing(int error)
{
    return error == -ENOMEM || error == -EAGAIN || store_is_lost(error);
}

/* *text: NULL where nothing was left, "", which fits no device and is no list, where that cannot be
 * read; the caller frees it. 0 or a negative errno. */
static int read_seen(struct reconciler *reconciler, const char *name, char **text)
{
    char path[128];
    int rc;

    snprintf(path, sizeof(path), PUBLISHER_SEEN_DIR "/%s", name);
    rc = store_read(reconciler->parts.store, XBT_NULL, path, text, NULL);
    if (rc == 0)
        return 0;
    *text = NULL;
    if (rc == -ENOENT || is_passing(rc))
        return rc == -ENOENT ? 0 : rc;
    log_warning("what an earlier run left cannot be read: %s: %s", path, strerror(-rc));
    *text = strdup("");
    return *text ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------- where a function went */

/* "0000-00-04-0 0000-00-05-0". -EINVAL for anything else. */
static int parse_gone(const char *text, struct pci_addresses *gone)
{
    if (!*text)
        return -EINVAL;
    while (*text) {
        size_t length = strcspn(text, " ");
        uint32_t sbdf;

        if (xeniommu_pci_parse(text, length, &sbdf) < 0)
            return -EINVAL;
        if (pci_addresses_add(gone, sbdf) < 0)
            return -ENOMEM;
        text += length + (text[length] == ' ');
    }
    return 0;
}

/* Where an earlier run saw a function go. What cannot be read may be anywhere. */
static int recall_gone(struct reconciler *reconciler)
{
    char *text;
    int rc = read_seen(reconciler, VIEW_GONE_NODE, &text);

    pci_addresses_clear(&reconciler->gone);
    if (rc == 0 && text)
        rc = parse_gone(text, &reconciler->gone);
    reconciler->gone.all = rc == -EINVAL;
    free(text);
    return rc == -EINVAL ? 0 : rc;
}

static void add_gone(struct reconciler *reconciler, uint32_t sbdf)
{
    if (pci_addresses_add(&reconciler->gone, sbdf) < 0)
        reconciler->gone.all = true;
}

/* ------------------------------------------------------------- of those that are there */

/* text: what an earlier run left of its address, or NULL. */
static void found(struct reconciler *reconciler, struct device *device, const char *text)
{
    if (!text && pci_addresses_hold(&reconciler->gone, device->function.sbdf))
        text = "";
    quarantine_found(&device->quarantine, reconciler->pass, &device->function, text);
    if (!ownership_is_assignable(&device->function))
        quarantine_released(&device->quarantine);
}

static int recall(struct reconciler *reconciler, struct device *device)
{
    char name[XENIOMMU_PCI_NAME_SIZE], *text = NULL;
    int rc = 0;

    /* It came while this run looked, however early. */
    if (device->function.late)
        return 0;
    xeniommu_pci_name(device->function.sbdf, name);
    if (ownership_is_assignable(&device->function))
        rc = read_seen(reconciler, name, &text);
    if (rc == 0)
        found(reconciler, device, text);
    free(text);
    return rc;
}

/* ------------------------------------------------------------- of those that are not read yet */

static int keep(struct reconciler *reconciler, const char *name, uint32_t sbdf)
{
    struct remembered *grown, item = {.sbdf = sbdf};
    int rc = read_seen(reconciler, name, &item.text);

    if (rc < 0 || !item.text)
        return rc;
    grown = reallocarray(reconciler->remembered, reconciler->remembered_count + 1, sizeof(*grown));
    if (!grown) {
        free(item.text);
        return -ENOMEM;
    }
    reconciler->remembered = grown;
    grown[reconciler->remembered_count++] = item;
    return 0;
}

/* One that is not there went while no daemon ran, or cannot be read yet. */
static int recall_absent(struct reconciler *reconciler, const char *name)
{
    uint32_t sbdf;

    if (xeniommu_pci_parse(name, strlen(name), &sbdf) < 0 ||
        inventory_find(&reconciler->inventory, sbdf))
        return 0;
    if (reconciler->inventory.incomplete)
        return keep(reconciler, name, sbdf);
    add_gone(reconciler, sbdf);
    return 0;
}

/* oxenstored hangs up on who lists more than 4096 bytes. */
#define LISTED_MAX 256

static int recall_others(struct reconciler *reconciler)
{
    struct store *store = reconciler->parts.store;
    uint64_t left;
    char **names;
    size_t count;
    int rc = store_read_number(store, XBT_NULL, PUBLISHER_SEEN_DIR "/" VIEW_COUNT_NODE, &left);

    if (rc == -ENOENT)
        return 0;
    if (rc == 0)
        rc = left > LISTED_MAX ? -E2BIG
                               : store_list(store, XBT_NULL, PUBLISHER_SEEN_DIR, &names, &count);
    /* What cannot be known may be about any. */
    if (rc < 0 && !is_passing(rc)) {
        reconciler->gone.all = true;
        return 0;
    }
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = recall_absent(reconciler, names[i]);
    free(names);
    return rc;
}

static const char *kept(const struct reconciler *reconciler, uint32_t sbdf)
{
    for (size_t i = 0; i < reconciler->remembered_count; i++)
        if (reconciler->remembered[i].sbdf == sbdf)
            return reconciler->remembered[i].text;
    return NULL;
}

void pass_forget_remembered(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->remembered_count; i++)
        free(reconciler->remembered[i].text);
    free(reconciler->remembered);
    reconciler->remembered = NULL;
    reconciler->remembered_count = 0;
}

/* ------------------------------------------------------------- */

static int recall_all(struct reconciler *reconciler)
{
    int rc = recall_gone(reconciler);

    pass_forget_remembered(reconciler);
    for (size_t i = 0; rc == 0 && i < reconciler->inventory.pci_count; i++)
        rc = recall(reconciler, &reconciler->inventory.devices[i]);
    if (rc == 0)
        rc = recall_others(reconciler);
    reconciler->looked = rc == 0;
    reconciler->awaits = reconciler->looked && reconciler->inventory.incomplete;
    return rc;
}

/* Of one that had an event until it could be read more than that is to be known. */
static bool was_awaited(const struct reconciler *reconciler, const struct device *device)
{
    return device->quarantine.since == reconciler->pass && !device->function.late &&
           !device->function.again && !device->function.events;
}

int pass_recall(struct reconciler *reconciler)
{
    struct inventory *inventory = &reconciler->inventory;

    /* Nobody has left anything where there is no XenStore. */
    if (!reconciler->parts.store)
        return 0;
    if (!reconciler->looked)
        return recall_all(reconciler);
    if (!reconciler->awaits)
        return 0;
    for (size_t i = 0; i < inventory->pci_count; i++) {
        struct device *device = &inventory->devices[i];

        if (was_awaited(reconciler, device))
            found(reconciler, device, kept(reconciler, device->function.sbdf));
    }
    reconciler->awaits = inventory->incomplete;
    if (reconciler->awaits)
        return 0;
    for (size_t i = 0; i < reconciler->remembered_count; i++)
        if (!inventory_find(inventory, reconciler->remembered[i].sbdf))
            add_gone(reconciler, reconciler->remembered[i].sbdf);
    pass_forget_remembered(reconciler);
    return 0;
}

/* ------------------------------------------------------------- for the next run */

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
