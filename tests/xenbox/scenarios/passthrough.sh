# SPDX-License-Identifier: MIT
# dom0-iommu=passthrough: dom0's devices bypass the IOMMU, a guest's do not.
BOX_XEN_ARGS="dom0-iommu=passthrough"
BOX_QEMU="-device edu,addr=6,dma_mask=0xffffffffffffffff"

ready_daemon
want $HOST/iommu enabled
all_dom0 "unprotected keep dom0-passthrough"

check "xl pci-assignable-add" xl pci-assignable-add 00:06.0
# libxl keeps no record of a device that had no driver, so nobody can say that it is in quarantine.
host 0000:00:06.0 "unknown unknown keep *"
guest_start g1 'pci = ["00:06.0"]'
host 0000:00:06.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"

dma "the hypervisor" "$(xen_text)" passes
dma "the guest g1" "$(guest_text g1)" passes
dma_in_guest g1 "its own memory" "$(guest_text g1)" passes 0000:00:00.0
dma_in_guest g1 "the hypervisor" "$(xen_text)" blocked 0000:00:00.0
dma_in_guest g1 "dom0" "$(dom0_text)" blocked 0000:00:00.0
