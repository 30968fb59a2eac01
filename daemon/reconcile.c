/* SPDX-License-Identifier: MIT */
#include "reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaints.h"
#include "evidence.h"
#include "log.h"
#include "view.h"

struct reconciler {
    struct reconcile_parts parts;
    struct inventory inventory;
    struct domain_list domains;
    enum iommu_use iommu;
    struct xen_cmdline cmdline; /* one for the life of the hypervisor */
    bool cmdline_known;
    bool devices_changed;
    bool introduced;
    bool domain_ended; /* one that was alive in the last pass is not any more, or one went */
    bool blind;        /* XenStore did not give the toolstack's records */
    bool unwritten;    /* a domain's tree could not be written in the last pass */
    bool homeless;     /* a live domain has no home in XenStore yet */
    bool published;    /* once at least */
    struct complaints oddities;       /* what the toolstack wrote of things that are not there */
    struct complaints contradictions; /* claims of the device tree that Xen denies */
    struct complaints troubles;       /* what Xen failed to answer in the last pass */
    struct complaints now;            /* ... in this one */
};

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
    inventory_clear(&reconciler->inventory);
    domain_list_free(&reconciler->domains);
    complaints_clear(&reconciler->oddities);
    complaints_clear(&reconciler->contradictions);
    complaints_clear(&reconciler->troubles);
    complaints_clear(&reconciler->now);
    free(reconciler);
}

void reconciler_devices_changed(struct reconciler *reconciler)
{
    reconciler->devices_changed = true;
}

void reconciler_domain_introduced(struct reconciler *reconciler)
{
    reconciler->introduced = true;
}

void reconciler_suspect(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        /* What Xen does not confirm yet: libxl assigns to a stub domain's guest after its last word
         * to XenStore. An answer that it is free costs no line in Xen's console. */
        if (device->owner.unannounced ||
            (device->owner.kind == OWNER_GUEST && device->oracle != ORACLE_TAKEN))
            device->ask = true;
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
        reconciler->inventory.devices[i].ask = true;
    reconciler->devices_changed = true;
    reconciler->introduced = true;
}

/* ------------------------------------------------------------- gathering the quick facts */

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
    rc = hypervisor_cmdline(reconciler->parts.hypervisor, &reconciler->cmdline);
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

static struct ownership resolve(const struct reconciler *reconciler, const struct device *device)
{
    struct dt_entry entry = {.path = device->path, .node = device->node};

    if (device->bus == BUS_PCI && reconciler->blind)
        return (struct ownership){.kind = OWNER_UNKNOWN, .doubt = DOUBT_UNREADABLE};
    if (device->bus == BUS_PCI)
        return ownership_resolve(&device->function,
                                 assignment_observer_get(reconciler->parts.assignment),
                                 &reconciler->domains);
    return ownership_resolve_dt(&entry, toolstack_observer_get(reconciler->parts.toolstack),
                                &reconciler->domains);
}

/* Xen's last answer does not fit the records: one of them is older than the other, or some domain
 * has what libxl forgot to take back after a failed attach. */
static bool is_contradicted(const struct device *device)
{
    if (device->owner.kind == OWNER_GUEST)
        return device->oracle == ORACLE_FREE;
    if (device->bus == BUS_DT && device->owner.kind == OWNER_DOM0)
        return false;
    return device->oracle == ORACLE_TAKEN;
}

/* reread: something of the toolstack's records was read anew. */
static int resolve_owners(struct reconciler *reconciler, bool reread)
{
    bool changed = reread || reconciler->domain_ended;
    int rc = 0;

    if (reconciler->devices_changed)
        rc = inventory_update(&reconciler->inventory, pci_observer_topology(reconciler->parts.pci),
                              reconciler->parts.tables, dt_observer_entries(reconciler->parts.dt));
    if (rc < 0)
        return rc;
    if (reconciler->devices_changed)
        rc = inventory_regroup(&reconciler->inventory);
    if (rc < 0)
        return rc;
    reconciler->devices_changed = false;
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        struct ownership owner = resolve(reconciler, device);

        device->moved = !ownership_same(&owner, &device->owner);
        device->owner = owner;
        device->ask = device->ask || device->moved || (changed && is_contradicted(device));
        device->fresh = false;
    }
    reconciler->domain_ended = false;
    note_oddities(reconciler);
    return 0;
}

/* ------------------------------------------------------------- the verdicts */

static enum dom0_mode dom0_mode(const struct reconciler *reconciler)
{
    const struct domain *dom0 = domain_list_find(&reconciler->domains, 0);

