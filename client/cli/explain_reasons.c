/* SPDX-License-Identifier: MIT */
/* One row for each reason of docs/policy.md. */
#include "explain_words.h"

#include <string.h>

#define ASKED_AGAIN "xen-iommud asks Xen again at the next change; its log tells which call failed."

const struct reason_words reason_words[] = {
    /* whatever the device */
    {"iommu-disabled", ON_BOTH,
     "Xen drives no IOMMU: the machine has none, its firmware hides it, Xen has no driver for it, "
     "or it is switched off.",
     "An IOMMU that is switched on in the firmware's setup, a Xen with a driver for it, and "
     "neither iommu=off nor iommu=no on Xen's command line; then a reboot."},
    {"hypervisor-error", ON_BOTH, "Xen did not answer a question that the verdict needs.",
     ASKED_AGAIN},
    {"hypervisor-disagrees", ON_BOTH,
     "Xen's own answer does not fit what the records say of the device's owner.",
     "An answer and records that agree. While a device is given or taken this is normal for a "
     "moment. Where it lasts, the device was given or taken without libxl, or Xen does not know "
     "it: compare the facts with \"xl pci-assignable-list\", \"xl pci-list\" and \"xl dmesg\"."},

    /* PCI, and the firmware's tables */
    {"no-igfx", ON_PCI,
     "The only IOMMU in its way serves nothing but graphics, and Xen was told to leave that one "
     "off: iommu=no-igfx. Xen gives the device to a guest all the same, and its DMA passes.",
     "Xen's command line without no-igfx, and a reboot."},
    {"unit-maybe-off", ON_PCI,
     "The IOMMU unit that serves it may be one that Xen leaves untranslated: one for graphics "
     "alone "
     "(iommu=no-igfx, and on some chipsets without being told), or one for sound alone that the "
     "firmware left half set up. Xen gives the device to a guest all the same.",
     "Xen's command line without no-igfx, or a firmware update; then a reboot."},
    {"not-covered", ON_PCI,
     "No entry of the firmware's ACPI tables puts it behind an IOMMU: its DMA passes none.",
     "Firmware that covers it, by an update or in its setup; or another slot. \"xen-iommu show\" "
     "names the unit of each device that is covered."},
    {"coverage-unknown", ON_PCI,
     "The firmware's ACPI tables were not readable, or leave open whether an IOMMU is in its way.",
     "Readable tables. A PVH dom0 does not see them: save them once from a PV boot, and name "
     "their folder with acpi-tables in xen-iommud.conf. What is wrong with tables that are there "
     "xen-iommud's log tells."},

    /* PCI, of dom0 */
    {"dom0-passthrough", ON_PCI,
     "Xen's command line says dom0-iommu=passthrough: the IOMMU lets the DMA of dom0's devices "
     "through unhindered.",
     "dom0-iommu=strict in its place, and a reboot; or giving the device to a guest, where it is "
     "confined all the same."},
    {"dom0-pvh", ON_PCI,
     "dom0 is a PVH domain: the IOMMU translates dom0's own addresses, and reaches dom0's memory "
     "only.",
     "A PV dom0 (no dom0=pvh on Xen's command line), or giving the device to a guest."},
    {"dom0-strict", ON_PCI,
     "dom0 is a PV domain, and Xen's command line says dom0-iommu=strict: the IOMMU reaches only "
     "dom0's memory and what is granted to dom0. It translates machine addresses, so swiotlb-xen "
     "stays in use.",
     "Without dom0-iommu=strict it would be relaxed. To do without swiotlb-xen takes a PVH dom0, "
     "or an HVM or PVH guest."},
    {"dom0-relaxed", ON_PCI,
     "dom0 is a PV domain in Xen's default mode: for dom0's devices the IOMMU maps nearly all "
     "memory, that of guests included.",
     "dom0-iommu=strict on Xen's command line and a reboot make it protected; so does giving the "
     "device to a guest."},
    {"dom0-mode-unknown", ON_PCI,
     "How far the IOMMU maps memory for dom0's devices is not certain: Xen's command line holds "
     "an IOMMU option that xen-iommud does not know, or is too long to be read in full.",
     "A command line that says it in words that xen-iommud knows, such as dom0-iommu=strict; "
     "\"xl info xen_commandline\" prints it."},

    /* PCI, devices that share a requester ID */
    {"group-split", ON_PCI,
     "Another domain has a device with the same requester ID. The IOMMU cannot tell the two apart, "
     "so one domain's memory is open to the other's device.",
     "One owner for all devices of the group; \"xen-iommu list\" shows each device's group."},
    {"group-mate-owned", ON_PCI,
     "It belongs to no domain, but a device with the same requester ID does, and the IOMMU cannot "
     "tell the two apart: its DMA may not be blocked.",
     "All devices of the group assignable (xl pci-assignable-add), or all with one owner; "
     "\"xen-iommu list\" shows each device's group."},
    {"group-owner-unknown", ON_PCI,
     "It shares its requester ID with a device whose owner is not certain, and the IOMMU cannot "
     "tell the two apart.",
     "A certain owner of the other device: \"xen-iommu list\" shows which has the same group, "
     "\"xen-iommu explain\" what is wrong with it."},
    {"group-member-unlisted", ON_BOTH,
     "Xen names a device with the same requester or stream ID that dom0 does not list, so who has "
     "that one "
     "is "
     "not certain, and the IOMMU cannot tell the two apart.",
     "The other device back in dom0's list, such as by a rescan (/sys/bus/pci/rescan), or gone "
     "from "
     "Xen's as well."},
    {"group-unknown", ON_PCI,
     "Xen did not tell which devices share its requester ID, so others may reach through it what "
     "it may reach.",
     "An answer: xen-iommud asks Xen again at the next change."},

    /* given to a guest, or kept for one */
    {"assigned-translated", ON_BOTH,
     "A guest has it, Xen confirms that, and the guest's memory is translated by hardware (HVM, "
     "PVH, every guest on Arm): the IOMMU translates the guest's own addresses, and reaches the "
     "guest's memory only.",
     "Taking it from the guest, or the guest's end."},
    {"assigned-pv", ON_BOTH,
     "A PV guest has it, and Xen confirms that: the IOMMU reaches the guest's memory only. It "
     "translates machine addresses, so swiotlb-xen stays in use.",
     "Taking it from the guest, or the guest's end. To do without swiotlb-xen takes an HVM or PVH "
     "guest."},
    {"guest-kind-unknown", ON_BOTH,
     "A guest has it, but Xen did not tell whether that is a PV guest or a translated one.",
     ASKED_AGAIN},
    {"assignable", ON_PCI,
     "It was made assignable, no guest has it, and Xen agrees: an IOMMU blocks its DMA.",
     "Giving it to a guest (xl pci-attach), or back to dom0 (xl pci-assignable-remove)."},
    {"quarantine-off", ON_PCI,
     "It is assignable, and no guest has it; but Xen's command line says iommu=no-quarantine, or "
     "is "
     "not certain to say otherwise. Then what a guest gives back goes to dom0, and its DMA is not "
     "blocked.",
     "Xen's command line without no-quarantine, and a reboot; or giving the device to a guest."},
    {"new-device", ON_PCI,
     "libxl's record that it is assignable may be older: another device stood there then, or this "
     "one was plugged in again, or bound to pciback again. In between Xen gave it to dom0, and "
     "nothing tells that it was put into quarantine since: adding what has no driver of dom0's "
     "leaves no sign.",
     "Making it assignable anew: xl pci-assignable-add, then xl pci-assignable-remove -r (it fails "
     "for what is not in quarantine), then xl pci-assignable-add. Or giving it to a guest."},
    {"not-assigned", ON_DT,
     "The host's device tree sets it aside for a guest (xen,passthrough), and no guest has it.",
     "Giving it to a guest: dtdev in the guest's configuration."},
    {"force-assigned", ON_DT,
     "A guest has it by force: the device tree says xen,force-assign-without-iommu, and Xen says "
     "that no IOMMU is in its way.",
     "A host device tree that names the device's IOMMU, and a Xen with a driver for that. Without "
     "xen,force-assign-without-iommu Xen would not have given it to the guest."},

    /* device tree devices that share a stream ID */
    {"group-split", ON_DT,
     "Another domain has a device with the same stream ID at the same IOMMU, which cannot tell the "
     "two apart, so one domain's memory is open to the other's device.",
     "One owner for all devices of the group; \"xen-iommu list\" shows each device's group."},
    {"group-owner-unknown", ON_DT,
     "It shares its stream ID with a device whose owner is not certain, and the IOMMU cannot tell "
     "the two apart.",
     "A certain owner of the other device: \"xen-iommu list\" shows which has the same group, "
     "\"xen-iommu explain\" what is wrong with it."},
    {"group-unknown", ON_DT,
     "Which devices share its stream ID is not known, so others may reach through it what it may "
     "reach.",
     "The host's whole device tree for xen-iommud (--host-dtb), with the device and its IOMMU in "
     "it."},

    /* owners that are not certain */
    {"devices-unread", ON_PCI,
     "The host's devices could not all be read, and one that is missing may share what confines "
     "this one.",
     "A complete reading: xen-iommud tries again by itself, and its log tells what went wrong."},
    {"owner-unknown", ON_BOTH, "It is not known yet who owns it.",
     "xen-iommud finds out when it has looked at everything; where this lasts, its log tells what "
     "it could not read."},
    {"owner-down", ON_BOTH,
     "The domain that has it is shut down, crashed, or being destroyed: Xen may let go of the "
     "device at any moment.",
     "The end of that domain."},
    {"assignment-incomplete", ON_BOTH,
     "It is being given to a domain or taken from one, and not all that belongs to this has been "
     "seen and confirmed.",
     "The end of the assignment. Where that does not come, it failed half-way: detach the device, "
     "or destroy the guest."},
    {"assignment-ending", ON_BOTH,
     "The toolstack or the backend is taking it from the guest that had it.",
     "The end of that: then it is its next owner's."},
    {"records-conflict", ON_BOTH,
     "The toolstack's records contradict each other: two domains seem to have it, two devices seem "
     "to be at its address, or it is neither dom0's nor assignable.",
     "Records that agree: detach it from all but one domain. \"xenstore-ls /libxl/pci\" shows "
     "those "
     "of PCI devices, \"xl list -l\" each domain's dtdev."},
    {"record-malformed", ON_BOTH, "libxl's record of its owner makes no sense.",
     "A record as libxl writes it: \"xenstore-ls /libxl/pci\" shows it."},
    {"records-unreadable", ON_BOTH,
     "The toolstack's records of who owns what could not be read from XenStore.",
     "Readable records: xen-iommud tries again, and its log tells what went wrong."},
    {"no-record", ON_PCI,
     "It is kept for guests (bound to pciback), or a guest's backend names it, but libxl has no "
     "record of it.",
     "Giving and taking it through libxl: xl pci-assignable-add, xl pci-attach."},
    {"no-record", ON_DT,
     "Xen has given it to a guest, or it came after boot, and no record of libxl's names who has "
     "it.",
     "Giving it to a guest through libxl: dtdev in the guest's configuration."},

    /* device tree devices, of dom0 */
    {"behind-iommu", ON_DT,
     "dom0 has it, and Xen assigned it to dom0 at boot, as it does with exactly those that are "
     "behind an IOMMU that it drives.",
     "Setting it aside for a guest (xen,passthrough in the host's device tree), or a Xen that does "
     "not drive its IOMMU; after a reboot."},
    {"not-behind-iommu", ON_DT,
     "dom0 has it, and Xen says that no IOMMU that it drives is in its way.",
     "A host device tree whose iommus names the device's IOMMU, and a Xen with a driver for that; "
     "after a reboot. Without an IOMMU in the hardware's way nothing does."},
    {"claim-contradicted", ON_DT,
     "The device tree claims that Xen's IOMMU protects it, but Xen says that no IOMMU that it "
     "drives is in its way. Xen's word decides.",
     "A host device tree whose iommus names the device's IOMMU, and a Xen with a driver for that; "
     "after a reboot. Without the claim the reason would be not-behind-iommu, and the verdict the "
     "same."},
    {"pci-host-bridge", ON_DT,
     "It is a PCI host bridge: the functions behind it do the DMA, and Xen on Arm does not tell of "
     "those.",
     "Nothing at present."},
    {"grant-dma", ON_DT, "Its DMA goes through grants (xen,grant-dma), not through an IOMMU.",
     "Where that node only stands in for Xen's IOMMU (#iommu-cells = <0>): grant-dma-stub = yes in "
     "xen-iommud.conf takes it for a claim, which Xen then confirms or denies."},
    {"virtio-iommu", ON_DT,
     "It is behind a virtio-iommu, which translates what the domain itself tells it to: it "
     "confines "
     "nothing against that domain.",
     "A device tree where it is behind an IOMMU that Xen drives."},
};

const size_t reason_words_count = sizeof(reason_words) / sizeof(reason_words[0]);

const struct reason_words *words_of_reason(enum xeniommu_bus bus, const char *token)
{
    size_t i;

    for (i = 0; i < reason_words_count; i++)
        if ((reason_words[i].bus & 1U << bus) != 0 && strcmp(reason_words[i].token, token) == 0)
            return &reason_words[i];
    return NULL;
}
