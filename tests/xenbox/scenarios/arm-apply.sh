# SPDX-License-Identifier: MIT
# 'xen-iommu apply': of three disks that were bound before all else, one is in use (a mounted file system, then an
# open device node): two get plain DMA, one is refused, and no byte changes. Another device still
# goes to a guest and back. How the DMA goes is seen by probes in the kernel's code.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=arm-apply
BOX_QEMU="-global virtio-mmio.force-legacy=false -drive if=none,id=disk0,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.28,drive=disk0,iommu_platform=on -drive if=none,id=disk1,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.27,drive=disk1,iommu_platform=on -drive if=none,id=disk2,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.26,drive=disk2,iommu_platform=on"
BOX_TIMEOUT=300

FIRST=a003800.virtio_mmio
SECOND=a003600.virtio_mmio
MOUNTED=a003400.virtio_mmio
PASSED=virtio_mmio@a002000
DRIVER=/sys/bus/platform/drivers/virtio-mmio
DECISIONS=/sys/kernel/debug/xeniommu/devices
TRACING=/sys/kernel/debug/tracing

decision() {
    awk -v device="$1" '$2 == device { print $3, $4, $5 }' $DECISIONS
}

disk_of() {
    for disk in /sys/bus/platform/devices/"$1"/virtio*/block/*; do
        [ -e "$disk" ] && [ -b "/dev/${disk##*/}" ] && echo "/dev/${disk##*/}"
    done
}

has_disk() {
    [ "$(disk_of "$1")" ]
}

sum_of() {
    dd if="$(disk_of "$1")" bs=64k skip=64 count=32 iflag=direct 2> /dev/null | sha256sum | cut -c 1-64
}

# uses DEVICE: reads its disk, and prints which way the DMA went
uses() {
    : > $TRACING/trace
    sum_of "$1" > /dev/null
    if grep -q " swiotlb_xen: .*device=\"$1\"" $TRACING/trace; then
        echo swiotlb-xen
    elif grep -q " dma_map: .*device=\"$1\"" $TRACING/trace; then
        echo dma-direct
    fi
}

# apply STATUS [OPTION...]: runs the command, whose text is in /tmp/apply then; a check of its exit status
apply() {
    apply_status=$1
    shift
    xen-iommu apply "$@" > /tmp/apply 2>&1
    same "xen-iommu apply $*: exit status" $? "$apply_status"
}

# said DEVICE WORDS: a check of what it said of the device
said() {
    same "$1" "$(awk -v device="$1" '$2 == device { $1 = $2 = $3 = ""; print }' /tmp/apply | xargs)" "$2"
}

# holds DEVICE: a check that its disk holds what was written
holds() {
    same "$1 holds what was written" "$(sum_of "$1")" "$(cat "/tmp/$1.sum")"
}

for device in $FIRST $SECOND $MOUNTED; do
    wait_for $WAIT has_disk $device || stop "no disk of $device"
    dd if=/dev/urandom "of=$(disk_of $device)" bs=64k count=32 seek=64 conv=notrunc,fsync 2> /dev/null ||
        fail "$device: writing"
    sum_of $device > /tmp/$device.sum
done
{
    echo 'p:swiotlb_xen xen_swiotlb_map_page device=+0(+0(%x0)):string'
    echo 'p:dma_map dma_map_page_attrs device=+0(+0(%x0)):string'
} > $TRACING/kprobe_events
echo 1 > $TRACING/events/kprobes/enable
check "minix" insmod /box/minix.ko
dd if=/box/files/minix "of=$(disk_of $MOUNTED)" bs=64k conv=notrunc,fsync 2> /dev/null
mkdir -p /mnt
check "it is mounted" mount -t minix "$(disk_of $MOUNTED)" /mnt
echo "what is on it" > /mnt/file

# ---- nobody to ask

