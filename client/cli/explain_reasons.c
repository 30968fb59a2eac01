/* SPDX-License-Identifier: MIT */
/* Rows for each reason of docs/policy.md. Of several for one reason the facts choose. An "or" is
 * left only where nothing that is known decides (tests/unit/test_xeniommu_cli_words.c lists them).
 */
#include "explain_words.h"

#include <string.h>

#define ASKED_AGAIN "xen-iommud asks Xen again at the next change; its log tells which call failed."
#define SEE_RECORDS                                                                                \
    "Where this lasts, compare \"xl pci-assignable-list\", \"xl pci-list\" and \"xl dmesg\"."
#define ONE_OWNER                                                                                  \
    "One owner for all devices of the group; \"xen-iommu list\" shows each device's group."
#define IOMMU_ON                                                                                   \
    "An IOMMU that is switched on in the firmware's setup, and a Xen with a driver for it; then "  \
    "a reboot."
#define DT_REBOOT                                                                                  \
    "A host device tree whose iommus names the device's IOMMU, and a Xen with a driver for that; " \
    "after a reboot."
#define MATE_OWNER                                                                                 \
    "A certain owner of the other device: \"xen-iommu list\" shows which has the same group, "     \
    "\"xen-iommu explain\" what is wrong with it."

const struct reason_words reason_words[] = {
    /* whatever the device */
    {"iommu-disabled", ON_BOTH, "iommu-option=off",
     "Xen drives no IOMMU, since its command line switches it off.",
     "Xen's command line without iommu=off; then a reboot."},
    {"iommu-disabled", ON_PCI, "tables=none",
     "Xen drives no IOMMU, and dom0 sees no table of the firmware's that describes one (DMAR on "
     "Intel, IVRS on AMD).",
     "An IOMMU that is switched on in the firmware's setup (VT-d, AMD-Vi); then a reboot."},
    {"iommu-disabled", ON_PCI, "tables=read",
     "Xen drives no IOMMU, though the firmware's tables describe one: Xen refused it at boot, and "
     "\"xl dmesg\" tells why.",
     "What Xen's messages ask for, often a firmware update; then a reboot."},
    {"iommu-disabled", ON_BOTH, NULL, "Xen drives no IOMMU.", IOMMU_ON},
    {"hypervisor-error", ON_BOTH, "iommu=unknown",
     "Xen did not answer what everything else rests on: whether it drives an IOMMU, and which "
     "domains there are.",
     ASKED_AGAIN},
    {"hypervisor-error", ON_BOTH, "oracle=none",
     "Xen did not answer the question about this device.", ASKED_AGAIN},
    {"hypervisor-error", ON_BOTH, NULL, "Xen did not answer a question that the verdict needs.",
     ASKED_AGAIN},
    {"hypervisor-disagrees", ON_PCI, "class=0806* owner=dom0",
     "It is an IOMMU itself, which Xen keeps for itself, whatever dom0's list of devices shows.",
     "Nothing has to: no domain can have it."},
    {"hypervisor-disagrees", ON_PCI, "coverage=no owner=guest",
     "No entry of the firmware's tables puts it behind an IOMMU, and the records give it to a "
     "guest all the same, which Xen would have refused.",
     "Taking it from the guest. " SEE_RECORDS},
    {"hypervisor-disagrees", ON_BOTH, "oracle=unsupported",
     "Xen says of this device that there is no IOMMU, and otherwise that it drives one.",
     "Answers that agree: \"xl dmesg\" tells more."},
    {"hypervisor-disagrees", ON_BOTH, "oracle=no-device", "Xen does not know this device.",
     "A Xen whose device tree has it; after a reboot."},
    {"hypervisor-disagrees", ON_PCI, "owner=dom0 oracle=taken",
     "By the records dom0 has it, but Xen answers as it does for what a guest has and for what it "
     "does not know.",
     "Taking it from the guest that has it. " SEE_RECORDS},
    {"hypervisor-disagrees", ON_BOTH, "owner=guest oracle=free",
     "By the records a guest has it, but Xen says that none has.",
     "Giving it to the guest through libxl, or taking it from there. While it changes hands this "
     "is normal for a moment. " SEE_RECORDS},
    {"hypervisor-disagrees", ON_PCI, "owner=none oracle=taken",
     "By the records it is assignable and no guest has it, but Xen answers as it does for what a "
     "guest has and for what it does not know.",
     "Taking it from the guest that has it. While it changes hands this is normal for a "
     "moment. " SEE_RECORDS},
    {"hypervisor-disagrees", ON_PCI, "owner=none oracle=free",
     "By the records it is assignable, but Xen's lists of its group say that dom0 has it.",
     "Making it assignable anew: xl pci-assignable-remove, then xl pci-assignable-add."},
    {"hypervisor-disagrees", ON_BOTH, NULL,
     "Xen's own answer does not fit what the records say of the device's owner.",
     "An answer and records that agree. While it changes hands this is normal for a "
     "moment. " SEE_RECORDS},

    /* PCI, and the firmware's tables */
    {"no-igfx", ON_PCI, NULL,
     "The only IOMMU in its way serves nothing but graphics, and Xen was told to leave that one "
     "off: iommu=no-igfx. Xen gives the device to a guest all the same, and its DMA passes.",
     "Xen's command line without no-igfx, and a reboot."},
    {"unit-maybe-off", ON_PCI, "class=03*",
     "The IOMMU unit that serves it may be one for graphics alone, which Xen leaves untranslated "
     "under iommu=no-igfx, and on some chipsets without being told. Xen gives the device to a "
     "guest all the same.",
     "Xen's command line without no-igfx; on such a chipset firmware that prepares the unit. Then "
     "a reboot."},
    {"unit-maybe-off", ON_PCI, "class=04*",
     "The IOMMU unit that serves it may be one for sound alone that the firmware left half set up, "
     "and which Xen then leaves untranslated. Xen gives the device to a guest all the same.",
     "A firmware update, then a reboot."},
    {"unit-maybe-off", ON_PCI, NULL,
     "The IOMMU unit that serves it may be one that Xen leaves untranslated, as some that serve "
     "graphics alone and sound alone. Xen gives the device to a guest all the same.",
     "A firmware update, and Xen's command line without no-igfx; then a reboot."},
    {"not-covered", ON_PCI, NULL,
     "No entry of the firmware's ACPI tables puts it behind an IOMMU: its DMA passes none.",
     "Firmware that covers it, by an update or in its setup; or another slot. \"xen-iommu show\" "
     "names the unit of each device that is covered."},
    {"coverage-unknown", ON_PCI, "tables=none",
     "dom0 sees none of the firmware's ACPI tables that tell whether an IOMMU is in its way.",
     "Readable tables. A PVH dom0 does not see them: save them once from a PV boot, and name "
     "their folder with acpi-tables in xen-iommud.conf."},
    {"coverage-unknown", ON_PCI, "tables=unusable",
     "The firmware's ACPI tables make no sense, so whether an IOMMU is in its way is open.",
     "A firmware update: what is wrong with the tables xen-iommud's log tells."},
    {"coverage-unknown", ON_PCI, NULL,
     "The firmware's ACPI tables leave open whether an IOMMU is in its way.",
     "Tables that tell it: by a firmware update; for a PVH dom0, which does not see them, by "
     "saving them once from a PV boot and naming their folder with acpi-tables in "
     "xen-iommud.conf."},

    /* PCI, of dom0 */
    {"dom0-passthrough", ON_PCI, NULL,
     "Xen's command line says dom0-iommu=passthrough: the IOMMU lets the DMA of dom0's devices "
     "through unhindered.",
     "dom0-iommu=strict in its place, and a reboot; or giving the device to a guest, where it is "
     "confined all the same."},
    {"dom0-pvh", ON_PCI, NULL,
     "dom0 is a PVH domain: the IOMMU translates dom0's own addresses, and reaches dom0's memory "
     "only.",
     "A PV dom0 (no dom0=pvh on Xen's command line), or giving the device to a guest."},
    {"dom0-strict", ON_PCI, NULL,
     "dom0 is a PV domain, and Xen's command line says dom0-iommu=strict: the IOMMU reaches only "
     "dom0's memory and what is granted to dom0.",
     "Without dom0-iommu=strict it would be relaxed. To do without swiotlb-xen takes a PVH dom0, "
     "or an HVM or PVH guest."},
    {"dom0-relaxed", ON_PCI, NULL,
     "dom0 is a PV domain in Xen's default mode: for dom0's devices the IOMMU maps nearly all "
     "memory, that of guests included.",
     "dom0-iommu=strict on Xen's command line and a reboot make it protected; so does giving the "
     "device to a guest."},
    {"dom0-mode-unknown", ON_PCI, NULL,
     "How far the IOMMU maps memory for dom0's devices is not certain, since Xen's command line "
     "could not be understood in full.",
     "A command line that says it in words that xen-iommud knows, such as dom0-iommu=strict; "
     "\"xl info xen_commandline\" prints it."},

    /* PCI, devices that share a requester ID */
    {"group-split", ON_PCI, NULL,
     "Another domain has a device with the same requester ID. The IOMMU cannot tell the two apart, "
     "so one domain's memory is open to the other's device.",
     ONE_OWNER},
    {"group-mate-owned", ON_PCI, NULL,
     "It belongs to no domain, but a device with the same requester ID does, and the IOMMU cannot "
     "tell the two apart: its DMA may not be blocked.",
     "All devices of the group assignable (xl pci-assignable-add), or all with one owner; "
     "\"xen-iommu list\" shows each device's group."},
    {"group-owner-unknown", ON_PCI, NULL,
     "It shares its requester ID with a device whose owner is not certain, and the IOMMU cannot "
     "tell the two apart.",
     MATE_OWNER},
    {"group-member-unlisted", ON_PCI, NULL,
     "Xen names a device with the same requester ID that dom0 does not list, so who has that one "
     "is not certain, and the IOMMU cannot tell the two apart.",
     "The other device back in dom0's list, such as by a rescan (/sys/bus/pci/rescan), or gone "
     "from Xen's as well."},
    {"group-member-unlisted", ON_DT, NULL,
     "Xen names a device with the same stream ID that dom0 does not list, so who has that one is "
     "not certain, and the IOMMU cannot tell the two apart.",
     "The other device in dom0's device tree."},
    {"group-unknown", ON_PCI, NULL,
     "Xen did not tell which devices share its requester ID, so others may reach through it what "
     "it may reach.",
     "An answer: xen-iommud asks Xen again at the next change."},

    /* given to a guest, or kept for one */
    {"assigned-translated", ON_PCI, NULL,
     "A guest has it, Xen confirms that, and the guest's memory is translated by hardware: the "
     "IOMMU translates the guest's own addresses, and reaches the guest's memory only.",
     "Detaching it from the guest, as the guest's end does too."},
    {"assigned-translated", ON_DT, NULL,
     "A guest has it, Xen confirms that, and as every guest's on Arm the guest's memory is "
     "translated by hardware: the IOMMU translates the guest's own addresses, and reaches the "
     "guest's memory only.",
     "Detaching it from the guest, as the guest's end does too."},
    {"assigned-pv", ON_BOTH, NULL,
     "A PV guest has it, and Xen confirms that: the IOMMU reaches the guest's memory only.",
     "Detaching it from the guest, as the guest's end does too. To do without swiotlb-xen takes an "
     "HVM or "
     "PVH guest."},
    {"guest-kind-unknown", ON_BOTH, NULL,
     "A guest has it, but Xen did not tell whether that is a PV guest.", ASKED_AGAIN},
    {"assignable", ON_PCI, NULL,
     "It was made assignable, no guest has it, and Xen agrees: an IOMMU blocks its DMA.",
     "Giving it to a guest (xl pci-attach), or back to dom0 (xl pci-assignable-remove)."},
    {"quarantine-off", ON_PCI, "quarantine=unknown",
     "It is assignable, and no guest has it; but Xen's command line is not certain to keep "
     "quarantine on. Without it what a guest gives back goes to dom0, and its DMA is not blocked.",
     "A command line that xen-iommud understands in full, such as without the other words of "
     "iommu=, and a reboot; or giving the device to a guest."},
    {"quarantine-off", ON_PCI, NULL,
     "It is assignable, and no guest has it; but Xen runs without quarantine "
     "(iommu=no-quarantine): what a guest gives back goes to dom0, and its DMA is not blocked.",
     "Xen's command line without no-quarantine, and a reboot; or giving the device to a guest."},
    {"new-device", ON_PCI, NULL,
     "libxl's record that it is assignable may be of an earlier time than the device's present one "
     "with pciback. In between Xen gave it to dom0, and nothing tells that it was put into "
     "quarantine since: adding what has no driver of dom0's leaves no sign.",
     "Making it assignable anew: xl pci-assignable-add, then xl pci-assignable-remove -r (it fails "
     "for what is not in quarantine), then xl pci-assignable-add. Or giving it to a guest."},
    {"not-assigned", ON_DT, NULL,
     "The host's device tree keeps it from dom0, as it does with what is set aside for a guest "
     "(xen,passthrough), and no guest has it.",
     "Giving it to a guest: dtdev in the guest's configuration."},
    {"force-assigned", ON_DT, NULL,
     "A guest has it by force: the device tree says xen,force-assign-without-iommu, and Xen says "
     "that no IOMMU is in its way.",
     "A host device tree that names the device's IOMMU, and a Xen with a driver for that. Without "
     "xen,force-assign-without-iommu Xen would not have given it to the guest."},

    /* device tree devices that share a stream ID */
    {"group-split", ON_DT, NULL,
     "Another domain has a device with the same stream ID at the same IOMMU, which cannot tell the "
     "two apart, so one domain's memory is open to the other's device.",
     ONE_OWNER},
    {"group-owner-unknown", ON_DT, NULL,
     "It shares its stream ID with a device whose owner is not certain, and the IOMMU cannot tell "
     "the two apart.",
     MATE_OWNER},
    {"group-unknown", ON_DT, NULL,
     "Which devices share its stream ID is not known, so others may reach through it what it may "
     "reach.",
     "The host's whole device tree for xen-iommud (--host-dtb), with the device and its IOMMU in "
     "it."},

    /* owners that are not certain */
    {"devices-unread", ON_PCI, NULL,
     "The host's devices could not all be read, and one that is missing may share what confines "
     "this one.",
     "A complete reading: xen-iommud tries again by itself, and its log tells what went wrong."},
    {"owner-unknown", ON_BOTH, NULL, "It is not known yet who owns it.",
     "xen-iommud finds out when it has looked at everything; where this lasts, its log tells what "
     "it could not read."},
    {"owner-down", ON_BOTH, NULL,
     "The domain that has it does not run any more, so Xen may let go of the device at any moment.",
     "The end of that domain."},
    {"assignment-incomplete", ON_PCI, "doubt=incomplete",
     "libxl's record names a domain that has it, and no backend in XenStore names the device: an "
     "assignment at its very beginning or end.",
     "The end of the assignment. Where that does not come, it failed half-way: detach the device, "
     "and destroy the guest where that fails."},
    {"assignment-incomplete", ON_BOTH, NULL,
     "Something about it has just changed, and Xen has not confirmed yet what holds now.",
     "Xen's confirmation, which xen-iommud asks for at once. Where it does not come, an assignment "
     "failed half-way: detach the device."},
    {"assignment-ending", ON_BOTH, NULL, "It is being taken from the guest that had it.",
     "The end of that: then it is its next owner's."},
    {"records-conflict", ON_PCI, "doubt=other-device",
     "libxl's record gives it to a guest, but it is not bound to pciback, as a guest's device is: "
     "another device has come to the address.",
     "Detaching the old device from the guest (xl pci-detach)."},
    {"records-conflict", ON_PCI, "doubt=unbound",
     "libxl has made it assignable, but it has no driver in dom0, neither pciback nor the one that "
     "it had before.",
     "Making it assignable anew (xl pci-assignable-add), or giving it back to dom0 "
     "(xl pci-assignable-remove -r)."},
    {"records-conflict", ON_PCI, "doubt=conflict",
     "Two domains seem to have it: libxl's record names one, and another one's backend in XenStore "
     "names it as well.",
     "Detaching it from all but one domain; \"xenstore-ls /libxl/pci\" and \"xenstore-ls "
     "/local/domain/0/backend/pci\" show the records."},
    {"records-conflict", ON_DT, "doubt=conflict",
     "The configurations of two running domains name it.",
     "Ending all of them but one; \"xl list -l\" shows each domain's dtdev."},
    {"records-conflict", ON_BOTH, NULL,
     "The toolstack's records of this address contradict each other.",
     "Records that agree: detach it from all but one domain. \"xenstore-ls /libxl/pci\" shows "
     "those of PCI devices, \"xl list -l\" each domain's dtdev."},
    {"record-malformed", ON_BOTH, NULL, "libxl's record of its owner makes no sense.",
     "A record as libxl writes it: \"xenstore-ls /libxl/pci\" shows it."},
    {"records-unreadable", ON_BOTH, NULL,
     "The toolstack's records of who owns what could not be read.",
     "Readable records: xen-iommud tries again, and its log tells what went wrong."},
    {"no-record", ON_PCI, "doubt=hidden",
     "It is kept for guests (bound to pciback), but not by libxl, which has no record of it: it "
     "was hidden at boot (xen-pciback.hide), or another toolstack keeps it.",
     "Not hiding it at boot, and making it assignable through libxl then: xl pci-assignable-add "
     "takes it from dom0's driver. Of what is hidden already libxl writes no record."},
    {"no-record", ON_PCI, "doubt=no-record",
     "A guest's backend in XenStore names it, but libxl has no record of it, as where another "
     "toolstack gave it.",
     "Giving it through libxl: xl pci-attach."},
    {"no-record", ON_PCI, NULL, "It is kept for guests, but libxl has no record of it.",
     "Giving and taking it through libxl: xl pci-assignable-add, xl pci-attach."},
    {"no-record", ON_DT, "owner=none",
     "Xen has given it to a guest, and no record of libxl's names that guest.",
     "Giving it to a guest through libxl: dtdev in the guest's configuration."},
    {"no-record", ON_DT, NULL, "It came after boot, and no record of libxl's names who has it.",
     "Giving it to a guest through libxl: dtdev in the guest's configuration."},

    /* device tree devices, of dom0 */
    {"behind-iommu", ON_DT, NULL,
     "dom0 has it, and Xen assigned it to dom0 at boot, as it does with exactly those that are "
     "behind an IOMMU that it drives.",
     "Setting it aside for a guest (xen,passthrough in the host's device tree), or a Xen that does "
     "not drive its IOMMU; after a reboot."},
    {"not-behind-iommu", ON_DT, NULL,
     "dom0 has it, and Xen says that no IOMMU that it drives is in its way.",
     DT_REBOOT " Without an IOMMU in the hardware's way nothing does."},
    {"claim-contradicted", ON_DT, NULL,
     "The device tree claims that Xen's IOMMU protects it, but Xen says that no IOMMU that it "
     "drives is in its way. Xen's word decides.",
     DT_REBOOT " Without the claim the reason would be not-behind-iommu, and the verdict the "
               "same."},
    {"pci-host-bridge", ON_DT, NULL,
     "It is a PCI host bridge: the functions behind it do the DMA, and Xen on Arm does not tell of "
     "those.",
     "Nothing at present."},
    {"grant-dma", ON_DT, NULL, "Its DMA goes through grants (xen,grant-dma), not through an IOMMU.",
     "Where that node only stands in for Xen's IOMMU (#iommu-cells = <0>): grant-dma-stub = yes in "
     "xen-iommud.conf takes it for a claim, and Xen has its say on that."},
    {"virtio-iommu", ON_DT, NULL,
     "It is behind a virtio-iommu, which translates what the domain itself tells it to: it "
     "confines nothing against that domain.",
     "A device tree where it is behind an IOMMU that Xen drives."},
};

const size_t reason_words_count = sizeof(reason_words) / sizeof(reason_words[0]);

const struct reason_words *words_of_reason(enum xeniommu_bus bus, const char *token,
                                           const char *facts)
{
    size_t i;

    for (i = 0; i < reason_words_count; i++)
        if ((reason_words[i].bus & 1U << bus) != 0 && strcmp(reason_words[i].token, token) == 0 &&
            facts_hold(facts, reason_words[i].when))
            return &reason_words[i];
    return NULL;
}
