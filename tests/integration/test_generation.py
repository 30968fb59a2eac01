# SPDX-License-Identifier: MIT
"""Generation grows by one with each change of a tree, and nothing is written without a change."""
from case import DISK, NIC, NIC2, PASSING, SPARE, RigCase
from daemon import HOST_TREE
from toolstack import node_name
from waiting import wait_until

FIRST = '0000:00:00.0'


class Generation(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()
        self.wait_host(NIC, state='quarantined')
        self.sync()

    def generations(self):
        return {domid: self.generation(domid) for domid in (None, 0, 1, 2)}

    def grown(self, before):
        """By how much each has grown; those that have not are left out."""
        now = self.generations()
        return {domid: now[domid] - before[domid] for domid in now if now[domid] != before[domid]}

    def test_one_per_change(self):
        """A change of one guest's tree does not touch the others'. The host's says how the guest
        calls its device."""
        self.toolstack.attach(1, NIC).to('announced')
        self.wait_host(NIC, state='protected')
        before = self.generations()
        self.toolstack.export(1, 0)
        self.wait_record(1, FIRST, state='protected')
        address = node_name(FIRST)
        wait_until(lambda: self.facts(NIC).get('guest-address') == address, "the guest's address")
        self.assertEqual(self.grown(before), {1: 1, None: 1})

    def test_large_change_is_one(self):
        """Many records at once: one event for who watches generation."""
        self.daemon.stop()
        watcher = self.rig.store()
        self.daemon.start()
        before = self.generations()
        watcher.watch(f'{self.home(0)}/generation')
        self.hypervisor.set_iommu(False)
        self.daemon.reload()
        self.wait_record(0, DISK, state='unprotected')
        self.assertEqual(self.grown(before)[0], 1)
        self.assertEqual(len(watcher.take_events()), 1)

    def test_guest_sees_one_event_per_change(self):
        watcher = self.rig.guest(1).store()
        watcher.watch('iommu/generation')
        before = self.generation(1)
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.sync()
        events = watcher.take_events()
        self.assertEqual(events, ['iommu/generation'] * (self.generation(1) - before))
        self.assertIn(len(events), (1, 2), 'protected, perhaps unknown before')

    def check_silence(self, *triggers):
        """None of these leads to a write: only what sync() itself does is seen."""
        watcher = self.rig.store()
        for path in (HOST_TREE, *(self.home(domid) for domid in (0, 1, 2))):
            watcher.watch(path)
        before = self.generations()
        for trigger in triggers:
            trigger()
        self.sync()
        self.sync_uevents()
        ours = (node_name(SPARE), node_name(PASSING), 'generation')
        self.assertEqual([path for path in watcher.take_events()
                          if not any(name in path for name in ours)], [])
        self.assertEqual(self.grown(before), {None: 4, 0: 2})

    def test_asking_everything_again(self):
        self.check_silence(*(lambda: self.wait_oracle(DISK, self.daemon.reload)
                             for _ in range(2)))

    def test_redundant_uevents(self):
        self.check_silence(*(lambda bdf=bdf: self.host.uevent('change', bdf)
                             for bdf in (DISK, NIC, NIC2)))

    def test_redundant_writes(self):
        """The same values once more, and events of domains that did not change."""
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.sync()
        backend = self.toolstack.backend(1)
        self.check_silence(
            lambda: self.store.write(f'{backend}/state', 4),
            lambda: self.store.write(f'{backend}/dev-0', NIC),
            lambda: self.store.write(self.toolstack.info(NIC, 'domid'), 1),
            lambda: self.store.write(f'{backend}/whatever', 'else'),
            lambda: self.store.write('/libxl/pci/whatever', 'else'),
            lambda: self.toolstack.create(3),
            lambda: self.wait_status('ready', 3),
            lambda: self.toolstack.destroy(3).finish())

    def test_rechecks_write_nothing(self):
        """A guest with a device is looked at again and again."""
        self.toolstack.attach(1, NIC).to('exported')
        self.wait_record(1, FIRST, state='protected')
        self.wait_host(NIC, state='protected')
        watcher = self.rig.store()
        watcher.watch(HOST_TREE)
        watcher.watch(self.home(1))
        for _ in range(3):
            self.wait_oracle(NIC, lambda: None)
        self.assertEqual(watcher.take_events(), [])

    def test_oracle_is_not_polled(self):
        """Nothing changes, so nothing is asked: each EINVAL is a line on Xen's console."""
        calls = len(self.hypervisor.calls('xc_test_assign_device', on=DISK))
        for _ in range(3):
            self.sync_uevents()
        self.assertEqual(len(self.hypervisor.calls('xc_test_assign_device', on=DISK)), calls)

    def test_goes_on_after_a_restart(self):
        """Who compares generations is never fooled."""
        before = self.generations()
        self.daemon.stop()
        stopped = self.generations()
        self.daemon.start()
        after = self.generations()
        for domid in before:
            self.assertLess(before[domid], stopped[domid])
            self.assertLess(stopped[domid], after[domid])
