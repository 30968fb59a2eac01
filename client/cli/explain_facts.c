/* SPDX-License-Identifier: MIT */
/* One row for each fact of docs/xenstore.md. */
#include "explain_words.h"

#include <string.h>

#define FROM_RECORDS                                                                               \
    "libxl's records and the PCI backends in XenStore, dom0's driver for it, and Xen's list of "   \
    "domains"
#define FROM_DT_RECORDS                                                                            \
    "libxl's records of its domains' dtdev, the device tree, and Xen's list of domains"
#define FROM_DEVICE_TREE "the device tree"
#define FROM_CMDLINE     "Xen's command line"

static const struct value_words iommu_values[] = {
    {"enabled", "Xen drives an IOMMU."},
    {"disabled", "Xen drives no IOMMU."},
    {"unknown", "Xen did not tell whether it drives an IOMMU."},
    {NULL, NULL},
};

static const struct value_words pci_oracle_values[] = {
    {"free", "Xen says that no guest has it. (That alone does not prove an IOMMU in its way.)"},
    {"taken", "Xen says that a guest has it, or that it does not know it."},
    {"no-device", "Xen does not know it."},
    {"unsupported", "Xen says that it cannot assign devices, for lack of an IOMMU."},
    {"none", "Xen was not asked who has it, or did not answer."},
    {NULL, NULL},
};

static const struct value_words dt_oracle_values[] = {
    {"free",
     "Xen has assigned it to no domain. It would have to dom0, had dom0 it behind an IOMMU."},
    {"taken", "Xen has assigned it: to dom0 at boot, for being behind an IOMMU, or to a guest."},
    {"no-device", "Xen does not know it."},
    {"unsupported", "Xen says that it cannot assign devices, for lack of an IOMMU."},
    {"none", "Xen was not asked whether it is assigned, or did not answer."},
    {NULL, NULL},
};

static const struct value_words owner_values[] = {
    {"dom0", "dom0 has it."},
    {"guest", "A guest has it."},
    {"none", "It is kept for guests, and none has it."},
    {"unknown", "Who has it is not certain."},
    {NULL, NULL},
};

static const struct value_words doubt_values[] = {
    {"none", "The owner was not looked for yet."},
    {"incomplete", "An assignment has begun, or ended half-way."},
    {"leaving", "The toolstack or the backend is letting go of it."},
    {"owner-down", "The domain that has it is shut down, dying or gone."},
    {"conflict", "Two records contradict each other."},
    {"no-record", "It is kept for guests or in use by one, and no record says which."},
    {"malformed", "The record of its owner makes no sense."},
    {"unreadable", "The records of owners could not be read."},
    {"new-device",
     "It is recorded as assignable, but it came, or came back to pciback, after that was "
     "written."},
    {NULL, NULL},
};

static const struct value_words guest_values[] = {
    {"pv", "That guest is PV: it uses machine addresses."},
    {"translated", "That guest's addresses are translated by hardware: HVM, PVH, or any on Arm."},
    {"unknown", "Xen did not tell what kind of guest that is."},
    {NULL, NULL},
};

static const struct value_words dom0_mode_values[] = {
    {"relaxed", "For a PV dom0's devices the IOMMU maps nearly all memory: Xen's default."},
    {"strict", "For a PV dom0's devices the IOMMU maps dom0's memory only: dom0-iommu=strict."},
    {"passthrough", "For dom0's devices the IOMMU is bypassed: dom0-iommu=passthrough."},
    {"pvh", "dom0 is PVH: for its devices the IOMMU maps dom0's memory only."},
    {"unknown", "How the IOMMU maps memory for dom0's devices is not certain."},
    {NULL, NULL},
};

static const struct value_words coverage_values[] = {
    {"yes", "An IOMMU covers it."},
    {"no", "No IOMMU covers it."},
    {"unknown", "Whether an IOMMU covers it is not certain."},
    {NULL, NULL},
};

