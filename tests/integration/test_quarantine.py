# SPDX-License-Identifier: MIT
"""A function that goes and comes back belongs to dom0 in Xen, whatever stood at its address before;
pciback may take it first, and libxl's record that it is assignable is still there."""
from case import BEHIND_PORT, NIC, NIC2, ROOT_PORT, RigCase
from daemon import HOST_TREE
from hostpci import PCIBACK
from toolstack import node_name

VIRTUAL = '0000:01:10.0'
NEW = {'state': 'unknown', 'swiotlb': 'keep', 'reason': 'new-device', 'owner': 'unknown'}
QUARANTINED = {'state': 'quarantined', 'owner': 'none'}


class QuarantineCase(RigCase):
    """The claims of every moment are held against the truth at the end of each test."""

    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.wait_host(NIC, **QUARANTINED)

    def replace(self, bdf=NIC, driver=PCIBACK, **what):
        """Hot-swapped, or removed and found again through sysfs."""
        self.host.remove(bdf)
        self.host.add(bdf, driver=driver, **what)
        self.assertEqual(self.hypervisor.owner(bdf), 0)

    def check_new(self, bdf=NIC):
        self.wait_host(bdf, **NEW)
        self.sync()
        self.sync_uevents()
        self.assertEqual({name: self.host_record(bdf)[name] for name in NEW}, NEW)
        self.assertNotIn('quarantined', self.states_since(bdf))

    def states_since(self, bdf):
        """What was published of the device after it was replaced: after it went from the tree, or
        was taken back."""
        path, states = f'{HOST_TREE}/pci/{node_name(bdf)}', []
        for changes in self.daemon.tap.commits():
            for change in changes:
                if change.what == 'rm' and (path + '/').startswith(change.path + '/'):
                    states = []
                elif change.path == path + '/state':
                    states = [] if change.value == 'unknown' else states + [change.value]
        return states


class Replaced(QuarantineCase):
    def test_pciback_takes_it(self):
        self.replace()
        self.check_new()

    def test_while_the_daemon_is_stopped(self):
        """It sees a function of the same address with the same driver."""
        with self.daemon.paused():
            self.replace()
        self.check_new()

    def test_dom0_takes_it(self):
        self.replace(driver='e1000e')
        self.sync_uevents()
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')

    def test_the_record_is_as_new_as_the_device(self):
        """Both come to the daemon in one pass, and the record speaks of the one before."""
        with self.daemon.paused():
            self.toolstack.assignable_add(NIC2).finish()
            self.replace(NIC2)
        self.check_new(NIC2)

    def test_virtual_function_made_anew(self):
        def make(driver):
            self.host.add(VIRTUAL, driver=driver, below=ROOT_PORT, physfn=BEHIND_PORT)
        make('igbvf')
        self.toolstack.assignable_add(VIRTUAL).finish()
        self.wait_host(VIRTUAL, **QUARANTINED)
        self.host.remove(VIRTUAL)
        make(PCIBACK)
        self.check_new(VIRTUAL)

    def test_again_and_again(self):
        for _ in range(3):
            self.replace()
        self.check_new()

    def test_reload(self):
        self.replace()
        self.check_new()
        self.wait_oracle(NIC, self.daemon.reload)
        self.check_new()


class Recovers(QuarantineCase):
    """Once there is new evidence, the word is there again."""

    def test_added_anew(self):
        self.replace()
        self.check_new()
        self.toolstack.assignable_add(NIC).finish()  # no sign of it in XenStore
        self.sync()
        self.toolstack.assignable_remove(NIC).finish()
        self.wait_host(NIC, state='relaxed', owner='0')
        self.toolstack.assignable_add(NIC).finish()
        self.wait_host(NIC, **QUARANTINED)

    def add_anew(self):
        self.toolstack.assignable_remove(NIC).finish()
        self.toolstack.assignable_add(NIC).finish()

    def test_added_anew_while_the_daemon_is_stopped(self):
        """What came with the device may be of the one before it."""
        with self.daemon.paused():
            self.replace()
            self.toolstack.assignable_add(NIC).finish()
            self.add_anew()
        self.check_new()
        self.add_anew()
        self.wait_host(NIC, **QUARANTINED)

    def test_both_steps_at_once(self):
        """As a script does it that follows our advice: the daemon sees them together."""
        self.replace()
        self.check_new()
        self.toolstack.assignable_add(NIC).finish()
        for _ in range(2):
            with self.daemon.paused():
                self.add_anew()
            self.sync_uevents()
            self.wait_host(NIC, **QUARANTINED)

    def test_given_to_a_guest(self):
        """What a guest gives back goes into quarantine, whatever it was before."""
        self.replace()
        self.check_new()
        self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, state='protected', owner='1')
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, **QUARANTINED)

    def test_given_and_lost(self):
        """A new function where a guest's was: nobody had this one."""
        self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, state='protected', owner='1')
        self.host.remove(NIC)
        self.toolstack.detach(1, NIC).finish()
        self.hypervisor.assign(NIC, 'none')
        self.host.add(NIC, driver=PCIBACK)
        self.check_new()


