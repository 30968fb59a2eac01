# SPDX-License-Identifier: MIT
"""All that a host's devices go through, once, and a busy time after it: the auditor has nothing to say.

After each step it is given the time after which an overlap is a falsehood. tests/mutate has daemons
that say more than is true, and fail here."""
import time

import acpi
from audit import AuditCase
from busy import PLUGGED, Busy
from case import DISK, NIC, NIC2, ROOT_PORT, SPARE
from toolstack import CRASH
from waiting import wait_until

BOUND_MS = 1000
SEED = 7
OPERATIONS = 150


class Right(AuditCase):
    options = ('--allow-overlap-ms', str(BOUND_MS), '--uncovered', DISK)

    def setUp(self):
        super().setUp()
        self.daemon.config['confirm-interval'] = 0.3
        for domid, kind in ((1, 'pv'), (2, 'hvm')):
            self.toolstack.create(domid, kind)
        self.audit()
        self.start_daemon()

    def settle(self):
        """What stands now stands for longer than it may."""
        time.sleep(1.2 * BOUND_MS / 1000)
        self.auditor.sync()
        self.assertEqual(self.auditor.findings(), [])

    def make_machine(self):
        """The firmware's tables leave out one function."""
        super().make_machine()
        scopes = [acpi.scope(bdf) for bdf in (NIC, NIC2, PLUGGED, SPARE)]
        self.daemon.set_tables(RMAD=acpi.dmar(acpi.drhd(
            acpi.scope(ROOT_PORT, acpi.SUB_HIERARCHY), *scopes)))

    def test_every_step(self):
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.settle()
        self.toolstack.attach(1, NIC).finish()
        self.toolstack.attach(2, NIC2, vdevfn=0x28).finish()
        self.settle()
        self.hypervisor.set_group('g', NIC, NIC2)
        self.daemon.reload()
        self.settle()
        self.hypervisor.set_group('', NIC, NIC2)
        self.daemon.reload()
        self.toolstack.detach(1, NIC).finish()
        self.settle()
        self.toolstack.bury(2, CRASH).finish()
        self.settle()
        self.toolstack.create(2, 'hvm')
        self.toolstack.attach(1, NIC2).finish()
        self.settle()

    def test_behind_the_toolstack(self):
        """Xen takes it away, and nothing tells."""
        self.toolstack.assignable_add(NIC).finish()
        self.toolstack.attach(1, NIC).finish()
        self.settle()
        self.hypervisor.assign(NIC, 'io')
        self.settle()

    def test_plugged(self):
        self.host.add(SPARE)
        self.settle()
        self.host.remove(SPARE)
        self.settle()

    def test_stopped(self):
        self.settle()
        self.assertEqual(self.daemon.stop(), 0)
        self.hypervisor.note_daemon(False)
        self.settle()

    def test_killed(self):
        self.settle()
        self.kill_daemon()
        self.assertEqual(self.daemon.run('--withdraw').returncode, 0)
        self.settle()

    def test_home_that_goes(self):
        """It is removed before whatever the daemon has to write to it is written."""
        for domid in range(3, 23):
            self.toolstack.create(domid)
            self.toolstack.destroy(domid).finish()
        self.settle()

    def test_busy(self):
        for domid in (1, 2):
            self.toolstack.destroy(domid).finish()
        busy = Busy(self.toolstack, self.host, SEED, self.daemon.reload)
        busy.start()
        wait_until(lambda: busy.operations >= OPERATIONS or busy.error, 'so many operations')
        busy.end()
        self.settle()