static const struct value_words mates_values[] = {
    {"together", "No other device shares its requester ID, or all that do have the same owner."},
    {"apart", "A device that shares its requester ID belongs to another domain."},
    {"doubtful", "The owner of a device that shares its requester ID is not certain."},
    {"unlisted", "Xen names a device that shares its requester ID and that dom0 does not list."},
    {"unknown", "Which devices share its requester ID is not known."},
    {NULL, NULL},
};

static const struct value_words dt_mates_values[] = {
    {"together", "No other device shares its stream ID, or all that do have the same owner."},
    {"apart", "A device that shares its stream ID belongs to another domain."},
    {"doubtful", "The owner of a device that shares its stream ID is not certain."},
    {"unlisted", "Xen names a device that shares its stream ID and that dom0 does not list."},
    {"unknown", "Which devices share its stream ID is not known."},
    {NULL, NULL},
};

static const struct value_words unit_values[] = {
    {"on", "The IOMMU unit that serves it translates."},
    {"off", "Xen leaves the IOMMU unit that serves it untranslated."},
    {"unknown", "The IOMMU unit that serves it may be one that Xen leaves untranslated."},
    {NULL, NULL},
};

static const struct value_words unlisted_values[] = {
    {"yes", "The host's devices could not all be read: some may be missing."},
    {NULL, NULL},
};

static const struct value_words builtin_line_values[] = {
    {"none", "Xen has no built-in command line."},
    {"given", "Xen's built-in command line is known, and its options count."},
    {"unknown", "Whether Xen has a built-in command line (CONFIG_CMDLINE) is not known: it is not "
                "in what Xen tells, so options in there are missed. xen-iommud.conf can name it."},
    {NULL, NULL},
};

static const struct value_words guest_address_values[] = {
    {NULL, "The guest sees it at this address, and its own tree has a record of it."},
};

static const struct value_words guest_path_values[] = {
    {"unknown",
     "Where the guest sees it is not certain, so it has no record in the guest's own tree."},
    {NULL, "The guest sees it at this path, written as in XenStore, and its own tree has a record "
           "of it."},
};

static const struct value_words no_igfx_values[] = {
    {"yes", "The unit that serves only this graphics device is left off: iommu=no-igfx."},
    {NULL, NULL},
};

static const struct value_words quarantine_values[] = {
    {"off",
     "What a guest gives back goes to dom0, not into quarantine: iommu=no-quarantine. Or the "
     "command line is not certain to say otherwise."},
    {NULL, NULL},
};

static const struct value_words claim_values[] = {
    {"none", "The device tree claims nothing of Xen's IOMMU for it."},
    {"iommu-el2-v1", "Its iommus points to a node compatible with \"xen,iommu-el2-v1\": a claim "
                     "that Xen's IOMMU protects it."},
    {"xen-iommu", "It has xen,iommu = \"on\": a claim that Xen's IOMMU protects it."},
    {"grant-dma-stub", "Its iommus points to a \"xen,grant-dma\" without cells, which "
                       "xen-iommud.conf takes for a claim that Xen's IOMMU protects it."},
    {NULL, NULL},
};

static const struct value_words grant_dma_values[] = {
    {"yes", "Its iommus points to \"xen,grant-dma\": its DMA goes through grants."},
    {NULL, NULL},
};

static const struct value_words virtio_iommu_values[] = {
    {"yes", "It is behind a virtio-iommu, which the domain itself controls."},
    {NULL, NULL},
};

static const struct value_words pci_host_values[] = {
    {"yes", "It is a PCI host bridge."},
    {NULL, NULL},
};

static const struct value_words force_assign_values[] = {
    {"yes", "It may be given to a guest without an IOMMU: xen,force-assign-without-iommu."},
    {NULL, NULL},
};

static const struct value_words driver_values[] = {
    {NULL, "This driver is bound to it in dom0."},
};

