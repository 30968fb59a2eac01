# SPDX-License-Identifier: MIT
# shellcheck shell=dash disable=SC2034
# What scenarios use, in dom0 (busybox sh). Descriptor 3 is the line to 'run'.
# Times are bounds, in seconds: nothing here waits longer than the condition takes.

WAIT=20
FAILED=
COMPLETE=
DAEMON=
DAEMON_LOG=/var/log/xen-iommud.log
HOST=/tool/xen-iommud

# ---- verdicts

ok() {
    echo "ok $*" >&3
    echo "BOX ok $*"
}

fail() {
    echo "fail $*" >&3
    echo "BOX FAIL $*"
    FAILED=yes
}

# say TEXT: for people who watch
say() {
    echo "say $*" >&3
}

# stop TEXT: a failure after which the rest makes no sense
stop() {
    fail "$*"
    COMPLETE=stopped
    exit 1
}

# check TEXT COMMAND...: a check that the command succeeds
check() {
    check_text=$1
    shift
    if "$@" > /tmp/check.out 2>&1; then
        ok "$check_text"
    else
        fail "$check_text: '$*' gave $? $(head -c 400 /tmp/check.out | tr '\n' ' ')"
    fi
}

# refuse TEXT COMMAND...: a check that the command fails, but not because there is no such command
refuse() {
    check_text=$1
    shift
    "$@" > /tmp/check.out 2>&1
    case $? in
    0) fail "$check_text: '$*' succeeded $(head -c 400 /tmp/check.out | tr '\n' ' ')" ;;
    126 | 127) fail "$check_text: '$*' cannot be run" ;;
    *) ok "$check_text" ;;
    esac
}

# same TEXT GOT WANTED: a check that two strings are equal
same() {
    if [ "$2" = "$3" ]; then
        ok "$1: $2"
    else
        fail "$1: '$2', wanted '$3'"
    fi
}

# finish STATUS: called by scenario-runner at the end, however it comes
finish() {
    if [ -z "$COMPLETE" ]; then
        fail "the scenario ended early, with status $1"
    fi
    if [ -n "$DAEMON" ] && ! daemon_runs; then
        fail "the daemon has died"
    fi
    if grep -q ': not found$' /tmp/scenario.errors; then
        fail "the scenario calls what is not there: $(grep ': not found$' /tmp/scenario.errors | head -n 1)"
    fi
    if [ -s /tmp/scenario.errors ]; then
        echo "BOX ---- the scenario's errors"
        cat /tmp/scenario.errors
    fi
    if [ -n "$FAILED" ]; then
        echo "BOX ---- XenStore"
        xenstore-ls -fp 2> /dev/null | grep -E '/iommu|/xen-iommud|/pci' | head -n 400
        echo "BOX ---- xl"
        xl list
    fi
    if [ -d /run/systemd/system ]; then
        journalctl -q -u xen-iommud --no-pager > $DAEMON_LOG
    fi
    if [ -e $DAEMON_LOG ]; then
        echo "BOX ---- the daemon's log"
        tail -n 2000 $DAEMON_LOG
    fi
    echo end >&3
    # 'run' switches the machine off.
    sleep 60
}

# ---- waiting

# wait_for SECONDS COMMAND...: runs the command, which must not wait_for itself, until it succeeds; 1 when
# the bound is reached
wait_for() {
    read -r wait_now _ < /proc/uptime
    wait_end=$((${wait_now%.*} + $1))
    shift
    until "$@"; do
        read -r wait_now _ < /proc/uptime
        [ "${wait_now%.*}" -lt "$wait_end" ] || return 1
        sleep 0.1
    done
}

# ---- XenStore

# value PATH: prints its value, nothing when it is not there
value() {
    xenstore-read "$1" 2> /dev/null
}

has_value() {
    [ "$(value "$1")" = "$2" ]
}

absent() {
    ! xenstore-exists "$1" 2> /dev/null
}

