# SPDX-License-Identifier: MIT
# The Linux driver in a PV dom0, where swiotlb-xen is no single device's: it does nothing, says so, and
# follows devices that come and go.
BOX_TIMEOUT=120

NIC=0000:00:03.0
DECISIONS=/sys/kernel/debug/xeniommu/devices

decision() {
    awk -v device="$1" '$2 == device { print $1, $3, $4, $5 }' $DECISIONS
}

complaints() {
    dmesg | grep -iE 'call trace|general protection|blocked for more|bug:|oops|warning' | head -n 3
}

ready_daemon
check "the driver loads" insmod /box/xeniommu.ko
same "nothing was bound yet" "$(cat $DECISIONS)" ""
echo $NIC > /sys/bus/pci/drivers/e1000e/unbind
echo $NIC > /sys/bus/pci/drivers/e1000e/bind
same "$NIC" "$(decision $NIC)" "pci - kept swiotlb-xen-global"
echo 1 > /sys/bus/pci/devices/$NIC/remove
same "$NIC, gone" "$(decision $NIC)" ""
echo 1 > /sys/bus/pci/rescan
same "$NIC, back" "$(decision $NIC)" "pci - kept swiotlb-xen-global"
check "the driver goes" rmmod xeniommu
check "and leaves nothing" test ! -e /sys/kernel/debug/xeniommu
same "the kernel's complaints" "$(complaints)" ""
