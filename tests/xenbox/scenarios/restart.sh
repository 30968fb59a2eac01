# SPDX-License-Identifier: MIT
# The daemon killed and started again: no "ready" in between, and the same trees after.

TREES="$HOST /local/domain/0/iommu /local/domain/1/iommu"

# withdrawn: a check that nothing is claimed
withdrawn() {
    want $HOST/status stopped
    want /local/domain/0/iommu/status stopped
    want /local/domain/1/iommu/status stopped
    check "no record in the host tree" absent $HOST/pci
    check "no record in dom0's tree" absent /local/domain/0/iommu/pci
    check "no record in the guest's tree" absent /local/domain/1/iommu/pci
}

# tree_is_back N: the Nth tree is as it was before; EARLY names a tree that says ready and is not
tree_is_back() {
    tree "$(echo "$TREES" | cut -d ' ' -f "$1")" > /tmp/now
    cmp -s /tmp/now "/tmp/before.$1" && return 0
    grep -q '/status = "ready"' /tmp/now && EARLY="$EARLY $1"
    return 1
}

trees_are_back() {
    # Each of them is looked at in every turn.
    trees_behind=
    for tree_number in 1 2 3; do
        tree_is_back $tree_number || trees_behind=yes
    done
    [ -z "$trees_behind" ]
}

ready_daemon
check "xl pci-assignable-add 03" xl pci-assignable-add 00:03.0
check "xl pci-assignable-add 04" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:03.0 "none quarantined keep assignable"
host 0000:00:04.0 "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"
for tree_number in 1 2 3; do
    tree "$(echo "$TREES" | cut -d ' ' -f $tree_number)" > /tmp/before.$tree_number
done

end_daemon KILL
check "xen-iommud --withdraw" xen-iommud --withdraw
withdrawn
guest_refuses g1 'xen-iommu status'

# Killed while it starts, sooner and later.
for moment in 0 0.1 0.2 0.4; do
    start_daemon
    sleep $moment
    end_daemon KILL
    check "xen-iommud --withdraw, killed after $moment s" xen-iommud --withdraw
    withdrawn
done

EARLY=
start_daemon
check "the same trees after" wait_for 30 trees_are_back
same "trees that were ready before they were complete" "$EARLY" ""

# Killed, and the world changes before it is back, without anybody withdrawing.
end_daemon KILL
check "xl destroy" xl destroy g1
check "xl pci-assignable-remove -r" xl pci-assignable-remove -r 00:03.0
ready_daemon
dom0_has 0000:00:03.0 "relaxed keep dom0-relaxed"
host 0000:00:04.0 "none quarantined keep assignable"
check "nothing of domain 1 came back" absent /local/domain/1
