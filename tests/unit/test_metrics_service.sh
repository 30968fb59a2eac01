#!/bin/bash
# SPDX-License-Identifier: MIT
# test_metrics_service.sh UNIT_DIR PROGRAM: systemd reads the service and its timer, and has nothing to say against them;
# the timer is off unless enabled.
set -euo pipefail
built=$1
program=$2

units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
sed -e "s|^ExecStart=[^ ]*/xen-iommu |ExecStart=$program |" -e '/^Documentation=/d' \
    "$built/xen-iommu-metrics.service" > "$units/xen-iommu-metrics.service"
sed '/^Documentation=/d' "$built/xen-iommu-metrics.timer" > "$units/xen-iommu-metrics.timer"

said=$(SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --recursive-errors=no \
    "$units/xen-iommu-metrics.timer" "$units/xen-iommu-metrics.service" 2>&1) || { echo "$said" >&2; exit 1; }
if grep -F xen-iommu-metrics <<< "$said"; then
    exit 1
fi
grep -q '^ExecStart=.* metrics --output .*/xen-iommu\.prom$' "$units/xen-iommu-metrics.service"
if grep -q '^\[Install\]' "$units/xen-iommu-metrics.service"; then
    echo "the service is to be run by its timer only" >&2
    exit 1
fi
# In tenths.
SYSTEMD_UNIT_PATH="$units:" systemd-analyze security --offline=true --threshold=35 \
    "$units/xen-iommu-metrics.service" > "$units/security" || {
    cat "$units/security" >&2
    exit 1
}
