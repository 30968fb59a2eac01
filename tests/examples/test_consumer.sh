#!/bin/sh
# SPDX-License-Identifier: MIT
# What is installed is enough for an outside project: with find_package() and with pkg-config, in C
# and in C++, the examples included.
#   test_consumer.sh SOURCE_DIR BUILD_DIR CMAKE CC CXX PACKAGE_VERSION [FLAG]
# FLAG: what the library itself was built with, and its users have to be.
set -eu
source=$1 build=$2 cmake=$3 cc=$4 cxx=$5 version=$6 flag=${7-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
# No XenStore, whatever this machine has.
export XENSTORED_PATH="$work/none"

"$cmake" --install "$build" --prefix "$prefix" >/dev/null
library=$(dirname "$(find "$prefix" -name libxeniommu.so)")
export LD_LIBRARY_PATH="$library"

runs()
{
    printed=$("$1")
    test "$printed" = 'xeniommu_open: ENOTCONN' || { echo "$2: \"$printed\"" >&2; exit 1; }
    echo "$2: $printed"
}

configure()
{
    "$cmake" -S "$source/tests/examples/consumer" -B "$work/$1" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$flag" -DWANTED_VERSION="$1" >"$work/log" 2>&1
}

configure "$version" || { cat "$work/log" >&2; exit 1; }
"$cmake" --build "$work/$version" >/dev/null
runs "$work/$version/consumer" find_package
if configure 99.0; then
    echo "version 99.0 was found" >&2
    exit 1
fi

# The .pc file names the prefix that was configured; this installation is elsewhere.
package="pkg-config --define-variable=prefix=$prefix"
export PKG_CONFIG_PATH="$library/pkgconfig"
test "$($package --modversion xeniommu)" = "$version"
flags=$($package --cflags --libs xeniommu)
for compiler in "$cc" "$cxx"; do
    "$compiler" $flag -x "$(test "$compiler" = "$cc" && echo c || echo c++)" \
        "$source/tests/examples/consumer/main.c" -x none -o "$work/consumer" $flags
    runs "$work/consumer" "pkg-config, ${compiler##*/}"
done

# As their first lines say.
examples=$(dirname "$(find "$prefix" -name one_read.c)")
for example in one_read poll; do
    "$cc" $flag "$examples/$example.c" -o "$work/$example" $flags
done
flags=$($package --cflags --libs xeniommu libevent_core)
"$cc" $flag "$examples/libevent.c" -o "$work/libevent" $flags
flags=$($package --cflags xeniommu)
"$cc" $flag "$examples/minios/nic.c" "$examples/minios/host.c" -o "$work/minios" $flags
"$work/minios" >/dev/null
for example in 'one_read 20' poll libevent; do
    status=0
    printed=$("$work/"$example 2>&1 </dev/null) || status=$?
    case $status:$printed in
    "1:no XenStore"*) ;;
    *) echo "$example: $status: $printed" >&2; exit 1 ;;
    esac
done
echo "the installed examples build and run"
