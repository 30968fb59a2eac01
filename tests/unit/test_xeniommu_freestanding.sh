#!/bin/sh
# SPDX-License-Identifier: MIT
# The driver core in a program without libc, for each compiler at each level of optimisation. What a
# compiler builds for another machine is run by qemu-user.
#   test_xeniommu_freestanding.sh SOURCE_DIR CC...
set -eu
source=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As kernels are built: no floating point, and a frame that is too large for a kernel's stack fails.
flags="-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Wframe-larger-than=512 -Werror
       -ffreestanding -nostdlib -static -fno-pie -fno-stack-protector -mgeneral-regs-only"

for cc in "$@"; do
    machine=$("$cc" -dumpmachine)
    machine=${machine%%-*}
    runner=
    test "$machine" = "$(uname -m)" || runner=qemu-$machine
    for level in 0 1 2 3 s; do
        "$cc" $flags -O$level -I"$source/include" \
            "$source/tests/unit/test_xeniommu_freestanding.c" -o "$work/freestanding"
        status=0
        $runner "$work/freestanding" || status=$?
        test $status -eq 0 || { echo "${cc##*/} -O$level: check $status failed" >&2; exit 1; }
    done
    echo "${cc##*/}, $machine: all checks passed"
done
