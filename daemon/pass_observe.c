/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "counters.h"
#include "log.h"
#include "mates.h"
#include "pass.h"

/* A question to Xen that went wrong: said once, not in every pass. */
static void note_trouble(struct reconciler *reconciler, const char *what, int error)
{
    complain(&reconciler->now, &reconciler->troubles, "%s: %s", what, strerror(-error));
}

static void close_troubles(struct reconciler *reconciler)
{
    complaints_clear(&reconciler->troubles);
    reconciler->troubles = reconciler->now;
    reconciler->now = (struct complaints){NULL, 0};
}

static int read_domains(struct reconciler *reconciler)
{
    struct domain_list list;
    int rc = hypervisor_domains(reconciler->parts.hypervisor, &list);

    if (rc < 0) {
        note_trouble(reconciler, "listing the domains", rc);
        return rc;
    }
    for (size_t i = 0; i < reconciler->domains.count; i++) {
        const struct domain *old = &reconciler->domains.domains[i];
        const struct domain *now = domain_list_find(&list, old->domid);

        if (!now && !reconciler->parts.publisher)
            continue;
        /* Its home may outlive it; the next domain of that number makes its own. */
        if (!now)
            (void)publisher_withdraw_from(reconciler->parts.publisher, old->domid, "stopped");
        if (!now || memcmp(now->handle, old->handle, sizeof(now->handle)) != 0)
            publisher_forget(reconciler->parts.publisher, old->domid);
        if (!now || now->alive != old->alive)
            reconciler->domain_ended = true;
    }
    domain_list_free(&reconciler->domains);
    reconciler->domains = list;
    return 0;
}

static void read_cmdline(struct reconciler *reconciler)
{
    int rc;

    if (reconciler->cmdline_known)
        return;
    rc = hypervisor_cmdline(reconciler->parts.hypervisor, reconciler->parts.builtin_cmdline,
                            &reconciler->cmdline);
    if (rc < 0)
        note_trouble(reconciler, "reading Xen's command line", rc);
    reconciler->cmdline_known = rc == 0;
}

/* What Xen fails to answer is unknown, and asked again at the next recheck. */
static void read_hypervisor(struct reconciler *reconciler)
{
    int rc = hypervisor_iommu(reconciler->parts.hypervisor, &reconciler->iommu);

    if (rc < 0)
        note_trouble(reconciler, "asking Xen whether it drives an IOMMU", rc);
    /* Without the list of domains no owner is certain: as good as no word from Xen at all. */
    if (read_domains(reconciler) < 0)
        reconciler->iommu = IOMMU_UNKNOWN;
    read_cmdline(reconciler);
    close_troubles(reconciler);
}

static void note_oddities(struct reconciler *reconciler)
{
    const struct assignment *assignment = assignment_observer_get(reconciler->parts.assignment);
    struct complaints now = {NULL, 0};

    for (size_t i = 0; i < assignment->claim_count; i++) {
        const struct pci_claim *claim = &assignment->claims[i];
        char name[XENIOMMU_PCI_NAME_SIZE];

        xeniommu_pci_name(claim->sbdf, name);
        if (!domain_list_find(&reconciler->domains, claim->domid))
            complain(&now, &reconciler->oddities,
                     "/local/domain/0/backend/pci/%u: names %s, but there is no such domain",
                     claim->domid, name);
        else if (!inventory_find(&reconciler->inventory, claim->sbdf))
            complain(&now, &reconciler->oddities,
                     "/local/domain/0/backend/pci/%u: names %s, but there is no such device",
                     claim->domid, name);
    }
    complaints_clear(&reconciler->oddities);
    reconciler->oddities = now;
}

/* ------------------------------------------------------------- the devices */

static int update_devices(struct reconciler *reconciler)
{
    const struct pci_topology *topology = pci_observer_topology(reconciler->parts.pci);
    struct inventory *inventory = &reconciler->inventory;
    int rc = 0;

    if (!reconciler->devices_changed)
        return 0;
    rc = inventory_update(inventory, reconciler->pass, topology,
                          dt_observer_entries(reconciler->parts.dt));
    if (rc == 0)
        rc = mates_regroup(inventory);
    if (rc == 0)
        rc = pass_recall(reconciler);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < inventory->pci_count; i++)
        acpi_tables_lookup(reconciler->parts.tables, topology, inventory->devices[i].function.sbdf,
                           &inventory->devices[i].coverage);
    reconciler->devices_changed = false;
    /* Of a new device the record is read anew: behind that answer there are no events that are
     * older than the device. */
    for (size_t i = 0; reconciler->parts.store && i < inventory->pci_count; i++)
        if (inventory->devices[i].quarantine.since == reconciler->pass)
            assignment_observer_suspect(reconciler->parts.assignment,
                                        inventory->devices[i].function.sbdf);
    return 0;
}

/* ------------------------------------------------------------- what events were about */

/* The uevents were taken in after these events of the records, so all that libxl did to a device
 * before it wrote is known. */
static void note_recorded(struct reconciler *reconciler)
{
    struct recorded *recorded = assignment_observer_recorded(reconciler->parts.assignment);

    for (size_t i = 0; i < reconciler->inventory.pci_count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        unsigned int times = recorded_take(recorded, device->function.sbdf);

        quarantine_seen(&device->quarantine, reconciler->pass, &device->function);
        if (times)
            quarantine_recorded(&device->quarantine, &device->function, times);
        if (!quarantine_is_settled(&device->quarantine))
            reconciler->overtaken = true;
    }
}

