# SPDX-License-Identifier: MIT
# A guest's tree has its device, and is ready, before the guest has run at all: libxl unpauses a domain last.
BOX_TIMEOUT=120

check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
ready_daemon
host 0000:00:04.0 "none quarantined keep assignable"

guest_config g1 'pci = ["00:04.0"]' > /tmp/g1.cfg
check "xl create, paused" xl_create g1 -p
own 1 0000:00:00.0 "protected keep assigned-pv"
want /local/domain/1/iommu/status ready
check "the guest has not run yet" sh -c "xl list g1 | grep -q -- ' --p--- '"
