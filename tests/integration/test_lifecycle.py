# SPDX-License-Identifier: MIT
"""Domains that go, come back under the same id, or are removed while the daemon writes; and
transactions that fail."""
import threading

import xenstore
from case import DISK, NIC, NIC2, RigCase
from daemon import HOST_TREE
from toolstack import node_name
from waiting import BOUND, wait_until

FIRST = '0000:00:00.0'


class LifecycleCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.wait_host(NIC, state='quarantined')

    def remove_domain(self, domid):
        """All at once: its home, and the domain itself."""
        self.toolstack.remove_home(domid)
        self.toolstack.destroy_domain(domid)

    def check_no_ghost(self, domid=1):
        self.sync()
        self.assertNotIn(str(domid), self.store.list('/local/domain'))


class Readings(LifecycleCase):
    """What is read together stood there together."""

    def test_renumbered_while_the_daemon_reads(self):
        self.toolstack.assignable_add(NIC2).finish()
        self.toolstack.attach(1, NIC).finish()
        self.toolstack.attach(1, NIC2).finish()
        self.wait_host(NIC2, state='protected')
        self.sync()
        before = len(self.daemon.tap.requests())
        backend = self.toolstack.backend(1)
        with self.daemon.tap.held(xenstore.READ,
                                  lambda: self.store.write(f'{backend}/whatever', 'else'),
                                  f'{backend}/dev-1'):
            self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.sync()
        said = [request.value for request in self.daemon.tap.requests()[before:]
                if request.kind == xenstore.WRITE
                and request.path == f'{HOST_TREE}/pci/{node_name(NIC2)}/state']
        self.assertEqual(said, [], 'the other device stays as it is')
        self.assertEqual(self.daemon.log_lines('warning'), [], 'nothing was wrong')

    def test_guest_that_never_stops_writing(self):
        """It cannot make the daemon begin its readings again and again."""
        self.store.write('/local/domain/1/data', '')
        self.store.request(xenstore.SET_PERMS, b'/local/domain/1/data\0n1\0')
        store = self.rig.guest(1).store()
        stop = threading.Event()

        def write():
            while not stop.is_set():
                store.write('data/x', 'y')
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                self.toolstack.attach(1, NIC).finish()
                self.wait_host(NIC, state='protected')
                self.toolstack.detach(1, NIC).finish()
                self.wait_host(NIC, state='quarantined')
        finally:
            stop.set()
            writer.join()
        self.assertEqual(self.daemon.log_lines("reading the toolstack's records"), [])


class Ghosts(LifecycleCase):
    """A late write must not bring a removed domain back."""

    def attach(self):
        self.toolstack.attach(1, NIC).finish()

    def test_removed_before_the_daemon_writes(self):
        with self.hypervisor.held('xc_test_assign_device', self.attach, on=NIC):
            self.remove_domain(1)
        self.check_no_ghost()

    def test_removed_before_the_transaction_begins(self):
        with self.daemon.tap.held(xenstore.TRANSACTION_START, self.attach):
            self.remove_domain(1)
        self.check_no_ghost()

    def test_removed_inside_the_transaction(self):
        for path in ('state', 'swiotlb'):
            with self.subTest(path):
                self.setUpRound()
                with self.daemon.tap.held(xenstore.WRITE, self.attach,
                                          f'{self.home(1)}/pci/0000-00-00-0/{path}'):
                    self.remove_domain(1)
                self.check_no_ghost()

    def setUpRound(self):  # pylint: disable=invalid-name
        """Domain 1 as at the start."""
        if '1' not in self.store.list('/local/domain'):
            self.hypervisor.assign(NIC, 'io')
            self.store.remove(self.toolstack.info(NIC, 'domid'))
            self.store.remove(self.toolstack.backend(1))
            self.wait_host(NIC, state='quarantined')
            self.toolstack.create(1)
            self.wait_status('ready', 1)

    def test_removed_before_the_commit(self):
        """The write of generation is the last one before it."""
        self.toolstack.attach(1, NIC).to('announced')
        self.wait_host(NIC, state='protected', owner='1')
        with self.daemon.tap.held(xenstore.TRANSACTION_END,
                                  lambda: self.toolstack.export(1, 0)):
            self.remove_domain(1)
        self.check_no_ghost()

    def test_home_removed_while_the_domain_lives(self):
        """The toolstack removes the home first, the domain later."""
        self.attach()
        self.wait_record(1, FIRST, state='protected')
        self.toolstack.remove_home(1)
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.check_no_ghost()
        self.toolstack.destroy_domain(1)
        self.check_no_ghost()

    def test_removed_while_it_withdraws(self):
        """At its end the daemon goes through all domains."""
        with self.daemon.tap.held(xenstore.TRANSACTION_START,
                                  lambda: self.daemon.process.terminate()):
            self.remove_domain(1)
        self.assertEqual(self.daemon.process.wait(BOUND), 0)
        self.assertNotIn('1', self.store.list('/local/domain'))
        self.assertEqual(self.status(2), 'stopped')

    def test_many_come_and_go(self):
        for domid in range(10, 30):
            self.toolstack.create(domid)
        for domid in range(10, 30):
            self.remove_domain(domid)
        self.sync()
        self.assertEqual(self.store.list('/local/domain'), ['0', '1', '2'])
        self.assertEqual(self.status(2), 'ready')


