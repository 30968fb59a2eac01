# SPDX-License-Identifier: MIT
# The Linux driver: of two like disks, swiotlb-xen is taken off exactly the one behind the SMMU, and only
# where and when the daemon says so; what is written through either is read back. How the DMA goes is seen
# by probes in the kernel's code, not by the driver's own word. QEMU's SMMU translates PCI only, and those two get
# past it; a PCI disk, which does not, shows that what the driver leaves is right, for foreign pages too.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=arm-driver
BOX_QEMU="-global virtio-mmio.force-legacy=false -drive if=none,id=disk0,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.28,drive=disk0,iommu_platform=on -drive if=none,id=disk1,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.27,drive=disk1,iommu_platform=on -drive if=none,id=disk2,file=null-co://,format=raw,snapshot=on -device virtio-blk-pci,addr=1,drive=disk2,iommu_platform=on,disable-legacy=on,vectors=0"
BOX_TIMEOUT=300

BEHIND=a003800.virtio_mmio
BESIDE=a003600.virtio_mmio
FUNCTION=0000:00:01.0
TREE=/local/domain/0/iommu
RECORD=$TREE/dt/virtio_mmio@a003800
FUNCTION_RECORD=$TREE/pci/0000-00-01-0
DECISIONS=/sys/kernel/debug/xeniommu/devices
PARAMETERS=/sys/module/xeniommu/parameters
TRACING=/sys/kernel/debug/tracing
DRIVER=/sys/bus/platform/drivers/virtio-mmio

# decision DEVICE: prints what the driver says of its latest bind
decision() {
    [ ! -e $DECISIONS ] || awk -v device="$1" '$2 == device { print $3, $4, $5 }' $DECISIONS
}

disk_of() {
    for disk in /sys/bus/*/devices/"$1"/virtio*/block/*; do
        [ -e "$disk" ] && [ -b "/dev/${disk##*/}" ] && echo "/dev/${disk##*/}"
    done
}

has_disk() {
    [ "$(disk_of "$1")" ]
}

driver_of() {
    case $1 in
    "$FUNCTION") echo /sys/bus/pci/drivers/virtio-pci ;;
    *) echo $DRIVER ;;
    esac
}

unbind() {
    echo "$1" > "$(driver_of "$1")/unbind" || fail "unbind $1"
}

bind() {
    echo "$1" > "$(driver_of "$1")/bind" || fail "bind $1"
    wait_for $WAIT has_disk "$1" || fail "no disk of $1"
}

# rebind DEVICE: again where XenStore was too slow: this machine is emulated, and may be a busy one's
rebind() {
    for _ in 1 2 3 4 5 6; do
        unbind "$1"
        bind "$1"
        case $(decision "$1") in
        *xenstore-slow | *xenstore-stuck) ;;
        *) return ;;
        esac
    done
}

# transfer DEVICE: writes to its disk and reads back, both around the page cache; what the transfer before
# has written is still there. Sets USES: the way that the DMA went, as the probes saw it.
transfer() {
    transfer_disk=$(disk_of "$1")
    : > $TRACING/trace
    if [ -e "/tmp/$1.sum" ]; then
        same "$1 holds what was written before" "$(sum_of "$transfer_disk")" "$(cat "/tmp/$1.sum")"
    fi
    dd if=/dev/urandom of=/tmp/data bs=64k count=8 2> /dev/null
    sha256sum < /tmp/data | cut -c 1-64 > "/tmp/$1.sum"
    dd if=/tmp/data of="$transfer_disk" bs=64k seek=16 oflag=direct conv=notrunc 2> /dev/null ||
        fail "$1: writing"
    same "$1 holds what was written" "$(sum_of "$transfer_disk")" "$(cat "/tmp/$1.sum")"
    uses "$1"
}

# uses DEVICE: sets USES
uses() {
    if was_seen swiotlb_xen "$1"; then
        USES=swiotlb-xen
    elif was_seen dma_map "$1"; then
        USES=dma-direct
    else
        USES="no DMA"
    fi
}

# transfer_foreign DEVICE USES: a check of data in a page that is mapped by a grant, as a backend's are
transfer_foreign() {
    : > $TRACING/trace
    check "$1 writes and reads a foreign page" insmod /box/foreign.ko "disk=$(disk_of "$1")"
    uses "$1"
    same "$1 uses for it" "$USES" "$2"
    rmmod foreign
}