# want PATH VALUE [SECONDS]: a check that the path gets this value
want() {
    if wait_for "${3:-$WAIT}" has_value "$1" "$2"; then
        ok "$1 = $2"
    else
        fail "$1 = '$(value "$1")', wanted '$2'"
    fi
}

# gone PATH [SECONDS]: a check that the path vanishes
gone() {
    if wait_for "${2:-$WAIT}" absent "$1"; then
        ok "$1 is gone"
    else
        fail "$1 is still there: '$(value "$1")'"
    fi
}

# perms PATH SPEC: a check that PATH and all below it have these permissions, as in "n0,r1"
perms() {
    perms_all=$(xenstore-ls -fp / | grep -F "$1" | grep -E "^$1(/| )")
    perms_bad=$(echo "$perms_all" | grep -vF "($2)" | head -n 1)
    if [ -z "$perms_all" ]; then
        fail "permissions below $1: nothing there"
    elif [ -n "$perms_bad" ]; then
        fail "permissions below $1: $perms_bad, wanted ($2)"
    else
        ok "$(echo "$perms_all" | wc -l) nodes from $1 have ($2)"
    fi
}

# tree PATH: prints all nodes below PATH and their values, without the counters, in a certain order
tree() {
    xenstore-ls -f "$1" 2> /dev/null | grep -v '/generation = ' | sort
}

# ---- the daemon, and what it publishes

# node BDF: the name of a PCI function in XenStore (0000:00:04.0 is 0000-00-04-0)
node() {
    echo "$1" | tr ':.' '--'
}

# start_daemon [ARGUMENT...]: starts it without waiting
start_daemon() {
    xen-iommud --log-level debug "$@" >> $DAEMON_LOG 2>&1 3>&- < /dev/null &
    DAEMON=$!
}

# ready_daemon [ARGUMENT...]: starts it and waits until it says ready
ready_daemon() {
    said_before=$(grep -c 'notice: published:' $DAEMON_LOG 2> /dev/null)
    start_daemon "$@"
    if wait_for 60 daemon_published; then
        ok "the daemon is ready"
    else
        stop "the daemon does not get ready: status '$(value $HOST/status)'"
    fi
}

# daemon_published: by its own word, since the status may be what a killed one left
daemon_published() {
    [ "$(grep -c 'notice: published:' $DAEMON_LOG)" -gt "${said_before:-0}" ] &&
        has_value $HOST/status ready
}

# daemon_runs: the process exists, and is more than an exit status that waits to be collected
daemon_runs() {
    [ -n "$(readlink "/proc/$DAEMON/exe")" ]
}

daemon_ended() {
    ! daemon_runs
}

# daemon_itself: prints the number of the process below the keeper, which is what was started
daemon_itself() {
    cut -d ' ' -f 1 "/proc/$DAEMON/task/$DAEMON/children" 2> /dev/null
}

# hold_daemon: stops it, and its keeper, which would take it for stuck
hold_daemon() {
    kill -STOP "$DAEMON"
    kill -STOP "$(daemon_itself)"
}

release_daemon() {
    kill -CONT "$(daemon_itself)"
    kill -CONT "$DAEMON"
}

# kill_both: the daemon and its keeper, so that nobody withdraws
kill_both() {
    kill -STOP "$DAEMON"
    kill_child=$(daemon_itself)
    if [ -n "$kill_child" ]; then
        kill -KILL "$kill_child"
        wait_for $WAIT sh -c "[ -z \"\$(readlink /proc/$kill_child/exe)\" ]" ||
            stop "the daemon does not end on KILL"
    fi
    kill -KILL "$DAEMON"
}

# end_daemon [SIGNAL]: sends the signal (TERM) and waits for the daemon's end; sets DAEMON_STATUS.
# KILL ends both processes.
end_daemon() {
    if [ "${1:-}" = KILL ]; then
        kill_both
    else
        kill -"${1:-TERM}" "$DAEMON"
    fi
    wait_for $WAIT daemon_ended || stop "the daemon does not end on ${1:-TERM}"
    wait "$DAEMON"
    DAEMON_STATUS=$?
    DAEMON=
}

