/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <xeniommu-schema.h>

#include "counters.h"
#include "log.h"
#include "mates.h"
#include "pass.h"

struct inquiry pass_inquiry(struct reconciler *reconciler)
{
    return (struct inquiry){
        .hypervisor = reconciler->parts.hypervisor,
        .inventory = &reconciler->inventory,
        .assignment = assignment_observer_get(reconciler->parts.assignment),
        .domains = &reconciler->domains,
        .pass = reconciler->pass,
        .tick = reconciler->tick,
    };
}

static bool dom0_is_pv(const struct reconciler *reconciler)
{
    const struct domain *dom0 = domain_list_find(&reconciler->domains, 0);

    return dom0 && dom0->kind == GUEST_KIND_PV;
}

static enum dom0_mode dom0_mode(const struct reconciler *reconciler)
{
    if (!reconciler->cmdline_known || !domain_list_find(&reconciler->domains, 0))
        return DOM0_MODE_UNKNOWN;
    return dom0_is_pv(reconciler) ? reconciler->cmdline.pv_dom0 : reconciler->cmdline.pvh_dom0;
}

static bool guest_path_is_unknown(const struct reconciler *reconciler, const struct device *device)
{
    size_t count;
    const struct dt_record *records =
        dt_records_find(toolstack_observer_get(reconciler->parts.toolstack), device->path, &count);

    for (size_t i = 0; device->owner.kind == OWNER_GUEST && i < count; i++)
        if (records[i].domid == device->owner.domid &&
            memcmp(records[i].handle, device->owner.handle, sizeof(records[i].handle)) == 0 &&
            records[i].where == GUEST_PATH_UNKNOWN)
            return true;
    return false;
}

static void add_dt_facts(const struct reconciler *reconciler, const struct device *device,
                         struct facts *facts)
{
    const struct dt_device *node = device->node;
    bool stub = node && node->grant_dma_stub && reconciler->parts.grant_dma_stub;

    facts->guest_path_unknown = guest_path_is_unknown(reconciler, device);
    if (!node)
        return;
    facts->grant_dma = node->grant_dma && !stub;
    facts->virtio_iommu = node->virtio_iommu;
    facts->pci_host = node->pci_host;
    facts->force_assign = node->force_assign;
    facts->claim = stub ? DT_CLAIMS_GRANT_STUB : node->claim;
}

static struct acpi_options acpi_options(const struct reconciler *reconciler)
{
    static const enum acpi_word no[] = {
        [XEN_UNKNOWN] = ACPI_UNKNOWN, [XEN_OFF] = ACPI_YES, [XEN_ON] = ACPI_NO};
    static const enum acpi_word yes[] = {
        [XEN_UNKNOWN] = ACPI_UNKNOWN, [XEN_OFF] = ACPI_NO, [XEN_ON] = ACPI_YES};

    if (!reconciler->cmdline_known)
        return (struct acpi_options){ACPI_UNKNOWN, ACPI_UNKNOWN};
    return (struct acpi_options){.no_igfx = no[reconciler->cmdline.igfx],
                                 .bios_workaround = yes[reconciler->cmdline.bios_workaround]};
}

/* Only what is known for certain: it tells of a claim what it leaves out, and takes nothing back.
 */
static unsigned int limits_of(const struct reconciler *reconciler, const struct device *device)
{
    const struct pci_topology *topology = pci_observer_topology(reconciler->parts.pci);
    const struct xen_cmdline *cmdline = &reconciler->cmdline;
    unsigned int limits = 0;

    if (pci_lacks_acs(topology, &device->function))
        limits |= XENIOMMU_LIMIT_NO_ACS;
    if (device->function.caps.ats && cmdline->ats == XEN_ON)
        limits |= XENIOMMU_LIMIT_ATS;
    if (device->coverage.no_intremap || cmdline->intremap == XEN_OFF)
        limits |= XENIOMMU_LIMIT_NO_INTREMAP;
    if (device->coverage.reserved_memory)
        limits |= XENIOMMU_LIMIT_RESERVED_MEMORY;
    if (device->owner.kind == OWNER_DOM0 && dom0_is_pv(reconciler) &&
        cmdline->map_inclusive == XEN_ON)
        limits |= XENIOMMU_LIMIT_MAP_INCLUSIVE;
    return limits;
}

static void add_pci_facts(const struct reconciler *reconciler, const struct device *device,
                          struct facts *facts)
{
    const struct acpi_options options = acpi_options(reconciler);

    facts->dom0_mode = dom0_mode(reconciler);
    facts->builtin = reconciler->cmdline.builtin;
    facts->quarantine_off = !reconciler->cmdline_known || reconciler->cmdline.quarantine != XEN_ON;
    facts->coverage = acpi_coverage(&device->coverage, &options);
    facts->unit = acpi_unit_use(&device->coverage, &options);
    facts->limits = limits_of(reconciler, device);
    facts->unlisted = reconciler->inventory.incomplete;
    facts->quarantine_unsure =
        !reconciler->cmdline_known || reconciler->cmdline.quarantine == XEN_UNKNOWN;
    facts->tables = acpi_tables_kind(reconciler->parts.tables);
    facts->class_code = device->function.class_code;
}