    if (!dom0 || !reconciler->cmdline_known)
        return DOM0_MODE_UNKNOWN;
    /* A PVH dom0 has no other mode than strict; but an option we do not know may change that. */
    if (dom0->kind == GUEST_KIND_TRANSLATED)
        return reconciler->cmdline.dom0_mode == DOM0_RELAXED ||
                       reconciler->cmdline.dom0_mode == DOM0_STRICT
                   ? DOM0_TRANSLATED
                   : DOM0_MODE_UNKNOWN;
    return reconciler->cmdline.dom0_mode;
}

static void add_dt_facts(const struct reconciler *reconciler, const struct device *device,
                         struct facts *facts)
{
    const struct dt_device *node = device->node;
    bool stub = node && node->grant_dma_stub && reconciler->parts.grant_dma_stub;

    if (!node)
        return;
    facts->grant_dma = node->grant_dma && !stub;
    facts->virtio_iommu = node->virtio_iommu;
    facts->pci_host = node->pci_host;
    facts->force_assign = node->force_assign;
    facts->claim = stub ? DT_CLAIMS_GRANT_STUB : node->claim;
}

static struct facts gather_facts(const struct reconciler *reconciler, const struct device *device)
{
    struct facts facts = {
        .bus = device->bus,
        .iommu = reconciler->iommu,
        .oracle = device->oracle,
        .owner = device->owner.kind,
        .doubt = device->owner.doubt,
        .guest = device->owner.guest,
    };

    if (device->bus == BUS_DT) {
        add_dt_facts(reconciler, device, &facts);
        return facts;
    }
    facts.dom0_mode = dom0_mode(reconciler);
    facts.quarantine_off = reconciler->cmdline.quarantine_off || !reconciler->cmdline_known;
    facts.coverage = device->coverage.coverage;
    facts.mates = inventory_mates(&reconciler->inventory, device);
    facts.graphics_off = reconciler->cmdline.graphics_off && device->coverage.igd_only;
    return facts;
}

static struct verdict decide(const struct reconciler *reconciler, struct device *device)
{
    device->facts = gather_facts(reconciler, device);
    return policy_decide(&device->facts);
}

static void announce(const struct reconciler *reconciler, const struct device *device,
                     const struct verdict *verdict)
{
    char name[256];

    if (!reconciler->published)
        return;
    device_name(device, name, sizeof(name));
    log_info("%s: %s, swiotlb %s (%s)", name, xeniommu_state_name(verdict->state),
             verdict->skip_swiotlb ? "skip" : "keep", verdict->reason);
}

static void settle(const struct reconciler *reconciler, struct device *device,
                   struct verdict verdict)
{
    if (policy_same(&device->verdict, &verdict))
        return;
    announce(reconciler, device, &verdict);
    device->verdict = verdict;
}

/* Takes back what does not hold any more, from what is known without asking Xen about a device.
 * True when there was anything. */
static bool downgrade(struct reconciler *reconciler)
{
    bool any = reconciler->inventory.shrunk;

    reconciler->inventory.shrunk = false;

    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        struct verdict verdict;

        if (!policy_is_claim(&device->verdict))
            continue;
        verdict = decide(reconciler, device);
        if (policy_same(&verdict, &device->verdict) && !device->moved)
            continue;
        settle(reconciler, device,
               policy_is_claim(&verdict) ? policy_unknown("assignment-incomplete") : verdict);
        any = true;
    }
    return any;
}

/* A stronger word than the published one needs Xen's answer from this pass. */
static void conclude(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        struct verdict verdict = decide(reconciler, device);

        if (policy_is_claim(&verdict) && !device->fresh &&
            !policy_same(&verdict, &device->verdict)) {
            evidence_ask(reconciler->parts.hypervisor, device);
            verdict = decide(reconciler, device);
        }
        settle(reconciler, device, verdict);
    }
}

/* ------------------------------------------------------------- publishing */

static int publish_domain(struct reconciler *reconciler, const struct view_source *source,
                          const struct domain *domain)
{
    struct tree tree = {NULL, 0, 0};
    int rc = view_of_domain(source, domain->domid, &tree);

    if (rc == 0)
        rc = publisher_publish(reconciler->parts.publisher, domain->domid, &tree);
    tree_clear(&tree);
    if (rc == -ENOENT) {
        publisher_forget(reconciler->parts.publisher, domain->domid);
        reconciler->homeless = reconciler->homeless || domain->alive;
        return 0;
    }
    return rc < 0 ? rc : 0;
}

static int publish_host(struct reconciler *reconciler, const struct view_source *source)
{
    struct tree tree = {NULL, 0, 0};
    int rc = view_of_host(source, &tree);

    if (rc == 0)
        rc = publisher_publish(reconciler->parts.publisher, PUBLISHER_HOST, &tree);
    tree_clear(&tree);
    return rc < 0 ? rc : 0;
}

