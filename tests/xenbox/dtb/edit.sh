# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts in this folder use: each changes the machine's device tree before a boot. They run on
# the host with two arguments: the tree, and a folder whose files dom0 finds in /box/files.
TREE=$1
# shellcheck disable=SC2034 # the scripts use it
FILES=$2

# put NODE PROPERTY STRING...: sets a property of strings
put() {
    fdtput -t s "$TREE" "$@"
}

# put_cells NODE PROPERTY HEX...: sets a property of 32-bit cells
put_cells() {
    fdtput -t x "$TREE" "$@"
}

# put_flag NODE PROPERTY: sets a property without a value
put_flag() {
    fdtput "$TREE" "$1" "$2" -t x
}

# add_unit NODE COMPATIBLE CELLS PHANDLE: a node that can be named in 'iommus'
add_unit() {
    fdtput -c "$TREE" "$1"
    put "$1" compatible "$2"
    put_cells "$1" '#iommu-cells' "$3"
    put_cells "$1" phandle "$4"
}

# phandle_of NODE: prints a node's phandle, in hex
phandle_of() {
    fdtget -t x "$TREE" "$1" phandle
}
