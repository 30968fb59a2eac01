# SPDX-License-Identifier: MIT
"""The host's PCI functions, as udev and sysfs show them to a program that runs under umockdev."""
import os
import shutil
import struct
import subprocess
import typing

import rig
from waiting import BOUND

PRELOAD = 'libumockdev-preload.so.0'
PCIBACK = 'pciback'


ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM, TO_PCI = 0, 4, 5, 6, 7
ISOLATING = 0x1d  # of ACS: source validation, request and completion redirect, upstream forwarding


class Caps(typing.NamedTuple):
    """The capabilities of a function of PCI Express."""
    port: int = ENDPOINT
    acs: typing.Optional[int] = None  # what is switched on; None: it has no ACS
    ats: bool = False
    multi_function: bool = False
    size: int = 4096  # of what can be read

    def put_into(self, space):
        space[0x06] |= 0x10
        space[0x0e] |= 0x80 if self.multi_function else 0
        space[0x34] = 0x40
        if self.size == 0x40:
            return
        struct.pack_into('<BBH', space, 0x40, 0x10, 0, self.port << 4 | 2)
        extended = []
        if self.acs is not None:
            extended.append((0x000d, struct.pack('<HH', 0x5f, self.acs)))
        if self.ats:
            extended.append((0x000f, bytes(4)))
        for index, (cap, content) in enumerate(extended if self.size > 0x100 else []):
            at = 0x100 + 0x10 * index
            following = at + 0x10 if index + 1 < len(extended) else 0
            struct.pack_into('<I', space, at, following << 20 | 1 << 16 | cap)
            space[at + 4:at + 8] = content