/* What was not written is not to be written later on an answer that is old by then. */
static void distrust_devices_of(struct reconciler *reconciler, uint32_t domid)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        if (device->owner.kind == OWNER_GUEST ? device->owner.domid == domid : domid == 0)
            device->ask = true;
    }
}

/* Every tree is tried, so that one domain's trouble is not another's. The host's comes last:
 * drivers act on the others. */
static int publish(struct reconciler *reconciler)
{
    struct view_source source = {
        .inventory = &reconciler->inventory,
        .assignment = assignment_observer_get(reconciler->parts.assignment),
        .dt_records = toolstack_observer_get(reconciler->parts.toolstack),
        .domains = &reconciler->domains,
        .iommu = reconciler->iommu,
        .status = reconciler->parts.status,
    };

    reconciler->homeless = false;
    reconciler->unwritten = false;
    for (size_t i = 0; i < reconciler->domains.count; i++) {
        const struct domain *domain = &reconciler->domains.domains[i];
        int rc = publish_domain(reconciler, &source, domain);

        if (rc == 0)
            continue;
        log_warning("publishing for domain %u: %s", domain->domid, strerror(-rc));
        if (rc == -ENOMEM || store_is_lost(rc))
            return rc;
        reconciler->unwritten = true;
        distrust_devices_of(reconciler, domain->domid);
    }
    return publish_host(reconciler, &source);
}

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

/* ------------------------------------------------------------- a pass */

/* A claim of the static tree that Xen denies. */
static void note_contradictions(struct reconciler *reconciler)
{
    struct complaints now = {NULL, 0};

    for (size_t i = reconciler->inventory.pci_count; i < reconciler->inventory.count; i++) {
        const struct device *device = &reconciler->inventory.devices[i];

        if (device->facts.claim != DT_NO_CLAIM && device->verdict.state == XENIOMMU_UNPROTECTED)
            complain(&now, &reconciler->contradictions,
                     "%s: the device tree claims Xen's IOMMU, but %s", device->path,
                     reconciler->iommu == IOMMU_DISABLED
                         ? "Xen drives none"
                         : "the hypervisor says that the device is not behind one");
    }
    complaints_clear(&reconciler->contradictions);
    reconciler->contradictions = now;
}

/* What can be known without asking Xen about single devices. */
static int observe(struct reconciler *reconciler)
{
    int unreadable, rc;

    read_hypervisor(reconciler);
    unreadable = assignment_observer_refresh(reconciler->parts.assignment,
                                             pci_observer_topology(reconciler->parts.pci),
                                             &reconciler->domains);
    if (unreadable == -ENOMEM || store_is_lost(unreadable))
        return unreadable;
    reconciler->blind = unreadable < 0;
    if (reconciler->blind)
        log_warning("reading the toolstack's records: %s", strerror(-unreadable));
    rc = resolve_owners(reconciler, unreadable > 0);
    return rc < 0 ? rc : unreadable < 0 ? unreadable : 0;
}

/* What has to be asked about single devices, and what follows. */
static int conclude_and_publish(struct reconciler *reconciler)
{
    int rc = verify_homes(reconciler);

    if (rc == 0 && reconciler->iommu == IOMMU_ENABLED)
        rc = evidence_gather(reconciler->parts.hypervisor, &reconciler->inventory);
    if (rc < 0)
        return rc;
    conclude(reconciler);
    note_contradictions(reconciler);
    rc = publish(reconciler);
    reconciler->published = reconciler->published || rc == 0;
    return rc;
}

int reconciler_run(struct reconciler *reconciler)
{
    int trouble = observe(reconciler), rc = 0;

    if (trouble == -ENOMEM || store_is_lost(trouble))
        return trouble;
    if (downgrade(reconciler))
        rc = publish(reconciler);
    if (rc == -ENOMEM || store_is_lost(rc))
        return rc;
    rc = conclude_and_publish(reconciler);
    return rc < 0 ? rc : trouble;
}

bool reconciler_wants_retry(const struct reconciler *reconciler)
{
    return reconciler->unwritten;
}

bool reconciler_is_complete(const struct reconciler *reconciler)
{
    if (reconciler->unwritten || reconciler->homeless || reconciler->iommu == IOMMU_UNKNOWN ||
        !reconciler->cmdline_known)
        return false;
    return reconciler->iommu != IOMMU_ENABLED || !evidence_is_due(&reconciler->inventory);
}

bool reconciler_wants_recheck(const struct reconciler *reconciler)
{
    if (!reconciler_is_complete(reconciler))
        return true;
    for (size_t i = 0; i < reconciler->inventory.count; i++)
        if (reconciler->inventory.devices[i].owner.kind == OWNER_GUEST)
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
