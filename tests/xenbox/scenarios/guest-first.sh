# SPDX-License-Identifier: MIT
# A guest's tree has its device, and is ready, before the guest has run at all: libxl unpauses a domain last.
BOX_TIMEOUT=180

check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
ready_daemon
host 0000:00:04.0 "none quarantined keep assignable"

# When the guest's tree gets ready, to compare with when libxl is done, which unpauses a guest right then.
STATUS=/local/domain/1/iommu/status
now() {
    cut -d ' ' -f 1 /proc/uptime
}
xenstore-watch $STATUS | while read -r _; do
    [ "$(value $STATUS)" != ready ] || [ -s /tmp/ready ] || now > /tmp/ready
done &

guest_config g1 'pci = ["00:04.0"]' > /tmp/g1.cfg
check "xl create, paused" xl_create g1 -p
finished=$(now)
own 1 0000:00:00.0 "protected keep assigned-pv"
want $STATUS ready
check "the guest has not run yet" sh -c "xl list g1 | grep -q -- ' --p--- '"

wait_for $WAIT test -s /tmp/ready || fail "no event of $STATUS"
say "libxl was done $(echo "$finished $(cat /tmp/ready)" | awk '{ printf "%.2f", $1 - $2 }') s after the guest's tree was ready"
began=$(now)
check "xl unpause" xl unpause g1
guest_up g1 1
say "the guest ran its first program within $(echo "$began $(now)" | awk '{ printf "%.1f", $2 - $1 }') s"
in_guest g1 'xenstore-read iommu/pci/0000-00-00-0/state' protected
