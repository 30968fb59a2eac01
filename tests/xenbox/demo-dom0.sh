# SPDX-License-Identifier: MIT
# What 'demo' shows: runs in dom0 as a scenario does, and tells people what happens.

# title TEXT: begins a part
title() {
    say ""
    say "=== $*"
}

# show COMMAND: runs it in dom0, and shows it with its output
show() {
    say "  dom0# $1"
    eval "$1" 2>&1 | while IFS= read -r shown; do
        say "        $shown"
    done
}

# show_in NAME COMMAND: the same inside a guest
show_in() {
    say "  $1# $2"
    guest_run "$1" "$2" 2>&1 | while IFS= read -r shown; do
        say "        $shown"
    done
}

GUEST=card

title "Dom0 is up, on $(xl info | sed -n 's/^xen_version *: /Xen /p'). Its own kernel knows nothing about the IOMMU:"
show "ls /sys/kernel/iommu_groups | wc -l"

ready_daemon
title "xen-iommud is running. Now dom0 can tell how far the DMA of each device is confined:"
show "xen-iommu status"
show "xen-iommu list"

title "Before: the network card 0000:00:04.0 is dom0's. In words:"
show "xen-iommu explain 00:04.0 | sed '/^Device:/,\$d'"

title "It is made assignable: it belongs to nobody, and its DMA is blocked."
show "xl pci-assignable-add 00:04.0"
host 0000:00:04.0 "none quarantined keep assignable"
show "xen-iommu show 00:04.0"

guest_config $GUEST 'pci = ["00:04.0"]' > /tmp/$GUEST.cfg
title "A guest is started that gets it."
show "grep ^pci /tmp/$GUEST.cfg"
say "  dom0# xl create /tmp/$GUEST.cfg"
guest_start $GUEST 'pci = ["00:04.0"]'
own 1 0000:00:00.0 "protected keep assigned-pv"

title "During: inside the guest, which reads its own tree, by relative path, under its own address."
show_in $GUEST "xenstore-ls iommu/pci"
show_in $GUEST "xen-iommu list"
show_in $GUEST "xen-iommu explain 00:00.0 | sed '/^Device:/,\$d'"
say ""
say "  It can neither change that, nor look at dom0's:"
show_in $GUEST "xenstore-write iommu/pci/0000-00-00-0/state relaxed"
show_in $GUEST "xenstore-ls /local/domain/0/iommu"

title "During: in dom0, with every fact that the answer was found from."
show "xen-iommu list"
show "xen-iommu explain 00:04.0"
show "xen-iommu check"
show "xen-iommu graph | head -n 12    # -T svg makes a picture of it, where graphviz is installed"

title "After: the guest is destroyed, and the card belongs to nobody again."
show "xl destroy $GUEST"
host 0000:00:04.0 "none quarantined keep assignable"
show "xl pci-assignable-remove -r 00:04.0"
dom0_has 0000:00:04.0 "relaxed keep dom0-relaxed"
show "xenstore-read /local/domain/0/iommu/pci/0000-00-04-0/state"

title "The daemon is stopped: it takes back everything that it has said."
end_daemon
show "xen-iommu status"

title "What to try next:"
say "  on a real dom0     README.md, 'Install on a real dom0'; then: xen-iommu check"
say "  what it all means  man xen-iommu; docs/policy.md"
say "  another machine    tests/xenbox/run --dir build/plain/xenbox strict    (dom0-iommu=strict; more in"
say "                     tests/xenbox/scenarios: amd, pvh, group, iommu-off, hotplug ...)"
say "  in a program       README.md, 'Use it in a program'; examples/"
say "  a fleet            docs/monitoring.md"
