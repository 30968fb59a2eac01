# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # run uses what is set here, and sets what is not
# What is different in run, which sources this, for BOX_ARCH=arm64. The machine: 32 virtio-mmio slots
# (0xa000000 and every 0x200 from there), of which the first carries the line to dom0 and the last two,
# virtio_mmio@a003c00 and virtio_mmio@a003e00, a random number generator each; an SMMUv3 on request.

# Where QEMU puts dom0's kernel and its initramfs; Xen gets to know by the device tree.
ARM64_KERNEL=0x50000000
ARM64_INITRD=0x58000000

# machine_arguments_arm64: sets QEMU_BINARY, XEN_IMAGE, and MACHINE, the arguments that make the machine
machine_arguments_arm64() {
    local machine=virt,virtualization=on,gic-version=3 more smmu
    QEMU_BINARY=qemu-system-aarch64
    XEN_IMAGE=$(target_dir arm64)/xen
    MACHINE=(-cpu cortex-a57 -smp 1 -m 2048)
    case ${BOX_IOMMU:-none} in
    none) ;;
    smmu)
        smmu=$(target_dir smmu)
        [[ -e $smmu/stamp ]] || die "smmu is not provisioned: run $HERE/provision smmu"
        QEMU_BINARY=$smmu/qemu-system-aarch64
        XEN_IMAGE=$smmu/xen
        machine+=,iommu=smmuv3
        MACHINE+=(-global arm-smmuv3.stage=2)
        ;;
    *) die "$SCENARIO: BOX_IOMMU=$BOX_IOMMU is not one of smmu, none" ;;
    esac
    need_tool "$QEMU_BINARY" qemu-system-arm
    read -ra more <<< "${BOX_QEMU//@BOX@/$BOOT/add/box}"
    # shellcheck disable=SC2054 # the commas are QEMU's
    MACHINE+=(-device virtio-serial-device,bus=virtio-mmio-bus.0
        -object rng-builtin,id=rng0 -device virtio-rng-device,rng=rng0,bus=virtio-mmio-bus.30
        -object rng-builtin,id=rng1 -device virtio-rng-device,rng=rng1,bus=virtio-mmio-bus.31
        "${more[@]}")
    MACHINE=(-machine "$machine" "${MACHINE[@]}")
}

# make_tree_arm64: BOOT/tree.dtb, as QEMU makes it and the scenario's BOX_DTB_EDIT changes it
make_tree_arm64() {
    local edit=$HERE/dtb/$BOX_DTB_EDIT
    "$QEMU_BINARY" "${MACHINE[@]}" -display none -nodefaults -machine "dumpdtb=$BOOT/tree.dtb" \
        > "$BOOT/dumpdtb.log" 2>&1 || die "QEMU gives no device tree: $(< "$BOOT/dumpdtb.log")"
    mkdir -p "$BOOT/add/box/files"
    if [[ -n $BOX_DTB_EDIT ]]; then
        [[ -f $edit ]] || die "$SCENARIO: no $edit"
        # shellcheck disable=SC2016 # for the inner shell to expand
        bash -eu -c 'edit=$1; shift; . "$0/edit.sh"; . "$edit"' \
            "$HERE/dtb" "$edit" "$BOOT/tree.dtb" "$BOOT/add/box/files" || die "$edit failed"
    fi
}

# add_module_node NUMBER KIND ADDRESS FILE: what Xen has to know of a boot module
add_module_node() {
    local tree=$BOOT/tree.dtb node=/chosen/module@$1
    fdtput -c "$tree" "$node"
    fdtput -t s "$tree" "$node" compatible "multiboot,$2" multiboot,module
    fdtput -t x "$tree" "$node" reg 0 "$3" 0 "$(printf %x "$(stat -L -c %s "$4")")"
}

# make_root_disk: BOOT/root.img, a file system with what would be in the initramfs, and as BOOT/initrd the
# initramfs that mounts it
make_root_disk() {
    local initramfs=$DIR/initramfs${BOX_INITRAMFS:+-$BOX_INITRAMFS}.img
    [[ -e $initramfs ]] || die "no $initramfs: run $HERE/prepare-initramfs first"
    need_tool mke2fs e2fsprogs
    mkdir "$BOOT/root"
    (cd "$BOOT/root" && gunzip -c "$DIR/dom0.cpio.gz" | cpio --extract --make-directories --quiet)
    cp -a "$BOOT/add/box/." "$BOOT/root/box/"
    truncate -s 384M "$BOOT/root.img"
    mke2fs -q -t ext4 -L xenbox-root -d "$BOOT/root" -E root_owner=0:0 "$BOOT/root.img"
    rm -rf "$BOOT/root"
    cp "$initramfs" "$BOOT/initrd"
}

# boot_arguments_arm64: sets BOOT_ARGUMENTS, the arguments for QEMU that boot Xen and dom0
boot_arguments_arm64() {
    local tree=$BOOT/tree.dtb kernel xen="console=dtuart dtuart=/pl011@9000000 loglvl=all guest_loglvl=all"
    kernel=$(kernel_part arm64 "$BOX_KERNEL" vmlinuz)
    local dom0="quiet $BOX_DOM0_ARGS"
    xen+=" conring_size=512k dom0_mem=640M dom0_max_vcpus=1 iommu=on $BOX_XEN_ARGS"
    BOOT_ARGUMENTS=(-serial chardev:console -device "virtserialport,chardev=dom0,name=box")
    if [[ -n $BOX_ROOT ]]; then
        dom0+=" root=LABEL=xenbox-root rw init=/init"
        BOOT_ARGUMENTS+=(-drive "if=none,id=root,file=$BOOT/root.img,format=raw"
            -device virtio-blk-device,bus=virtio-mmio-bus.28,drive=root,iommu_platform=on)
    fi
    if [[ $BOX_XEN = no ]]; then
        # With the machine's own tree: QEMU boots no Linux with one that it has dumped.
        BOOT_ARGUMENTS+=(-kernel "$kernel" -initrd "$BOOT/initrd" -append "console=ttyAMA0 $dom0")
        return
    fi
    fdtput -t s "$tree" /chosen xen,xen-bootargs "$xen"
    fdtput -t s "$tree" /chosen xen,dom0-bootargs "console=hvc0 $dom0"
    fdtput -t x "$tree" /chosen '#address-cells' 2
    fdtput -t x "$tree" /chosen '#size-cells' 2
    add_module_node 0 kernel "$ARM64_KERNEL" "$kernel"
    add_module_node 1 ramdisk "$ARM64_INITRD" "$BOOT/initrd"
    BOOT_ARGUMENTS+=(-dtb "$tree" -kernel "$XEN_IMAGE"
        -device "loader,file=$kernel,addr=$ARM64_KERNEL,force-raw=on"
        -device "loader,file=$BOOT/initrd,addr=$ARM64_INITRD,force-raw=on")
}