# record PATH FIELD...: prints a device's fields in one line, less when one is missing
record() {
    record_path=$1
    shift
    for record_field; do
        shift
        set -- "$@" "$record_path/$record_field"
    done
    xenstore-read "$@" 2> /dev/null | xargs
}

# fits PATTERN COMMAND...: the command's output fits a shell pattern
fits() {
    fits_pattern=$1
    shift
    # shellcheck disable=SC2254 # a pattern
    case $("$@") in
    $fits_pattern) return 0 ;;
    esac
    return 1
}

# want_record SECONDS PATTERN PATH FIELD...: a check that the fields get to fit the pattern
want_record() {
    want_bound=$1
    want_pattern=$2
    shift 2
    if wait_for "$want_bound" fits "$want_pattern" record "$@"; then
        ok "$1: $(record "$@")"
    else
        fail "$1: '$(record "$@")', wanted '$want_pattern'"
    fi
}

# host BDF "OWNER STATE SWIOTLB REASON" [SECONDS]: a check of the host tree
host() {
    want_record "${3:-$WAIT}" "$2" "$HOST/pci/$(node "$1")" owner state swiotlb reason
}

# own DOMID ADDRESS "STATE SWIOTLB REASON" [SECONDS]: a check of a domain's own tree; ADDRESS as the
# domain sees it
own() {
    want_record "${4:-$WAIT}" "$3" "/local/domain/$1/iommu/pci/$(node "$2")" state swiotlb reason
}

# not_own DOMID ADDRESS [SECONDS]: a check that a domain's own tree does not name the device
not_own() {
    gone "/local/domain/$1/iommu/pci/$(node "$2")" "${3:-$WAIT}"
}

# dom0_has BDF "STATE SWIOTLB REASON": a check of what is said, in both trees, of a device of dom0
dom0_has() {
    own 0 "$1" "$2"
    host "$1" "0 $2"
}

# host_now BDF "OWNER STATE SWIOTLB REASON": the same without waiting: it must be so already
host_now() {
    host "$1" "$2" 0
}

# xen_owner BDF: prints whose the function is by Xen's own list, the debug key Q: d0, d1, DomIO
xen_owner() {
    xl debug-keys Q
    xl dmesg | awk -v device="$1" '
        /==== PCI devices ====/ { owner = "" }
        $1 == "(XEN)" && $2 == device { owner = $4 }
        END { sub(/:.*/, "", owner); print owner }'
}

# in_xen BDF OWNER: a check of that
in_xen() {
    same "owner of $1 in Xen" "$(xen_owner "$1")" "$2"
}

