# SPDX-License-Identifier: MIT
# The ways on which a device leaves a guest by dom0's will, and comes back.
BOX_TIMEOUT=400

ready_daemon
check "xl pci-assignable-add 03" xl pci-assignable-add 00:03.0
check "xl pci-assignable-add 04" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"

check "xl pci-detach" xl pci-detach g1 00:04.0
host 0000:00:04.0 "none quarantined keep assignable"
not_own 1 0000:00:00.0
want /local/domain/1/iommu/status ready

check "xl pci-attach" xl pci-attach g1 00:04.0
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"

check "xl destroy" xl destroy g1
host 0000:00:04.0 "none quarantined keep assignable"
gone /local/domain/1

# A paused guest's backend is not connected: xl gives up on a second device half-way, takes its record
# back, and leaves the device with the guest.
guest_config g2 'pci = ["00:04.0"]' > /tmp/g2.cfg
check "xl create of a paused guest" xl_create g2 -p
host 0000:00:04.0 "2 protected keep assigned-pv"
refuse "xl pci-attach to a paused guest" xl pci-attach g2 00:03.0
host 0000:00:03.0 "unknown unknown keep *"
check "no word to the guest of the device that it was not told of" \
    test "$(xenstore-ls -f /local/domain/2/iommu | grep -c protected)" -le 1
check "xl destroy of a paused guest" xl destroy g2
host 0000:00:03.0 "none quarantined keep assignable"
host 0000:00:04.0 "none quarantined keep assignable"
gone /local/domain/2

check "xl pci-assignable-remove -r 03" xl pci-assignable-remove -r 00:03.0
dom0_has 0000:00:03.0 "relaxed keep dom0-relaxed"
check "xl pci-assignable-remove -r 04" xl pci-assignable-remove -r 00:04.0
dom0_has 0000:00:04.0 "relaxed keep dom0-relaxed"
all_dom0 "relaxed keep dom0-relaxed"

# Nothing of the dead comes back when the next domain makes the daemon look at everything again.
guest_start g3
want /local/domain/3/iommu/status ready
check "nothing of domain 1 came back" absent /local/domain/1
check "nothing of domain 2 came back" absent /local/domain/2