sum_of() {
    dd if="$1" bs=64k skip=16 count=8 iflag=direct 2> /dev/null | sha256sum | cut -c 1-64
}

# was_seen PROBE DEVICE
was_seen() {
    grep -q " $1: .*device=\"$2\"" $TRACING/trace
}

# is DEVICE "DECISION" USES: a check of the driver's word and of the truth, with data
is() {
    same "$1: the driver's decision" "$(decision "$1")" "$2"
    transfer "$1"
    same "$1 uses" "$USES" "$3"
}

# rebound DEVICE "DECISION" USES: the same after a new bind
rebound() {
    rebind "$1"
    is "$@"
}

# publish NODE VALUE...: as the daemon would, without it: by hand, with a new generation
publish() {
    while [ $# -gt 0 ]; do
        xenstore-write "$1" "$2"
        shift 2
    done
    xenstore-write $TREE/generation $(($(value $TREE/generation) + 1))
}

# times_taken: prints how often the kernel's log says that a device was taken
times_taken() {
    dmesg | grep -c 'swiotlb-xen taken off'
}

# complaints: prints the kernel's
complaints() {
    dmesg | grep -iE 'call trace|general protection|blocked for more|bug:|oops|warning|i/o error' | head -n 3
}

uptime_now() {
    cut -d ' ' -f 1 /proc/uptime
}

# ---- the driver was there before xenstored (dtb/arm-driver has what was done then)

wait_for $WAIT has_disk $BEHIND || stop "no disk of $BEHIND"
wait_for $WAIT has_disk $BESIDE || stop "no disk of $BESIDE"
same "a bind before xenstored" "$(grep -F $BEHIND /run/before-xenstored)" "platform $BEHIND - kept no-xenstore"
# The bound is the scenario's own, but for where it is looked at.
echo 1000 > $PARAMETERS/wait_ms
rebind $BEHIND
same "a bind after xenstored has come" "$(decision $BEHIND)" "- kept not-ready"
check "the driver goes" rmmod xeniommu

# ---- without the driver

{
    echo 'p:swiotlb_xen xen_swiotlb_map_page device=+0(+0(%x0)):string'
    echo 'p:dma_map dma_map_page_attrs device=+0(+0(%x0)):string'
} > $TRACING/kprobe_events
echo 1 > $TRACING/events/kprobes/enable
for device in $BEHIND $BESIDE; do
    rebind $device
    transfer $device
    same "$device uses, without the driver" "$USES" swiotlb-xen
done

# ---- the driver without the daemon

check "the driver loads" insmod /box/xeniommu.ko wait_ms=1000
is $BEHIND "- kept bound-before" swiotlb-xen
is $BESIDE "- kept bound-before" swiotlb-xen
rebound $BEHIND "- kept not-ready" swiotlb-xen

# ---- the daemon comes: what is bound stays, a new bind sees it

ready_daemon
dt_own 0 virtio_mmio@a003800 "protected skip behind-iommu"
dt_own 0 virtio_mmio@a003600 "unprotected keep not-behind-iommu"
is $BEHIND "- kept not-ready" swiotlb-xen
rebound $BEHIND "protected/skip taken published-skip" dma-direct
rebound $BESIDE "unprotected/keep kept published-keep" swiotlb-xen

echo 1 > $PARAMETERS/observe
rebound $BEHIND "protected/skip would-take published-skip" swiotlb-xen
echo 0 > $PARAMETERS/observe
rebound $BEHIND "protected/skip taken published-skip" dma-direct
times=$(times_taken)
rebind $BEHIND
same "the same decision again" "$(decision $BEHIND)" "protected/skip taken published-skip"
same "the log's lines about it" "$(times_taken)" "$times"

# ---- the daemon goes: what is bound stays, a new bind sees it

end_daemon
want $TREE/status stopped
is $BEHIND "protected/skip taken published-skip" dma-direct
rebound $BEHIND "- kept not-ready" swiotlb-xen

# ---- other verdicts, by hand

publish $TREE/status ready
xenstore-rm $RECORD 2> /dev/null
rebind $BEHIND
same "no record" "$(decision $BEHIND)" "- kept no-record"
publish $RECORD/state protected $RECORD/swiotlb skip
rebound $BEHIND "protected/skip taken published-skip" dma-direct
publish $RECORD/state relaxed
rebound $BEHIND "relaxed/keep kept published-keep" swiotlb-xen
publish $RECORD/state protected $RECORD/swiotlb skip $TREE/version 2
rebind $BEHIND
same "another version" "$(decision $BEHIND)" "- kept unknown-version"
publish $TREE/version 1 $TREE/status starting
rebind $BEHIND
same "status starting" "$(decision $BEHIND)" "- kept not-ready"
publish $TREE/status ready

# Operations of which one is not swiotlb-xen's stay, and a device that somebody has started already, or that an
# IOMMU of this kernel maps, is left alone.
left_alone() {
    check "$BEHIND as $1" insmod /box/other_ops.ko device=$BEHIND as="$1"
    rebound $BEHIND "- kept $2" swiotlb-xen
    unbind $BEHIND
    check "not any more" rmmod other_ops
    bind $BEHIND
}

left_alone map_sg other-dma-ops
left_alone map_page other-dma-ops
left_alone sync other-dma-ops
left_alone started in-use
left_alone iommu own-iommu
rebound $BEHIND "protected/skip taken published-skip" dma-direct

# ---- a PCI disk, by its address; the SMMU translates for it

publish $FUNCTION_RECORD/state protected $FUNCTION_RECORD/swiotlb keep
for module in virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci; do
    # Built into newer kernels.
    [ ! -e /box/$module.ko ] || check "$module" insmod /box/$module.ko
done
wait_for $WAIT has_disk $FUNCTION || stop "no disk of $FUNCTION"
rebound $FUNCTION "protected/keep kept published-keep" swiotlb-xen
transfer_foreign $FUNCTION swiotlb-xen
publish $FUNCTION_RECORD/swiotlb skip
rebound $FUNCTION "protected/skip taken published-skip" dma-direct
transfer_foreign $FUNCTION dma-direct
# Where nothing translates, a foreign page is another one to the device: the check above can fail.
refuse "$BEHIND, past the SMMU, gets a foreign page wrong" insmod /box/foreign.ko "disk=$(disk_of $BEHIND)"

same "the kernel's complaints" "$(complaints)" ""

# ---- xenstored hangs: a bind waits for it once, and not for long

echo 100 > $PARAMETERS/wait_ms
unbind $BEHIND
kill -STOP "$(cat /run/xenstored.pid)"
before=$(uptime_now)
bind $BEHIND
between=$(uptime_now)
same "xenstored hangs" "$(decision $BEHIND)" "- kept xenstore-slow"
unbind $BEHIND
again=$(uptime_now)
bind $BEHIND
after=$(uptime_now)
is $BEHIND "- kept xenstore-stuck" swiotlb-xen
say "a bind while xenstored hangs: $(echo "$before $between $again $after" |
    awk '{ printf "%.2f s, the next one: %.2f s", $2 - $1, $4 - $3 }')"
