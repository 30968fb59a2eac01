# SPDX-License-Identifier: MIT
# An SMMUv3 that Xen drives: what is behind it and what is not, though dom0's tree does not tell; a device
# on its way to guests and back; and next to silence while nothing happens.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_DTB_EDIT=arm-smmu
BOX_TIMEOUT=420

BEHIND=virtio_mmio@a003e00
BESIDE=virtio_mmio@a003c00
PASSED=virtio_mmio@a002000
OWN=passthrough/rng@a002000

properties() {
    (cd "/proc/device-tree/$1" && echo *)
}

ready_daemon
want $HOST/iommu enabled
dt_dom0 $BEHIND "protected skip behind-iommu"
dt_dom0 $BESIDE "unprotected keep not-behind-iommu"
check "dom0 sees no SMMU" test ! -e /proc/device-tree/smmuv3@9050000
same "the properties in dom0's tree" "$(properties $BEHIND)" "$(properties $BESIDE)"
dt_host pcie@10000000 "0 unknown keep pci-host-bridge"
dt_host $PASSED "none unknown keep not-assigned"
check "not in dom0's tree" absent /local/domain/0/iommu/dt/$PASSED
dt_explained $BEHIND behind-iommu
dt_explained $BESIDE not-behind-iommu
dt_explained $PASSED not-assigned

# To a guest whose partial device tree names it.
guest_start g1 "dtdev = [ \"/$PASSED\" ]" 'device_tree = "/box/files/partial.dtb"'
dt_host $PASSED "1 protected skip assigned-translated"
dt_own 1 $OWN "protected skip assigned-translated"
perms /local/domain/1/iommu n0,r1
check "not under the host's name" absent /local/domain/1/iommu/dt/$PASSED
check "not in dom0's tree" absent /local/domain/0/iommu/dt/$PASSED
check "the guest has the node" guest_run g1 "test -d /proc/device-tree/$OWN"
in_guest g1 "xenstore-read iommu/dt/$OWN/state" protected
in_guest g1 "xenstore-read iommu/dt/$OWN/swiotlb" skip
check "xen-iommu show inside the guest" guest_run g1 "xen-iommu show /$OWN"
guest_refuses g1 "xenstore-write iommu/dt/$OWN/state relaxed"
guest_refuses g1 'xenstore-ls /tool/xen-iommud'

# Nothing happens: Xen is asked once a minute about each of the two claims, and about nothing else. Each
# such question is a line there.
lines=$(xen_lines)
generation=$(value $HOST/generation)
sleep 60
asked=$(($(xen_lines) - lines))
check "$asked lines in Xen's console in an idle minute" test $asked -ge 1 -a $asked -le 4
same "generation after an idle minute" "$(value $HOST/generation)" "$generation"
check "the daemon runs" daemon_runs

# Killed, and started again: the same trees.
for domid in 0 1; do
    tree /local/domain/$domid/iommu > /tmp/before.$domid
done
tree $HOST > /tmp/before.host
end_daemon KILL
check "xen-iommud --withdraw" xen-iommud --withdraw
check "no record in the guest's tree" absent /local/domain/1/iommu/dt
ready_daemon
dt_own 1 $OWN "protected skip assigned-translated"
want /local/domain/0/iommu/status ready
for domid in 0 1; do
    same "what is new in domain $domid's tree" \
        "$(tree /local/domain/$domid/iommu | diff /tmp/before.$domid -)" ""
done
same "what is new in the host tree" "$(tree $HOST | diff /tmp/before.host -)" ""

# The file of the partial device tree changes, and libxl's record behind that; what libxl has told of the
# beginning is older. A daemon that starts then does not know what the guest sees.
check "libxl tells when it began" sh -c 'xenstore-read "$(xenstore-read /local/domain/1/vm)/start_time"'
touch /box/files/partial.dtb
sleep 1
touch /var/lib/xen/userdata-d.1.*.libxl-json
end_daemon
ready_daemon
dt_host $PASSED "1 protected skip assigned-translated"
check "the guest is told of no device" absent /local/domain/1/iommu/dt

# The guest goes.
check "xl destroy" xl destroy g1
dt_host $PASSED "none unknown keep not-assigned"
gone /local/domain/1

# Killed while a guest gets it under the host's name, and started after the guest is gone.
guest_start g2 "dtdev = [ \"/$PASSED\" ]"
dt_host $PASSED "2 protected skip assigned-translated"
dt_own 2 $PASSED "protected skip assigned-translated"
end_daemon KILL
check "xl destroy" xl destroy g2
ready_daemon
dt_host $PASSED "none unknown keep not-assigned"
dt_dom0 $BEHIND "protected skip behind-iommu"
dt_dom0 $BESIDE "unprotected keep not-behind-iommu"
check "nothing of domain 1 came back" absent /local/domain/1
check "nothing of domain 2 came back" absent /local/domain/2
