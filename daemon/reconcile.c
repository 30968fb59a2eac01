/* SPDX-License-Identifier: MIT */
#include "reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "log.h"
#include "mates.h"
#include "pass.h"

int reconciler_new(struct reconciler **out, const struct reconcile_parts *parts)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->parts = *parts;
    (*out)->devices_changed = true;
    return 0;
}

void reconciler_free(struct reconciler *reconciler)
{
    if (!reconciler)
        return;
    pass_forget_remembered(reconciler);
    inventory_clear(&reconciler->inventory);
    pci_addresses_clear(&reconciler->gone);
    domain_list_free(&reconciler->domains);
    complaints_clear(&reconciler->oddities);
    complaints_clear(&reconciler->contradictions);
    complaints_clear(&reconciler->troubles);
    complaints_clear(&reconciler->now);
    free(reconciler);
}

/* ------------------------------------------------------------- what happened */

void reconciler_records_changed(struct reconciler *reconciler)
{
    for (size_t i = reconciler->inventory.pci_count; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        /* What Xen gave dom0 at boot no toolstack can give away. */
        if (device->owner.kind != OWNER_DOM0)
            evidence_changed(&device->evidence, reconciler->pass + 1);
    }
}

void reconciler_set_tables(struct reconciler *reconciler, const struct acpi_tables *tables)
{
    reconciler->parts.tables = tables;
    reconciler->devices_changed = true;
}

void reconciler_devices_changed(struct reconciler *reconciler)
{
    reconciler->devices_changed = true;
}

/* What its group's lists deny: libxl's last step, Xen's quarantine, leaves no sign. */
static bool is_denied(const struct reconciler *reconciler, const struct device *device)
{
    return !mates_agree(&reconciler->inventory, device);
}

void reconciler_suspect(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        /* What Xen does not confirm yet: libxl assigns to a stub domain's guest after its last word
         * to XenStore. An answer that it is free costs no line in Xen's console. */
        if (device->owner.unannounced || device->unlisted_mate || is_denied(reconciler, device) ||
            (device->owner.kind == OWNER_GUEST && evidence_last(&device->evidence) != ORACLE_TAKEN))
            evidence_changed(&device->evidence, reconciler->pass + 1);
    }
}

void reconciler_forget(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++)
        reconciler->inventory.devices[i].verdict = policy_unknown("owner-unknown");
    reconciler_distrust(reconciler);
}

void reconciler_distrust(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++)
        evidence_changed(&reconciler->inventory.devices[i].evidence, reconciler->pass + 1);
    reconciler->devices_changed = true;
    reconciler->introduced = true;
}

/* ------------------------------------------------------------- a pass */

static int verify_homes(struct reconciler *reconciler)
{
    int rc = 0;

    if (reconciler->introduced)
        for (size_t i = 0; rc == 0 && i < reconciler->domains.count; i++)
            rc =
                publisher_verify(reconciler->parts.publisher, reconciler->domains.domains[i].domid);
    if (rc == 0)
        reconciler->introduced = false;
    return rc;
}

static int ask(struct reconciler *reconciler)
{
    struct inquiry inquiry = pass_inquiry(reconciler);
    bool asked = inquiry_is_due(&reconciler->inventory);
    int rc = asked ? inquiry_run(&inquiry) : 0;

    if (rc == 0 && pass_ask_again(reconciler))
        asked = true;
    return rc == 0 && asked ? pass_take_news(reconciler) : rc;
}

/* What has to be asked about single devices, and what follows. */
static int conclude_and_publish(struct reconciler *reconciler)
{
    int rc = verify_homes(reconciler);

    if (rc == 0 && reconciler->iommu == IOMMU_ENABLED)
        rc = ask(reconciler);
    if (rc < 0)
        return rc;
    pass_conclude(reconciler);
    rc = pass_publish(reconciler, true);
    reconciler->published = reconciler->published || rc == 0;
    return rc;
}

int reconciler_run(struct reconciler *reconciler)
{
    int trouble = pass_observe(reconciler), rc = 0;

    counter_add(COUNTER_PASSES);
    if (trouble == -ENOMEM || store_is_lost(trouble))
        return trouble;
    if (pass_downgrade(reconciler) || reconciler->unwritten)
        rc = pass_publish(reconciler, false);
    /* What stands there is not known by now, and goes without being compared. */
    if (rc == 0 && reconciler->stale)
        rc = pass_publish(reconciler, false);
    if (rc == -ENOMEM || store_is_lost(rc))
        return rc;
    rc = conclude_and_publish(reconciler);
    return rc < 0 ? rc : trouble;
}

int reconciler_find(struct reconciler *reconciler)
{
    int rc = pass_observe_early(reconciler);

    if (rc == 0 && reconciler->iommu == IOMMU_ENABLED)
        rc = ask(reconciler);
    if (rc == 0)
        pass_conclude(reconciler);
    return rc;
}

const struct inventory *reconciler_inventory(const struct reconciler *reconciler)
{
    return &reconciler->inventory;
}

bool reconciler_vouches_for(const struct reconciler *reconciler, const struct device *device)
{
    return !evidence_is_overtaken(&device->evidence, reconciler->pass);
}

int reconciler_confirm(struct reconciler *reconciler)
{
    struct inquiry inquiry;

    reconciler->tick++;
    inquiry = pass_inquiry(reconciler);
    return reconciler->iommu == IOMMU_ENABLED ? inquiry_confirm(&inquiry, RECONCILER_CONFIRM_TICKS)
                                              : 0;
}

bool reconciler_wants_pass(const struct reconciler *reconciler)
{
    return reconciler->overtaken;
}

bool reconciler_wants_retry(const struct reconciler *reconciler)
{
    return reconciler->unwritten;
}

bool reconciler_is_complete(const struct reconciler *reconciler)
{
    if (reconciler->unwritten || reconciler->homeless || reconciler->iommu == IOMMU_UNKNOWN ||
        !reconciler->cmdline_known || reconciler->inventory.incomplete)
        return false;
    return reconciler->iommu != IOMMU_ENABLED || !inquiry_is_due(&reconciler->inventory);
}

static bool may_change_unseen(const struct reconciler *reconciler, const struct device *device)
{
    return device->owner.kind == OWNER_GUEST || device->unlisted_mate ||
           is_denied(reconciler, device);
}

bool reconciler_wants_recheck(const struct reconciler *reconciler)
{
    if (!reconciler_is_complete(reconciler))
        return true;
    for (size_t i = 0; i < reconciler->inventory.count; i++)
        if (may_change_unseen(reconciler, &reconciler->inventory.devices[i]))
            return true;
    return false;
}

void reconciler_summary(const struct reconciler *reconciler, char *text, size_t size)
{
    static const enum xeniommu_state states[] = {XENIOMMU_PROTECTED, XENIOMMU_RELAXED,
                                                 XENIOMMU_UNPROTECTED, XENIOMMU_QUARANTINED,
                                                 XENIOMMU_UNKNOWN};
    size_t used;

    used = (size_t)snprintf(text, size, "%zu devices", reconciler->inventory.count);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && used < size; i++) {
        size_t count = 0;

        for (size_t j = 0; j < reconciler->inventory.count; j++)
            count += reconciler->inventory.devices[j].verdict.state == states[i];
        if (count)
            used += (size_t)snprintf(text + used, size - used, ", %zu %s", count,
                                     xeniommu_state_name(states[i]));
    }
}
