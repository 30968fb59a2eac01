# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What the scenarios here do in dom0. A line of results for each measurement, in the order of count.c's intervals:
# CASE MODE ROUND BYTES SECONDS [BOUNCED FLUSHES]. MODE is swiotlb (with swiotlb-xen), direct (the Linux driver took
# it off) or static (with the static binding); the modes take turns in each round. In round 0 nothing is timed: that is
# where the kernel's own counters are on, which would cost what they count.

DISK=0000:00:01.0
CARD=0000:00:02.0
TREE=/local/domain/0/iommu
TRACING=/sys/kernel/debug/tracing
RESULTS=/tmp/results
PEER=10.0.2.100

MODES=${MODES:-swiotlb direct}
. /box/settings # ROUNDS, SCALE: how often, and how much of each

# ---- devices

publish_both() {
    for node in 0000-00-01-0 0000-00-02-0; do
        xenstore-write "$TREE/pci/$node/state" protected "$TREE/pci/$node/swiotlb" "$1"
    done
    xenstore-write $TREE/generation $(($(value $TREE/generation) + 1))
}

# decision DEVICE: prints what the driver says of its latest bind
decision() {
    awk -v device="$1" '$2 == device { print $3, $4, $5 }' /sys/kernel/debug/xeniommu/devices
}

disk() {
    for disk_found in /sys/bus/pci/devices/$DISK/virtio*/block/*; do
        [ -b "/dev/${disk_found##*/}" ] && echo "/dev/${disk_found##*/}"
    done
}

has_disk() {
    [ "$(disk)" ]
}

card() {
    ls /sys/bus/pci/devices/$CARD/net 2> /dev/null
}

has_card() {
    [ "$(card)" ]
}

has_carrier() {
    [ "$(cat "/sys/class/net/$(card)/carrier" 2> /dev/null)" = 1 ]
}

answers() {
    ping -c 1 -W 1 10.0.2.2 > /dev/null 2>&1
}

# mode swiotlb|direct: both devices bound anew
mode() {
    case $1 in
    swiotlb | static) mode_wanted="protected/keep kept published-keep" mode_word=keep ;;
    direct) mode_wanted="protected/skip taken published-skip" mode_word=skip ;;
    esac
    publish_both $mode_word
    for mode_device in "$DISK virtio-pci" "$CARD e1000e"; do
        mode_driver=/sys/bus/pci/drivers/${mode_device#* }
        mode_device=${mode_device% *}
        for _ in 1 2 3 4 5 6; do
            [ ! -e "$mode_driver/$mode_device" ] || echo "$mode_device" > "$mode_driver/unbind"
            echo "$mode_device" > "$mode_driver/bind"
            [ "$(decision "$mode_device")" != "$mode_wanted" ] || break
        done
        same "$1: $mode_device" "$(decision "$mode_device")" "$mode_wanted"
    done
    wait_for $WAIT has_disk || stop "no disk"
    wait_for $WAIT has_card || stop "no card"
    ifconfig "$(card)" 0.0.0.0 up
    brctl addif br0 "$(card)"
    wait_for $WAIT has_carrier || stop "no link"
    wait_for $WAIT answers || stop "nobody answers on the network"
    MODE=$1
}

# ---- measuring

# measured CASE OUTPUT: takes what load said
measured() {
    case $2 in
    [0-9]*" "[0-9]*.[0-9]*) echo "$1 $MODE $ROUND $2 $(counters)" >> $RESULTS ;;
    *) stop "$1: $2" ;;
    esac
}

# counters: prints, in round 0, the bytes that were bounced and the hypercalls that clean a foreign page's caches: one
# for each call, for no piece crosses the end of such a page without being bounced
counters() {
    [ "$ROUND" = 0 ] || return 0
    echo "$(counted swiotlb/swiotlb_bounced size)" \
        $(($(counted kprobes/for_device hitcount) + $(counted kprobes/for_cpu hitcount)))
}

# counted EVENT FIELD: prints the field's sum over the event's histogram
counted() {
    awk -v field="$2:" '$1 == "{" { for (i = 1; i < NF; i++) if ($i == field) sum += $(i + 1) }
        END { printf "%d", sum }' "$TRACING/events/$1/hist"
}

# trigger EVENT: prints the histogram of an event. What went to the device (1) is not looked at again after that.
trigger() {
    case $1 in
    swiotlb/*) echo 'hist:keys=dma_mask:vals=size' ;;
    */for_device) echo 'hist:keys=direction' ;;
    */for_cpu) echo 'hist:keys=direction if direction != 1' ;;
    esac
}

# count on|off: the kernel's counters, from 0
count() {
    [ "$ROUND" = 0 ] || return 0
    for count_event in swiotlb/swiotlb_bounced kprobes/for_device kprobes/for_cpu; do
        case $1 in
        on) trigger $count_event ;;
        off) echo "!$(trigger $count_event)" ;;
        esac > $TRACING/events/$count_event/trigger
    done
}

# here CASE ARGUMENT...: a measurement in dom0
here() {
    here_case=$1
    shift
    count on
    measured "$here_case" "$(load "$@" 2>&1)"
    count off
}

# inside CASE ARGUMENT...: a measurement in the guest
inside() {
    inside_case=$1
    shift
    count on
    measured "$inside_case" "$(guest_run g1 "load $*" 2>&1)"
    count off
}

# how_often COUNT: prints how often a transfer is done
how_often() {
    often=$(($1 * SCALE / 100))
    [ "$ROUND" != 0 ] || often=$((often / 4))
    [ $often -gt 2 ] || often=3
    echo $often
}

