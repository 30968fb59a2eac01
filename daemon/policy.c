/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <string.h>

static struct verdict say(enum xeniommu_state state, const char *reason)
{
    return (struct verdict){state, false, reason};
}

static struct verdict protected_and_skip(const char *reason)
{
    return (struct verdict){XENIOMMU_PROTECTED, true, reason};
}

struct verdict policy_unknown(const char *reason)
{
    return say(XENIOMMU_UNKNOWN, reason);
}

bool policy_is_claim(const struct verdict *verdict)
{
    return verdict->state == XENIOMMU_PROTECTED || verdict->state == XENIOMMU_RELAXED ||
           verdict->state == XENIOMMU_QUARANTINED || verdict->skip_swiotlb;
}

bool policy_same(const struct verdict *a, const struct verdict *b)
{
    return a->state == b->state && a->skip_swiotlb == b->skip_swiotlb &&
           strcmp(a->reason, b->reason) == 0;
}

static struct verdict doubtful_owner(enum owner_doubt doubt)
{
    switch (doubt) {
    case DOUBT_NONE:
        break;
    case DOUBT_INCOMPLETE:
        return policy_unknown("assignment-incomplete");
    case DOUBT_LEAVING:
        return policy_unknown("assignment-ending");
    case DOUBT_OWNER_DOWN:
        return policy_unknown("owner-down");
    case DOUBT_CONFLICT:
    case DOUBT_OTHER_DEVICE:
    case DOUBT_UNBOUND:
        return policy_unknown("records-conflict");
    case DOUBT_NO_RECORD:
    case DOUBT_HIDDEN:
        return policy_unknown("no-record");
    case DOUBT_MALFORMED:
        return policy_unknown("record-malformed");
    case DOUBT_UNREADABLE:
        return policy_unknown("records-unreadable");
    case DOUBT_NEW_DEVICE:
        return policy_unknown("new-device");
    }
    return policy_unknown("owner-unknown");
}

/* NULL when Xen's word fits the owner. */
static const char *word_objection(const struct facts *facts)
{
    if (facts->word == WORD_FITS)
        return NULL;
    return facts->word == WORD_DENIES ? "hypervisor-disagrees" : "hypervisor-error";
}

/* Behind one requester ID one domain's mapping serves all, so who the mates belong to decides. */
static bool mates_object(const struct facts *facts, struct verdict *verdict)
{
    switch (facts->mates) {
    case MATES_TOGETHER:
        return false;
    case MATES_APART:
        /* A device without owner may reach what its mate's domain may reach: not blocked, and yet
         * not open to everything either. */
        *verdict = facts->owner == OWNER_NONE ? policy_unknown("group-mate-owned")
                                              : say(XENIOMMU_UNPROTECTED, "group-split");
        return true;
    case MATES_DOUBTFUL:
        *verdict = policy_unknown("group-owner-unknown");
        return true;
    case MATES_UNLISTED:
        *verdict = policy_unknown("group-member-unlisted");
        return true;
    case MATES_UNKNOWN:
        break;
    }
    *verdict = policy_unknown("group-unknown");
    return true;
}

/* What stands against every claim about a PCI function, whoever has it. */
static bool host_objects(const struct facts *facts, struct verdict *verdict)
{
    /* One that was not read may be a mate, or a bridge above. */
    if (facts->unlisted)
        *verdict = policy_unknown("devices-unread");
    /* Xen assigns behind such a unit all the same, and the DMA passes. */
    else if (facts->unit != UNIT_ON)
        *verdict = policy_unknown("unit-maybe-off");
    else
        return mates_object(facts, verdict);
    return true;
}

static struct verdict pci_of_dom0(const struct facts *facts)
{
    const char *objection = word_objection(facts);
    struct verdict verdict;

    if (facts->dom0_mode == DOM0_PASSTHROUGH)
        return say(XENIOMMU_UNPROTECTED, "dom0-passthrough");
    if (objection)
        return policy_unknown(objection);
    /* The oracle's 0 says nothing of an IOMMU in the way: only the firmware's tables do. */
    if (facts->coverage != COVERAGE_YES)
        return policy_unknown("coverage-unknown");
    if (host_objects(facts, &verdict))
        return verdict;
    switch (facts->dom0_mode) {
    case DOM0_TRANSLATED:
        return protected_and_skip("dom0-pvh");
    case DOM0_STRICT:
        return say(XENIOMMU_PROTECTED, "dom0-strict");
    case DOM0_RELAXED:
        return say(XENIOMMU_RELAXED, "dom0-relaxed");
    case DOM0_PASSTHROUGH:
    case DOM0_MODE_UNKNOWN:
        break;
    }
    return policy_unknown("dom0-mode-unknown");
}