/* Reads what changed, and takes in what was announced while that went on. */
static int refresh_records(struct reconciler *reconciler)
{
    int rc = assignment_observer_refresh(reconciler->parts.assignment,
                                         pci_observer_topology(reconciler->parts.pci),
                                         &reconciler->domains);
    int events = rc < 0 && store_is_lost(rc) ? 0 : pass_take_pending(reconciler);

    reconciler->overtaken = reconciler->overtaken || events > 0;
    return events < 0 ? events : rc;
}

/* Xen's last answer does not fit the records: one of them is older than the other, or some domain
 * has what libxl forgot to take back after a failed attach. */
static bool is_contradicted(const struct device *device)
{
    return evidence_word(device->bus, device->owner.kind, evidence_last(&device->evidence)) ==
           WORD_DENIES;
}

static void note_events(struct reconciler *reconciler, struct device *device)
{
    struct assignment_observer *observer = reconciler->parts.assignment;
    uint32_t sbdf = device->function.sbdf;

    if (device->bus != BUS_PCI)
        return;
    if (assignment_is_touched(assignment_observer_get(observer), sbdf))
        evidence_changed(&device->evidence, reconciler->pass);
    if (assignment_observer_is_pending(observer, sbdf))
        evidence_changed(&device->evidence, reconciler->pass + 1);
    /* What was announced until the record was read may be about the one that stood there before. */
    if (device->quarantine.since == reconciler->pass && device->function.again)
        (void)recorded_take(assignment_observer_recorded(observer), sbdf);
}

/* ------------------------------------------------------------- owners */

static struct ownership resolve(const struct reconciler *reconciler, const struct device *device)
{
    struct dt_entry entry = {.path = device->path, .node = device->node};
    struct ownership owner;

    if (device->bus == BUS_DT)
        return ownership_resolve_dt(&entry, toolstack_observer_get(reconciler->parts.toolstack),
                                    &reconciler->domains);
    if (reconciler->blind)
        return (struct ownership){.kind = OWNER_UNKNOWN, .doubt = DOUBT_UNREADABLE};
    owner =
        ownership_resolve(&device->function, assignment_observer_get(reconciler->parts.assignment),
                          &reconciler->domains);
    if (owner.kind == OWNER_NONE && device->quarantine.doubtful)
        return (struct ownership){.kind = OWNER_UNKNOWN, .doubt = DOUBT_NEW_DEVICE};
    return owner;
}

static uint64_t place_of(const struct reconciler *reconciler, const struct device *device,
                         const struct ownership *owner)
{
    if (owner->kind != OWNER_GUEST)
        return 0;
    if (device->bus == BUS_DT)
        return ownership_place_dt(device->path, toolstack_observer_get(reconciler->parts.toolstack),
                                  owner);
    return ownership_place(&device->function, assignment_observer_get(reconciler->parts.assignment),
                           &reconciler->domains, owner->domid);
}

/* From one that was known to another. What is in between, while a device changes hands, counts as
 * one as well. */
static bool is_other_owner(const struct ownership *now, const struct ownership *before)
{
    bool looked_for = before->kind != OWNER_UNKNOWN || before->doubt != DOUBT_NONE;

    return looked_for && !ownership_same(now, before);
}

/* reread: something of the toolstack's records was read anew. */
static void resolve_owners(struct reconciler *reconciler, bool reread)
{
    bool changed = reread || reconciler->domain_ended;

    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        struct ownership owner;
        uint64_t place;

        note_events(reconciler, device);
        owner = resolve(reconciler, device);
        place = place_of(reconciler, device, &owner);
        /* Where it was seen nowhere there is no old record to take back. */
        device->moved =
            !ownership_same(&owner, &device->owner) || (device->place && place != device->place);
        if (is_other_owner(&owner, &device->owner))
            counter_add(COUNTER_OWNER_CHANGES);
        device->owner = owner;
        device->place = place;
        if (device->moved || (changed && is_contradicted(device)))
            evidence_changed(&device->evidence, reconciler->pass);
    }
    reconciler->domain_ended = false;
}

int pass_observe(struct reconciler *reconciler)
{
    int unreadable, rc = reconciler_take_events(reconciler);
    int uevents = rc < 0 ? rc : reconciler_take_uevents(reconciler);

    reconciler->pass++;
    reconciler->overtaken = uevents == PCI_OBSERVER_MORE;
    read_hypervisor(reconciler);
    rc = uevents < 0 ? uevents : update_devices(reconciler);
    if (rc < 0)
        return rc;
    pass_note_gone(reconciler);
    if (uevents != PCI_OBSERVER_MORE)
        note_recorded(reconciler);
    unreadable = refresh_records(reconciler);
    if (unreadable == -ENOMEM || store_is_lost(unreadable))
        return unreadable;
    reconciler->blind = unreadable < 0;
    if (reconciler->blind)
        log_warning("reading the toolstack's records: %s", strerror(-unreadable));
    resolve_owners(reconciler, unreadable > 0);
    note_oddities(reconciler);
    return unreadable < 0 ? unreadable : 0;
}

int pass_observe_early(struct reconciler *reconciler)
{
    int uevents = reconciler_take_uevents(reconciler), rc;

    reconciler->pass++;
    reconciler->overtaken = uevents == PCI_OBSERVER_MORE;
    read_hypervisor(reconciler);
    rc = uevents < 0 ? uevents : update_devices(reconciler);
    if (rc == 0)
        resolve_owners(reconciler, false);
    return rc;
}
