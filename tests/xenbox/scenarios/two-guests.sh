# SPDX-License-Identifier: MIT
# Two guests that get a device each at the same time, and one without.

ready_daemon
check "xl pci-assignable-add 03" xl pci-assignable-add 00:03.0
check "xl pci-assignable-add 04" xl pci-assignable-add 00:04.0

guest_config g1 'pci = ["00:03.0"]' > /tmp/g1.cfg
guest_config g2 'pci = ["00:04.0"]' > /tmp/g2.cfg
xl_create g1 &
first=$!
check "xl create of the second guest" xl_create g2
check "xl create of the first guest" wait $first
guest_up g1 1
guest_up g2 1
guest_start g3
d1=$(xl domid g1)
d2=$(xl domid g2)
d3=$(xl domid g3)

host 0000:00:03.0 "$d1 protected keep assigned-pv"
host 0000:00:04.0 "$d2 protected keep assigned-pv"
own "$d1" 0000:00:00.0 "protected keep assigned-pv"
own "$d2" 0000:00:00.0 "protected keep assigned-pv"
perms "/local/domain/$d1/iommu" "n0,r$d1"
perms "/local/domain/$d2/iommu" "n0,r$d2"
perms "/local/domain/$d3/iommu" "n0,r$d3"
want "/local/domain/$d3/iommu/status" ready
same "devices of the guest without" "$(published "/local/domain/$d3/iommu")" ""

in_guest g1 'xenstore-list iommu/pci' 0000-00-00-0
in_guest g2 'xenstore-read iommu/pci/0000-00-00-0/state' protected
in_guest g3 'xenstore-read iommu/status' ready
guest_refuses g1 "xenstore-ls /local/domain/$d2/iommu"
guest_refuses g3 "xenstore-ls /local/domain/$d1/iommu"

# Both at once again.
xl destroy g1 &
first=$!
check "xl destroy of the second guest" xl destroy g2
check "xl destroy of the first guest" wait $first
host 0000:00:03.0 "none quarantined keep assignable"
host 0000:00:04.0 "none quarantined keep assignable"
gone "/local/domain/$d1"
gone "/local/domain/$d2"
want "/local/domain/$d3/iommu/status" ready
