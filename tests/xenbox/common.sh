# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What provision, mkroot, prepare and run share: bash, to be sourced.

XENBOX_CACHE=${XENBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xen-iommud-xenbox}

# die MESSAGE...: says why on stderr and ends with status 2 (a problem of the set-up, not a verdict)
die() {
    echo "xenbox: $*" >&2
    exit 2
}

# need_tool COMMAND PACKAGE: ends with the Debian package that brings COMMAND when it is missing
need_tool() {
    command -v "$1" > /dev/null || die "$1 is missing: install Debian's $2"
}

# target_dir TARGET: the provisioned parts of a target: root/ (packages unpacked), xen, vmlinuz, modules/
target_dir() {
    echo "$XENBOX_CACHE/$1"
}

# target_architecture TARGET: the architecture of its packages
target_architecture() {
    case $1 in
    smmu | linux | backports | monitoring) dpkg --print-architecture ;;
    debian) echo amd64 ;;
    initramfs) echo arm64 ;;
    *) echo "$1" ;;
    esac
}

# library_triplet TARGET: the name of the target's library folders
library_triplet() {
    case $1 in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) die "no library folder known for target '$1'" ;;
    esac
}

# kernel_part ARCHITECTURE KERNEL PART: where a kernel of the box has its vmlinuz, modules or headers; KERNEL is
# empty for that of the release, or "backports"
kernel_part() {
    case $2 in
    "") echo "$(target_dir "$1")/$3" ;;
    backports) echo "$(target_dir backports)/$3-$1" ;;
    *) die "unknown kernel '$2' (known: backports)" ;;
    esac
}

# dom0_of DIR KERNEL: dom0's initramfs for that kernel, in a folder that 'prepare' fills
dom0_of() {
    echo "$1/dom0${2:+-$2}.cpio.gz"
}
