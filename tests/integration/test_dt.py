# SPDX-License-Identifier: MIT
"""Device tree devices: dom0's own, and those that only libxl's file says a guest has."""
import json
import os
import struct
import subprocess
import uuid

from case import RECORD, RigCase
from daemon import HOST_TREE
from waiting import wait_until

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


class DeviceTree(RigCase):
    def setUp(self):
        super().setUp()
        self.libxl = os.path.join(self.daemon.sysroot, 'var/lib/xen')
        firmware = os.path.join(self.daemon.sysroot, 'sys/firmware')
        os.makedirs(self.libxl)
        os.makedirs(firmware, exist_ok=True)
        subprocess.run(['dtc', '-q', '-I', 'dts', '-O', 'dtb', '-o', f'{firmware}/fdt', '-'],
                       input=TREE, text=True, check=True)
        self.hypervisor.assign(BEHIND, 0)
        for path in (BESIDE, CLAIMS, ASIDE):
            self.hypervisor.assign(path, 'io')
        self.toolstack.create(1, 'pvh')
        self.daemon.start()

    def make_machine(self):
        """No PCI here."""

    def record_of(self, root, path):
        base = f'{root}/dt{path}'
        values = {name: self.store.read(f'{base}/{name}') for name in RECORD}
        return {name: value for name, value in values.items() if value is not None}

    def wait_dt(self, domid, path, **fields):
        root = HOST_TREE if domid is None else self.home(domid)
        self._wait(lambda: self.record_of(root, path), f'{path} in {root}', fields)

    def write_record(self, domid, *paths, handle=None, text=None, **more):
        """As libxl does: a new file, then its name."""
        if handle is None:
            handle = int(self.hypervisor.domains[domid][0].split('=')[1])
        name = uuid.UUID(bytes=struct.pack('<I12x', handle))
        path = os.path.join(self.libxl, f'userdata-d.{domid}.{name}.libxl-json')
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write(text or json.dumps({'dtdevs': [{'path': path} for path in paths], **more}))
        os.replace(path + '.new', path)
        return path

    def give(self, domid, path):
        self.hypervisor.assign(path, domid)
        return self.write_record(domid, path)

    def test_dom0s(self):
        self.wait_dt(0, BEHIND, state='protected', swiotlb='skip', reason='behind-iommu')
        self.wait_dt(0, BESIDE, state='unprotected', swiotlb='keep', reason='not-behind-iommu')
        self.wait_dt(0, CLAIMS, state='unprotected', swiotlb='keep', reason='claim-contradicted')
        self.wait_dt(None, BEHIND, owner='0')
        self.wait_dt(None, ASIDE, owner='none', state='unknown', reason='not-assigned')
        self.wait_dt(0, ASIDE)
        wait_until(lambda: self.daemon.log_lines('warning', CLAIMS), 'a word on the claim')
        self.daemon.reload()
        self.sync()
        self.assertEqual(len(self.daemon.log_lines('warning', CLAIMS)), 1)

    def test_given_and_taken_back(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.wait_dt(None, ASIDE, owner='1', **GUESTS)
        self.wait_dt(0, ASIDE)
        self.hypervisor.add_flags(1, 'dying')
        self.wait_dt(1, ASIDE, state='unknown', swiotlb='keep', reason='owner-down')
        self.wait_dt(None, ASIDE, state='unknown', owner='unknown')

    def test_record_goes(self):
        path = self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        os.unlink(path)
        self.wait_dt(1, ASIDE)
        self.wait_dt(None, ASIDE, state='unknown', owner='unknown', reason='no-record')

    def test_record_without_the_hypervisors_word(self):
        self.write_record(1, ASIDE)
        self.wait_dt(1, ASIDE, state='unknown', swiotlb='keep', reason='hypervisor-disagrees')
        self.wait_dt(None, ASIDE, owner='unknown')

    def test_record_of_an_earlier_domain(self):
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE, handle=4711)
        self.write_record(1, BESIDE)
        self.wait_dt(1, BESIDE, state='unknown')
        self.assertEqual(self.record_of(self.home(1), ASIDE), {})
        self.wait_dt(None, ASIDE, state='unknown')

    def test_two_guests_claim_it(self):
        self.toolstack.create(2, 'pvh')
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.write_record(2, ASIDE)
        for domid in (1, 2):
            self.wait_dt(domid, ASIDE, state='unknown', reason='records-conflict')

    def test_nonsense_in_the_record(self):
        broken = self.write_record(1, text='{"dtdevs": [')
        wait_until(lambda: self.daemon.log_lines('warning', broken), 'a word on the file')
        self.write_record(1, text=json.dumps({'dtdevs': [{'path': 7}, {}, 'x', {'path': ASIDE}]}))
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.assertEqual(len(self.daemon.log_lines('warning', broken, 'JSON')), 1)

    def test_the_guests_own_path(self):
        partial = os.path.join(self.daemon.sysroot, 'partial.dtb')
        subprocess.run(['dtc', '-q', '-I', 'dts', '-O', 'dtb', '-o', partial, '-'], text=True,
                       check=True, input='/dts-v1/; / { passthrough { mine@0 { xen,path = "%s"; };'
                                         ' }; };' % ASIDE)
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE, b_info={'device_tree': '/partial.dtb'})
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.assertEqual(self.record_of(self.home(1), ASIDE), {})

    def test_the_oracle_is_not_polled(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        asked = len(self.hypervisor.calls('xc_test_assign_dt_device'))
        passes = len(self.hypervisor.calls('xc_physinfo'))
        wait_until(lambda: len(self.hypervisor.calls('xc_physinfo')) > passes + 5, 'more passes')
        self.assertEqual(len(self.hypervisor.calls('xc_test_assign_dt_device')), asked)
