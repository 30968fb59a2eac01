# SPDX-License-Identifier: MIT
# The initramfs of arm-boot without Xen: as if there were no hooks.
BOX_ARCH=arm64
BOX_XEN=no
BOX_ROOT=disk
BOX_DTB_EDIT=arm-boot-plain
BOX_QEMU="-global virtio-mmio.force-legacy=false -netdev user,id=net0,restrict=on,tftp=@BOX@/files -device virtio-net-device,bus=virtio-mmio-bus.26,netdev=net0,iommu_platform=on"
BOX_TIMEOUT=300

boot_is_right
same "said in the kernel's log" "$(dmesg | grep -c 'xen-iommu')" 0
check "the driver is not there" test ! -e /sys/module/xeniommu
data_of_disk
data_of_card
same "the kernel's complaints" "$(complaints)" ""
