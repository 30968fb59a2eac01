# SPDX-License-Identifier: MIT
# Devices below a root bridge that no entry of the DMAR table covers, beside covered ones: Xen's
# oracle answers the same for both, only the table tells them apart.
BOX_QEMU="-device pxb-pcie,id=open,bus=pcie.0,addr=8,bus_nr=32,bypass_iommu=on -device pcie-root-port,id=open1,bus=open,addr=0,slot=1 -device pcie-root-port,id=open2,bus=open,addr=1,slot=2 -device e1000e,bus=open1 -device edu,bus=open2,dma_mask=0xffffffffffffffff"

NIC=0000:21:00.0
OPEN_EDU=0000:22:00.0
check "the NIC is there" test -e /sys/bus/pci/devices/$NIC
check "the second edu is there" test -e /sys/bus/pci/devices/$OPEN_EDU

ready_daemon
want $HOST/iommu enabled
dom0_has $NIC "unprotected keep not-covered"
dom0_has $OPEN_EDU "unprotected keep not-covered"
dom0_has 0000:20:00.0 "unprotected keep not-covered"
dom0_has 0000:00:03.0 "relaxed keep dom0-relaxed"
dom0_has $EDU "relaxed keep dom0-relaxed"

guest_start g1
dma "the hypervisor" "$(xen_text)" passes $OPEN_EDU
dma "the guest g1" "$(guest_text g1)" passes $OPEN_EDU
dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" passes

# Xen cannot quarantine such a device, and what is left half-way is called by its name.
refuse "xl pci-assignable-add of a device that is not covered" xl pci-assignable-add 21:00.0
host $NIC "* unprotected keep not-covered"
