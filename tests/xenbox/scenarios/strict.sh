# SPDX-License-Identifier: MIT
# dom0-iommu=strict: dom0's devices reach dom0's memory only.
BOX_XEN_ARGS="dom0-iommu=strict"

ready_daemon
want $HOST/iommu enabled
all_dom0 "protected keep dom0-strict"
guest_start g1
dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" blocked
dma "dom0" "$(dom0_text)" passes
check "xen-iommu show of a protected device" xen-iommu show 0000:00:03.0
