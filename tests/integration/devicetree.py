# SPDX-License-Identifier: MIT
"""A machine with device tree devices, and what libxl leaves of those that guests have."""
import json
import os
import struct
import subprocess
import uuid

import truth
from case import RECORD, RigCase, words_of
from daemon import HOST_TREE

TREE = '''/dts-v1/;
/ {
    #address-cells = <1>; #size-cells = <1>; compatible = "test,board";
    xen_iommu: xen-iommu { compatible = "xen,iommu-el2-v1"; #iommu-cells = <0>; phandle = <1>; };
    soc {
        compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges;
        behind@1000 { compatible = "test,dma"; reg = <0x1000 0x100>; };
        beside@2000 { compatible = "test,dma"; reg = <0x2000 0x100>; };
        claims@3000 { compatible = "test,dma"; reg = <0x3000 0x100>; iommus = <&xen_iommu>; };
        aside@4000 { compatible = "test,dma"; reg = <0x4000 0x100>; status = "disabled"; };
    };
};
'''
BEHIND, BESIDE, CLAIMS, ASIDE = ('/soc/behind@1000', '/soc/beside@2000', '/soc/claims@3000',
                                 '/soc/aside@4000')
GUESTS = {'state': 'protected', 'swiotlb': 'skip', 'reason': 'assigned-translated'}


class DeviceTreeCase(RigCase):
    """Domain 1 is there, and has nothing yet."""
    tree = TREE  # as dom0 sees it
    host_tree = None  # with it, the daemon is told of this one

    def setUp(self):
        super().setUp()
        self.libxl = os.path.join(self.daemon.sysroot, 'var/lib/xen')
        firmware = os.path.join(self.daemon.sysroot, 'sys/firmware')
        os.makedirs(self.libxl)
        os.makedirs(firmware, exist_ok=True)
        self.compile(self.tree, f'{firmware}/fdt')
        if self.host_tree:
            path = os.path.join(self.daemon.sysroot, 'host.dtb')
            self.compile(self.host_tree, path)
            self.daemon.options = ['--host-dtb', path]
        self.assign_at_boot()
        self.toolstack.create(1, 'pvh')
        self.daemon.start()

    def assign_at_boot(self):
        """Xen's part: dom0 gets what is behind an IOMMU and not set aside."""
        self.hypervisor.assign(BEHIND, 0)
        for path in (BESIDE, CLAIMS, ASIDE):
            self.hypervisor.assign(path, 'io')

    @staticmethod
    def compile(text, path):
        subprocess.run(['dtc', '-q', '-I', 'dts', '-O', 'dtb', '-o', path, '-'], input=text,
                       text=True, check=True)

    def make_machine(self):
        """No PCI here."""

    def record_of(self, root, path):
        base = f'{root}/dt{path}'
        values = {name: self.store.read(f'{base}/{name}') for name in RECORD}
        return {name: value for name, value in values.items() if value is not None}

    def wait_dt(self, domid, path, **fields):
        root = HOST_TREE if domid is None else self.home(domid)
        self._wait(lambda: self.record_of(root, path), f'{path} in {root}', fields)

    def guest_path(self, path):
        """What the host's tree says that the guest calls it: decoded, "unknown", or None."""
        facts = words_of(self.store.read(f'{HOST_TREE}/dt{path}/facts'))
        name = facts.get('guest-path')
        return truth.decode(name[1:]) if name and name.startswith('/') else name

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def write_record(self, domid, *paths, handle=None, text=None, **more):
        """As libxl does: a new file, with a NUL at its end, then its name."""
        if handle is None:
            handle = int(self.hypervisor.domains[domid][0].split('=')[1])
        name = uuid.UUID(bytes=struct.pack('<I12x', handle))
        path = os.path.join(self.libxl, f'userdata-d.{domid}.{name}.libxl-json')
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write(text or json.dumps({'dtdevs': [{'path': path} for path in paths], **more}) + '\0')
        os.replace(path + '.new', path)
        return path

    def give(self, domid, path):
        self.hypervisor.assign(path, domid)
        return self.write_record(domid, path)
