# SPDX-License-Identifier: MIT
"""PCI functions that come and go while the daemon runs, and drivers that are bound and unbound."""
from case import BEHIND_PORT, DISK, NIC, PASSING, ROOT_PORT, RigCase
from hostpci import PCIBACK

VIRTUAL = '0000:01:10.0'


class Hotplug(RigCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_plugged_and_unplugged(self):
        for _ in range(3):
            self.host.add(PASSING, driver='e1000e')
            self.wait_host(PASSING, state='relaxed', owner='0')
            self.wait_record(0, PASSING, state='relaxed', swiotlb='keep')
            self.host.remove(PASSING)
            self.wait_host(PASSING)
            self.wait_record(0, PASSING)

    def test_burst(self):
        """Forty functions at once, and all of them away again."""
        functions = [f'0000:00:{0x0c + n // 8:02x}.{n % 8}' for n in range(40)]
        for bdf in functions:
            self.host.add(bdf)
        for bdf in functions:
            self.wait_host(bdf, state='relaxed', owner='0')
        for bdf in functions:
            self.host.remove(bdf)
        for bdf in functions:
            self.wait_host(bdf)
        self.wait_record(0, functions[-1])
        self.assertEqual(self.record(0, NIC)['state'], 'relaxed')

    def test_hierarchy(self):
        """A port goes with what is below it, and comes back."""
        self.host.remove(BEHIND_PORT)
        self.host.remove(ROOT_PORT)
        for bdf in (BEHIND_PORT, ROOT_PORT):
            self.wait_host(bdf)
        self.host.add(ROOT_PORT, 0x060400, 'pcieport', secondary=1)
        self.host.add(BEHIND_PORT, driver='igb', below=ROOT_PORT)
        for bdf in (BEHIND_PORT, ROOT_PORT):
            self.wait_host(bdf, state='relaxed', owner='0')

    def test_other_functions_keep_their_word(self):
        """One that comes is no reason to doubt the others: their records are not touched."""
        watcher = self.rig.store()
        watcher.watch(f'{self.home(0)}/pci/0000-00-02-0')
        self.host.add(PASSING)
        self.wait_record(0, PASSING, state='relaxed')
        self.assertEqual(watcher.take_events(), [])

    def test_drivers(self):
        """A driver of dom0's makes no difference."""
        self.host.unbind(DISK)
        self.host.bind(DISK, 'vfio-pci')
        self.sync_uevents()
        self.assertEqual(self.host_record(DISK)['state'], 'relaxed')
        self.assertEqual(self.record(0, DISK)['state'], 'relaxed')

    def test_pciback_alone(self):
        """Bound by hand, without the toolstack: whether Xen has it for dom0 or for nobody cannot be
        told, so it is not called quarantined."""
        self.host.unbind(DISK)
        self.host.bind(DISK, PCIBACK)
        self.sync_uevents()
        self.assertNotEqual(self.host_record(DISK)['state'], 'quarantined')
        self.assert_no_promise(DISK, 0)

    def test_function_that_xen_does_not_know(self):
        """The oracle's EINVAL without a guest that has it."""
        self.host.add(PASSING, known=False)
        self.wait_host(PASSING, state='unknown', swiotlb='keep')
        self.assertIn(self.record(0, PASSING).get('state'), (None, 'unknown'))

    def test_virtual_functions(self):
        self.host.add(VIRTUAL, below=ROOT_PORT, physfn=BEHIND_PORT)
        self.wait_host(VIRTUAL, state='relaxed', owner='0')
        self.host.remove(VIRTUAL)
        self.wait_host(VIRTUAL)

    def test_other_segment(self):
        """Not covered: the tables speak of segment 0 only."""
        self.host.add('0001:00:04.0')
        self.wait_host('0001:00:04.0', swiotlb='keep')
        self.assertIn(self.host_record('0001:00:04.0')['state'], ('unprotected', 'unknown'))

    def test_host_bridges_are_left_out(self):
        self.host.add('0000:00:18.0', 0x060000)
        self.sync_uevents()
        self.assertEqual(self.host_record('0000:00:18.0'), {})
        self.assertEqual(self.record(0, '0000:00:18.0'), {})

    def test_unplugged_while_it_is_asked_for(self):
        def plug():
            self.host.add(PASSING)
        with self.hypervisor.held('xc_test_assign_device', plug, on=PASSING):
            self.host.remove(PASSING)
        self.wait_host(PASSING)
        self.wait_record(0, PASSING)

    def test_replaced_while_it_is_busy(self):
        """Another function at the same address: what was found out of the first does not hold."""
        self.host.add(PASSING)
        self.wait_host(PASSING, state='relaxed')
        with self.hypervisor.held('xc_test_assign_device', lambda: self.host.add('0000:00:1c.0'),
                                  on='0000:00:1c.0'):
            self.host.remove(PASSING)
            self.host.add(PASSING, known=False)
        self.sync_by('0000:00:1b.0')
        self.assertEqual(self.host_record(PASSING)['state'], 'unknown')

    def test_removal_of_an_older_one(self):
        """The announcement comes when another function stands there whose own was lost: what sysfs
        shows is there."""
        for _ in range(2):
            self.wait_oracle(NIC, lambda: self.host.uevent('remove', NIC))
            self.sync_uevents()
            self.wait_host(NIC, state='relaxed', owner='0')
            self.wait_record(0, NIC, state='relaxed')

    def sync_by(self, bdf):
        """sync_uevents() with another function."""
        self.host.add(bdf)
        self.wait_host(bdf, owner='0')
        self.host.remove(bdf)
        self.wait_host(bdf)
