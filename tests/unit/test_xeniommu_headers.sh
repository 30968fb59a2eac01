#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, in every language it promises.
#   test_xeniommu_headers.sh SOURCE_DIR CC CXX
set -eu
source=$1 cc=$2 cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wundef -Wconversion -Werror"

for header in "$source"/include/*.h; do
    name=${header##*/}
    # Twice: the guard must work. And a declaration, since an empty unit is pedantically wrong.
    printf '#include <%s>\n#include <%s>\nextern int unused;\n' "$name" "$name" >"$work/alone.c"
    for standard in c99 c11; do
        "$cc" -std=$standard $warnings -Wstrict-prototypes -Wmissing-prototypes \
            -I"$source/include" -c "$work/alone.c" -o "$work/alone.o"
    done
    "$cxx" -std=c++17 $warnings -Wold-style-cast -x c++ -I"$source/include" -c "$work/alone.c" \
        -o "$work/alone.o"
    echo "$name: C99, C11, C++17"
done
