# SPDX-License-Identifier: MIT
# What protection leaves out, by an IOMMU without interrupt remapping, Xen with ATS, a device that can do
# it, and a card of two functions that do not keep their peers apart.
BOX_IOMMU_OPTIONS="intremap=off,device-iotlb=on"
BOX_XEN_ARGS="dom0-iommu=strict ats"
BOX_QEMU="-device e1000e,addr=7.0,multifunction=on -device e1000e,addr=7.1 -device pcie-root-port,id=slot1,addr=8,slot=1 -device virtio-rng-pci,bus=slot1,disable-legacy=on,iommu_platform=on,ats=on"

# limits BDF "TOKENS": a check of a device of dom0, in both trees
limits() {
    want "$HOST/pci/$(node "$1")/limits" "$2"
    want "/local/domain/0/iommu/pci/$(node "$1")/limits" "$2"
}

# explains BDF TEXT...: a check that 'explain' has these sentences
explains() {
    xen-iommu explain "$1" | tr -s ' \n' ' ' > /tmp/explained
    shift
    for explains_text; do
        check "xen-iommu explain: $explains_text" grep -qF "$explains_text" /tmp/explained
    done
}

ready_daemon
dom0_has 0000:00:03.0 "protected keep dom0-strict"
limits 0000:00:03.0 no-intremap
limits 0000:00:07.0 "no-acs no-intremap"
limits 0000:00:07.1 "no-acs no-intremap"
limits 0000:01:00.0 "ats no-intremap"
explains 00:07.0 "in the same card) can reach each other" "Xen does not remap interrupts"
explains 01:00.0 "passes the IOMMU unchecked" "Xen does not remap interrupts"

check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
own 1 0000:00:00.0 "protected keep assigned-pv"
want /local/domain/1/iommu/pci/0000-00-00-0/limits no-intremap
