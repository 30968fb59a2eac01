#!/bin/zsh -f
# SPDX-License-Identifier: MIT
# What zsh offers after "xen-iommu ...", as a person types it at a terminal.
#   test_xeniommu_completion.zsh SOURCE_DIR XEN_IOMMU
setopt err_exit
zmodload zsh/zpty
source_dir=$1 program=$2

# The shell that is typed into: what compadd is given is printed, and put into no line.
typed_into=$(cat <<'END'
PROMPT= RPROMPT= PS2=
fpath=($completions $fpath)
autoload -Uz compinit
compinit -D -u
# Only what needs XenStore is answered here.
xen-iommu()
{
    if [[ $1 != list || $2 == --help ]]; then
        $program "$@"
        return
    fi
    $program "$@" --help >/dev/null || return
    case "$*" in
    *OWNER,DOMAIN) print -l '0 Domain-0' '1 web' '1 web' 'none -' '2 my\\x20guest' ;;
    *'DEVICE --domain web') print 0000:00:00.0 ;;
    *DEVICE) print -l 0000:00:04.0 0000:00:05.0 0001:00:04.0 /soc/uart@1 /soc/uart@2 ;;
    esac
}
compadd()
{
    typeset -a hits
    builtin compadd -A hits "$@"
    offered+=($hits)
}
offer()
{
    offered=()
    _main_complete
    print -r -- "<<${(j: :)offered}>>"
    compstate[insert]= compstate[list]=
}
zle -C offer complete-word offer
bindkey '^I' offer
print READY
END
)

# until PATTERN: reads what the shell says up to there, into REPLY
until_says()
{
    local said= part
    while [[ $said != *${~1}* ]]; do
        zpty -r shell part || { print -u2 "the shell ended: $said"; exit 1; }
        said+=$part
    done
    REPLY=$said
}

# offers LINE EXPECTED
offers()
{
    zpty -n -w shell $1$'\t'
    until_says '<<*>>'
    local offered=${${REPLY##*<<}%%>>*}
    zpty -n -w shell $'\x15' # forget the line
    [[ $offered == $2 ]] || { print -u2 "\"$1\": \"$offered\", not \"$2\""; exit 1; }
}

zpty shell TERM=dumb COLUMNS=2000 zsh -f -i
zpty -w shell "stty -echo; program=${(q)program} completions=${(q)source_dir}/client/cli"
zpty -w shell "$typed_into"
until_says 'READY*'

offers 'xen-iommu ' 'list show explain status check watch metrics graph export apply'
offers 'xen-iommu s' 'show status'
offers 'xen-iommu --json s' 'show status'
offers 'xen-iommu list --' '--domain --json --columns --sort --state --owner --tree --raw --noheadings --color --help'
offers 'xen-iommu status --' '--domain --json --help'
offers 'xen-iommu show ' '0000:00:04.0 0000:00:05.0 0001:00:04.0 /soc/uart@1 /soc/uart@2'
offers 'xen-iommu show 0000:00:0' '0000:00:04.0 0000:00:05.0'
offers 'xen-iommu show 00:' '00:04.0 00:05.0'
offers 'xen-iommu show --domain web 00:' '00:00.0'
offers 'xen-iommu show --domain=web ' '0000:00:00.0'
offers 'xen-iommu explain /soc/uart@' '/soc/uart@1 /soc/uart@2'
offers 'xen-iommu list ' ''
offers 'xen-iommu list -o DEVICE,S' 'STATE SWIOTLB'
offers 'xen-iommu list --columns=+IO' 'IOMMU'
offers 'xen-iommu list --sort R' 'REASON'
offers 'xen-iommu list --state un' 'unprotected unknown'
offers 'xen-iommu list --state=relaxed,p' 'protected'
offers 'xen-iommu list --owner ' '0 Domain-0 1 web 2 none unknown'
offers 'xen-iommu list --domain w' 'web'
offers 'xen-iommu list --color=n' 'never'
offers 'xen-iommu graph -T ' 'dot svg png'
offers 'xen-iommu graph --type=s' 'svg'
offers 'xen-iommu export --binding=x' 'xen-iommu'
offers 'xen-iommu apply --n' '--now'
zpty -d shell
print 'completion offers what the program has'
