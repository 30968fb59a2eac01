# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The target 'smmu' of provision, which sources this: Debian 12's QEMU emulates no second-stage SMMUv3,
# the one in its backports does; Debian's Xen has its SMMUv3 driver switched off, so it is built from
# Debian's source with the driver on. The rest of the machine is the target arm64.

SMMU_OPTIONS=(CONFIG_UNSUPPORTED=y CONFIG_EXPERT=y CONFIG_ARM_SMMU_V3=y)

# wrap_qemu DIR: DIR/qemu-system-aarch64 starts the unpacked QEMU with the libraries that came with it
wrap_qemu() {
    local dir=$1 triplet loader
    triplet=$(library_triplet "$(target_architecture smmu)")
    loader=$(cd "$dir/root" && find . -path './lib*/ld-linux-*.so.*' | head -n 1)
    [[ -n $loader ]] || die "no dynamic linker among QEMU's packages"
    cat > "$dir/qemu-system-aarch64" << WRAPPER
#!/bin/sh
# Made by provision.
root=\$(dirname "\$(readlink -f "\$0")")/root
exec "\$root/$loader" --library-path "\$root/lib/$triplet:\$root/usr/lib/$triplet" \\
    "\$root/usr/bin/qemu-system-aarch64" -L "\$root/usr/share/qemu" "\$@"
WRAPPER
    chmod 755 "$dir/qemu-system-aarch64"
}

# build_xen WORK: builds the hypervisor in WORK/source/xen
build_xen() {
    local work=$1 make
    make=(make -C "$work/source/xen" XEN_TARGET_ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
    (cd "$work" && apt_get -o APT::Default-Release=bookworm source --download-only xen && dpkg-source -x xen_*.dsc source) > "$work/source.log" 2>&1 ||
        die "apt could not fetch the source of xen: $(tail -n 3 "$work/source.log")"
    {
        "${make[@]}" arm64_defconfig &&
            printf '%s\n' "${SMMU_OPTIONS[@]}" >> "$work/source/xen/.config" &&
            "${make[@]}" olddefconfig && "${make[@]}" -j "$(nproc)"
    } > "$work/build.log" 2>&1 || die "Xen does not build: $(tail -n 20 "$work/build.log")"
    grep -q '^CONFIG_ARM_SMMU_V3=y' "$work/source/xen/.config" || die "this Xen has no SMMUv3 driver"
}

# finish_smmu DIR WORK: QEMU's starter, and the hypervisor as DIR/xen
finish_smmu() {
    local dir=$1 work=$2
    need_tool aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    need_tool dpkg-source dpkg-dev
    need_tool flex flex
    need_tool bison bison
    need_tool make make
    need_tool python3 python3
    wrap_qemu "$dir"
    build_xen "$work"
    cp "$work/source/xen/xen" "$dir/xen"
}