class SameId(LifecycleCase):
    def test_made_anew_while_the_daemon_is_busy(self):
        """It never sees the id missing; the new domain gets its own tree all the same."""
        with self.hypervisor.held('xc_test_assign_device', self.daemon.reload):
            self.remove_domain(1)
            self.toolstack.create(1)
        self.wait_status('ready', 1)
        self.sync()
        for node in self.store.nodes(self.home(1)):
            self.assertEqual(self.store.perms(node), 'n0,r1', node)
        self.assertEqual(self.rig.guest(1).store().read('iommu/status'), 'ready')

    def test_new_domain_does_not_inherit(self):
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.toolstack.destroy(1).finish()
        self.toolstack.create(1)
        self.wait_status('ready', 1)
        self.assertEqual(self.record(1, FIRST), {})


class Transactions(LifecycleCase):
    def attach(self):
        self.toolstack.attach(1, NIC).finish()

    def test_conflicts_are_retried(self):
        self.daemon.tap.inject(xenstore.TRANSACTION_END, 'EAGAIN', count=3)
        self.attach()
        self.wait_record(1, FIRST, state='protected')
        self.wait_host(NIC, owner='1')

    def test_endless_conflicts_are_bounded(self):
        """It gives up, says so, and goes on when the conflicts end."""
        self.daemon.tap.inject(xenstore.TRANSACTION_END, 'EAGAIN')
        self.attach()
        wait_until(lambda: self.daemon.log_lines('warning'), 'a warning')
        ends = [request for request in self.daemon.tap.requests()
                if request.kind == xenstore.TRANSACTION_END and request.error]
        self.assertLess(len(ends), 1000)
        self.daemon.tap.clear()
        self.wait_record(1, FIRST, state='protected')
        self.wait_host(NIC, owner='1')

    def test_one_domain_refuses(self):
        """Trouble with one domain's tree is not the others'."""
        self.daemon.tap.inject(xenstore.WRITE, 'ENOSPC', f'{self.home(1)}/generation')
        self.attach()
        self.wait_host(NIC, owner='1')
        self.hypervisor.set_iommu(False)
        self.daemon.reload()
        self.wait_record(0, DISK, state='unprotected')
        self.assertEqual(self.record(1, FIRST), {})
        self.daemon.tap.clear()
        self.wait_record(1, FIRST, state='unprotected')

    def test_nothing_can_be_read(self):
        """An error is not the same as nothing there."""
        self.attach()
        self.wait_record(1, FIRST, state='protected')
        before = self.record(1, FIRST)
        for kind in (xenstore.READ, xenstore.DIRECTORY):
            self.daemon.tap.inject(kind, 'EIO')
        self.daemon.reload()
        wait_until(lambda: self.daemon.log_lines('warning'), 'a warning')
        self.daemon.tap.clear()
        self.daemon.reload()
        self.wait_record(1, FIRST, **before)
        self.daemon.check_alive()

    def test_refused_at_the_start(self):
        """Nothing was published, so it is not ready."""
        self.daemon.stop()
        self.daemon.tap.inject(xenstore.WRITE, 'EIO', f'{HOST_TREE}/status')
        self.daemon.launch()
        wait_until(lambda: not self.daemon.is_running()
                   or self.daemon.log_lines('warning'), 'the daemon to complain')
        self.assertFalse(self.daemon.notify.has('READY=1'))
        self.daemon.tap.clear()
        if self.daemon.is_running():
            self.daemon.wait_ready()
