# SPDX-License-Identifier: MIT
# Debian's Xen on Arm, which drives no IOMMU, and each binding by which a device tree claims or describes
# protection: none is believed, each is named.
BOX_ARCH=arm64
BOX_DTB_EDIT=arm-static
BOX_TIMEOUT=180

CLAIM=virtio_mmio@a003800
CLAIM_PROPERTY=virtio_mmio@a003600
GRANTS=virtio_mmio@a003400
GRANTS_STUB=virtio_mmio@a003200
VIRTIO=virtio_mmio@a003000
DANGLING=virtio_mmio@a002e00
PLAIN=virtio_mmio@a003c00

ready_daemon
want $HOST/iommu disabled
for device in $CLAIM $CLAIM_PROPERTY $DANGLING $PLAIN; do
    dt_dom0 $device "unprotected keep iommu-disabled"
done
for device in $GRANTS $GRANTS_STUB; do
    dt_dom0 $device "unprotected keep grant-dma"
done
dt_dom0 $VIRTIO "unprotected keep virtio-iommu"
same "devices that are not unprotected" \
    "$(xenstore-ls -f $HOST/dt | grep '/state = ' | grep -v '"unprotected"')" ""
same "devices whose swiotlb-xen may be skipped" \
    "$(xenstore-ls -f $HOST/dt | grep '/swiotlb = ' | grep -v '"keep"')" ""
perms $HOST n0
perms /local/domain/0/iommu n0,r0

dt_has_fact $CLAIM claim=iommu-el2-v1
dt_has_fact $CLAIM_PROPERTY claim=xen-iommu
dt_has_fact $GRANTS grant-dma=yes
dt_has_fact $VIRTIO virtio-iommu=yes
dt_has_fact $PLAIN claim=none
dt_explained $CLAIM xen,iommu-el2-v1 iommu-disabled contradicted
dt_explained $CLAIM_PROPERTY xen,iommu iommu-disabled contradicted
dt_explained $GRANTS xen,grant-dma
dt_explained $VIRTIO virtio-iommu

# The command, in dom0 and in a guest.
check "xen-iommu list names a device" sh -c "xen-iommu list | grep -q $PLAIN"
guest_start g1
want /local/domain/1/iommu/status ready
check "no device in the guest's tree" absent /local/domain/1/iommu/dt
check "xen-iommu status inside the guest" guest_run g1 'xen-iommu status'
guest_refuses g1 'xenstore-ls /tool/xen-iommud'

# A zero-cell xen,grant-dma is a claim where the configuration says so.
end_daemon
printf 'grant-dma-stub = yes\n' > /tmp/stub.conf
ready_daemon --config /tmp/stub.conf
dt_dom0 $GRANTS_STUB "unprotected keep iommu-disabled"
dt_has_fact $GRANTS_STUB claim=grant-dma-stub
dt_dom0 $GRANTS "unprotected keep grant-dma"
