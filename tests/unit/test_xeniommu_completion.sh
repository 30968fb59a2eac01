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

offers 'xen-iommu ' 1 'list show status'
offers 'xen-iommu s' 1 'show status'
offers 'xen-iommu list --' 2 '--domain --help --json --version'
offers 'xen-iommu list --j' 2 '--json'
offers 'xen-iommu show ' 2 '0000:00:04.0 /soc/uart@1 /soc/uart@2'
offers 'xen-iommu show 0000:00:0' 6 '04.0'
offers 'xen-iommu show /soc/uart@' 3 '1 2'
offers 'xen-iommu list ' 2 ''
echo 'completion offers what the program has'
