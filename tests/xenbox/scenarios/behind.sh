# SPDX-License-Identifier: MIT
# Devices that change hands in Xen while the toolstack's records are as they were.
BOX_TIMEOUT=400

ready_daemon
check "xl pci-assignable-add 03" xl pci-assignable-add 00:03.0
check "xl pci-assignable-add 04" xl pci-assignable-add 00:04.0
host 0000:00:03.0 "none quarantined keep assignable"

# The daemon is held while xl gives up on a second device half-way: to a paused guest, whose backend is not
# connected. The guest keeps the device, and the records are what they were before.
guest_config g1 'pci = ["00:04.0"]' > /tmp/g1.cfg
check "xl create of a paused guest" xl_create g1 -p
host 0000:00:04.0 "1 protected keep assigned-pv"
xenstore-ls -f /libxl/pci > /tmp/records
hold_daemon
refuse "xl pci-attach to a paused guest" xl pci-attach g1 00:03.0
xenstore-ls -f /libxl/pci > /tmp/records.now
check "the records are the same" cmp /tmp/records /tmp/records.now
in_xen 0000:00:03.0 d1
host_now 0000:00:03.0 "none quarantined keep assignable"
release_daemon
host 0000:00:03.0 "* unknown keep *"
host 0000:00:04.0 "1 protected keep assigned-pv"
check "xl destroy" xl destroy g1
host 0000:00:03.0 "none quarantined keep assignable"
host 0000:00:04.0 "none quarantined keep assignable"
end_daemon

# Without any record: within the bound.
echo "confirm-interval = 2" > /tmp/bound.conf
ready_daemon --config /tmp/bound.conf
want $HOST/confirm-interval 2
check "xen-iommu status says so" sh -c 'xen-iommu status | grep -q "Confirmed:.* every 2 s$"'
guest_start g2 'pci = ["00:04.0"]'
host 0000:00:04.0 "2 protected keep assigned-pv"
own 2 0000:00:00.0 "protected keep assigned-pv"

check "Xen takes 04 from the guest" xen-assign from 2 0000:00:04.0
host 0000:00:04.0 "* unknown keep *"
own 2 0000:00:00.0 "unknown keep *"
in_xen 0000:00:04.0 DomIO
check "Xen gives it back" xen-assign to 2 0000:00:04.0
host 0000:00:04.0 "2 protected keep assigned-pv"
own 2 0000:00:00.0 "protected keep assigned-pv"

check "Xen gives 03 to the guest" xen-assign to 2 0000:00:03.0
host 0000:00:03.0 "* unknown keep *"
in_xen 0000:00:03.0 d2
check "Xen gives dom0's edu device to the guest" xen-assign to 2 $EDU
own 0 $EDU "unknown keep *"
host $EDU "* unknown keep *"

# Put back. Xen is asked again about what is claimed, and about what a guest should have; about the rest when
# something happens, or on demand.
check "Xen takes the edu device back" xen-assign from 2 $EDU
check "and gives it to dom0" xen-assign from 32753 $EDU
in_xen $EDU d0
check "Xen takes 03 back" xen-assign from 2 0000:00:03.0
in_xen 0000:00:03.0 DomIO
kill -HUP "$DAEMON"
dom0_has $EDU "relaxed keep dom0-relaxed"
host 0000:00:03.0 "none quarantined keep assignable"
