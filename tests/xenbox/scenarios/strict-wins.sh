# SPDX-License-Identifier: MIT
# dom0-iommu=strict beside passthrough: Xen drops passthrough. The witnesses of a built-in line are there.
BOX_XEN_ARGS="dom0-iommu=passthrough,strict"

ready_daemon
all_dom0 "protected keep dom0-strict"
check "Xen's own word" sh -c 'xl dmesg | grep -qx "(XEN)  - Dom0 mode: Strict"'
check "the witnesses" grep -q "built-in options: none (build configuration: none; boot messages: none)" \
    /var/log/xen-iommud.log
guest_start g1
dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" blocked
dma "dom0" "$(dom0_text)" passes
