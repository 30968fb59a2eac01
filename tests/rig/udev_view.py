# SPDX-License-Identifier: MIT
"""What libudev shows of the PCI functions: one a line, then "ready", then one line for each uevent.
udev_view.py kernel|udev
"""
import ctypes
import os
import select
import sys

POINTER = ctypes.c_void_p
UDEV = ctypes.CDLL('libudev.so.1')


def call(name, *args):
    """A function of libudev's that returns a pointer."""
    function = getattr(UDEV, 'udev_' + name)
    function.restype = POINTER
    return POINTER(function(*args))


def text(name, *args):
    pointer = call(name, *args)
    return ctypes.string_at(pointer).decode() if pointer else '-'


def show(udev, path):
    device = call('device_new_from_syspath', udev, path)
    physfn = ctypes.string_at(path).decode() + '/physfn'
    print(text('device_get_sysname', device), text('device_get_driver', device),
          text('device_get_sysattr_value', device, b'class'),
          text('device_get_sysattr_value', device, b'secondary_bus_number'),
          os.path.basename(os.readlink(physfn)) if os.path.islink(physfn) else '-',
          text('device_get_sysname', call('device_get_parent', device)))


def main():
    udev = call('new')
    monitor = call('monitor_new_from_netlink', udev, sys.argv[1].encode())
    UDEV.udev_monitor_filter_add_match_subsystem_devtype(monitor, b'pci', None)
    if UDEV.udev_monitor_enable_receiving(monitor) < 0:
        sys.exit('no uevents')
    found = call('enumerate_new', udev)
    UDEV.udev_enumerate_add_match_subsystem(found, b'pci')
    UDEV.udev_enumerate_scan_devices(found)
    entry = call('enumerate_get_list_entry', found)
    while entry:
        show(udev, call('list_entry_get_name', entry))
        entry = call('list_entry_get_next', entry)
    print('ready', flush=True)
    while select.select([UDEV.udev_monitor_get_fd(monitor)], [], [], 20)[0]:
        device = call('monitor_receive_device', monitor)
        print(text('device_get_action', device), text('device_get_sysname', device), flush=True)


main()
