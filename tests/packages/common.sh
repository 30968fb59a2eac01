# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of the packages share, to be sourced.
set -euo pipefail
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
TOP=$(readlink -f "$HERE/../..")
# The cache is the boots' as well: XENBOX_CACHE, die, need_tool.
# shellcheck source=tests/xenbox/common.sh
. "$HERE/../xenbox/common.sh"
export DEBIAN_FRONTEND=noninteractive
FAILED=

ok() {
    echo "ok   $*"
}

fail() {
    echo "FAIL $*" >&2
    FAILED=yes
}

# check TEXT COMMAND...: a check that the command succeeds
check() {
    local text=$1 output
    shift
    if output=$("$@" 2>&1); then
        ok "$text"
    else
        fail "$text: '$*' gave $? $output"
    fi
}

# same TEXT GOT WANTED
same() {
    if [[ $2 = "$3" ]]; then
        ok "$1"
    else
        fail "$1: got '$2', wanted '$3'"
    fi
}

verdict() {
    [[ -z $FAILED ]]
}

# copy_tree DIR: the project's own files, as they are now; without git all that no build has made
copy_tree() {
    mkdir -p "$1"
    {
        if git -C "$TOP" -c safe.directory='*' rev-parse --git-dir > /dev/null 2>&1; then
            git -C "$TOP" -c safe.directory='*' ls-files -z -co --exclude-standard
        else
            (cd "$TOP" && find . -mindepth 1 -path './build*' -prune -o -name __pycache__ -prune -o -type f -print0)
        fi
    } | tar -C "$TOP" --null -T - --ignore-failed-read -c 2> /dev/null | tar -C "$1" -x
}

# project_version: that of CMakeLists.txt
project_version() {
    sed -n 's/^project(xen-iommud VERSION \([0-9.]*\).*/\1/p' "$TOP/CMakeLists.txt"
}

# sources: Debian 12's lines for apt, with the mirrors that this machine's apt has
sources() {
    apt-get indextargets --format '$(SITE) $(RELEASE)' |
        awk '$2 ~ /^bookworm(-updates|-security)?$/ && !seen[$0]++ { print "deb", $1, $2, "main" }'
}

# need_root: chroot() is for root only
need_root() {
    [[ $(id -u) = 0 ]] || die "${0##*/} makes a Debian in a folder and needs root for it"
    need_tool mmdebstrap mmdebstrap
}

# make_root NAME ARCHITECTURE HOOK PACKAGE...: leaves in ROOT_TAR a Debian 12 with these packages and what they
# depend on, and nothing else; HOOK is run in it at its end, while apt's lists are there. From the cache if it
# is the same as before.
make_root() {
    local name=$1 architecture=$2 hook=$3 stamp sources proxy options=()
    shift 3
    ROOT_TAR=$XENBOX_CACHE/packages/$name.tar
    stamp="$architecture $hook $*"
    mkdir -p "$XENBOX_CACHE/packages"
    exec {root_lock}> "$XENBOX_CACHE/packages/$name.lock"
    flock "$root_lock"
    if [[ -e $ROOT_TAR && $(cat "$ROOT_TAR.stamp" 2> /dev/null) = "$stamp" ]]; then
        return 0
    fi
    echo "packages: making a Debian for '$name' in $XENBOX_CACHE/packages"
    mapfile -t sources < <(sources)
    [[ ${#sources[@]} -gt 0 ]] || die "this machine's apt sources do not name bookworm: Debian 12 is needed"
    proxy=$(apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https | grep -i proxy || true)
    [[ -z $proxy ]] || options+=(--aptopt="$proxy")
    mmdebstrap --quiet --mode=root --variant=minbase --architectures="$architecture" --include="$*" \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' "${options[@]}" \
        --customize-hook="chroot \"\$1\" sh -c '${hook:-:}'" \
        --customize-hook='rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"' \
        bookworm "$ROOT_TAR.new.tar" "${sources[@]}" ||
        die "mmdebstrap failed"
    mv "$ROOT_TAR.new.tar" "$ROOT_TAR"
    echo "$stamp" > "$ROOT_TAR.stamp"
}

# own_mounts SCRIPT ARGUMENT...: has the script start again, with mounts that nobody else sees and that go with it
own_mounts() {
    [[ -n ${XI_OWN_MOUNTS:-} ]] || XI_OWN_MOUNTS=yes exec unshare --mount "$@"
}

# unpack_root DIR: what make_root made, with /proc
unpack_root() {
    mkdir -p "$1"
    tar -C "$1" -xf "$ROOT_TAR"
    mount -t proc proc "$1/proc"
}

# leave DIR: the end of unpack_root
leave() {
    ! mountpoint -q "$1/proc" || umount "$1/proc"
}

# enter DIR COMMAND...: runs it in the Debian there
enter() {
    local dir=$1
    shift
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$dir" "$@" < /dev/null
}