static struct verdict of_guest(const struct facts *facts)
{
    const char *objection = word_objection(facts);
    struct verdict verdict;

    if (objection)
        return policy_unknown(objection);
    if (facts->bus == BUS_PCI ? host_objects(facts, &verdict) : mates_object(facts, &verdict))
        return verdict;
    switch (facts->guest) {
    case GUEST_KIND_PV:
        /* The IOMMU maps machine frames, and PV memory is not contiguous in those. */
        return say(XENIOMMU_PROTECTED, "assigned-pv");
    case GUEST_KIND_TRANSLATED:
        return protected_and_skip("assigned-translated");
    case GUEST_KIND_UNKNOWN:
        break;
    }
    return policy_unknown("guest-kind-unknown");
}

static struct verdict pci_of_nobody(const struct facts *facts)
{
    const char *objection = word_objection(facts);
    struct verdict verdict;

    if (objection)
        return policy_unknown(objection);
    if (facts->quarantine_off)
        return policy_unknown("quarantine-off");
    if (facts->coverage != COVERAGE_YES)
        return policy_unknown("coverage-unknown");
    if (host_objects(facts, &verdict))
        return verdict;
    return say(XENIOMMU_QUARANTINED, "assignable");
}

static struct verdict decide_pci(const struct facts *facts)
{
    /* No unit in its way: nothing confines it, whoever owns it. But Xen refuses to give such a
     * device to a guest, so one that a guest seems to have is a contradiction. */
    if (facts->coverage == COVERAGE_NO)
        return facts->owner == OWNER_GUEST ? policy_unknown("hypervisor-disagrees")
                                           : say(XENIOMMU_UNPROTECTED, "not-covered");
    if (facts->unit == UNIT_OFF)
        return say(XENIOMMU_UNPROTECTED, "no-igfx");
    switch (facts->owner) {
    case OWNER_DOM0:
        return pci_of_dom0(facts);
    case OWNER_GUEST:
        return of_guest(facts);
    case OWNER_NONE:
        return pci_of_nobody(facts);
    case OWNER_UNKNOWN:
        break;
    }
    return doubtful_owner(facts->doubt);
}

/* What is no IOMMU of Xen's, whatever the oracle says of the node. */
static bool is_something_else(const struct facts *facts, struct verdict *verdict)
{
    if (facts->grant_dma)
        *verdict = say(XENIOMMU_UNPROTECTED, "grant-dma");
    else if (facts->virtio_iommu)
        *verdict = say(XENIOMMU_UNPROTECTED, "virtio-iommu");
    else
        return false;
    return true;
}

static struct verdict dt_of_dom0(const struct facts *facts)
{
    struct verdict verdict;

    /* The functions below it matter, and there is no oracle for PCI on Arm. */
    if (facts->pci_host)
        return policy_unknown("pci-host-bridge");
    switch (facts->oracle) {
    case ORACLE_TAKEN:
        if (mates_object(facts, &verdict))
            return verdict;
        /* Xen assigned to dom0 at boot exactly what is behind an IOMMU. */
        return protected_and_skip("behind-iommu");
    case ORACLE_FREE:
        return say(XENIOMMU_UNPROTECTED,
                   facts->claim != DT_NO_CLAIM ? "claim-contradicted" : "not-behind-iommu");
    case ORACLE_NONE:
        return policy_unknown("hypervisor-error");
    case ORACLE_NO_DEVICE:
    case ORACLE_UNSUPPORTED:
        break;
    }
    return policy_unknown("hypervisor-disagrees");
}

static struct verdict decide_dt(const struct facts *facts)
{
    switch (facts->owner) {
    case OWNER_DOM0:
        return dt_of_dom0(facts);
    case OWNER_GUEST:
        if (facts->pci_host)
            return policy_unknown("pci-host-bridge");
        if (facts->force_assign && facts->oracle == ORACLE_FREE)
            return say(XENIOMMU_UNPROTECTED, "force-assigned");
        return of_guest(facts);
    case OWNER_NONE:
        /* Some guest has it, and no record says which. */
        return policy_unknown(facts->oracle == ORACLE_TAKEN ? "no-record" : "not-assigned");
    case OWNER_UNKNOWN:
        break;
    }
    return doubtful_owner(facts->doubt);
}

struct verdict policy_decide(const struct facts *facts)
{
    struct verdict verdict;

    if (facts->bus == BUS_DT && is_something_else(facts, &verdict))
        return verdict;
    if (facts->iommu == IOMMU_DISABLED)
        return say(XENIOMMU_UNPROTECTED, "iommu-disabled");
    if (facts->iommu != IOMMU_ENABLED)
        return policy_unknown("hypervisor-error");
    if (facts->bus == BUS_DT)
        return decide_dt(facts);
    return decide_pci(facts);
}
