#!/bin/bash
# SPDX-License-Identifier: MIT
# test_service.sh SERVICE SYSUSERS DAEMON: systemd itself reads the unit and what names its user, and has
# nothing to say against them.
set -euo pipefail
service=$1
sysusers=$2
daemon=$3

units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
# The programs of this build in place of the installed ones, and a xenstored to be bound to.
sed -e "s|^\(Exec[A-Za-z]*=!\{0,1\}\)[^ ]*/xen-iommud|\1$daemon|" -e '/^Documentation=/d' "$service" \
    >"$units/xen-iommud.service"
xenstored=$(sed -n 's/^BindsTo=//p' "$service")
printf '[Service]\nExecStart=/bin/true\n' >"$units/$xenstored"

said=$(SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --recursive-errors=no \
    "$units/xen-iommud.service" 2>&1) || { echo "$said" >&2; exit 1; }
if grep -F xen-iommud.service <<<"$said"; then
    exit 1
fi

# What the safety rules and dom0 need of it.
for line in Type=notify "BindsTo=$xenstored" 'ConditionPathExists=/proc/xen/capabilities' \
    "ExecStart=!$daemon" "ExecStopPost=!$daemon --withdraw" Restart=on-failure User=xen-iommud; do
    grep -qxF "$line" "$units/xen-iommud.service" || {
        echo "the unit lacks $line" >&2
        exit 1
    }
done

# What docs/security.md promises, by systemd's own measure, in tenths.
SYSTEMD_UNIT_PATH="$units:" systemd-analyze security --offline=true --threshold=15 \
    "$units/xen-iommud.service" >"$units/security" || {
    cat "$units/security" >&2
    exit 1
}

# The user that the unit names is made, and is not root.
mkdir -p "$units/root/etc"
systemd-sysusers --root="$units/root" - <"$sysusers"
user=$(sed -n 's/^User=//p' "$service")
[ "$(cut -d: -f1 "$units/root/etc/passwd" | grep -cxF "$user")" = 1 ]
! grep -q '^[^:]*:[^:]*:0:' "$units/root/etc/passwd"
