# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The target initramfs of provision, to be sourced: an arm64 Debian in which initramfs-tools and dracut make
# their images, as they do on a dom0 with a disk.

# initramfs_packages: both makers, what their scripts call, and what the project links to
initramfs_packages() {
    echo "initramfs-tools dracut-core busybox udev kmod e2fsprogs zstd xz-utils" \
        "bash dash coreutils util-linux mount gzip grep sed gawk findutils debianutils diffutils tar dpkg" \
        "libc-bin ncurses-bin base-files base-passwd" \
        "libxenmisc4.17 libxenstore4 libevent-core-2.1-7 libinih1 libjson-c5 libsystemd0 libudev1 libfdt1"
}

# finish_initramfs DIR: leaves out what no image takes, and does what the packages' own scripts would do
finish_initramfs() {
    local root=$1/root
    rm -rf "$root"/usr/share/{doc,man,locale,info,zsh,bash-completion,lintian,zoneinfo,bug,common-licenses} \
        "$root"/usr/lib/aarch64-linux-gnu/{gconv,perl*} "$root"/lib/udev/hwdb.d "$root"/usr/{lib,share}/perl*
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    cp -n "$root/usr/share/initramfs-tools/modules" "$root/etc/initramfs-tools/"
    ln -sf gawk "$root/usr/bin/awk"
    : > "$root/etc/fstab"
    mkdir -p "$root"/{proc,sys,dev,tmp,run,boot,var/tmp,etc/initramfs-tools/scripts} "$root"/etc/{modprobe.d,udev/rules.d}
}
