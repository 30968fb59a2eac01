# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# What scenarios on Arm use besides lib.sh, which is sourced before.

# dt_host PATH "OWNER STATE SWIOTLB REASON" [SECONDS]: a check of the host tree; PATH without the first /
# and as encoded for XenStore
dt_host() {
    want_record "${3:-$WAIT}" "$2" "$HOST/dt/$1" owner state swiotlb reason
}

# dt_own DOMID PATH "STATE SWIOTLB REASON" [SECONDS]: a check of a domain's own tree
dt_own() {
    want_record "${4:-$WAIT}" "$3" "/local/domain/$1/iommu/dt/$2" state swiotlb reason
}

# dt_dom0 PATH "STATE SWIOTLB REASON": a check of what is said, in both trees, of a device of dom0
dt_dom0() {
    dt_own 0 "$1" "$2"
    dt_host "$1" "0 $2"
}

# dt_has_fact PATH WORD: a check of the host tree's facts
dt_has_fact() {
    case " $(value "$HOST/dt/$1/facts") " in
    *" $2 "*) ok "$1: facts name $2" ;;
    *) fail "$1: facts '$(value "$HOST/dt/$1/facts")' do not name $2" ;;
    esac
}

# dt_explained PATH TEXT...: a check that 'xen-iommu explain' says all of this about a device
dt_explained() {
    explained_path=$1
    shift
    xen-iommu explain "/$explained_path" > /tmp/explain 2>&1
    for explained_text; do
        if tr '\n' ' ' < /tmp/explain | tr -s ' ' | grep -qF -- "$explained_text"; then
            ok "explain /$explained_path says '$explained_text'"
        else
            fail "explain /$explained_path does not say '$explained_text': $(tr '\n' '|' < /tmp/explain)"
        fi
    done
}

# is_bound PATH: the platform device of a node has a driver
is_bound() {
    for bound_device in /sys/bus/platform/devices/*; do
        [ "$(readlink "$bound_device/of_node")" ] || continue
        case $(readlink "$bound_device/of_node") in
        */base/"$1") [ -e "$bound_device/driver" ] && return 0 ;;
        esac
    done
    return 1
}

# xen_lines: prints how many lines Xen's console ring holds
xen_lines() {
    xl dmesg | wc -l
}
