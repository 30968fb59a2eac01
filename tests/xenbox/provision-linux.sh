# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What provision, which sources this, has for the Linux driver. The targets amd64 and arm64 bring the
# headers of the kernel that the box boots. The target 'linux' brings those of the newer kernel in
# backports, and what the driver is checked with: sparse, dkms, and the kernel's checkpatch. The target
# 'backports' brings that kernel itself, with headers of the same version.

# linux_packages: prints the target's bare packages
linux_packages() {
    echo "sparse dkms linux-source-6.1" \
        "linux-headers-amd64>linux-headers- linux-headers-arm64:arm64>linux-headers-" \
        "linux-headers-amd64>linux-headers->linux-headers- linux-headers-amd64>linux-headers->linux-kbuild-"
}

# link_headers DIR ARCHITECTURE NAME: DIR/NAME, an unpacked kernel's headers, made to work where they lie
link_headers() {
    local dir=$1 architecture=$2 name=$3 headers
    headers=("$dir"/root/usr/src/linux-headers-*-"$architecture")
    [[ -e ${headers[0]}/Makefile ]] || die "no kernel headers for $architecture among the packages"
    # They name their common part by where Debian installs it.
    sed -i 's|^include /usr/src/|include ../|' "${headers[0]}/Makefile"
    ln -s "root/usr/src/${headers[0]##*/}" "$dir/$name"
}

# finish_linux DIR: the headers, and of the kernel's source only checkpatch with its word lists
finish_linux() {
    local dir=$1 source=root/usr/src/linux-source-6.1.tar.xz
    link_headers "$dir" amd64 headers-amd64
    link_headers "$dir" arm64 headers-arm64
    tar -C "$dir" -xJf "$dir/$source" --strip-components=1 \
        linux-source-6.1/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
    rm "$dir/$source"
}

# backports_packages: prints the target's bare packages
backports_packages() {
    echo "linux-image-amd64>linux-image- linux-image-arm64:arm64>linux-image-" \
        "linux-headers-amd64>linux-headers- linux-headers-arm64:arm64>linux-headers-" \
        "linux-headers-amd64>linux-headers->linux-headers- linux-headers-amd64>linux-headers->linux-kbuild-"
}

# finish_backports DIR: for each architecture a folder with what finish_amd64 and finish_arm64 leave, but for Xen
finish_backports() {
    local dir=$1 architecture kernels modules
    for architecture in amd64 arm64; do
        kernels=("$dir"/root/boot/vmlinuz-*-"$architecture")
        modules=("$dir"/root/lib/modules/*-"$architecture")
        ln -s "root/boot/${kernels[0]##*/}" "$dir/vmlinuz-$architecture"
        ln -s "root/lib/modules/${modules[0]##*/}" "$dir/modules-$architecture"
        link_headers "$dir" "$architecture" "headers-$architecture"
    done
}
