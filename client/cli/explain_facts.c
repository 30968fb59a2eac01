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
    {"enabled", "Xen drives an IOMMU.", NULL},
    {"disabled", "Xen drives no IOMMU.", NULL},
    {"unknown", "Xen did not tell whether it drives an IOMMU.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words pci_oracle_values[] = {
    {"free", "Xen says that no guest has it. (That alone does not prove an IOMMU in its way.)",
     NULL},
    {"taken", "Xen says that a guest has it.", "owner=guest"},
    {"taken", "Xen answers as it does for what a guest has and for what it does not know.", NULL},
    {"no-device", "Xen does not know it.", NULL},
    {"unsupported", "Xen says that it cannot assign devices, for lack of an IOMMU.", NULL},
    {"none", "Xen was not asked who has it, since it drives no IOMMU.", "iommu=disabled"},
    {"none", "Xen has given no answer that still holds to who has it.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words dt_oracle_values[] = {
    {"free",
     "Xen has assigned it to no domain, so no IOMMU is in its way: what is behind one Xen assigns "
     "to dom0 at boot.",
     "owner=dom0"},
    {"free", "Xen has assigned it to no domain.", NULL},
    {"taken", "Xen assigned it to dom0 at boot, for being behind an IOMMU.", "owner=dom0"},
    {"taken", "Xen has assigned it to a guest.", "owner=guest"},
    {"taken", "Xen has assigned it to a guest, and nothing says to which.", "owner=none"},
    {"taken", "Xen has assigned it, and to whom is not certain.", NULL},
    {"no-device", "Xen does not know it.", NULL},
    {"unsupported", "Xen says that it cannot assign devices, for lack of an IOMMU.", NULL},
    {"none", "Xen was not asked whether it is assigned, since it drives no IOMMU.",
     "iommu=disabled"},
    {"none", "Xen has given no answer that still holds to whether it is assigned.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words owner_values[] = {
    {"dom0", "dom0 has it.", NULL},
    {"guest", "A guest has it.", NULL},
    {"none", "It is kept for guests, and none has it.", NULL},
    {"unknown", "Who has it is not certain.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words doubt_values[] = {
    {"none", "The owner was not looked for yet.", NULL},
    {"incomplete", "libxl's record names a domain, and no backend names the device.", NULL},
    {"leaving", "Its backend is letting go of it.", NULL},
    {"owner-down", "The domain that has it does not run any more.", NULL},
    {"conflict", "Two domains seem to have it.", NULL},
    {"no-record", "A guest's backend names it, and libxl has no record of it.", NULL},
    {"hidden", "It is bound to pciback, and libxl has no record that it is assignable.", NULL},
    {"other-device", "libxl's record gives it to a guest, and it is not bound to pciback.", NULL},
    {"unbound", "libxl has made it assignable, and it has no driver.", NULL},
    {"malformed", "The record of its owner makes no sense.", NULL},
    {"unreadable", "The records of owners could not be read.", NULL},
    {"new-device",
     "It is recorded as assignable, and that record may be of an earlier time than the device's "
     "present one with pciback.",
     NULL},
    {NULL, NULL, NULL},
};

static const struct value_words dt_doubt_values[] = {
    {"none", "The owner was not looked for yet.", NULL},
    {"owner-down", "The domain that has it does not run any more.", NULL},
    {"conflict", "The configurations of two running domains name it.", NULL},
    {"no-record", "It came after boot, and no record names who has it.", NULL},
    {"unreadable", "The records of owners could not be read.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words guest_values[] = {
    {"pv", "That guest is PV: it uses machine addresses.", NULL},
    {"translated", "That guest's addresses are translated by hardware, as HVM and PVH guests' are.",
     NULL},
    {"unknown", "Xen did not tell what kind of guest that is.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words dt_guest_values[] = {
    {"pv", "That guest is PV: it uses machine addresses.", NULL},
    {"translated", "That guest's addresses are translated by hardware, as every guest's on Arm.",
     NULL},
    {"unknown", "Xen did not tell what kind of guest that is.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words dom0_mode_values[] = {
    {"relaxed", "For a PV dom0's devices the IOMMU maps nearly all memory: Xen's default.", NULL},
    {"strict", "For a PV dom0's devices the IOMMU maps dom0's memory only: dom0-iommu=strict.",
     NULL},
    {"passthrough", "For dom0's devices the IOMMU is bypassed: dom0-iommu=passthrough.", NULL},
    {"pvh", "dom0 is PVH: for its devices the IOMMU maps dom0's memory only.", NULL},
    {"unknown", "How the IOMMU maps memory for dom0's devices is not certain.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words coverage_values[] = {
    {"yes", "An IOMMU covers it.", NULL},
    {"no", "No IOMMU covers it.", NULL},
    {"unknown", "Whether an IOMMU covers it is not certain.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words mates_values[] = {
    {"together", "All devices that share its requester ID have the same owner.", "group=yes"},
    {"together", "No other device shares its requester ID.", NULL},
    {"apart", "A device that shares its requester ID belongs to another domain.", NULL},
    {"doubtful", "The owner of a device that shares its requester ID is not certain.", NULL},
    {"unlisted", "Xen names a device that shares its requester ID and that dom0 does not list.",
     NULL},
    {"unknown", "Which devices share its requester ID is not known.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words dt_mates_values[] = {
    {"together", "All devices that share its stream ID have the same owner.", "group=yes"},
    {"together", "No other device is known to share its stream ID.", NULL},
    {"apart", "A device that shares its stream ID belongs to another domain.", NULL},
    {"doubtful", "The owner of a device that shares its stream ID is not certain.", NULL},
    {"unlisted", "Xen names a device that shares its stream ID and that dom0 does not list.", NULL},
    {"unknown", "Which devices share its stream ID is not known.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words unit_values[] = {
    {"on", "The IOMMU unit that serves it translates.", NULL},
    {"off", "Xen leaves the IOMMU unit that serves it untranslated.", NULL},
    {"unknown", "The IOMMU unit that serves it may be one that Xen leaves untranslated.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words unlisted_values[] = {
    {"yes", "The host's devices could not all be read: some may be missing.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words builtin_line_values[] = {
    {"none", "Xen has no built-in command line.", NULL},
    {"given", "Xen's built-in command line is known, and its options count.", NULL},
    {"unknown",
     "Whether Xen has a built-in command line (CONFIG_CMDLINE) is not known: it is not "
     "in what Xen tells, so options in there are missed. xen-iommud.conf can name it.",
     NULL},
    {NULL, NULL, NULL},
};

static const struct value_words guest_address_values[] = {
    {NULL, "The guest sees it at this address, and its own tree has a record of it.", NULL},
};

static const struct value_words guest_path_values[] = {
    {"unknown",
     "Where the guest sees it is not certain, so it has no record in the guest's own tree.", NULL},
    {NULL,
     "The guest sees it at this path, written as in XenStore, and its own tree has a record of it.",
     NULL},
};

static const struct value_words no_igfx_values[] = {
    {"yes", "The unit that serves only this graphics device is left off: iommu=no-igfx.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words quarantine_values[] = {
    {"off", "What a guest gives back goes to dom0, not into quarantine: iommu=no-quarantine.",
     NULL},
    {"unknown",
     "Whether what a guest gives back goes into quarantine is not certain: Xen's command "
     "line could not be understood in full.",
     NULL},
    {NULL, NULL, NULL},
};

static const struct value_words iommu_option_values[] = {
    {"off", "Xen's command line switches the IOMMU off.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words tables_values[] = {
    {"none", "dom0 sees no DMAR and no IVRS among the firmware's tables.", NULL},
    {"unusable", "The firmware's tables of IOMMUs make no sense.", NULL},
    {"read", "The firmware's tables describe an IOMMU.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words class_values[] = {
    {NULL, "Its class, by which Xen knows graphics (03) and sound (04).", NULL},
};

static const struct value_words claim_values[] = {
    {"none", "The device tree claims nothing of Xen's IOMMU for it.", NULL},
    {"iommu-el2-v1",
     "Its iommus points to a node compatible with \"xen,iommu-el2-v1\": a claim "
     "that Xen's IOMMU protects it.",
     NULL},
    {"xen-iommu", "It has xen,iommu = \"on\": a claim that Xen's IOMMU protects it.", NULL},
    {"grant-dma-stub",
     "Its iommus points to a \"xen,grant-dma\" without cells, which "
     "xen-iommud.conf takes for a claim that Xen's IOMMU protects it.",
     NULL},
    {NULL, NULL, NULL},
};

static const struct value_words grant_dma_values[] = {
    {"yes", "Its iommus points to \"xen,grant-dma\": its DMA goes through grants.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words virtio_iommu_values[] = {
    {"yes", "It is behind a virtio-iommu, which the domain itself controls.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words pci_host_values[] = {
    {"yes", "It is a PCI host bridge.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words force_assign_values[] = {
    {"yes", "It may be given to a guest without an IOMMU: xen,force-assign-without-iommu.", NULL},
    {NULL, NULL, NULL},
};

static const struct value_words driver_values[] = {
    {NULL, "This driver is bound to it in dom0.", NULL},
};

const struct fact_words fact_words[] = {
    {"iommu", ON_BOTH, "the hypervisor: physinfo, XEN_SYSCTL_PHYSCAP_directio", iommu_values},
    {"oracle", ON_PCI, "the hypervisor: XEN_DOMCTL_test_assign_device", pci_oracle_values},
    {"oracle", ON_DT, "the hypervisor: XEN_DOMCTL_test_assign_device", dt_oracle_values},
    {"owner", ON_PCI, FROM_RECORDS, owner_values},
    {"owner", ON_DT, FROM_DT_RECORDS, owner_values},
    {"guest", ON_PCI, "the hypervisor: XEN_DOMINF_hvm_guest of the owner", guest_values},
    {"guest", ON_DT, "the hypervisor: XEN_DOMINF_hvm_guest of the owner", dt_guest_values},
    {"doubt", ON_PCI, FROM_RECORDS, doubt_values},
    {"doubt", ON_DT, FROM_DT_RECORDS, dt_doubt_values},
    {"dom0-mode", ON_PCI, FROM_CMDLINE ", and the kind of dom0", dom0_mode_values},
    {"coverage", ON_PCI, "the firmware's ACPI tables: DMAR (RMAD in a PV dom0) and IVRS",
     coverage_values},
    {"unit", ON_PCI, FROM_CMDLINE ", and the firmware's ACPI tables", unit_values},
    {"mates", ON_PCI, "the hypervisor: XEN_DOMCTL_get_device_group", mates_values},
    {"mates", ON_DT, FROM_DEVICE_TREE, dt_mates_values},
    {"unlisted", ON_PCI, "dom0's list of its devices, from udev", unlisted_values},
    {"builtin-line", ON_BOTH, "what Xen tells of its build and its boot, and xen-iommud.conf",
     builtin_line_values},
    {"quarantine", ON_PCI, FROM_CMDLINE, quarantine_values},
    {"iommu-option", ON_BOTH, FROM_CMDLINE, iommu_option_values},
    {"tables", ON_PCI, "the firmware's ACPI tables, as dom0 sees them", tables_values},
    {"class", ON_PCI, "dom0's sysfs", class_values},
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

/* Whether the value of a fact that is published holds what a condition asks of it. */
static bool value_holds(const char *facts, const char *name, size_t name_len, const char *value,
                        size_t value_len)
{
    bool prefix = value_len > 0 && value[value_len - 1] == '*';
    size_t compared = prefix ? value_len - 1 : value_len;

    while (*facts != '\0') {
        size_t len = strcspn(facts, " ");

        if (len > name_len && strncmp(facts, name, name_len) == 0 && facts[name_len] == '=')
            return strncmp(facts + name_len + 1, value, compared) == 0 &&
                   (prefix ? len - name_len - 1 >= compared : len - name_len - 1 == compared);
        facts += len;
        facts += strspn(facts, " ");
    }
    return false;
}

bool facts_hold(const char *facts, const char *condition)
{
    if (condition == NULL)
        return true;
    while (facts != NULL && *condition != '\0') {
        size_t len = strcspn(condition, " "), name = strcspn(condition, "=");

        if (!value_holds(facts, condition, name, condition + name + 1, len - name - 1))
            return false;
        condition += len;
        condition += strspn(condition, " ");
    }
    return facts != NULL;
}

const char *words_of_value(const struct fact_words *fact, const char *value, const char *facts)
{
    const struct value_words *row = fact->values;

    while (row->value != NULL && (strcmp(row->value, value) != 0 || !facts_hold(facts, row->when)))
        row++;
    return row->text;
}

const char *words_of_verdict(const struct xeniommu_info *info)
{
    switch (info->state) {
    case XENIOMMU_PROTECTED:
        return "An IOMMU that Xen controls confines all its DMA to memory that its owner may use.";
    case XENIOMMU_RELAXED:
        return "An IOMMU that Xen controls translates its DMA, but lets it reach more memory than "
               "its owner may use.";
    case XENIOMMU_UNPROTECTED:
        if (strcmp(info->reason, "group-split") == 0)
            return "Its DMA may reach memory of another domain.";
        return "Nothing confines its DMA to memory that its owner may use: whoever controls the "
               "device may reach all memory.";
    case XENIOMMU_QUARANTINED:
        return "It belongs to no domain, and its DMA is blocked.";
    case XENIOMMU_UNKNOWN:
        break;
    }
    return "Nothing is certain about its DMA, so take it for unprotected.";
}

static bool is_one_of(const char *token, const char *const tokens[])
{
    for (; *tokens != NULL; tokens++)
        if (strcmp(token, *tokens) == 0)
            return true;
    return false;
}

const char *words_of_swiotlb(const struct xeniommu_info *info)
{
    static const char *const of_pv[] = {"assigned-pv", "dom0-strict", "dom0-relaxed", NULL};

    if (info->state == XENIOMMU_QUARANTINED)
        return NULL;
    if (info->skip_swiotlb)
        return "swiotlb-xen is not needed: the IOMMU translates its owner's own addresses.";
    if (is_one_of(info->reason, of_pv))
        return "swiotlb-xen stays in use: its owner is a PV domain, for which the IOMMU translates "
               "machine addresses, and what is contiguous for the owner is not so in those.";
    if (info->state == XENIOMMU_UNPROTECTED)
        return "swiotlb-xen stays in use: no IOMMU translates its owner's addresses for certain.";
    return "swiotlb-xen stays in use, which is safe in any case.";
}
