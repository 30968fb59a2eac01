# SPDX-License-Identifier: MIT
# Devices that come and go, in dom0 and while a guest has them.
BOX_QEMU="-device pcie-root-port,id=slot1,addr=6,slot=1"

NIC=0000:01:00.0
ready_daemon
all_dom0 "relaxed keep dom0-relaxed"

monitor_quiet device_add e1000e,id=plugged,bus=slot1
dom0_has $NIC "relaxed keep dom0-relaxed"
monitor_quiet device_del plugged
gone "$HOST/pci/$(node $NIC)" 40
not_own 0 $NIC

# Unplugged while a guest has it: neither XenStore nor the hypervisor says so, only the kernel does.
monitor_quiet device_add e1000e,id=again,bus=slot1
dom0_has $NIC "relaxed keep dom0-relaxed"
check "xl pci-assignable-add" xl pci-assignable-add 01:00.0
guest_start g1 'pci = ["01:00.0"]'
host $NIC "1 protected keep assigned-pv"
own 1 0000:00:00.0 "protected keep assigned-pv"
monitor_quiet device_del again
gone "$HOST/pci/$(node $NIC)" 40
not_own 1 0000:00:00.0
want /local/domain/1/iommu/status ready
check "the daemon lives" daemon_runs
