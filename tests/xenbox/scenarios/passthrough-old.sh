# SPDX-License-Identifier: MIT
# iommu=dom0-passthrough, as older Xen called it: dom0's devices bypass the IOMMU.
BOX_XEN_ARGS="iommu=dom0-passthrough"

ready_daemon
want $HOST/iommu enabled
all_dom0 "unprotected keep dom0-passthrough"
guest_start g1
dma "the hypervisor" "$(xen_text)" passes
dma "the guest g1" "$(guest_text g1)" passes
