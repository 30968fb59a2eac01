# SPDX-License-Identifier: MIT
# Nonsense where the toolstack keeps its records: the daemon lives, logs each piece once with its path,
# claims nothing that is not so, and recovers.
BOX_TIMEOUT=400

BACKEND=/local/domain/0/backend/pci
LONG=$(head -c 4000 /dev/zero | tr '\0' 9)

# backend DIR DEVICE: writes a backend directory as libxl does
backend() {
    for backend_node in frontend-id=1 online=1 state=4 num_devs=1 "dev-0=$2" state-0=3 vdev-0=0000:00:00.00; do
        xenstore-write "$BACKEND/$1/${backend_node%%=*}" "${backend_node#*=}"
    done
}

# honest: a check of what must hold whatever the records say: nobody has 03, g1 has 04
honest() {
    check "the daemon lives" daemon_runs
    want $HOST/status ready
    case $(record $HOST/pci/0000-00-03-0 owner state swiotlb) in
    "0 relaxed keep" | "unknown unknown keep") ok "dom0's device: $(record $HOST/pci/0000-00-03-0 owner state)" ;;
    *) fail "dom0's device: $(record $HOST/pci/0000-00-03-0 owner state swiotlb)" ;;
    esac
    case $(record $HOST/pci/0000-00-04-0 owner state swiotlb) in
    "1 protected keep" | "unknown unknown keep") ok "g1's device: $(record $HOST/pci/0000-00-04-0 owner state)" ;;
    *) fail "g1's device: $(record $HOST/pci/0000-00-04-0 owner state swiotlb)" ;;
    esac
    check "the others stay" fits "0 relaxed keep dom0-relaxed" record $HOST/pci/0000-00-05-0 owner state swiotlb reason
}

# settled: waits until the daemon has looked at everything that was written so far: a device that is made
# assignable and taken back is published so, and that is two rounds of its work
settled() {
    xl pci-assignable-add 00:1f.3 > /dev/null 2>&1
    wait_for $WAIT fits "[!0]*" value $HOST/pci/0000-00-1f-3/owner || fail "the daemon does not go on"
    xl pci-assignable-remove -r 00:1f.3 > /dev/null 2>&1
    host 0000:00:1f.3 "0 relaxed keep dom0-relaxed"
}

# logged_once PATH: a check that warnings name the path, and that none of them was repeated
logged_once() {
    grep -v ': debug: ' $DAEMON_LOG | grep -F "$1" > /tmp/warnings
    if [ ! -s /tmp/warnings ]; then
        fail "no warning names $1"
    elif [ -n "$(sort /tmp/warnings | uniq -d)" ]; then
        fail "a warning was repeated: $(sort /tmp/warnings | uniq -dc | xargs)"
    else
        ok "$1 is warned of, once"
    fi
}

ready_daemon
check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"

# Directories for nobody.
backend 77/0 0000:00:03.0
backend zebra/0 0000:00:03.0
backend -5/0 0000:00:03.0
backend 99999999999999999999/0 0000:00:03.0
xenstore-write $BACKEND/0/0/dev-0 0000:00:03.0
xenstore-write $BACKEND/1/x/dev-0 0000:00:03.0
settled
honest
check "no home for a domain that does not exist" absent /local/domain/77
settled
logged_once $BACKEND/zebra
logged_once $BACKEND/-5
logged_once $BACKEND/99999999999999999999

# Counts, and devices, that make no sense.
for number in 1 2 3 4 5 6 7 8; do
    backend 1/$number 0000:00:03.0
done
xenstore-write $BACKEND/1/1/num_devs 4294967297
xenstore-write $BACKEND/1/2/num_devs -1
xenstore-rm $BACKEND/1/3/num_devs
xenstore-write $BACKEND/1/4/num_devs many
xenstore-write $BACKEND/1/5/dev-0 nonsense
xenstore-write $BACKEND/1/6/dev-0 0000:7f:1f.7
xenstore-write $BACKEND/1/7/dev-0 "$LONG"
xenstore-write $BACKEND/1/8/num_devs "$LONG"
settled
honest
settled
for place in 1/1/num_devs 1/2/num_devs 1/4/num_devs 1/5/dev-0 1/7/dev-0 1/8/num_devs; do
    logged_once $BACKEND/$place
done

# The toolstack's own records.
xenstore-write /libxl/pci/zebra/domid 1
xenstore-write /libxl/pci/0000-00-03-0/domid zebra
settled
honest
xenstore-write /libxl/pci/0000-00-03-0/domid "$LONG"
settled
honest
xenstore-write /libxl/pci/0000-00-03-0/domid 77
settled
honest
xenstore-write /libxl/pci/0000-00-03-0/domid 1
settled
honest

# And all is well again when it goes.
xenstore-rm /libxl/pci/zebra
xenstore-rm /libxl/pci/0000-00-03-0
for place in 77 zebra -5 99999999999999999999 0 1/x 1/1 1/2 1/3 1/4 1/5 1/6 1/7 1/8; do
    xenstore-rm $BACKEND/$place
done
dom0_has 0000:00:03.0 "relaxed keep dom0-relaxed"
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"

# The same in the directory that the guest's device stands in.
for sense in num_devs:-1 num_devs:many dev-0:nonsense vdev-0:nonsense state-0:many; do
    place=$BACKEND/1/0/${sense%%:*}
    was=$(value "$place")
    xenstore-write "$place" "${sense#*:}"
    settled
    honest
    xenstore-write "$place" "$was"
    own 1 0000:00:00.0 "protected keep assigned-pv"
done
end_daemon
same "exit status of the daemon" "$DAEMON_STATUS" 0
