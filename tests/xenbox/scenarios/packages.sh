# SPDX-License-Identifier: MIT
# The installed packages in a dom0 with a guest: upgraded with the daemon running, while the guest's device moves, and
# removed. The auditor asks Xen all the time: whatever happens, no word is false.
BOX_INIT=systemd
BOX_XEN_ARGS="guest_loglvl=none"
BOX_TIMEOUT=900
GUEST_BOUND=240 # the auditor has part of the only processor

ALLOWED=5000 # ms; as in order.sh

start_auditor() {
    : > /tmp/audit.out
    # shellcheck disable=SC2046 # words
    auditor --xen --device 0000:00:04.0 $(pci_functions | grep -v '00:04' | sed 's/^/--still /') \
        --lock /run/xen-iommud/lock --allow-overlap-ms $ALLOWED --announce >> /tmp/audit.out 2>&1 3>&- < /dev/null &
    AUDITOR=$!
    wait_for 60 grep -q '^watching' /tmp/audit.out || stop "the auditor does not watch: $(cat /tmp/audit.out)"
}

# audited WHAT: a check that it has found nothing
audited() {
    kill -USR1 "$AUDITOR"
    wait_for 60 has_swept || stop "the auditor does not look: $(tail -n 5 /tmp/audit.out)"
    grep -v -e '^swept' -e '^watching' /tmp/audit.out | head -n 20 | while IFS= read -r audit_line; do
        say "$1: $audit_line"
    done
    same "$1: findings" "$(grep -cv -e ' overlap ' -e '^swept' -e '^watching' /tmp/audit.out)" 0
    : > /tmp/audit.out
}

has_swept() {
    grep -q '^swept' /tmp/audit.out
}

install_packages
check "it is enabled" systemctl is-enabled xen-iommud
want $HOST/status ready 0
check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"
check "dpkg --verify" dpkg --verify xen-iommud xen-iommu libxeniommu1
start_auditor

# Withdrawn and back, or true: the device leaves the guest meanwhile.
old=$(daemon_process)
dpkg --force-depends --force-confold -i /box/packages/newer/*.deb > /tmp/upgrade.out 2>&1 3>&- < /dev/null &
upgrade=$!
check "xl pci-detach, meanwhile" xl pci-detach g1 00:04.0
wait $upgrade || fail "dpkg -i of the newer packages: $(tail -n 5 /tmp/upgrade.out)"
case $(version_of xen-iommud) in
"installed "*+newer) ok "xen-iommud is $(version_of xen-iommud)" ;;
*) fail "xen-iommud is $(version_of xen-iommud)" ;;
esac
check "another daemon" another_daemon "$old"
want $HOST/status ready 0
host 0000:00:04.0 "none quarantined keep assignable"
check "xl pci-attach" xl pci-attach g1 00:04.0
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"
check "xen-iommu show" xen-iommu show 00:04.0
audited "an upgrade"

check "dpkg --remove" dpkg --force-depends --remove xen-iommud
want $HOST/status stopped 0
want /local/domain/1/iommu/status stopped 0
in_guest g1 'xenstore-read iommu/status' stopped
check "no daemon" test -z "$(daemon_process)"
check "the configuration stays" test -e /etc/xen/xen-iommud.conf
audited "a removal"
check "xl destroy" xl destroy g1

check "dpkg --purge" dpkg --force-depends --purge xen-iommud xen-iommu libxeniommu1
same "files that are left" "$(find / -xdev \( -path /proc -o -path /sys -o -path /box -o -path /var/lib/dpkg \) -prune \
    -o \( -name '*xen*iommu*' ! -path '/var/log/*' \) -print | xargs)" ""
same "in /run" "$(find /run -name '*xen-iommu*' | xargs)" ""
same "systemd's links" "$(find /etc/systemd /var/lib/systemd -name '*xen-iommu*' | xargs)" ""
check "systemd has no such unit" test "$(systemctl show -P LoadState xen-iommud)" = not-found
