# SPDX-License-Identifier: MIT
# The library in a PV guest and in dom0, there over xenstored's socket and over /dev/xen/xenbus: answers,
# waiting, and callbacks while devices and the daemon come and go; and the same as xen-iommu watch tells it.
BOX_XEN_ARGS="dom0-iommu=strict"
BOX_TIMEOUT=400
BOX_QEMU="-device edu,addr=6 -device edu,addr=7"

# Where the library is used: in the guest g1, or in dom0 by one of the two ways to xenstored.
PLACES="g1 socket xenbus"
# What comes and goes, in the guest and in dom0, and how the guest sees it.
THEIRS=0000:00:05.0
OURS=0000:00:01.0
DOM0=0000:00:07.0
GUESTS="protected keep assigned-pv"
DOM0S="protected keep dom0-strict"
GONE="unknown keep -"
# Many of the checks take a guest's commands.
WAIT=60

# at PLACE COMMAND: runs a shell command there
at() {
    case $1 in
    g1) guest_run g1 "$2" ;;
    socket) sh -c "$2" 3>&- ;;
    # Without a socket libxenstore takes the device.
    xenbus) XENSTORED_RUNDIR=/nowhere sh -c "$2" 3>&- ;;
    esac
}

# asks PLACE ARGUMENTS WANTED: a check of what library-probe prints, sooner or later
asks() {
    if wait_for $WAIT fits "$3" at "$1" "library-probe $2"; then
        ok "$1: $2: $3"
    else
        fail "$1: $2: '$(at "$1" "library-probe $2" 2>&1)', wanted '$3'"
    fi
}

# begin PLACE DEVICE OTHER: starts there a follower of a device, and one that waits for the daemon and then
# asks about another
begin() {
    check "$1: begin" at "$1" "library-probe follow $2 > /tmp/follow.$1 2>&1 &
        echo \$! > /tmp/follower.$1
        library-probe wait -1 query $3 > /tmp/waited.$1 2>&1 &"
}

# begun: whether all that runs along in dom0 has said its first word
begun() {
    test -s /tmp/follow.socket -a -s /tmp/follow.xenbus -a -s /tmp/watch.text -a -s /tmp/watch.json
}

# followed PLACE: prints all that the follower has printed
followed() {
    at "$1" "cat /tmp/follow.$1"
}

# last PLACE DEVICE KIND...: the follower's last line of each kind about the device, in one line
last() {
    followed "$1" | awk -v device="$2" -v kinds="$3" '$2 == device { lines[$1] = $0 }
        END {
            count = split(kinds, kind)
            for (i = 1; i <= count; i++)
                printf "%s; ", lines[kind[i]]
        }'
}

# told PLACE DEVICE CHANGE ANSWER [query]: a check that the last callback about the device gets to be
# CHANGE, and ANSWER what a query returned inside it and, of the device that is followed, ever since
told() {
    told_wanted="changed $2 $3; inside $2 $4; ${5:+query $2 $4; }"
    if wait_for $WAIT fits "$told_wanted" last "$1" "$2" "changed inside ${5:-}"; then
        ok "$1: $told_wanted"
    else
        fail "$1: '$(last "$1" "$2" "changed inside ${5:-}")', wanted '$told_wanted'"
    fi
}

# mark PLACE N: tells the follower that from now on its device is away (1), or may come back (2). "Now" is
# when all events until this moment have been handed out: a kernel does that one by one, and a guest's scans
# its PCI bus meanwhile. The first event of a new watch comes behind them.
mark() {
    check "$1: mark $2" at "$1" "xenstore-watch -n 1 iommu/generation > /dev/null
        kill -USR1 \$(cat /tmp/follower.$1)
        for turn in \$(seq 100); do
            grep -q '^mark $2' /tmp/follow.$1 && exit
            sleep 0.1
        done
        exit 1"
}

# is_away BDF: the host's record no longer says protected
is_away() {
    ! fits "* protected *" record "$HOST/pci/$(node "$1")" owner state reason
}

# told_in_dom0 CHANGE ANSWER: the same for both followers in dom0
told_in_dom0() {
    told socket $DOM0 "$1" "$2" query
    told xenbus $DOM0 "$1" "$2" query
}

# judge PLACE DEVICE ANSWER: checks that ANSWER is what the one that waited got, and checks all that the
# follower said: never protected after a callback that took that back, or the mark that it is away, until it
# may come back or the daemon goes; and protected exactly three times: when it came, when it came back, and
# when the daemon did
judge() {
    at "$1" "cat /tmp/waited.$1 /tmp/follow.$1" > /tmp/followed
    echo "BOX ---- followed at $1"
    cat /tmp/followed
    same "$1: waited, and asked" "$(head -n 1 /tmp/followed)" "ok; $3; "
    same "$1: stale lines" "$(awk -v device="$2" '$1 == "mark" { away = came = $2 == 1 }
        / EAGAIN / { away = came = 0 }
        $2 == device && $1 == "changed" && / protected / { came = 1 }
        $2 == device && $1 == "changed" && !/ protected / { away = came }
        $2 == device && / protected / && away' /tmp/followed)" ""
    for kind in changed query; do
        same "$1: times that $2 became protected, by '$kind'" "$(awk -v device="$2" -v kind=$kind '
            $1 == kind && $2 == device {
                now = / protected /
                times += now && !before
                before = now
            }
            END { print times + 0 }' /tmp/followed)" 3
    done
    same "$1: dispatches that failed" "$(grep -c ^dispatch /tmp/followed)" 0
}

