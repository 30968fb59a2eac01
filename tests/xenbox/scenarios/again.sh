# SPDX-License-Identifier: MIT
# An assignable device that goes and comes again, and pciback takes it first: Xen gives the new one to
# dom0, while libxl's record that it is assignable stands as before.
BOX_TIMEOUT=400

NIC=0000:00:04.0

# identity: prints what tells the device that stands there from one that came later
identity() {
    stat -L -c %i /sys/bus/pci/devices/$NIC
}

# again: takes the device away, and has the kernel find it again
again() {
    again_was=$(identity)
    echo 1 > /sys/bus/pci/devices/$NIC/remove
    check "$NIC is gone" test ! -e /sys/bus/pci/devices/$NIC
    echo 1 > /sys/bus/pci/rescan
    check "pciback has $NIC again" wait_for 20 test -e /sys/bus/pci/drivers/pciback/$NIC
    check "libxl's record is still there" xenstore-exists "/libxl/pci/$(node $NIC)/driver_path"
    check "another inode in sysfs than $again_was: $(identity)" test "$(identity)" != "$again_was"
    in_xen $NIC d0
}

# quarantined_anew: a check that libxl gets it into quarantine, and that this is seen. libxl takes nothing out
# of quarantine that is not there, so it has to put it there first; and it notes anew that the device is
# assignable only when it takes that from a driver.
quarantined_anew() {
    refuse "xl pci-assignable-remove of what Xen has not quarantined" xl pci-assignable-remove -r 00:04.0
    check "xl pci-assignable-add of what pciback has" xl pci-assignable-add 00:04.0
    in_xen $NIC DomIO
    check "xl pci-assignable-remove -r" xl pci-assignable-remove -r 00:04.0
    in_xen $NIC d0
    dom0_has $NIC "relaxed keep dom0-relaxed"
    check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
    in_xen $NIC DomIO
    host $NIC "none quarantined keep assignable"
}

# The kernel asks drivers in the order in which they came.
rmmod e1000e
insmod /modules/e1000e.ko
check "e1000e has $NIC" wait_for 20 test -e /sys/bus/pci/drivers/e1000e/$NIC

ready_daemon
check "xl pci-assignable-add" xl pci-assignable-add 00:04.0
host $NIC "none quarantined keep assignable"
in_xen $NIC DomIO

# The same device is known again.
was=$(identity)
end_daemon
ready_daemon
host_now $NIC "none quarantined keep assignable"
same "inode in sysfs" "$(identity)" "$was"

# Under the daemon's eyes; and whatever becomes of the daemon.
again
host $NIC "unknown unknown keep new-device"
not_own 0 $NIC
end_daemon
ready_daemon
host_now $NIC "unknown unknown keep new-device"
end_daemon KILL
ready_daemon
host_now $NIC "unknown unknown keep new-device"
quarantined_anew

# While there is no daemon.
end_daemon
again
ready_daemon
host_now $NIC "unknown unknown keep new-device"
quarantined_anew

# While the daemon cannot look, all of it.
hold_daemon
again
release_daemon
host $NIC "unknown unknown keep new-device"

# A guest that has had it leaves it in quarantine.
guest_start g1 'pci = ["00:04.0"]'
host $NIC "1 protected keep assigned-pv"
check "xl destroy" xl destroy g1
in_xen $NIC DomIO
host $NIC "none quarantined keep assignable"
