# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# For scenarios with BOX_ROOT=disk, besides lib.sh.

DECISIONS=/sys/kernel/debug/xeniommu/devices
TRACING=/sys/kernel/debug/tracing
DRIVER=/sys/bus/platform/drivers/virtio-mmio

# boot_is_right: the root file system is the disk, whatever else happened
boot_is_right() {
    check "the root file system is the disk" test "$(root_disk)" = "$(disk_of a003800.virtio_mmio)"
    say "from the kernel's start to the root file system: $(cut -d ' ' -f 1 /run/uptime) s"
    dmesg | grep -E 'xen-iommud?: ' | while read -r said; do
        say "$said"
    done
}

root_disk() {
    awk '$2 == "/" && $3 == "ext4" { print $1 }' /proc/mounts
}

disk_of() {
    for disk in /sys/bus/*/devices/"$1"/virtio*/block/*; do
        [ -e "$disk" ] && echo "/dev/${disk##*/}"
    done
}

# first_bind DEVICE "DECISION": a check of what the driver decided before there was a XenStore
first_bind() {
    same "$1 at its first bind" "$(awk -v device="$1" '$2 == device { print $3, $4, $5 }' /run/first-binds)" "$2"
}

decision() {
    awk -v device="$1" '$2 == device { print $3, $4, $5 }' $DECISIONS
}

rebind() {
    echo "$1" > $DRIVER/unbind || fail "unbind $1"
    echo "$1" > $DRIVER/bind || fail "bind $1"
}

# was_seen PROBE DEVICE: in the trace since the kernel's start
was_seen() {
    grep -q " $1: .*device=\"$2\"" $TRACING/trace
}

# uses_only PROBE DEVICE: a check that the device has had DMA since the kernel's start, and none with swiotlb-xen
uses_only() {
    check "$2 has had DMA" was_seen "$1" "$2"
    refuse "$2 has had none with swiotlb-xen" was_seen swiotlb_xen "$2"
}

# comes_first MODULE OTHER: in the trace of modules
comes_first() {
    sed -n 's/.* module_load: \([a-z0-9_]*\).*/\1/p' $TRACING/trace > /tmp/loaded
    [ "$(grep -xE "$1|$2" /tmp/loaded | head -n 1)" = "$1" ]
}

# data_of_disk: what the host put on the root disk, and what is written and read back around the page cache
data_of_disk() {
    echo 3 > /proc/sys/vm/drop_caches
    check "the disk's data" sh -c 'cd /box/files && sha256sum -c data.sum'
    dd if=/box/files/data of=/data.copy bs=64k oflag=direct conv=fsync 2> /dev/null ||
        dd if=/box/files/data of=/data.copy bs=64k conv=fsync 2> /dev/null
    sync
    echo 3 > /proc/sys/vm/drop_caches
    check "the disk's data, written and read" cmp /box/files/data /data.copy
}

# data_of_card: the same file by TFTP
data_of_card() {
    card=$(ls /sys/class/net | grep -vx lo | head -n 1)
    ip link set "$card" up
    ip addr add 10.0.2.15/24 dev "$card"
    check "a file by the network card" sh -c 'cd /tmp && busybox tftp -g -b 1400 -r data -l data 10.0.2.2'
    check "the network's data" cmp /box/files/data /tmp/data
}

# read_some DEVICE
read_some() {
    dd if="$(disk_of "$1")" of=/dev/null bs=64k count=4 iflag=direct 2> /dev/null || fail "reading $1"
}

complaints() {
    dmesg | grep -v xen-iommu | grep -iE 'call trace|general protection|blocked for more|bug:|oops|warning:|i/o error' | head -n 3
}

# boots_as_before DEVICE: nothing was taken off anything at the boot; the root disk, which is this device, and the
# card work
boots_as_before() {
    boot_is_right
    refuse "nothing was taken" grep taken /run/first-binds
    check "$1 uses swiotlb-xen" was_seen swiotlb_xen "$1"
    data_of_disk
    data_of_card
    same "the kernel's complaints" "$(complaints)" ""
}