# pci_functions: prints dom0's PCI functions but for host bridges
pci_functions() {
    for pci_function in /sys/bus/pci/devices/*; do
        case $(cat "$pci_function/class") in
        0x0600*) ;;
        *) basename "$pci_function" ;;
        esac
    done
}

# published PATH: prints the PCI functions below a tree
published() {
    xenstore-list "$1/pci" 2> /dev/null | sort | xargs
}

# all_dom0 "STATE SWIOTLB REASON": a check that every PCI function but host bridges is published so as
# dom0's, in both trees, and nothing else is
all_dom0() {
    for all_bdf in $(pci_functions); do
        dom0_has "$all_bdf" "$1"
    done
    all_nodes=$(pci_functions | tr ':.' '--' | sort | xargs)
    same "functions published to dom0" "$(published /local/domain/0/iommu)" "$all_nodes"
    same "functions in the host tree" "$(published $HOST)" "$all_nodes"
}

# ---- guests

# guest_config NAME [LINE...]: prints an xl configuration for a guest (PV; PVH on Arm) with further lines
guest_config() {
    case $(uname -m) in
    aarch64) config_type=pvh ;;
    *) config_type=pv ;;
    esac
    cat << CONFIG
name = "$1"
type = "$config_type"
memory = 160
kernel = "/box/vmlinuz"
ramdisk = "/box/guest.cpio.gz"
extra = "console=hvc0 quiet"
CONFIG
    shift
    for config_line; do
        echo "$config_line"
    done
}

console_of() {
    echo "/var/log/xen/console/guest-$1.log"
}

# xl_create NAME ARGUMENT...: 'xl create' with the guest's configuration file and further arguments
xl_create() {
    create_name=$1
    shift
    # The file says how often this guest has been up; it must be there before the guest is.
    [ -e "$(console_of "$create_name")" ] || : > "$(console_of "$create_name")"
    xl create "/tmp/$create_name.cfg" "$@" > "/tmp/$create_name.create" 2>&1 3>&- < /dev/null
}

ups_of() {
    grep -c '^GUEST-UP' "$(console_of "$1")"
}

is_up() {
    [ "$(ups_of "$1")" -ge "$2" ]
}

# guest_start NAME [LINE...]: creates a PV guest (LINE: more configuration, as in 'pci = ["00:04.0"]')
# and waits until it takes commands
guest_start() {
    start_name=$1
    start_ups=1
    [ -e "$(console_of "$1")" ] && start_ups=$(($(ups_of "$1") + 1))
    guest_config "$@" > "/tmp/$1.cfg"
    xl_create "$1" || stop "xl create $1: $(tail -n 5 "/tmp/$1.create" | tr '\n' ' ')"
    guest_up "$start_name" "$start_ups"
}

# guest_up NAME COUNT: waits until the guest has come up for the COUNTth time
guest_up() {
    wait_for "${GUEST_BOUND:-60}" is_up "$1" "$2" || stop "the guest $1 does not come up"
    ok "the guest $1 is up (domain $(xl domid "$1"))"
}

# guest_send NAME COMMAND: runs a shell command inside the guest without waiting; sets SENT, its number
guest_send() {
    SENT=$(($(cat /tmp/sent 2> /dev/null || echo 0) + 1))
    echo $SENT > /tmp/sent
    echo "$SENT $(echo "$2" | base64 -w 0)" > "$(value "/local/domain/$(xl domid "$1")/console/tty")"
}

has_answered() {
    grep -q "^>>$2 " "$(console_of "$1")"
}

# guest_run NAME COMMAND: runs a shell command inside the guest; prints its output, returns its status
guest_run() {
    guest_send "$1" "$2"
    if ! wait_for 30 has_answered "$1" "$SENT"; then
        fail "the guest $1 does not answer '$2'"
        return 99
    fi
    tr -d '\r' < "$(console_of "$1")" | sed -n "/^<<$SENT\$/,/^>>$SENT /p" | sed '1d;$d' | base64 -d
    return "$(tr -d '\r' < "$(console_of "$1")" | sed -n "s/^>>$SENT //p")"
}

# in_guest NAME COMMAND WANTED: a check of a command's output inside the guest
in_guest() {
    same "$1: $2" "$(guest_run "$1" "$2" 2>&1)" "$3"
}

# guest_refuses NAME COMMAND: a check that a command fails inside the guest
guest_refuses() {
    refuse "$1 cannot: $2" guest_run "$1" "$2"
}

has_no_domain() {
    ! xl domid "$1" > /dev/null 2>&1
}

# ---- QEMU

# monitor COMMAND...: runs a command of QEMU's monitor, prints the answer
monitor() {
    echo "monitor $*" >&3
    while IFS= read -r monitor_line <&3 && [ "$monitor_line" != . ]; do
        echo "${monitor_line#|}"
    done
}

# monitor_quiet COMMAND...: the same, for commands whose answer is empty when all is well
monitor_quiet() {
    monitor_answer=$(monitor "$@")
    [ -z "$monitor_answer" ] || stop "QEMU: $*: $monitor_answer"
}

# save NAME FILE: hands a file to 'run' for other scenarios (BOX_FILES)
save() {
    {
        echo "save $1"
        base64 "$2"
        echo .
    } >&3
}

# ---- proofs by DMA

EDU=0000:00:05.0

# xen_text: prints the machine address of the hypervisor's code
xen_text() {
    text_base=$(xl dmesg | sed -n 's/.*New Xen image base address: \(0x[0-9a-f]*\).*/\1/p' | head -n 1)
    [ -n "$text_base" ] && printf '0x%x\n' $((text_base + 0x200000))
}

