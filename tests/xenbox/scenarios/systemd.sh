# SPDX-License-Identifier: MIT
# The installed service under Debian's own systemd: its whole life, and what the daemon may do there.
BOX_INIT=systemd
BOX_QEMU="-device pcie-root-port,id=slot1,addr=6,slot=1"
BOX_TIMEOUT=600

# property NAME: prints it, of the unit
property() {
    systemctl show -P "$1" xen-iommud
}

# want_property NAME PATTERN [SECONDS]
want_property() {
    if wait_for "${3:-$WAIT}" fits "$2" property "$1"; then
        ok "$1 is '$(property "$1")'"
    else
        fail "$1 is '$(property "$1")', wanted '$2'"
    fi
}

# logs TEXT: a check that the service's log gets to have it
logged() {
    journalctl -q -u xen-iommud --no-pager | grep -qF "$1"
}

logs() {
    check "the log says: $1" wait_for $WAIT logged "$1"
}

check "systemctl is-active xen" systemctl is-active xen
install_packages
check "it is enabled" systemctl is-enabled xen-iommud
want_property ActiveState active
check "systemctl stop" systemctl stop xen-iommud

# What cannot work is said, and not tried again and again.
cp /etc/xen/xen-iommud.conf /tmp/conf
echo "nonsense = 1" > /etc/xen/xen-iommud.conf
refuse "systemctl start, with a broken configuration" systemctl start xen-iommud
want_property ActiveState failed
want_property ExecMainStatus 2
want_property NRestarts 0
logs '/etc/xen/xen-iommud.conf:1: unknown key "nonsense"'
cp /tmp/conf /etc/xen/xen-iommud.conf
systemctl reset-failed xen-iommud

# Some distributions keep this to root.
chmod 0700 /var/lib/xen
check "systemctl start" systemctl start xen-iommud
want_property ActiveState active
want $HOST/status ready 0
want_property StatusText "*[0-9]*"
host 0000:00:04.0 "0 relaxed keep dom0-relaxed"
has_no_rights
check "systemd-analyze security: at most 1.5" systemd-analyze security --no-pager --threshold=15 xen-iommud
same "owner of the lock" "$(stat -c %U:%a /run/xen-iommud /run/xen-iommud/lock | xargs)" "root:755 root:600"
logs "built-in options: none (build configuration: none"

# What only root can read: libxl's records, and all of a configuration space.
umask 077
echo "no JSON" > /var/lib/xen/userdata-d.9.00112233-4455-6677-8899-aabbccddeeff.libxl-json
logs "libxl-json: not JSON"
rm /var/lib/xen/userdata-d.9.*
monitor_quiet device_add e1000e,id=second,bus=slot1,addr=0.1
monitor_quiet device_add e1000e,id=first,bus=slot1,addr=0.0,multifunction=on
want $HOST/pci/0000-01-00-0/limits no-acs 60
want $HOST/pci/0000-01-00-1/limits no-acs

check "systemctl reload" systemctl reload xen-iommud
logs "SIGHUP: asking everything again"
want $HOST/status ready 0

dies_and_returns KILL 20
want_property NRestarts 1
dies_and_returns STOP 120
want_property NRestarts 2
has_no_rights
host 0000:00:04.0 "0 relaxed keep dom0-relaxed"

check "systemctl stop" systemctl stop xen-iommud
want $HOST/status stopped 0
want_property ActiveState inactive
want_property Result success