static struct facts gather_facts(const struct reconciler *reconciler, const struct device *device,
                                 enum oracle_answer answer)
{
    struct facts facts = {
        .bus = device->bus,
        .iommu = reconciler->iommu,
        .oracle = answer,
        .word = evidence_word(device->bus, device->owner.kind, answer),
        .owner = device->owner.kind,
        .doubt = device->owner.doubt,
        .guest = device->owner.guest,
        .mates = mates_of(&reconciler->inventory, device),
        .switched_off = reconciler->cmdline_known && reconciler->cmdline.iommu == XEN_OFF,
    };

    if (facts.word == WORD_FITS && !mates_agree(&reconciler->inventory, device))
        facts.word = WORD_DENIES;
    if (device->bus == BUS_DT)
        add_dt_facts(reconciler, device, &facts);
    else
        add_pci_facts(reconciler, device, &facts);
    return facts;
}

static struct verdict decide(const struct reconciler *reconciler, struct device *device,
                             enum oracle_answer answer)
{
    device->facts = gather_facts(reconciler, device, answer);
    return policy_decide(&device->facts);
}

/* ------------------------------------------------------------- the verdicts */

static void announce(const struct reconciler *reconciler, const struct device *device,
                     const struct verdict *verdict)
{
    char name[256];

    if (!reconciler->published)
        return;
    counter_add(COUNTER_VERDICT_CHANGES);
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

/* What stands may stand on Xen's last answer until it is asked anew, in this very pass; anything
 * stronger or other may not. True when the verdict changed. */
static bool weaken(const struct reconciler *reconciler, struct device *device)
{
    struct verdict verdict = decide(reconciler, device, evidence_last(&device->evidence));

    if (policy_same(&verdict, &device->verdict) && !device->moved)
        return false;
    if (!policy_is_claim(&verdict))
        settle(reconciler, device, verdict);
    else if (policy_is_claim(&device->verdict))
        settle(reconciler, device, policy_unknown("assignment-incomplete"));
    else
        return false;
    return true;
}

bool pass_downgrade(struct reconciler *reconciler)
{
    bool any = reconciler->inventory.shrunk;

    reconciler->inventory.shrunk = false;
    for (size_t i = 0; i < reconciler->inventory.count; i++)
        if (policy_is_claim(&reconciler->inventory.devices[i].verdict) &&
            weaken(reconciler, &reconciler->inventory.devices[i]))
            any = true;
    return any;
}

/* Whether its owner's tree is still to be begun, such as that of a domain that had no home in the
 * last pass: what was found then was not said to anybody there. */
static bool is_unsaid(const struct reconciler *reconciler, const struct device *device)
{
    uint32_t domid = device->owner.kind == OWNER_GUEST ? device->owner.domid : 0;

    return publisher_is_new(reconciler->parts.publisher, domid);
}

/* A stronger word, or another one, than what is published, and no answer of this pass for it. */
static bool lacks_answer(const struct reconciler *reconciler, const struct device *device,
                         const struct verdict *verdict)
{
    return policy_is_claim(verdict) && !evidence_is_fresh(&device->evidence, reconciler->pass) &&
           (!policy_same(verdict, &device->verdict) || is_unsaid(reconciler, device));
}

bool pass_ask_again(struct reconciler *reconciler)
{
    struct inquiry inquiry = pass_inquiry(reconciler);
    bool any = false;

    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];
        struct verdict verdict = decide(reconciler, device, evidence_answer(&device->evidence));

        if (!lacks_answer(reconciler, device, &verdict))
            continue;
        inquiry_ask(&inquiry, device);
        any = true;
    }
    return any;
}

static void conclude_on(struct reconciler *reconciler, struct device *device)
{
    struct verdict verdict = decide(reconciler, device, evidence_answer(&device->evidence));

    /* What Xen said of another one just now made it possible: for the next pass. */
    if (lacks_answer(reconciler, device, &verdict)) {
        evidence_changed(&device->evidence, reconciler->pass + 1);
        reconciler->overtaken = true;
        verdict = policy_unknown("assignment-incomplete");
    }
    settle(reconciler, device, verdict);
    /* Xen's own rule: what such a guest gives back goes into quarantine. */
    if (device->owner.kind == OWNER_GUEST && device->facts.word == WORD_FITS)
        quarantine_assigned(&device->quarantine);
}

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

void pass_conclude(struct reconciler *reconciler)
{
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        /* The records may be other ones than those that Xen's answer was compared with. */
        if (evidence_is_overtaken(&device->evidence, reconciler->pass))
            (void)weaken(reconciler, device);
        else
            conclude_on(reconciler, device);
    }
    note_contradictions(reconciler);
}
