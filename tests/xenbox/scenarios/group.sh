# SPDX-License-Identifier: MIT
# Two devices behind a PCIe-to-PCI bridge share one requester ID: one domain's mapping serves both. In a
# strict dom0, so that the difference can be seen by DMA.
BOX_XEN_ARGS="dom0-iommu=strict"
BOX_QEMU="-device pcie-root-port,id=slot1,addr=8,slot=1 -device pcie-pci-bridge,id=bridge,bus=slot1 -device edu,bus=bridge,addr=1,dma_mask=0xffffffffffffffff -device edu,bus=bridge,addr=2,dma_mask=0xffffffffffffffff"
BOX_TIMEOUT=400

ONE=0000:02:01.0
TWO=0000:02:02.0

# same_group PATH-OF-ONE PATH-OF-TWO: a check that both have a group, and the same
same_group() {
    group_one=$(value "$1/group")
    group_two=$(value "$2/group")
    check "$1 has the group '$group_one', $2 has '$group_two'" test -n "$group_one" -a "$group_one" = "$group_two"
}

ready_daemon
dom0_has $ONE "protected keep dom0-strict"
dom0_has $TWO "protected keep dom0-strict"
same_group "$HOST/pci/$(node $ONE)" "$HOST/pci/$(node $TWO)"
same_group "/local/domain/0/iommu/pci/$(node $ONE)" "/local/domain/0/iommu/pci/$(node $TWO)"
check "a device that is alone has no group" absent $HOST/pci/0000-00-03-0/group

# Split between dom0 and a guest: dom0's device now reads and writes the guest's memory.
check "xl pci-assignable-add of the first" xl pci-assignable-add 02:01.0
guest_start g1 'pci = ["02:01.0"]'
host $ONE "1 unprotected keep group-split"
own 1 0000:00:00.0 "unprotected keep group-split"
dom0_has $TWO "unprotected keep group-split"
page=$(guest_page g1)
check "dom0's $TWO copies" edu-dma --copy $TWO "$(guest_text g1)" "$page" 64
same "DMA of dom0's $TWO within g1's memory" "$(dma_outcome "$(guest_text g1)" "$(memory_at "$page")")" passes

# Split between two guests: the first one's device is now in the second one's memory.
check "xl pci-assignable-add of the second" xl pci-assignable-add 02:02.0
guest_start g2 'pci = ["02:02.0"]'
host $ONE "1 unprotected keep group-split"
host $TWO "2 unprotected keep group-split"
own 1 0000:00:00.0 "unprotected keep group-split"
own 2 0000:00:00.0 "unprotected keep group-split"
page=$(guest_page g2)
check "g1's device copies" guest_run g1 "edu-dma --copy 0000:00:00.0 $(guest_text g2) $page 64"
same "DMA of g1's $ONE within g2's memory" "$(dma_outcome "$(guest_text g2)" "$(memory_at "$page")")" passes

# Both with one guest.
check "xl destroy" xl destroy g2
check "xl pci-attach" xl pci-attach g1 02:02.0
host $ONE "1 protected keep assigned-pv"
host $TWO "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"
own 1 0000:00:01.0 "protected keep assigned-pv"
same_group /local/domain/1/iommu/pci/0000-00-00-0 /local/domain/1/iommu/pci/0000-00-01-0
dma_in_guest g1 "its own memory" "$(guest_text g1)" passes 0000:00:00.0
dma_in_guest g1 "the hypervisor" "$(xen_text)" blocked 0000:00:00.0

# Both with dom0 again.
check "xl destroy" xl destroy g1
check "xl pci-assignable-remove of the first" xl pci-assignable-remove 02:01.0
check "xl pci-assignable-remove of the second" xl pci-assignable-remove 02:02.0
dom0_has $ONE "protected keep dom0-strict"
dom0_has $TWO "protected keep dom0-strict"
dma "the hypervisor" "$(xen_text)" blocked $TWO