refuse "the driver stays while its question is out" rmmod xeniommu
kill -CONT "$(cat /run/xenstored.pid)"
echo 1000 > $PARAMETERS/wait_ms

is_taken() {
    echo $BEHIND > $DRIVER/unbind
    echo $BEHIND > $DRIVER/bind
    [ "$(decision $BEHIND)" = "protected/skip taken published-skip" ]
}

check "xenstored goes on, and so does the driver" wait_for $WAIT is_taken
wait_for $WAIT has_disk $BEHIND || fail "no disk of $BEHIND"
is $BEHIND "protected/skip taken published-skip" dma-direct

# ---- binds at once, while the verdict comes and goes: data and decisions stay right

# shuffle DEVICE: binds it again and again
shuffle() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
        echo "$1" > $DRIVER/unbind
        echo "$1" > $DRIVER/bind
    done
}

shuffle $BEHIND &
shuffle $BESIDE &
for verdict in keep skip keep skip keep skip keep skip keep skip; do
    publish $RECORD/swiotlb $verdict
done
wait %1 %2
wait_for $WAIT has_disk $BEHIND || fail "no disk of $BEHIND"
rebound $BEHIND "protected/skip taken published-skip" dma-direct
rebound $BESIDE "- kept no-record" swiotlb-xen

# ---- the driver goes: what is bound stays as it is, until it is bound again

check "the driver goes" rmmod xeniommu
check "and leaves nothing" test ! -e /sys/kernel/debug/xeniommu
transfer $BEHIND
same "$BEHIND uses, bound before" "$USES" dma-direct
rebind $BEHIND
transfer $BEHIND
same "$BEHIND uses, bound after" "$USES" swiotlb-xen
same "the kernel's complaints" "$(complaints)" ""
