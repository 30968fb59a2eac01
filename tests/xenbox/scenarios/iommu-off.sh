# SPDX-License-Identifier: MIT
# iommu=off: nothing confines any device.
BOX_XEN_ARGS="iommu=off"

ready_daemon
want $HOST/iommu disabled
all_dom0 "unprotected keep iommu-disabled"
guest_start g1
dma "the hypervisor" "$(xen_text)" passes
dma "the guest g1" "$(guest_text g1)" passes