# guest_frame NAME FRAME: prints the machine address of a PV guest's frame (0x and lower-case hex)
guest_frame() {
    xen-mfndump dump-p2m "$(xl domid "$1")" 2> /dev/null |
        sed -n "s/.*pfn=$2 *==> *mfn=\\(0x[0-9a-f]*\\).*/\\1000/p"
}

# guest_text NAME: prints the machine address of the code of a PV guest's kernel
guest_text() {
    guest_frame "$1" 0x1000
}

# dom0_text: prints the machine address of the code of a PV dom0's kernel: Xen builds it in one piece
dom0_text() {
    text_base=$(xl dmesg | sed -n 's/.*Dom0 alloc\.: *\([0-9a-f]*\)->.*/0x\1/p' | head -n 1)
    [ -n "$text_base" ] && printf '0x%x\n' $((text_base + 0x1000000))
}

# memory_at ADDRESS: prints the 64 bytes at a machine address, in hex, as QEMU sees them
memory_at() {
    monitor xp /64xb "$1" | sed 's/^[^:]*://; s/0x//g' | tr -d ' \n'
}

# dma_outcome ADDRESS TEXT: passes, when the text in hex is what the memory there holds; blocked, when
# it holds nothing; anything else is printed as it is
dma_outcome() {
    dma_truth=$(memory_at "$1")
    case $dma_truth in
    *[!05a]*) ;;
    *) echo "no memory to recognise at $1 ($dma_truth)" && return ;;
    esac
    case $2 in
    "$dma_truth") echo passes ;;
    *[!05a]* | "") echo "'$2', the memory holds '$dma_truth'" ;;
    *) echo blocked ;;
    esac
}

# dma WHAT ADDRESS passes|blocked [DEVICE]: a check of what an edu device of dom0 gets by DMA
dma() {
    same "DMA of ${4:-$EDU} to $1" "$(dma_outcome "$2" "$(edu-dma "${4:-$EDU}" "$2" 64 2>&1)")" "$3"
}

# dma_misses WHAT ADDRESS: the same for a translated dom0, in which a machine address means nothing: a
# check that not what is there arrives, but nothing, or what dom0 has at that address of its own
dma_misses() {
    miss_got=$(edu-dma $EDU "$2" 64 2>&1)
    miss_outcome=$(dma_outcome "$2" "$miss_got")
    case $miss_got in
    "" | *[!0-9a-f]*) fail "DMA of $EDU to $1: $miss_got" ;;
    *)
        case $miss_outcome in
        passes | no*) fail "DMA of $EDU to $1: $miss_outcome" ;;
        *) ok "DMA of $EDU to $1 misses it" ;;
        esac
        ;;
    esac
}

# guest_page NAME: makes a page in a PV guest, with nothing in it to recognise, and prints its machine address
guest_page() {
    guest_frame "$1" "$(guest_run "$1" "edu-dma --frame /tmp/page")"
}

# dma_in_guest NAME WHAT ADDRESS passes|blocked DEVICE: the same for a guest's edu device. It copies to a
# page of the guest's: one check with "passes" must be among those of a device.
dma_in_guest() {
    dma_page=$(guest_page "$1")
    check "$1's $5 copies from $2" guest_run "$1" "edu-dma --copy $5 $3 $dma_page 64"
    same "DMA of $1's $5 to $2" "$(dma_outcome "$3" "$(memory_at "$dma_page")")" "$4"
}
