# SPDX-License-Identifier: MIT
# AMD-Vi: the same answers, from the IVRS table.
BOX_IOMMU=amd
BOX_QEMU="-device pxb-pcie,id=open,bus=pcie.0,addr=8,bus_nr=32,bypass_iommu=on -device pcie-root-port,id=open1,bus=open,addr=0,slot=1 -device edu,bus=open1,dma_mask=0xffffffffffffffff"

OPEN_EDU=0000:21:00.0
ready_daemon
want $HOST/iommu enabled
dom0_has 0000:00:03.0 "relaxed keep dom0-relaxed"
dom0_has 0000:00:04.0 "relaxed keep dom0-relaxed"
dom0_has $EDU "relaxed keep dom0-relaxed"
dom0_has $OPEN_EDU "unprotected keep not-covered"

check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
host 0000:00:04.0 "none quarantined keep assignable"
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"

dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" passes
dma "the hypervisor" "$(xen_text)" passes $OPEN_EDU
dma "the guest g1" "$(guest_text g1)" passes $OPEN_EDU
check "xl destroy" xl destroy g1
host 0000:00:04.0 "none quarantined keep assignable"
