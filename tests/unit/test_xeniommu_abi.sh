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

# A function's declaration begins at the line's start; a typedef or a comment does not match.
sed -n 's/^\(int\|void\) \(xeniommu_[a-z_]*\)(.*/\2/p' "$header" | sort >"$work/declared"
sed -n 's/^ \* \(xeniommu_[a-z_]*\) - .*/\1/p' "$header" | grep -v '_fn$' | sort >"$work/documented"
sed -n 's/^ *\(xeniommu_[a-z_]*\);/\1/p' "$source/client/lib/libxeniommu.map" | sort >"$work/mapped"
nm -D --defined-only "$library" | awk '$2 != "A" {print $3}' | sort >"$work/versioned"
sed 's/@.*//' "$work/versioned" >"$work/exported"

test -s "$work/declared"
for list in documented mapped exported; do
    diff -u "$work/declared" "$work/$list" || { echo "declared and $list differ" >&2; exit 1; }
done
if grep -v '@@XENIOMMU_[0-9.]*$' "$work/versioned"; then
    echo "exported without a version" >&2
    exit 1
fi
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
echo "$(wc -l <"$work/declared") symbols: header, comments, map and $soname agree"