apply 1
check "it says what is missing" grep -q 'is the module xeniommu loaded' /tmp/apply
check "the driver loads" insmod /box/xeniommu.ko wait_ms=1000
for device in $FIRST $SECOND $MOUNTED; do
    same "$device" "$(decision $device)" "- kept bound-before"
    same "$device uses" "$(uses $device)" swiotlb-xen
done
apply 4 --now

# ---- two are changed, and one is refused

ready_daemon
for device in $FIRST $SECOND $MOUNTED; do
    dt_own 0 "virtio_mmio@${device%%.*}" "protected skip behind-iommu"
done
mounted=$(disk_of $MOUNTED)
apply 0
said $FIRST "would-rebind -"
said $SECOND "would-rebind -"
said $MOUNTED "refused mounted ${mounted#/dev/} on /mnt"
same "$FIRST" "$(decision $FIRST)" "- kept bound-before"
apply 3 --now
cat /tmp/apply
for device in $FIRST $SECOND; do
    said $device "rebound -"
    wait_for $WAIT has_disk $device || stop "no disk of $device"
    same "$device" "$(decision $device)" "protected/skip taken published-skip"
    holds $device
    same "$device uses" "$(uses $device)" dma-direct
done
said $MOUNTED "refused mounted ${mounted#/dev/} on /mnt"
same "$MOUNTED" "$(decision $MOUNTED)" "- kept bound-before"
same "$MOUNTED uses" "$(uses $MOUNTED)" swiotlb-xen
holds $MOUNTED
same "the file" "$(cat /mnt/file)" "what is on it"

# ---- in use in other ways

# A mount that no process sees any more: only the kernel knows, and does not let the disk be held.
umount /mnt
unshare -m sh -c "mount -t minix $mounted /mnt && exec sleep 600" &
other=$!
in_other() {
    grep -q " /mnt " "/proc/$other/mountinfo"
}
check "mounted in a namespace of its own" wait_for $WAIT in_other
apply 3 --now
said $MOUNTED "refused mounted ${mounted#/dev/} on /mnt"
kill $other
wait $other
not_mounted() {
    ! grep -qs minix /proc/[0-9]*/mountinfo
}
wait_for $WAIT not_mounted
exec 4< "$mounted"
apply 3 --now
check "an open node: $(grep $MOUNTED /tmp/apply)" grep -q "$MOUNTED.*refused *open" /tmp/apply
exec 4<&-
same "$MOUNTED" "$(decision $MOUNTED)" "- kept bound-before"

# ---- and when it is free

apply 0 --now
said $MOUNTED "rebound -"
wait_for $WAIT has_disk $MOUNTED || stop "no disk of $MOUNTED"
holds $MOUNTED
same "$MOUNTED uses" "$(uses $MOUNTED)" dma-direct
check "it is mounted" mount -t minix "$(disk_of $MOUNTED)" /mnt
same "the file" "$(cat /mnt/file)" "what is on it"
apply 0 --now
same "nothing is left to do" "$(cat /tmp/apply)" ""

# ---- devices go as before: one from dom0's driver, another to a guest and back

echo $FIRST > $DRIVER/unbind
check "$FIRST goes from its driver" test ! -e /sys/bus/platform/devices/$FIRST/driver
echo $FIRST > $DRIVER/bind
wait_for $WAIT has_disk $FIRST || stop "no disk of $FIRST"
holds $FIRST
guest_start g1 "dtdev = [ \"/$PASSED\" ]"
dt_host $PASSED "1 protected skip assigned-translated"
dt_own 1 $PASSED "protected skip assigned-translated"
for device in $FIRST $SECOND $MOUNTED; do
    dt_own 0 "virtio_mmio@${device%%.*}" "protected skip behind-iommu"
    holds $device
done
check "xl destroy" xl destroy g1
dt_host $PASSED "none unknown keep not-assigned"
same "the kernel's complaints" \
    "$(dmesg | grep -iE 'call trace|general protection|blocked for more|bug:|oops|warning|i/o error' | head -n 3)" ""
