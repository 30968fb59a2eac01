# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034
# The boot disk and the network card of a dom0 have plain DMA from their first bind on: Debian's initramfs with the
# hooks. How the DMA goes is seen by probes in the kernel's code, which are there before the initramfs; the data are
# what the host put on the disk and sends. QEMU's SMMU translates PCI only, so that what is right for the disk
# in slot 28 holds for dom0's own pages; a PCI disk, of which the word comes from the box since Xen says nothing of PCI on Arm,
# shows it for foreign pages, and for its first bind too.
BOX_ARCH=arm64
BOX_IOMMU=smmu
BOX_ROOT=disk
BOX_DTB_EDIT=arm-boot
BOX_DOM0_ARGS="box.early=pci/0000-00-01-0,protected,skip trace_event=module:module_load trace_buf_size=16M kprobe_event=p:swiotlb_xen,xen_swiotlb_map_page,device=+0(+0(%x0)):string;p:dma_map,dma_map_page_attrs,device=+0(+0(%x0)):string"
BOX_QEMU="-global virtio-mmio.force-legacy=false -drive if=none,id=disk1,file=null-co://,format=raw,snapshot=on -device virtio-blk-device,bus=virtio-mmio-bus.27,drive=disk1,iommu_platform=on -netdev user,id=net0,restrict=on,tftp=@BOX@/files -device virtio-net-device,bus=virtio-mmio-bus.26,netdev=net0,iommu_platform=on -drive if=none,id=disk2,file=null-co://,format=raw,snapshot=on -device virtio-blk-pci,addr=1,drive=disk2,iommu_platform=on,disable-legacy=on,vectors=0"
BOX_TIMEOUT=400

ROOT=a003800.virtio_mmio
BESIDE=a003600.virtio_mmio
CARD=a003400.virtio_mmio
FUNCTION=0000:00:01.0

boot_is_right
first_bind $ROOT "protected/skip taken early-skip"
first_bind $CARD "protected/skip taken early-skip"
first_bind $BESIDE "unprotected/keep kept early-keep"
first_bind $FUNCTION "protected/skip taken early-skip"
uses_only dma_map $ROOT
data_of_disk
data_of_card
uses_only dma_map $ROOT
uses_only dma_map $CARD
read_some $BESIDE
check "$BESIDE uses swiotlb-xen" was_seen swiotlb_xen $BESIDE
check "$FUNCTION writes and reads a foreign page" insmod /box/foreign.ko "disk=$(disk_of $FUNCTION)"
uses_only dma_map $FUNCTION
check "the driver came before virtio" comes_first xeniommu virtio_mmio
same "the trace lost" "$(sed -n 's/^overrun: //p' $TRACING/per_cpu/cpu0/stats)" 0

# From here on it is the daemon's word that counts.
ready_daemon
dt_own 0 virtio_mmio@a003800 "protected skip behind-iommu"
dt_own 0 virtio_mmio@a003400 "protected skip behind-iommu"
dt_own 0 virtio_mmio@a003600 "unprotected keep not-behind-iommu"
refuse "the driver takes no early word any more" \
    sh -c 'echo "dt/virtio_mmio@a003600 protected skip" > /sys/kernel/xeniommu/early'
rebind $BESIDE
same "$BESIDE, bound again" "$(decision $BESIDE)" "unprotected/keep kept published-keep"
data_of_disk
same "the kernel's complaints" "$(complaints)" ""
