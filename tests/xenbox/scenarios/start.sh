# SPDX-License-Identifier: MIT
# A PV dom0 as Debian boots it: all of its PCI functions are relaxed, which real DMA confirms.

want /local/domain/0/domid 0
check "no tree before the daemon" absent /local/domain/0/iommu
check "no host tree before the daemon" absent $HOST
refuse "without a daemon xen-iommu status fails" xen-iommu status

ready_daemon
want $HOST/version 1
want $HOST/iommu enabled
want /local/domain/0/iommu/version 1
want /local/domain/0/iommu/status ready
all_dom0 "relaxed keep dom0-relaxed"
check "no host bridge" absent $HOST/pci/0000-00-00-0
perms $HOST n0
perms /local/domain/0/iommu n0,r0

# What "relaxed" says: the hypervisor is out of reach, a guest is not.
guest_start g1
want /local/domain/1/iommu/status ready
dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" passes
dma "dom0" "$(dom0_text)" passes

# The command, in dom0 and in a guest that has no devices.
check "xen-iommu status" xen-iommu status
check "xen-iommu list names the NIC" sh -c 'xen-iommu list | grep -q 00:03.0'
check "xen-iommu list --json names the NIC" sh -c 'xen-iommu list --json | grep -q 0000:00:03.0'
xen-iommu show 00:03.0 > /tmp/show
same "exit status of show for a relaxed device" $? 3
check "show says relaxed" grep -q relaxed /tmp/show
check "xen-iommu list inside the guest" guest_run g1 'xen-iommu list'
check "xen-iommu status inside the guest" guest_run g1 'xen-iommu status'
guest_refuses g1 'xenstore-ls /tool/xen-iommud'

end_daemon
same "exit status of the daemon" "$DAEMON_STATUS" 0
want $HOST/status stopped
want /local/domain/0/iommu/status stopped
want /local/domain/1/iommu/status stopped
check "no record after the end" absent /local/domain/0/iommu/pci
check "no record in the host tree after the end" absent $HOST/pci

check "xen-iommud --once" xen-iommud --once
want $HOST/status stopped
want $HOST/pci/0000-00-03-0/state relaxed

# The scenario of a PVH dom0, which does not see it, needs the firmware's table, and what tells that it is still this
# firmware.
for table in RMAD FACP DSDT; do
    save $table /sys/firmware/acpi/tables/$table
done
for identity in bios_vendor bios_version bios_date; do
    check "the DMI's $identity" [ -s /sys/class/dmi/id/$identity ]
    save $identity /sys/class/dmi/id/$identity
done
