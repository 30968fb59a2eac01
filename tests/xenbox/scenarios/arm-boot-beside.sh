# SPDX-License-Identifier: MIT
# The disk of arm-boot, with the same initramfs, where Xen has no IOMMU: it keeps swiotlb-xen, and works.
BOX_ARCH=arm64
BOX_ROOT=disk
BOX_DTB_EDIT=arm-boot-plain
BOX_DOM0_ARGS="trace_event=module:module_load trace_buf_size=16M kprobe_event=p:swiotlb_xen,xen_swiotlb_map_page,device=+0(+0(%x0)):string"
BOX_QEMU="-global virtio-mmio.force-legacy=false -netdev user,id=net0,restrict=on,tftp=@BOX@/files -device virtio-net-device,bus=virtio-mmio-bus.26,netdev=net0,iommu_platform=on"
BOX_TIMEOUT=400

boots_as_before a003800.virtio_mmio
