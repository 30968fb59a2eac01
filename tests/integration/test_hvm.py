# SPDX-License-Identifier: MIT
"""Guests whose memory the IOMMU translates: HVM, PVH, and an HVM guest behind a stub domain."""
from case import NIC, NIC2, RigCase

SKIP = {'state': 'protected', 'swiotlb': 'skip', 'reason': 'assigned-translated'}


class HvmCase(RigCase):
    def setUp(self):
        super().setUp()
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()


class Hvm(HvmCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1, 'hvm')

    def test_every_step(self):
        """The address is on the guest's bus 0, as vdevfn says; the backend stays in state 3."""
        steps = self.toolstack.attach(1, NIC, vdevfn=0x28)
        for name in ('claimed', 'assigned'):
            steps.to(name)
            self.sync()
            self.assert_no_promise(NIC, 1, '0000:00:05.0')
        steps.to('announced')
        self.wait_record(1, '0000:00:05.0', **SKIP)
        self.wait_host(NIC, owner='1', **SKIP)
        steps.finish()
        self.sync()
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), ['0000-00-05-0'])
        self.assertEqual(self.record(1, '0000:00:05.0'), SKIP)

    def test_functions(self):
        for bdf, vdevfn, address in ((NIC, 0x20, '0000:00:04.0'), (NIC2, 0xff, '0000:00:1f.7')):
            self.toolstack.attach(1, bdf, vdevfn=vdevfn).finish()
            self.wait_record(1, address, **SKIP)
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), ['0000-00-04-0', '0000-00-1f-7'])

    def test_without_an_address(self):
        """libxl has not been told by QEMU: the host knows, the guest is not told."""
        self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, owner='1', **SKIP)
        self.sync()
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [])

    def test_nonsense_for_an_address(self):
        self.toolstack.attach(1, NIC, vdevfn=0x28).finish()
        self.wait_record(1, '0000:00:05.0', **SKIP)
        path = f'{self.toolstack.backend(1)}/vdevfn-0'
        for value in ('', 'xyz', '100', '-2', '+2', ' 2', '0x', '2\0', '28' * 2000):
            with self.subTest(value=value[:20]):
                with self.toolstack.nonsense(path, value):
                    self.sync()
                    self.assert_no_promise(NIC, 1, '0000:00:05.0')
                    self.assertIn(self.store.list(f'{self.home(1)}/pci'), ([], ['0000-00-05-0']))
                    self.assertTrue(self.daemon.log_lines('warning', path))
                self.wait_record(1, '0000:00:05.0', **SKIP)

    def test_detach(self):
        """Step by step, with the device still assigned during the ten seconds that an HVM guest
        has to answer."""
        self.toolstack.attach(1, NIC, vdevfn=0x28).finish()
        self.wait_record(1, '0000:00:05.0', **SKIP)
        steps = self.toolstack.detach(1, NIC)
        steps.to('deassigned')
        steps.to('closing')
        self.sync()
        self.assert_no_promise(NIC, 1, '0000:00:05.0')
        steps.finish()
        self.wait_host(NIC, state='quarantined')
        self.wait_record(1, '0000:00:05.0')

    def test_let_go_without_an_event(self):
        """Destroyed while it is paused."""
        self.toolstack.attach(1, NIC, vdevfn=0x28).finish()
        self.wait_record(1, '0000:00:05.0', **SKIP)
        self.hypervisor.add_flags(1, 'paused')
        self.hypervisor.assign(NIC, 'io')
        self.wait_downgraded(NIC, 1, '0000:00:05.0')

    def test_crash(self):
        self.toolstack.attach(1, NIC, vdevfn=0x28).finish()
        self.wait_record(1, '0000:00:05.0', **SKIP)
        for _ in self.toolstack.bury(1, 3):
            self.sync()
            self.assert_no_promise(NIC, 1, '0000:00:05.0')
        self.wait_host(NIC, state='quarantined')


class Pvh(HvmCase):
    def test_attach(self):
        self.toolstack.create(1, 'pvh')
        self.toolstack.attach(1, NIC, vdevfn=0x30).finish()
        self.wait_host(NIC, owner='1', **SKIP)
        self.wait_record(1, '0000:00:06.0', **SKIP)


class StubDomain(HvmCase):
    """libxl gives the device to the guest, but the backend directory is the stub domain's."""
    GUEST, STUB = 4, 5

    def setUp(self):
        super().setUp()
        self.toolstack.create(self.GUEST, 'hvm')
        self.toolstack.create(self.STUB, 'pv')
        self.toolstack.serve_by(self.STUB, self.GUEST)

    def attach(self, vdevfn=0x28):
        return self.toolstack.attach(self.STUB, NIC, vdevfn, owner=self.GUEST)

    def test_published_to_whom_it_serves(self):
        self.attach().finish()
        self.wait_host(NIC, owner=str(self.GUEST), **SKIP)
        self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)
        self.sync()
        self.assertEqual(self.store.list(f'{self.home(self.GUEST)}/pci'), ['0000-00-05-0'])
        self.assertEqual(self.store.list(f'{self.home(self.STUB)}/pci'), [])

    def test_every_step(self):
        steps = self.attach()
        for name in ('claimed', 'assigned'):
            steps.to(name)
            self.sync()
            for domid in (self.GUEST, self.STUB):
                self.assert_no_promise(NIC, domid, '0000:00:05.0')
        steps.finish()
        self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)
        for name in ('deassigned', 'closing'):
            self.detach_to(name)
        self.sync()
        self.assert_no_promise(NIC, self.GUEST, '0000:00:05.0')

    def detach_to(self, name):
        if name == 'deassigned':
            self.hypervisor.assign(NIC, 'io')
        else:
            self.toolstack.close(self.STUB, 0)

    def test_stub_domain_gone(self):
        """Who holds the device for the guest is dead: nothing is certain."""
        self.attach().finish()
        self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)
        self.toolstack.destroy_domain(self.STUB)
        self.wait_downgraded(NIC, self.GUEST, '0000:00:05.0')

    def test_guest_gone(self):
        self.attach().finish()
        self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)
        self.toolstack.shut_down(self.GUEST, 3)
        self.wait_downgraded(NIC, self.GUEST, '0000:00:05.0')

    def test_target_that_is_nonsense(self):
        self.attach().finish()
        self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)
        path = f'/local/domain/{self.STUB}/target'
        for value in ('', 'four', '-1', '99999999999', '99', str(self.STUB)):
            with self.subTest(value), self.toolstack.nonsense(path, value):
                self.store.write(f'{self.toolstack.backend(self.STUB)}/online', 1)
                self.sync()
                self.assert_no_promise(NIC, self.GUEST, '0000:00:05.0')
                self.assert_no_promise(NIC, self.STUB, '0000:00:05.0')
            self.store.write(f'{self.toolstack.backend(self.STUB)}/online', 1)
            self.wait_record(self.GUEST, '0000:00:05.0', **SKIP)

    def test_target_that_a_guest_wrote(self):
        """A domain that may write its own target serves nobody."""
        self.store.set_perms(f'/local/domain/{self.STUB}/target', f'n{self.STUB},r0')
        self.attach().finish()
        self.sync()
        self.assert_no_promise(NIC, self.GUEST, '0000:00:05.0')
        self.assert_no_promise(NIC, self.STUB, '0000:00:05.0')
