# SPDX-License-Identifier: MIT
"""What the host's tree tells of the name that a guest has for its device: the key of the record in
that guest's own tree, and nothing where there is none."""
from case import NIC, NIC2, RigCase
from devicetree import ASIDE, BESIDE, GUESTS, DeviceTreeCase
from test_dt_guest_path import node
from toolstack import node_name
from waiting import wait_until

FIRST = '0000:00:00.0'


class GuestAddress(RigCase):
    def setUp(self):
        super().setUp()
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()
        self.toolstack.create(1)
        self.toolstack.create(2, 'hvm')

    def wait_name(self, bdf, address):
        expected = address and node_name(address)
        wait_until(lambda: self.facts(bdf).get('guest-address') == expected,
                   f'{bdf} to be called {address}')

    def test_attach_and_detach(self):
        self.wait_host(NIC, owner='none')
        self.assertNotIn('guest-address', self.facts(NIC))
        self.toolstack.attach(1, NIC).finish()
        self.wait_name(NIC, FIRST)
        self.assertEqual(self.record(1, FIRST)['state'], 'protected')
        self.assertEqual(self.host_record(NIC)['owner'], '1')
        self.assertNotIn('guest-address', self.facts(NIC2))
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.assertNotIn('guest-address', self.facts(NIC))

    def test_hvm(self):
        self.toolstack.attach(2, NIC, vdevfn=0x28).finish()
        self.wait_name(NIC, '0000:00:05.0')
        self.toolstack.attach(2, NIC2, vdevfn=0x31).finish()
        self.wait_name(NIC2, '0000:00:06.1')
        self.assertEqual(self.facts(NIC)['guest-address'], '0000-00-05-0')

    def test_without_an_address(self):
        """The host knows, the guest is not told: until the address comes, in the pass that tells
        it."""
        self.toolstack.attach(1, NIC).to('announced')
        self.wait_host(NIC, owner='1')
        self.sync()
        self.assertNotIn('guest-address', self.facts(NIC))
        before = self.generation()
        self.toolstack.export(1, 0)
        self.wait_name(NIC, FIRST)
        self.assertEqual(self.generation(), before + 1)

    def test_two_at_one_address(self):
        self.toolstack.attach(2, NIC, vdevfn=0x28).finish()
        self.wait_name(NIC, '0000:00:05.0')
        self.toolstack.attach(2, NIC2, vdevfn=0x28).finish()
        self.wait_record(2, '0000:00:05.0', reason='records-conflict')
        self.wait_name(NIC, None)
        self.wait_name(NIC2, None)

    def test_a_guest_that_goes(self):
        self.toolstack.attach(1, NIC).finish()
        self.wait_name(NIC, FIRST)
        self.toolstack.destroy_domain(1)
        self.wait_name(NIC, None)

    def test_a_new_daemon(self):
        self.toolstack.attach(1, NIC).finish()
        self.wait_name(NIC, FIRST)
        self.daemon.kill()
        self.daemon.start()
        self.wait_host(NIC, owner='1', state='protected')
        self.assertEqual(self.facts(NIC)['guest-address'], node_name(FIRST))


class GuestPath(DeviceTreeCase):
    def test_by_the_hosts_path(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.wait_dt(None, ASIDE, owner='1', **GUESTS)
        self.assertEqual(self.guest_path(ASIDE), ASIDE)
        self.assertIsNone(self.guest_path(BESIDE))

    def test_by_its_partial_tree(self):
        self.compile(f'/dts-v1/; / {{ {node("dma,1@0")} }};', f'{self.daemon.sysroot}/partial.dtb')
        for path in (ASIDE, BESIDE):
            self.hypervisor.assign(path, 1)
        record = self.write_record(1, ASIDE, BESIDE, b_info={'device_tree': '/partial.dtb'})
        self.wait_dt(1, '/passthrough/dma_2c1@0', **GUESTS)
        self.wait_dt(None, ASIDE, owner='1', **GUESTS)
        self.assertEqual(self.guest_path(ASIDE), '/passthrough/dma,1@0')
        self.wait_dt(None, BESIDE, owner='1')
        self.assertEqual(self.guest_path(BESIDE), 'unknown')
        for path in (ASIDE, BESIDE):
            self.hypervisor.assign(path, 'io')
        with open(record, 'w', encoding='ascii') as file:
            file.write('{}\0')
        wait_until(lambda: self.guest_path(ASIDE) is None, 'the name to go')
