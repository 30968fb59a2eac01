#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash offers after "xen-iommu ...".
#   test_xeniommu_completion.sh SOURCE_DIR XEN_IOMMU
set -eu
program=$2
. "$1/client/cli/xen-iommu.bash-completion"

# Only what needs XenStore is answered here.
xen-iommu()
{
    if [[ $1 == list ]]; then
        printf '{\n  "devices":[\n    {\n      "bus":"pci",\n'
        printf '      "device":"%s",\n      "state":"protected"\n' 0000:00:04.0 /soc/uart@1 /soc/uart@2
    else
        "$program" "$@"
    fi
}

# offers LINE WORD_INDEX EXPECTED
offers()
{
    COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$2
    COMPREPLY=()
    _xen_iommu
    [[ "${COMPREPLY[*]}" == "$3" ]] || { echo "\"$1\": \"${COMPREPLY[*]}\", not \"$3\"" >&2; exit 1; }
}

offers 'xen-iommu ' 1 'list show explain status check watch metrics export apply'
offers 'xen-iommu w' 1 'watch'
offers 'xen-iommu watch ' 2 ''
offers 'xen-iommu s' 1 'show status'
offers 'xen-iommu list --' 2 '--binding --domain --dry-run --format --help --json --now --openmetrics --output --version'
offers 'xen-iommu list --j' 2 '--json'
offers 'xen-iommu show ' 2 '0000:00:04.0 /soc/uart@1 /soc/uart@2'
offers 'xen-iommu show 0000:00:0' 6 '04.0'
offers 'xen-iommu show /soc/uart@' 3 '1 2'
offers 'xen-iommu explain /soc/uart@' 3 '1 2'
offers 'xen-iommu list ' 2 ''
offers 'xen-iommu export --format=' 3 'dts dtbo'
offers 'xen-iommu export --format=dtb' 4 'dtbo'
offers 'xen-iommu export --binding ' 3 'iommu-el2-v1 xen-iommu'
offers 'xen-iommu export --binding=x' 4 'xen-iommu'
offers 'xen-iommu export --domain ' 3 ''
offers 'xen-iommu apply --n' 2 '--now'
cd "$1/client/cli"
offers 'xen-iommu export --output xen' 3 'xen-iommu.bash-completion'
offers 'xen-iommu export --output=main' 4 'main.c'
echo 'completion offers what the program has'
