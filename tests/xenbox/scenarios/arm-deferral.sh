# SPDX-License-Identifier: MIT
# What the static binding costs: a kernel that has no driver for xen,iommu-el2-v1 makes a device wait that
# names it in 'iommus', while the like device beside it, of which only XenStore tells, is bound at once.
BOX_ARCH=arm64
BOX_DTB_EDIT=arm-deferral
BOX_TIMEOUT=180

WAITING=a003e00.virtio_mmio
BESIDE=a003c00.virtio_mmio

uptime_now() {
    cut -d ' ' -f 1 /proc/uptime
}

# loaded COLUMN: when the devices' driver began (2) or had ended (3) to be loaded
loaded() {
    awk -v column="$1" '$1 == "virtio_mmio" { print $column }' /run/modules
}

# since_load TIME: prints the seconds between the begin of the driver's loading and TIME
since_load() {
    awk -v from="$(loaded 2)" -v to="$1" 'BEGIN { printf "%.2f", to - from }'
}

gave_up() {
    dmesg | grep -q "$WAITING: deferred probe timeout"
}

# When the driver had just been loaded, as init noted it.
check "the device beside was bound" grep -qx $BESIDE /run/bound
refuse "the device beside was not deferred" grep -q "^$BESIDE" /run/deferred
check "the device with the binding was deferred" grep -q "^$WAITING" /run/deferred
refuse "the device with the binding was not bound" grep -qx $WAITING /run/bound

started=$(uptime_now)
ready_daemon
told=$(uptime_now)
for device in virtio_mmio@a003e00 virtio_mmio@a003c00; do
    dt_dom0 $device "unprotected keep iommu-disabled"
done
dt_has_fact virtio_mmio@a003e00 claim=iommu-el2-v1
dt_has_fact virtio_mmio@a003c00 claim=none

check "the device with the binding is bound in the end" \
    wait_for 60 test -e /sys/bus/platform/devices/$WAITING/driver
check "because the kernel gave up" gave_up
bound=$(dmesg | sed -n "s/^\\[ *\\([0-9.]*\\)\\].*$WAITING: deferred probe timeout.*/\\1/p" | head -n 1)

say "seconds from the begin of the driver's loading:"
say "    iommus = <&xen_iommu>   bound after $(since_load "$bound")"
say "    told of by XenStore     bound after $(since_load "$(loaded 3)")"
say "    XenStore told of both from $(since_load "$told") on (daemon started at $(since_load "$started"))"
