# SPDX-License-Identifier: MIT
# Guests that end by themselves. The hypervisor takes the device back first, and for 10 s XenStore does
# not say so: in that time nothing may be claimed.
BOX_TIMEOUT=400

ready_daemon
check "xl pci-assignable-add" xl pci-assignable-add 00:04.0

# A guest that switches itself off.
guest_start g1 'pci = ["00:04.0"]'
host 0000:00:04.0 "1 protected keep assigned-pv"
guest_send g1 'poweroff -f'
host 0000:00:04.0 "* unknown keep *"
host 0000:00:04.0 "none quarantined keep assignable" 40
gone /local/domain/1 40

# A reboot: the same guest, the next domain.
guest_start g2 'pci = ["00:04.0"]'
host 0000:00:04.0 "2 protected keep assigned-pv"
guest_send g2 'reboot -f'
host 0000:00:04.0 "* unknown keep *"
guest_up g2 2
host 0000:00:04.0 "3 protected keep assigned-pv"
own 3 0000:00:00.0 "protected keep assigned-pv"
in_guest g2 'xenstore-read iommu/pci/0000-00-00-0/state' protected
check "nothing of domain 2 is left" absent /local/domain/2

# A crash, which leaves a stale backend directory behind for ever.
guest_send g2 'echo c > /proc/sysrq-trigger'
host 0000:00:04.0 "* unknown keep *"
host 0000:00:04.0 "none quarantined keep assignable" 40
gone /local/domain/3 40
check "there is a stale backend directory" xenstore-exists /local/domain/0/backend/pci/3/0/dev-0

# A guest that crashed and is kept, for a dump.
guest_start g4 'pci = ["00:04.0"]' 'on_crash = "preserve"'
host 0000:00:04.0 "4 protected keep assigned-pv"
guest_send g4 'echo c > /proc/sysrq-trigger'
host 0000:00:04.0 "* unknown keep *"
check "xl destroy of a crashed guest" xl destroy g4
host 0000:00:04.0 "none quarantined keep assignable"
gone /local/domain/4
check "nothing of domain 1 came back" absent /local/domain/1
check "nothing of domain 3 came back" absent /local/domain/3