class TakenBack(QuarantineCase):
    """pci-assignable-remove gives it to dom0 in Xen before it unbinds it."""

    def test_every_step(self):
        for step in self.toolstack.assignable_remove(NIC):
            self.sync()
            self.sync_uevents()
            if step != 'dom0 has it':
                self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined', step)
        self.wait_host(NIC, state='relaxed', owner='0')

    def test_bound_to_pciback_by_hand(self):
        """Without -r libxl keeps its record: then it is no word about what comes later."""
        self.toolstack.assignable_remove(NIC, rebind=False).finish()
        self.wait_host(NIC, owner='unknown')
        self.host.bind(NIC, PCIBACK)
        self.sync_uevents()
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')

    def test_bound_to_pciback_by_hand_while_the_daemon_is_stopped(self):
        with self.daemon.paused():
            self.toolstack.assignable_remove(NIC, rebind=False).finish()
            self.host.bind(NIC, PCIBACK)
        self.sync_uevents()
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')

    def bind_by_hand(self, bdf):
        self.toolstack.assignable_remove(bdf, rebind=False).finish()
        self.host.bind(bdf, PCIBACK)

    def test_assignable_and_bound_by_hand_while_the_daemon_is_stopped(self):
        """It sees a record written, and two unbindings: which came last?"""
        with self.daemon.paused():
            self.toolstack.assignable_add(NIC2).finish()
            self.bind_by_hand(NIC2)
        self.wait_host(NIC2, **NEW)

    def test_all_of_it_while_the_daemon_is_stopped(self):
        with self.daemon.paused():
            self.toolstack.assignable_remove(NIC).finish()
            self.toolstack.assignable_add(NIC).finish()
            self.bind_by_hand(NIC)
        self.wait_host(NIC, **NEW)

    def test_bound_to_pciback_by_hand_while_no_daemon_runs(self):
        """The same function, the same driver, and the same record as before."""
        self.daemon.stop()
        self.bind_by_hand(NIC)
        self.daemon.start()
        self.check_new()

    def test_bound_to_pciback_by_hand_before_a_restart(self):
        self.toolstack.assignable_remove(NIC, rebind=False).finish()
        self.wait_host(NIC, owner='unknown')
        self.daemon.stop()
        self.host.bind(NIC, PCIBACK)
        self.daemon.start()
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')
        self.assertEqual(self.host_record(NIC)['owner'], 'unknown')

    def test_bound_to_pciback_by_hand_after_a_restart(self):
        self.toolstack.assignable_remove(NIC, rebind=False).finish()
        self.wait_host(NIC, owner='unknown')
        self.daemon.stop()
        self.daemon.start()
        self.host.bind(NIC, PCIBACK)
        self.sync_uevents()
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')
        self.assertEqual(self.host_record(NIC)['owner'], 'unknown')


class OverRestart(QuarantineCase):
    """The next run knows what the last one knew, of the very same device."""

    def test_stays(self):
        self.daemon.stop()
        self.daemon.start()
        self.wait_host(NIC, **QUARANTINED)

    def test_new_before(self):
        self.replace()
        self.check_new()
        self.daemon.stop()
        self.daemon.start()
        self.check_new()

    def test_new_meanwhile(self):
        self.daemon.stop()
        self.replace()
        self.daemon.start()
        self.check_new()

    def test_new_while_it_was_dead(self):
        self.daemon.kill()
        self.replace()
        self.daemon.start()
        self.check_new()

    def test_gone_before_and_another_meanwhile(self):
        """It went before the daemon's eyes, and what is there now came behind its back."""
        self.host.remove(NIC)
        self.sync_uevents()
        self.assertEqual(self.host_record(NIC), {})
        self.daemon.stop()
        self.host.add(NIC, driver=PCIBACK)
        self.daemon.start()
        self.check_new()

    def test_gone_and_another_meanwhile(self):
        """It went while no daemon ran, and another came while none ran: the run between them found none
        there, and had something of another function to tell the next one."""
        self.toolstack.assignable_add(NIC2).finish()
        self.wait_host(NIC2, **QUARANTINED)
        self.daemon.stop()
        self.host.remove(NIC)
        self.daemon.start()
        self.wait_host(NIC2, **QUARANTINED)
        self.daemon.stop()
        self.host.add(NIC, driver=PCIBACK)
        self.daemon.start()
        self.check_new()
        self.wait_host(NIC2, **QUARANTINED)

    def test_gone_before_two_restarts(self):
        self.host.remove(NIC)
        self.sync_uevents()
        self.daemon.stop()
        self.daemon.start()
        self.daemon.kill()
        self.host.add(NIC, driver=PCIBACK)
        self.daemon.start()
        self.check_new()

    def test_gone_before_and_assignable_meanwhile(self):
        """One that had no record when it went: what it has now is its own."""
        self.host.remove(NIC2)
        self.sync_uevents()
        self.daemon.stop()
        self.host.add(NIC2, driver='e1000e')
        self.toolstack.assignable_add(NIC2).finish()
        self.daemon.start()
        self.wait_host(NIC2, **QUARANTINED)
