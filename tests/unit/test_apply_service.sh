#!/bin/bash
# SPDX-License-Identifier: MIT
# test_apply_service.sh APPLY XENSTORED PROGRAM: systemd reads the unit and has nothing to say against it, and finds no
# cycle in a boot with it: with file systems over the network, and with what starts xenstored as it is where that is
# called XENSTORED.
set -euo pipefail
apply=$1
xenstored=$2
program=$3

units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
sed -e "s|^ExecStart=[^ ]*/xen-iommu |ExecStart=$program |" -e '/^Documentation=/d' "$apply" > "$units/xen-iommu-apply.service"

# unit NAME LINE...: one that does nothing
unit() {
    local name=$1
    shift
    printf '%s\n' '[Unit]' "$@" '[Service]' 'Type=oneshot' 'ExecStart=/bin/true' > "$units/$name"
}
# Debian's comes from a script for sysvinit with "Required-Start: $syslog $remote_fs".
case $xenstored in
xen.service) unit "$xenstored" After=remote-fs.target ;;
*) unit "$xenstored" ;;
esac
unit xen-iommud.service "BindsTo=$xenstored" "After=$xenstored"
unit networking.service DefaultDependencies=no 'After=local-fs.target network-pre.target' \
    'Before=network.target network-online.target'
printf '%s\n' '[Mount]' What=server:/ Where=/mnt Type=nfs Options=_netdev > "$units/mnt.mount"
mkdir "$units/remote-fs.target.wants"
ln -s ../mnt.mount "$units/remote-fs.target.wants/"
printf '%s\n' '[Unit]' 'Requires=basic.target' "Wants=xen-iommu-apply.service xen-iommud.service networking.service" \
    "Wants=remote-fs.target network-online.target $xenstored" > "$units/booted.target"

# verify: what systemd says of the unit, and of a boot with it
verify() {
    SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify "$units/booted.target" "$units/xen-iommu-apply.service" 2>&1 || true
}
said=$(verify)
if grep -E 'cycle|xen-iommu-apply' <<< "$said"; then
    exit 1
fi

# The same with an order that cannot be is told: the check above can fail.
if [ "$xenstored" = xen.service ]; then
    sed -i 's/^\[Service\]/Before=network-pre.target\nWants=network-pre.target\n&/' "$units/xen-iommu-apply.service"
    said=$(verify)
    grep -q 'ordering cycle' <<< "$said" || { echo "no cycle is found where there is one" >&2; exit 1; }
else
    grep -qx Before=network-pre.target "$apply" || { echo "it does not come before the network" >&2; exit 1; }
fi
for line in 'SuccessExitStatus=3' 'After=xen-iommud.service' 'ConditionPathExists=/sys/module/xeniommu' \
    "ExecStart=$program apply --now"; do
    grep -qxF "$line" "$units/xen-iommu-apply.service" || { echo "the unit lacks $line" >&2; exit 1; }
done
