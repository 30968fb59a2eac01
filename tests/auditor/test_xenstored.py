# SPDX-License-Identifier: MIT
"""xenstored dies, stands still, or refuses what a domain writes: the auditor has nothing to say."""
import os
import signal
import time

from audit import AuditCase
from busy import Busy
from case import NIC, NIC2
from waiting import wait_until
from xenstore import TRANSACTION_START

FIRST = '0000:00:00.0'
STOPPED = float(os.environ.get('XI_STOPPED', '5'))  # s
SEED = int(os.environ.get('XI_SEED', '1'))


class XenstoredCase(AuditCase):
    def setUp(self):
        super().setUp()
        for domid in (1, 2):
            self.toolstack.create(domid)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.toolstack.attach(1, NIC).finish()
        self.audit()
        self.start_daemon()
        self.wait_record(1, FIRST, state='protected')


class Dies(XenstoredCase):
    def rebuild(self):
        self.reintroduce((1, 2), (NIC, NIC2))

    def test_killed_and_empty(self):
        for _ in range(5):
            self.rig.kill()
            self.restart_xenstored()
            self.wait_status('ready')
            self.auditor.sync()
        self.rebuild()
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.auditor.sync()

    def test_taken_away_meanwhile(self):
        """While nobody can write it down, the device goes."""
        self.rig.kill()
        self.hypervisor.assign(NIC, 'io')
        self.restart_xenstored()
        self.rebuild()
        self.wait_host(NIC, state='quarantined')
        self.auditor.sync()

    def test_daemon_killed_too(self):
        self.rig.kill()
        self.kill_daemon()
        self.restart_xenstored()
        self.auditor.sync()
        self.start_daemon()
        self.rebuild()
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.auditor.sync()


class Stops(XenstoredCase):
    def stopped(self, trigger):
        """It stands still, while something happens in Xen, and goes on."""
        self.rig.process.send_signal(signal.SIGSTOP)
        trigger()
        time.sleep(STOPPED)
        self.rig.process.send_signal(signal.SIGCONT)

    def test_and_nothing_happens(self):
        self.stopped(lambda: None)
        self.auditor.sync()
        self.assertEqual(self.record(1, FIRST)['state'], 'protected')

    def test_and_the_device_goes(self):
        steps = self.toolstack.detach(1, NIC)
        self.stopped(lambda: steps.to('deassigned'))
        steps.finish()
        self.wait_host(NIC, state='quarantined')
        self.auditor.sync()

    def test_and_the_daemon_dies(self):
        self.stopped(self.kill_daemon)
        self.assertEqual(self.daemon.run('--withdraw').returncode, 0)
        self.auditor.sync()
        self.start_daemon()
        self.wait_record(1, FIRST, state='protected')
        self.auditor.sync()

    def test_again_and_again_in_a_busy_time(self):
        self.toolstack.detach(1, NIC).finish()
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_remove(bdf).finish()
        for domid in (1, 2):
            self.toolstack.destroy(domid).finish()
        busy = Busy(self.toolstack, self.host, SEED)
        busy.start()
        done = 0
        for _ in range(10):
            wait_until(lambda: busy.error or busy.operations > done + 10, 'ten operations')
            self.rig.process.send_signal(signal.SIGSTOP)
            time.sleep(STOPPED / 10)
            self.rig.process.send_signal(signal.SIGCONT)
            done = busy.operations
        busy.end()
        self.sync()
        self.auditor.sync()


class Quota(XenstoredCase):
    def fill(self, store, root):
        """Writes nodes until xenstored refuses more, or there are many."""
        for number in range(5000):
            try:
                store.write(f'{root}/n{number}', 'x')
            except OSError:
                return True
        return False

    def test_guest_at_its_quota(self):
        """What it writes counts against itself, and stops nobody's downgrade."""
        guest = self.rig.guest(1).store()
        self.assertTrue(self.fill(guest, 'data'))
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [])
        self.auditor.sync()

    def test_many_nodes_of_dom0(self):
        """Dom0 has no such limit: whatever is there, what is to be said is said."""
        self.fill(self.store, '/data')
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.auditor.sync()

    def test_transactions_of_a_guest(self):
        """As many as it may have at once, and all of them open."""
        store = self.rig.guest(1).store()
        opened = 0
        try:
            for opened in range(64):
                store.request(TRANSACTION_START, b'\0')
        except OSError:
            pass
        self.assertLess(opened, 64)
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.auditor.sync()