# own_disk, own_network: dom0's own I/O
own_disk() {
    for size in 4096:1600 16384:1200 65536:600 262144:200 1048576:60; do
        count=$(how_often "${size#*:}")
        size=${size%:*}
        here "disk-read-$size" read "$(disk)" "$size" "$count"
        here "disk-write-$size" write "$(disk)" "$size" "$count"
    done
    for size in 4096:1600 65536:600; do
        count=$(how_often "${size#*:}")
        size=${size%:*}
        here "disk-random-read-$size" read "$(disk)" "$size" "$count" random
        here "disk-random-write-$size" write "$(disk)" "$size" "$count" random
    done
    here disk-huge-read-1048576 read "$(disk)" 1048576 "$(how_often 60)" huge
}

own_network() {
    here net-send send $PEER 7 65536 "$(how_often 160)"
    here net-receive receive $PEER 19 65536 "$(how_often 160)"
    here net-datagrams datagrams $PEER 9 64 "$(how_often 6000)"
}

# guest_disk, guest_network: a guest's, through the backends; what it writes or sends is foreign to dom0
guest_disk() {
    check "$MODE: the guest gets the disk" xl block-attach g1 "phy:$(disk),xvda,w"
    wait_for $WAIT guest_run g1 "test -b /dev/xvda" || stop "no disk in the guest"
    for size in 4096:1000 65536:400 1048576:40; do
        count=$(how_often "${size#*:}")
        size=${size%:*}
        inside "guest-disk-read-$size" read /dev/xvda "$size" "$count"
        inside "guest-disk-write-$size" write /dev/xvda "$size" "$count"
    done
    # While the guest's pages are mapped, each of dom0's own is looked for among them.
    here beside-disk-read-4096 read "$(disk)" 4096 "$(how_often 1600)"
    here beside-disk-read-65536 read "$(disk)" 65536 "$(how_often 600)"
    check "$MODE: the guest gives the disk back" xl block-detach g1 xvda
    wait_for $WAIT gives_back "/local/domain/0/backend/vbd/$(xl domid g1)" || fail "the disk is still the guest's"
}

guest_network() {
    inside guest-net-send send $PEER 7 65536 "$(how_often 100)"
    inside guest-net-receive receive $PEER 19 65536 "$(how_often 100)"
}

gives_back() {
    ! xenstore-list "$1" 2> /dev/null | grep -q .
}

# round NUMBER: everything in both modes
round() {
    ROUND=$1
    for round_mode in $MODES; do
        mode $round_mode
        own_disk
        own_network
        guest_disk
        guest_network
    done
}

# ---- the machine

prepare_network() {
    brctl addbr br0
    ifconfig br0 10.0.2.15 netmask 255.255.255.0 up
    ifconfig lo 127.0.0.1 up
}

# prepare_hotplug: what libxl calls for a guest's disk and network, in short
prepare_hotplug() {
    mkdir -p /etc/xen/scripts
    {
        echo '#!/bin/sh'
        echo 'xenstore-write "$XENBUS_PATH/physical-device" "$(stat -c %t:%T "$(xenstore-read "$XENBUS_PATH/params")")"'
        echo 'xenstore-write "$XENBUS_PATH/hotplug-status" connected'
    } > /etc/xen/scripts/block
    {
        echo '#!/bin/sh'
        echo '[ "$1" = online ] || exit 0'
        echo 'brctl addif br0 "$vif" && ifconfig "$vif" 0.0.0.0 up'
        echo 'xenstore-write "$XENBUS_PATH/hotplug-status" connected'
    } > /etc/xen/scripts/vif-bridge
    chmod 755 /etc/xen/scripts/*
}

prepare_guest() {
    guest_start g1 'vif = ["mac=00:16:3e:00:00:01,bridge=br0"]'
    check "the guest's disk driver" guest_run g1 "insmod /box/xen-blkfront.ko"
    check "the guest's network driver" guest_run g1 "insmod /box/xen-netfront.ko"
    check "the guest's network" guest_run g1 "ifconfig eth0 10.0.2.16 netmask 255.255.255.0 up"
}

uptime_now() {
    cut -d ' ' -f 1 /proc/uptime
}

before=$(uptime_now)
while read -r module; do
    check "$module" insmod "/box/$module.ko"
done < /box/order
wait_for 60 has_disk || stop "the disk is not bound"
say "the disk is bound $(echo "$before $(uptime_now)" | awk '{ printf "%.1f", $2 - $1 }') s after its drivers began to load"
for probe in for_device for_cpu; do
    echo "p:$probe xen_dma_sync_$probe direction=%x3:u32" >> $TRACING/kprobe_events
done
prepare_network
prepare_hotplug
xenstore-write $TREE/version 1 $TREE/generation 1 $TREE/status ready
check "the Linux driver" insmod /box/xeniommu.ko wait_ms=1000
: > $RESULTS
MODE='' ROUND=''
mode "${MODES%% *}"
prepare_guest
grep -i ' t ' /proc/kallsyms | gzip > /tmp/symbols
save symbols /tmp/symbols

round 0
number=1
while [ $number -le "$ROUNDS" ]; do
    round $number
    number=$((number + 1))
done
save results $RESULTS

# seen FIELD: one of the kernel's counters counted something: without that a machine would not be what it is for
seen() {
    awk -v field="$1" '$3 == 0 && $field > 0 { found = 1 } END { exit !found }' $RESULTS
}
