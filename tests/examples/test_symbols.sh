#!/bin/sh
# SPDX-License-Identifier: MIT
# An object wants exactly these symbols.
#   test_symbols.sh OBJECT SYMBOL...
set -eu
object=$1
shift
wanted=$(nm -u "$object" | awk '{print $NF}' | sort | xargs)
test "$wanted" = "$*" || { echo "$object wants $wanted, not $*" >&2; exit 1; }
