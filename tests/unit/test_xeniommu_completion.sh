#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash offers after "xen-iommu ...".
#   test_xeniommu_completion.sh SOURCE_DIR XEN_IOMMU
set -eu
program=$2
. "$1/client/cli/xen-iommu.bash-completion"

# Only what needs XenStore is answered here; whatever it is asked must be what the program takes.
xen-iommu()
{
    if [[ $1 != list || $2 == --help ]]; then
        "$program" "$@"
        return
    fi
    "$program" "$@" --help >/dev/null || return
    case "$*" in
    *OWNER,DOMAIN) printf '%s\n' '0 Domain-0' '1 web' '1 web' 'none -' '2 my\x20guest' ;;
    *'DEVICE --domain web') echo 0000:00:00.0 ;;
    *DEVICE) printf '%s\n' 0000:00:04.0 0000:00:05.0 0001:00:04.0 /soc/uart@1 /soc/uart@2 ;;
    esac
}

# offers LINE WORD_INDEX EXPECTED
offers()
{
    COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$2
    COMPREPLY=()
    _xen_iommu
    [[ "${COMPREPLY[*]}" == "$3" ]] || { echo "\"$1\": \"${COMPREPLY[*]}\", not \"$3\"" >&2; exit 1; }
}

offers 'xen-iommu ' 1 'list show explain status check watch metrics graph export apply'
offers 'xen-iommu w' 1 'watch'
offers 'xen-iommu watch ' 2 ''
offers 'xen-iommu s' 1 'show status'
offers 'xen-iommu --json s' 2 'show status'
offers 'xen-iommu list --' 2 '--domain --json --columns --sort --state --owner --tree --raw --noheadings --color --help'
offers 'xen-iommu list --j' 2 '--json'
offers 'xen-iommu status --' 2 '--domain --json --help'
offers 'xen-iommu --v' 1 '--version'
offers 'xen-iommu show ' 2 '0000:00:04.0 0000:00:05.0 0001:00:04.0 /soc/uart@1 /soc/uart@2'
offers 'xen-iommu show 0000:00:0' 6 '04.0 05.0'
offers 'xen-iommu show 00:' 3 '04.0 05.0'
offers 'xen-iommu show 00:05' 4 '05.0'
offers 'xen-iommu show --domain web 00:' 5 '00.0'
offers 'xen-iommu show --domain=web ' 5 '0000:00:00.0'
offers 'xen-iommu show --json 00:04' 5 '04.0'
offers 'xen-iommu show /soc/uart@' 3 '1 2'
offers 'xen-iommu explain /soc/uart@' 3 '1 2'
offers 'xen-iommu list ' 2 ''
offers 'xen-iommu list -o ' 3 'DEVICE STATE SWIOTLB OWNER DOMAIN GUEST HOST GROUP REASON LIMITS IOMMU BUS CLASS NAME'
offers 'xen-iommu list -o DEVICE,S' 3 'DEVICE,STATE DEVICE,SWIOTLB'
offers 'xen-iommu list --columns=+IO' 4 '+IOMMU'
offers 'xen-iommu list --sort R' 3 'REASON'
offers 'xen-iommu list --state un' 3 'unprotected unknown'
offers 'xen-iommu list --state=relaxed,p' 4 'relaxed,protected'
offers 'xen-iommu list --owner ' 3 '0 Domain-0 1 web 2 none unknown'
offers 'xen-iommu list --domain w' 3 'web'
offers 'xen-iommu list --color=n' 4 'never'
offers 'xen-iommu graph -T ' 3 'dot svg png'
offers 'xen-iommu graph --type=s' 4 'svg'
offers 'xen-iommu export --format=' 3 'dts dtbo'
offers 'xen-iommu export --format=dtb' 4 'dtbo'
offers 'xen-iommu export --binding ' 3 'iommu-el2-v1 xen-iommu'
offers 'xen-iommu export --binding=x' 4 'xen-iommu'
offers 'xen-iommu apply --n' 2 '--now'
cd "$1/client/cli"
offers 'xen-iommu export --output xen' 3 'xen-iommu.bash-completion'
offers 'xen-iommu export --output=main' 4 'main.c'
echo 'completion offers what the program has'
