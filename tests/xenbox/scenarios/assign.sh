# SPDX-License-Identifier: MIT
# A NIC and an edu device on their way to a guest, and what the guest can read, write and reach.

ready_daemon
all_dom0 "relaxed keep dom0-relaxed"
dom0_generation=$(value /local/domain/0/iommu/generation)

check "xl pci-assignable-add of the NIC" xl pci-assignable-add 00:04.0
host 0000:00:04.0 "none quarantined keep assignable"
not_own 0 0000:00:04.0
check "dom0's generation has grown" \
    test "$(value /local/domain/0/iommu/generation)" -gt "$dom0_generation"
check "xl pci-assignable-add of the edu device" xl pci-assignable-add 00:05.0
not_own 0 $EDU

guest_start g1 'pci = ["00:04.0", "00:05.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"
host $EDU "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"
own 1 0000:00:01.0 "protected keep assigned-pv"
want /local/domain/1/iommu/version 1
want /local/domain/1/iommu/status ready
same "devices published to the guest" "$(published /local/domain/1/iommu)" "0000-00-00-0 0000-00-01-0"
perms /local/domain/1/iommu n0,r1

# What the guest reads, by relative path.
in_guest g1 'xenstore-read iommu/status' ready
in_guest g1 'xenstore-read iommu/pci/0000-00-00-0/state' protected
in_guest g1 'xenstore-read iommu/pci/0000-00-00-0/swiotlb' keep
check "xen-iommu show inside the guest" guest_run g1 'xen-iommu show 00:00.0'
check "xen-iommu list inside the guest" guest_run g1 'xen-iommu list'
in_guest g1 'xenstore-ls -f iommu | grep -c 0[45][-:]0' 0

# What it must not do.
guest_refuses g1 'xenstore-write iommu/pci/0000-00-00-0/state relaxed'
guest_refuses g1 'xenstore-write iommu/pci/0000-00-00-0/new x'
guest_refuses g1 'xenstore-write iommu/new x'
guest_refuses g1 'xenstore-rm iommu/pci'
guest_refuses g1 'xenstore-chmod iommu/status b1'
guest_refuses g1 'xenstore-read /local/domain/0/iommu/status'
guest_refuses g1 'xenstore-ls /local/domain/0/iommu'
guest_refuses g1 'xenstore-read /tool/xen-iommud/status'
guest_refuses g1 'xenstore-ls /tool/xen-iommud'

# "protected", by real DMA.
dma_in_guest g1 "its own memory" "$(guest_text g1)" passes 0000:00:01.0
dma_in_guest g1 "the hypervisor" "$(xen_text)" blocked 0000:00:01.0
dma_in_guest g1 "dom0" "$(dom0_text)" blocked 0000:00:01.0

# libxl's own records of domains, which on Arm say who has which device, can be read.
check "there is a record of the guest" sh -c "ls /var/lib/xen/userdata-d.1.*.libxl-json"
refuse "no warning of libxl's records" grep 'warning: .*libxl-json' $DAEMON_LOG