const struct fact_words fact_words[] = {
    {"iommu", ON_BOTH, "the hypervisor: physinfo, XEN_SYSCTL_PHYSCAP_directio", iommu_values},
    {"oracle", ON_PCI, "the hypervisor: XEN_DOMCTL_test_assign_device", pci_oracle_values},
    {"oracle", ON_DT, "the hypervisor: XEN_DOMCTL_test_assign_device", dt_oracle_values},
    {"owner", ON_PCI, FROM_RECORDS, owner_values},
    {"owner", ON_DT, FROM_DT_RECORDS, owner_values},
    {"guest", ON_BOTH, "the hypervisor: XEN_DOMINF_hvm_guest of the owner", guest_values},
    {"doubt", ON_PCI, FROM_RECORDS, doubt_values},
    {"doubt", ON_DT, FROM_DT_RECORDS, doubt_values},
    {"dom0-mode", ON_PCI, FROM_CMDLINE ", and the kind of dom0", dom0_mode_values},
    {"coverage", ON_PCI, "the firmware's ACPI tables: DMAR (or RMAD) and IVRS", coverage_values},
    {"unit", ON_PCI, FROM_CMDLINE ", and the firmware's ACPI tables", unit_values},
    {"mates", ON_PCI, "the hypervisor: XEN_DOMCTL_get_device_group", mates_values},
    {"mates", ON_DT, FROM_DEVICE_TREE, dt_mates_values},
    {"unlisted", ON_PCI, "dom0's list of its devices, from udev", unlisted_values},
    {"builtin-line", ON_BOTH, "what Xen tells of its build and its boot, or xen-iommud.conf",
     builtin_line_values},
    {"quarantine", ON_PCI, FROM_CMDLINE, quarantine_values},
    {"no-igfx", ON_PCI, FROM_CMDLINE ", and the firmware's ACPI tables", no_igfx_values},
    {"claim", ON_DT, FROM_DEVICE_TREE, claim_values},
    {"grant-dma", ON_DT, FROM_DEVICE_TREE, grant_dma_values},
    {"virtio-iommu", ON_DT, FROM_DEVICE_TREE, virtio_iommu_values},
    {"pci-host", ON_DT, FROM_DEVICE_TREE, pci_host_values},
    {"force-assign", ON_DT, FROM_DEVICE_TREE, force_assign_values},
    {"guest-address", ON_PCI, "the PCI backend in XenStore, and the guest's own tree",
     guest_address_values},
    {"guest-path", ON_DT, "the guest's partial device tree, and its own tree", guest_path_values},
    {"driver", ON_BOTH, "dom0's sysfs", driver_values},
};

const size_t fact_words_count = sizeof(fact_words) / sizeof(fact_words[0]);

const struct fact_words *words_of_fact(enum xeniommu_bus bus, const char *name)
{
    size_t i;

    for (i = 0; i < fact_words_count; i++)
        if ((fact_words[i].bus & 1U << bus) != 0 && strcmp(fact_words[i].name, name) == 0)
            return &fact_words[i];
    return NULL;
}

const char *words_of_value(const struct fact_words *fact, const char *value)
{
    const struct value_words *row = fact->values;

    while (row->value != NULL && strcmp(row->value, value) != 0)
        row++;
    return row->text;
}

const char *words_of_verdict(const struct xeniommu_info *info)
{
    switch (info->state) {
    case XENIOMMU_PROTECTED:
        return info->skip_swiotlb
                   ? "An IOMMU that Xen controls confines all its DMA to memory that its owner may "
                     "use, and translates its owner's addresses: swiotlb-xen has nothing to do."
                   : "An IOMMU that Xen controls confines all its DMA to memory that its owner may "
                     "use. Its driver still needs swiotlb-xen, where that is in use.";
    case XENIOMMU_RELAXED:
        return "An IOMMU that Xen controls translates its DMA, but lets it reach more memory than "
               "its owner may use.";
    case XENIOMMU_UNPROTECTED:
        return "Nothing confines its DMA to memory that its owner may use: whoever controls the "
               "device may reach all memory.";
    case XENIOMMU_QUARANTINED:
        return "It belongs to no domain, and its DMA is blocked.";
    case XENIOMMU_UNKNOWN:
        break;
    }
    return "Nothing is certain about its DMA: take it for unprotected.";
}
