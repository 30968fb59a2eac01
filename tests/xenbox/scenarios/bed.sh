# SPDX-License-Identifier: MIT
# The box itself, without the daemon: what the other scenarios stand on.
BOX_QEMU="-device pcie-root-port,id=slot1,addr=6,slot=1"

check "Xen answers" xl info
same "kind of dom0" "$(cat /sys/hypervisor/guest_type)" PV
check "the NICs are there" test -e /sys/bus/pci/drivers/e1000e/0000:00:03.0 -a -e /sys/bus/pci/drivers/e1000e/0000:00:04.0

# A guest with a NIC, and commands inside it.
check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
guest_start g1 'pci = ["00:04.0"]'
want /local/domain/0/backend/pci/1/0/dev-0 0000:00:04.0
want /local/domain/0/backend/pci/1/0/state 4
in_guest g1 'echo "a b"; cat /sys/bus/pci/devices/*/device' "a b
0x10d3"
in_guest g1 'xenstore-read domid' 1
guest_refuses g1 'xenstore-write /tool/x y'

# Real DMA. Not yet a verdict on us: the default PV dom0 may read guests and not the hypervisor.
dma "the hypervisor" "$(xen_text)" blocked
dma "the guest g1" "$(guest_text g1)" passes

# Hot-plug.
monitor_quiet device_add e1000e,id=plugged,bus=slot1
check "a plugged device appears" wait_for 20 ls /sys/bus/pci/devices/0000:01:00.0
monitor_quiet device_del plugged
check "and disappears" wait_for 30 test ! -e /sys/bus/pci/devices/0000:01:00.0

check "xl destroy" xl destroy g1
gone /local/domain/1