# words: prints what xen-iommu watch says, one thing a line: "status ready", or a device and its state
words() {
    sed -n -e 's/"status":null/"status":"absent"/' \
        -e 's/^{.*"status":"\([a-z]*\)".*}$/status \1/p' \
        -e 's/^{.*"device":"\([^"]*\)","state":"\([a-z]*\)".*}$/\1 \2/p' \
        -e 's/^[-0-9]* [:0-9]* status *\([a-z]*\)$/status \1/p' \
        -e 's/^[-0-9]* [:0-9]* removed *\([^ ]*\)$/\1 unknown/p' \
        -e 's/^[-0-9]* [:0-9]* [a-z]* *\([^ ]*\) \([a-z]*\) swiotlb=keep .*/\1 \2/p'
}

# story PLACE DEVICE: prints what xen-iommu watch has said there of the daemon and of the device, without
# repetitions, without "starting", which may be too short to be seen, and without what a device that has
# just come is at first
story() {
    at "$1" "cat /tmp/watch.text /tmp/watch.json" | words | awk -v device="$2" '
        ($1 == "status" || $1 == device) && $2 != "starting" && $2 != last { printf "%s ", last = $2 }' |
        sed 's/ready unknown /ready /g; s/ready protected ready protected/ready protected/g'
}

# tells PLACE DEVICE: a check that xen-iommu watch told all that has happened, in text and in JSON
tells() {
    tells_wanted="absent ready protected unknown protected stopped ready protected "
    tells_wanted=$tells_wanted$tells_wanted
    if wait_for $WAIT fits "$tells_wanted" story "$@"; then
        ok "$1: xen-iommu watch: $tells_wanted"
    else
        fail "$1: xen-iommu watch: '$(story "$@")', wanted '$tells_wanted'"
    fi
}

check "xl pci-assignable-add 05" xl pci-assignable-add 00:05.0
check "xl pci-assignable-add 06" xl pci-assignable-add 00:06.0
guest_start g1 'pci = ["00:06.0"]'

# No daemon yet.
for place in $PLACES; do
    asks $place "wait 10 query 0000:00:00.0 query /soc/video query /soc//video each" \
        "ETIMEDOUT; EAGAIN $GONE; EAGAIN $GONE; EINVAL $GONE; EAGAIN; "
done
begin g1 $OURS 0000:00:00.0
begin socket $DOM0 $DOM0
begin xenbus $DOM0 $DOM0
check "g1: xen-iommu watch" at g1 "xen-iommu watch > /tmp/watch.text 2>&1 &
    xen-iommu watch --json > /tmp/watch.json 2>&1 &
    until [ -s /tmp/follow.g1 -a -s /tmp/watch.text -a -s /tmp/watch.json ]; do
        sleep 0.1
    done"
at socket "xen-iommu watch > /tmp/watch.text 2>&1 &"
at xenbus "xen-iommu watch --json > /tmp/watch.json 2>&1 &"
check "dom0's followers ask, and watch" wait_for $WAIT begun
same "dom0's followers that use /dev/xen/xenbus" "$(for place in socket xenbus; do
    for fd in "/proc/$(cat /tmp/follower.$place)/fd"/*; do
        readlink "$fd"
    done | grep -q /dev/xen/xenbus && echo $place
done)" xenbus

ready_daemon
dom0_devices=$(pci_functions | grep -v '00:0[56]' | sort | sed "s/\$/ $DOM0S; /" | tr -d '\n')
for place in socket xenbus; do
    asks $place "wait 0 query $DOM0 query $THEIRS query /soc/video query soc each" \
        "ok; ok $DOM0S; ENOENT $GONE; ENOENT $GONE; EINVAL $GONE; ${dom0_devices}ok; "
done
told_in_dom0 "$DOM0S" "ok $DOM0S"

# A device comes and goes and comes back: in the guest, and in dom0.
check "xl pci-attach" xl pci-attach g1 $THEIRS
told g1 $OURS "$GUESTS" "ok $GUESTS" query
asks g1 "wait 0 query 0000:00:00.0 query 0000:00:02.0 query /soc/video query soc each" "ok; ok $GUESTS; \
ENOENT $GONE; ENOENT $GONE; EINVAL $GONE; 0000:00:00.0 $GUESTS; $OURS $GUESTS; ok; "
want /local/domain/0/backend/pci/1/0/state 4
xl pci-detach g1 $THEIRS 3>&- &
detach=$!
check "the device leaves the guest" wait_for $WAIT is_away $THEIRS
mark g1 1
check "xl pci-detach" wait $detach
told g1 $OURS "$GONE" "ENOENT $GONE" query
asks g1 "each" "0000:00:00.0 $GUESTS; ok; "
mark g1 2
check "xl pci-attach again" xl pci-attach g1 $THEIRS

check "xl pci-assignable-add of dom0's device" xl pci-assignable-add $DOM0
check "the device leaves dom0" wait_for $WAIT is_away $DOM0
mark socket 1
mark xenbus 1
told_in_dom0 "$GONE" "ENOENT $GONE"
mark socket 2
mark xenbus 2
check "xl pci-assignable-remove of dom0's device" xl pci-assignable-remove $DOM0
told_in_dom0 "$DOM0S" "ok $DOM0S"
told g1 $OURS "$GUESTS" "ok $GUESTS" query

# The daemon goes and comes back.
end_daemon
told g1 $OURS "$GONE" "EAGAIN $GONE" query
told_in_dom0 "$GONE" "EAGAIN $GONE"
ready_daemon
told_in_dom0 "$DOM0S" "ok $DOM0S"
told g1 $OURS "$GUESTS" "ok $GUESTS" query

judge g1 $OURS "ok $GUESTS"
judge socket $DOM0 "ok $DOM0S"
judge xenbus $DOM0 "ok $DOM0S"
tells g1 $OURS
tells socket $DOM0
