# SPDX-License-Identifier: MIT
"""A claim that no longer holds, and a xenstored that refuses the daemon what it would write: within
the bound no reader believes it any more, or the daemon ends, so that who watches it takes it back."""
import time

import xenstore
from case import NIC, NIC2, RigCase
from daemon import HOST_TREE
from waiting import wait_until

FIRST = '0000:00:00.0'
SLOT = 'iommu/pci/0000-00-00-0'  # the same, as the guest reads it
BOUND = 2  # seconds; DOWNGRADE_BOUND_MS
SLACK = 3  # for a busy machine

NO_TRANSACTION = [
    ('a write', xenstore.WRITE, 'EAGAIN'), ('a write', xenstore.WRITE, 'ENOSPC'),
    ('a write', xenstore.WRITE, 'EIO'), ('a start', xenstore.TRANSACTION_START, 'EACCES'),
    ('a start', xenstore.TRANSACTION_START, 'ENOSPC'), ('a start', xenstore.TRANSACTION_START, 'EIO'),
    ('a commit', xenstore.TRANSACTION_END, 'EAGAIN'), ('a commit', xenstore.TRANSACTION_END, 'EIO'),
    ('a removal of records', xenstore.RM, 'EACCES')]


class DowngradeCase(RigCase):
    def setUp(self):
        super().setUp()
        for domid in (1, 2):
            self.toolstack.create(domid)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
            self.toolstack.attach(1 if bdf == NIC else 2, bdf).finish()
        self.daemon.start()
        self.inside = self.rig.guest(1).store()
        self.wait_claims()

    def wait_claims(self):
        for domid, bdf in ((1, NIC), (2, NIC2)):
            self.wait_host(bdf, state='protected', owner=str(domid))
            self.wait_record(domid, FIRST, state='protected')
            self.wait_status('ready', domid)
        self.wait_status('ready')

    def guest_believes(self):
        """What the guest's driver takes its record for."""
        try:
            return (self.inside.read('iommu/status') == 'ready'
                    and self.inside.read(f'{SLOT}/state') == 'protected')
        except xenstore.StoreError:
            return False

    def host_believes(self):
        """The same in dom0, about whose device it is."""
        def read(tx):
            record = f'{HOST_TREE}/pci/0000-00-04-0'
            return [tx.read(path) for path in (f'{HOST_TREE}/status', f'{record}/state',
                                               f'{record}/owner')]
        return self.store.atomically(read) in (['ready', 'protected', '1'],)

    def let_go(self):
        """Xen takes the device from the guest, and a first sign of it is there."""
        began = time.monotonic()
        self.toolstack.detach(1, NIC).finish()
        return began

    def wait_disbelief(self, began):
        wait_until(lambda: not self.guest_believes(), "the guest's record to fall")
        wait_until(lambda: not self.host_believes(), "the host's record to fall")
        self.assertLess(time.monotonic() - began, BOUND + SLACK)

    def check_right_again(self):
        """Once the fault has ended, without help."""
        self.daemon.tap.clear()
        self.wait_host(NIC, state='quarantined', owner='none')
        self.wait_host(NIC2, state='protected', owner='2')
        self.wait_record(2, FIRST, state='protected')
        self.wait_record(1, FIRST)
        for domid in (None, 0, 1, 2):
            self.wait_status('ready', domid)
        self.daemon.check_alive()


class AnotherWay(DowngradeCase):
    """The word goes in another way, and comes back by itself."""

    def test_no_transaction(self):
        for what, kind, error in NO_TRANSACTION:
            with self.subTest(what, error=error):
                if kind == xenstore.RM:
                    self.daemon.tap.inject(kind, error, f'{self.home(1)}/pci')
                else:
                    self.daemon.tap.inject(kind, error)
                self.wait_disbelief(self.let_go())
                self.check_right_again()
                self.toolstack.attach(1, NIC).finish()
                self.wait_claims()

    def test_one_tree_refuses(self):
        """The others' words fall and stand as ever."""
        self.daemon.tap.inject(xenstore.WRITE, 'EACCES', f'{self.home(2)}/generation')
        self.wait_disbelief(self.let_go())
        self.wait_host(NIC, state='quarantined', owner='none')
        self.check_right_again()

    def test_the_first_tree_refuses_as_if_the_connection_were_lost(self):
        self.daemon.tap.inject(xenstore.WRITE, 'EIO', f'{self.home(0)}/generation')
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def test_generation_cannot_be_read(self):
        self.daemon.tap.inject(xenstore.READ, 'EACCES', f'{self.home(1)}/generation')
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def test_home_cannot_be_read(self):
        self.daemon.tap.inject(xenstore.READ, 'EACCES', '/local/domain/1')
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def test_tree_cannot_be_removed(self):
        """But its parts."""
        self.daemon.tap.inject(xenstore.TRANSACTION_START, 'EACCES')
        for root in (self.home(1), HOST_TREE):
            self.daemon.tap.inject(xenstore.RM, 'EACCES', root)
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def test_nothing_can_be_removed(self):
        """The guest may not read it any more; dom0's own trees cannot go, and take a plain word."""
        self.daemon.tap.inject(xenstore.TRANSACTION_START, 'EACCES')
        self.daemon.tap.inject(xenstore.RM, 'EACCES')
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def test_new_connection(self):
        """What is refused goes on being refused on this connection alone."""
        for kind in (xenstore.TRANSACTION_START, xenstore.RM, xenstore.SET_PERMS, xenstore.WRITE):
            self.daemon.tap.inject(kind, 'EACCES', connection=self.connection())
        self.wait_disbelief(self.let_go())
        self.check_right_again()

    def connection(self):
        return next(request.connection for request in reversed(self.daemon.tap.requests())
                    if request.kind == xenstore.TRANSACTION_START)

    def test_readers_that_remember(self):
        """They hear of it, by the one watch they have."""
        self.inside.watch('iommu/generation', 'g')
        self.daemon.tap.inject(xenstore.TRANSACTION_START, 'EACCES')
        while self.inside.next_event(0):
            pass
        self.let_go()
        self.assertTrue(self.inside.next_event(BOUND + SLACK))
        self.check_right_again()


class NoWay(DowngradeCase):
    """Nothing that the daemon writes gets through."""

    def refuse(self, error):
        for kind in (xenstore.TRANSACTION_START, xenstore.RM, xenstore.SET_PERMS, xenstore.WRITE):
            self.daemon.tap.inject(kind, error)

    def test_it_ends(self):
        """Its keeper withdraws as soon as it is let."""
        for error in ('EACCES', 'EIO', 'ENOSPC', 'EAGAIN'):
            with self.subTest(error):
                began = time.monotonic()
                self.refuse(error)
                self.let_go()
                wait_until(lambda: self.daemon.child() is None, 'the daemon to end')
                self.assertLess(time.monotonic() - began, BOUND + SLACK)
                self.assertTrue(self.daemon.log_lines('error', 'cannot be taken back'))
                # Its keeper goes on trying.
                self.daemon.tap.clear()
                self.assertEqual(self.daemon.process.wait(60), 1)
                self.assertFalse(self.guest_believes())
                self.daemon.start()
                self.check_right_again()
                self.toolstack.attach(1, NIC).finish()
                self.wait_claims()

    def test_xenstored_is_gone(self):
        """That is no refusal: nobody reads anything either."""
        self.rig.kill()
        lost = time.monotonic()
        wait_until(lambda: time.monotonic() - lost > BOUND + 1, 'the bound')
        self.daemon.check_alive()