class HostPci:
    def __init__(self, machine):
        """Machine is a Rig; its hypervisor learns of the functions."""
        self.hypervisor = machine.hypervisor
        self.helper = rig.spawn([rig.built('uevents')], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=machine.log('uevents'), text=True,
                                env=dict(machine.env(), LD_PRELOAD=PRELOAD,
                                         TMPDIR=machine.folder))
        self.root = self.helper.stdout.readline().strip()
        if not self.root:
            raise AssertionError('the test bed did not come up')
        self.folders = {}  # address -> path below /sys/devices
        self.bridges = set()  # also those that are gone
        self.unbound = 0      # how often a driver was unbound from any
        os.makedirs(self._sys('bus/pci/devices'))
        os.makedirs(self._sys('bus/pci/drivers'))

    def env(self):
        """What a program needs in its environment to see the functions."""
        return {'LD_PRELOAD': PRELOAD, 'UMOCKDEV_DIR': self.root}

    def stop(self):
        self.helper.stdin.close()
        self.helper.wait(BOUND)
        self.helper.stdout.close()

    def _sys(self, path):
        return os.path.join(self.root, 'sys', path)

    def _folder(self, bdf):
        return self._sys('devices/' + self.folders[bdf])

    def uevent(self, action, bdf):
        """Sends one, and waits until it is with the listeners."""
        self.helper.stdin.write(f'{action} /sys/devices/{self.folders[bdf]}\n')
        self.helper.stdin.flush()
        if self.helper.stdout.readline() != 'sent\n':
            raise AssertionError('the uevent was not sent')

    # functions

    def add(self, bdf, class_code=0x020000, driver=None, below=None, secondary=None, physfn=None,
            known=True, caps=None):
        """Plugs a function in. below: the bridge above it; secondary: the bus below it, of a
        bridge; physfn: of a virtual function; known: whether Xen is told; caps: its Caps, else it
        is a conventional one."""
        root = f'pci{bdf[:7]}' if below is None else self.folders[below]
        self.folders[bdf] = f'{root}/{bdf}'
        if class_code >> 16 == 0x06:
            self.bridges.add(bdf)
        folder = self._folder(bdf)
        os.makedirs(folder)
        if below is None:
            with open(self._sys(f'devices/{root}/uevent'), 'w', encoding='ascii'):
                pass  # without this file libudev does not take it for a device
        _link(self._sys('bus/pci'), os.path.join(folder, 'subsystem'))
        self._put(bdf, 'class', f'0x{class_code:06x}\n')
        self._put(bdf, 'vendor', '0x8086\n')
        self._put(bdf, 'device', '0x10d3\n')
        if secondary is not None:
            self._put(bdf, 'secondary_bus_number', f'{secondary}\n')
            self._put(bdf, 'subordinate_bus_number', f'{secondary}\n')
        with open(os.path.join(folder, 'config'), 'wb') as file:
            file.write(_config(class_code, secondary, caps))
        if physfn is not None:
            _link(self._folder(physfn), os.path.join(folder, 'physfn'))
        _link(folder, self._sys(f'bus/pci/devices/{bdf}'))
        self._bind(bdf, driver)
        if known and self.hypervisor.owner(bdf) == 'none':
            self.hypervisor.assign(bdf, 0)
        self.uevent('add', bdf)
        if driver:
            self.uevent('bind', bdf)

    def set_id(self, bdf, device, vendor=0x8086):
        """Another device ID, before anybody looked."""
        self._put(bdf, 'vendor', f'0x{vendor:04x}\n')
        self._put(bdf, 'device', f'0x{device:04x}\n')

    def remove(self, bdf):
        """Unplugs a function: what the kernel does, in its order. What Xen answers for one that a
        guest has does not change."""
        if self.driver(bdf):
            self.unbind(bdf)
        self.hypervisor.note_adding(bdf, False)
        if self.hypervisor.owner(bdf) in (0, 'io'):
            self.hypervisor.assign(bdf, 'none')
        os.unlink(self._sys(f'bus/pci/devices/{bdf}'))
        self.uevent('remove', bdf)
        shutil.rmtree(self._folder(bdf))
        del self.folders[bdf]

    def driver(self, bdf):
        link = os.path.join(self._folder(bdf), 'driver')
        return os.path.basename(os.readlink(link)) if os.path.islink(link) else None

    def bind(self, bdf, driver):
        self._bind(bdf, driver)
        self.uevent('bind', bdf)

    def unbind(self, bdf):
        driver = self.driver(bdf)
        # kept elsewhere: in sysfs no later link gets its inode number
        self.unbound += 1
        os.rename(os.path.join(self._folder(bdf), 'driver'),
                  os.path.join(self.root, f'unbound-{self.unbound}'))
        os.unlink(self._sys(f'bus/pci/drivers/{driver}/{bdf}'))
        self._put_uevent(bdf, None)
        self.uevent('unbind', bdf)

    def _bind(self, bdf, driver):
        self._put_uevent(bdf, driver)
        if driver is None:
            return
        drivers = self._sys(f'bus/pci/drivers/{driver}')
        os.makedirs(drivers, exist_ok=True)
        _link(drivers, os.path.join(self._folder(bdf), 'driver'))
        _link(self._folder(bdf), os.path.join(drivers, bdf))

    # what cannot be read

    def spoil(self, bdf, name='class', how='loop'):
        """An attribute is there, but reading it fails: a loop of links, or a directory. No event
        tells."""
        path = os.path.join(self._folder(bdf), name)
        os.rename(path, path + '.sound')
        if how == 'loop':
            os.symlink(name, path)
        else:
            os.mkdir(path)

    def mend(self, bdf, name='class'):
        """Takes that back. No event tells."""
        path = os.path.join(self._folder(bdf), name)
        if os.path.islink(path):
            os.unlink(path)
        else:
            os.rmdir(path)
        os.rename(path + '.sound', path)

    def _put(self, bdf, name, text):
        with open(os.path.join(self._folder(bdf), name), 'w', encoding='ascii') as file:
            file.write(text)

    def _put_uevent(self, bdf, driver):
        lines = f'DRIVER={driver}\n' if driver else ''
        self._put(bdf, 'uevent', lines + f'PCI_SLOT_NAME={bdf}\n')


def _link(target, link):
    """A relative link, as sysfs has."""
    os.symlink(os.path.relpath(target, os.path.dirname(link)), link)


def _config(class_code, secondary, caps):
    """Configuration space: the header that says what kind of function it is, and what it can."""
    space = bytearray(256 if caps is None else caps.size)
    struct.pack_into('<HH', space, 0, 0x8086, 0x10d3)
    space[9:12] = class_code.to_bytes(3, 'little')
    if secondary is not None:
        space[0x0e] = 1
        space[0x19] = space[0x1a] = secondary
    if caps is not None:
        caps.put_into(space)
    return bytes(space)
