# SPDX-License-Identifier: MIT
# A PVH dom0: translated and confined, but it cannot see the firmware's tables.
BOX_DOM0=pvh
BOX_FILES=start
# The box has an AMD processor beside its VT-d: Xen would let that walk the processor's page tables.
BOX_XEN_ARGS="iommu=no-sharept"

same "kind of dom0" "$(cat /sys/hypervisor/guest_type)" PVH
ready_daemon
want $HOST/iommu enabled
all_dom0 "unknown keep coverage-unknown"
end_daemon

for file in tables/FACP tables/DSDT; do
    check "a PVH dom0 sees $file" [ -s /sys/firmware/acpi/$file ]
done
check "a PVH dom0 sees the DMI" [ -s /sys/class/dmi/id/bios_version ]

# Saved tables count only while they are this firmware's.
mkdir /tmp/bare /tmp/other
cp /box/files/RMAD /tmp/bare
ready_daemon --acpi-tables /tmp/bare
all_dom0 "unknown keep coverage-unknown"
check "the log says why" grep -q "/tmp/bare: not used: nothing beside the tables" $DAEMON_LOG
end_daemon

cp /box/files/* /tmp/other
dd if=/dev/zero of=/tmp/other/DSDT bs=1 seek=100 count=8 conv=notrunc 2> /dev/null
ready_daemon --acpi-tables /tmp/other
all_dom0 "unknown keep coverage-unknown"
check "the log says what differs" grep -q "/tmp/other: not used: DSDT is not what" $DAEMON_LOG
end_daemon

cp /box/files/DSDT /tmp/other
echo 0 > /tmp/other/bios_version
ready_daemon --acpi-tables /tmp/other
all_dom0 "unknown keep coverage-unknown"
check "the log says that too" grep -q "/tmp/other: not used: bios_version is not what" $DAEMON_LOG
end_daemon

ready_daemon --acpi-tables /box/files
all_dom0 "protected skip dom0-pvh"

guest_start g1
dma_misses "the hypervisor" "$(xen_text)"
dma_misses "the guest g1" "$(guest_text g1)"
same "DMA of $EDU to dom0's kernel, by dom0's own address" "$(edu-dma $EDU 0x1000000 64)" \
    "$(memory_at "$(guest_text g1)")"
check "xen-iommu show of a protected device" xen-iommu show 0000:00:03.0
