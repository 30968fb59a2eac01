#!/bin/sh
# SPDX-License-Identifier: MIT
# The public header, the version map and the built library name the same symbols, and the header
# documents each of them.
#   test_xeniommu_abi.sh SOURCE_DIR LIBRARY CC
set -eu
source=$1 library=$2 cc=$3
header=$source/include/xeniommu.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A function's declaration begins at the line's start, whatever it returns; a typedef, a comment or
# a declaration's second line does not match.
sed -n '/^typedef/d; s/^[a-z].*[ *]\(xeniommu_[a-z0-9_]*\)(.*/\1/p' "$header" |
    sort >"$work/declared"
sed -n 's/^ \* \(xeniommu_[a-z0-9_]*\) - .*/\1/p' "$header" | grep -v '_fn$' |
    sort >"$work/documented"
# "xeniommu_open@@XENIOMMU_1.0", from the map and from the library.
awk '/^XENIOMMU_/ {node = $1} /^ *xeniommu_.*;/ {sub(";", "", $1); print $1 "@@" node}' \
    "$source/client/lib/libxeniommu.map" | sort >"$work/map_versioned"
nm -D --defined-only "$library" | awk '$2 != "A" {print $3}' | sort >"$work/versioned"
sed 's/@.*//' "$work/map_versioned" >"$work/mapped"
sed 's/@.*//' "$work/versioned" >"$work/exported"

test -s "$work/declared"
for list in documented mapped exported; do
    diff -u "$work/declared" "$work/$list" || { echo "declared and $list differ" >&2; exit 1; }
done
diff -u "$work/map_versioned" "$work/versioned" || { echo "versions differ" >&2; exit 1; }
soname=$(objdump -p "$library" | awk '$1 == "SONAME" {print $2}')
test "$soname" = libxeniommu.so.1
# It is for drivers: besides libxenstore and libc (and a sanitizer's own library) it needs nothing.
if objdump -p "$library" | awk '$1 == "NEEDED" {print $2}' |
    grep -vE '^lib(xenstore|c|asan|ubsan|tsan)\.so\.[0-9]+$'; then
    echo "needs more than libxenstore" >&2
    exit 1
fi
# Errors that a function's comment promises are errno's own names.
grep -oE -- '-E[A-Z0-9]+' "$header" | sort -u >"$work/errors"
while read -r error; do
    echo "#include <errno.h>
int unused = $error;" | "$cc" -x c -fsyntax-only - || { echo "$error is no errno" >&2; exit 1; }
done <"$work/errors"
# What programs were compiled with: the structures, and the enumerations' values.
echo '#include <xeniommu.h>
#define AT(type, member, offset) \
    _Static_assert(__builtin_offsetof(type, member) == (offset), #member)
AT(struct xeniommu_info, state, 0);
AT(struct xeniommu_info, skip_swiotlb, 4);
AT(struct xeniommu_info, group, 8);
AT(struct xeniommu_info, reason, 12);
AT(struct xeniommu_info, limits, 76);
AT(struct xeniommu_info, reserved64_, 80);
_Static_assert(sizeof(struct xeniommu_info) == 128, "xeniommu_info");
_Static_assert(sizeof(enum xeniommu_state) == 4 && sizeof(bool) == 1, "as other languages see them");
AT(struct xeniommu_device, bus, 0);
AT(struct xeniommu_device, sbdf, 4);
AT(struct xeniommu_device, path, 8);
_Static_assert(sizeof(struct xeniommu_device) == 8 + sizeof(char *), "xeniommu_device");
_Static_assert(XENIOMMU_UNKNOWN == 0 && XENIOMMU_UNPROTECTED == 1 && XENIOMMU_RELAXED == 2 &&
               XENIOMMU_PROTECTED == 3 && XENIOMMU_QUARANTINED == 4, "states");
_Static_assert(XENIOMMU_BUS_PCI == 0 && XENIOMMU_BUS_DT == 1, "buses");' |
    "$cc" -x c -std=c11 -fsyntax-only -I"$source/include" -
echo "$(wc -l <"$work/declared") symbols: header, comments, map and $soname agree"
