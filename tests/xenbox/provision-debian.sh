# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The target debian of provision: a dom0 with Debian's own init systems, to be sourced.

# debian_packages: both init systems, what their scripts call, Xen's programs, and what the project
# links to
debian_packages() {
    echo "systemd udev sysvinit-core sysv-rc initscripts init-system-helpers" \
        "bash dash coreutils util-linux mount procps kmod grep sed gawk findutils lsb-base dpkg" \
        "base-files base-passwd passwd login" \
        "xen-utils-4.17 xen-utils-common xenstore-utils libxenmisc4.17 pci.ids" \
        "libevent-core-2.1-7 libinih1 libjson-c5 libsmartcols1 libpci3 libudev1 libsystemd0 libfdt1"
}

# finish_debian DIR: leaves out what no boot looks at, and does what the packages' own scripts would do
# and the boot needs
finish_debian() {
    local root=$1/root script
    rm -rf "$root"/usr/share/{doc,man,locale,info,perl,zsh,bash-completion,lintian,i18n,zoneinfo,bug} \
        "$root"/usr/lib/{python3,python3.11} "$root"/usr/share/python3 "$root"/usr/bin/python3* \
        "$root"/usr/lib/x86_64-linux-gnu/{perl,gconv} \
        "$root"/usr/lib/xen-4.17/boot "$root"/lib/udev/hwdb.d "$root"/usr/lib/debug
    cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
    cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
    cp "$root/usr/share/sysvinit/inittab" "$root/etc/inittab"
    # base-files' own script.
    rm -rf "$root"/var/{run,lock}
    ln -s /run "$root/var/run"
    ln -s /run/lock "$root/var/lock"
    ln -sf gawk "$root/usr/bin/awk"
    echo xenbox > "$root/etc/hostname"
    : > "$root/etc/fstab"
    : > "$root/etc/machine-id"
    # Guests are the scenarios' to start.
    rm -f "$root/etc/init.d/xendomains"
    for script in 2 3 4 5; do
        ln -s ../init.d/xen "$root/etc/rc$script.d/S02xen"
    done
    ln -s ../init.d/mountkernfs.sh "$root/etc/rcS.d/S01mountkernfs.sh"
    ln -s ../init.d/mountdevsubfs.sh "$root/etc/rcS.d/S02mountdevsubfs.sh"
}
