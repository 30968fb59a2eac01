# SPDX-License-Identifier: MIT
"""PCI functions that are there and cannot be read: no claim stands until all can be."""
import os

from case import BEHIND_PORT, DISK, FUNCTIONS, HOST_BRIDGE, NIC, NIC2, ROOT_PORT, RigCase
from hostpci import PCIBACK
from test_groups import FIRST, LEFT, RIGHT, GroupCase
from waiting import wait_until

UNREAD = {'state': 'unknown', 'swiotlb': 'keep', 'reason': 'devices-unread'}
CLAIMS = ('protected', 'relaxed', 'quarantined')


class UnreadCase(RigCase):
    def wait_unread(self, *functions):
        for bdf in functions:
            self.wait_host(bdf, **UNREAD)
            self.wait_record(0, bdf, state='unknown', swiotlb='keep')
        self.assert_nothing_is_claimed()

    def assert_nothing_is_claimed(self):
        tree = self.published()
        claims = {path: value for path, value in tree.items()
                  if '/pci/' in path and (path.endswith('/state') and value in CLAIMS or
                                          path.endswith('/swiotlb') and value == 'skip')}
        self.assertEqual(claims, {})

    def others(self, bdf):
        return [other for other in FUNCTIONS if other != bdf]

    def wait_published(self, tree):
        wait_until(lambda: self.published() == tree, 'the same tree as before')


class AtStart(UnreadCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()
        for bdf in FUNCTIONS:
            self.wait_host(bdf, state='relaxed')
        self.sound = self.published()
        self.daemon.stop()

    def check(self, bdf, *attribute, **how):
        self.host.spoil(bdf, *attribute, **how)
        self.daemon.start()
        self.wait_unread(*self.others(bdf))
        self.assertEqual(self.host_record(bdf), {})
        self.host.mend(bdf, *attribute)
        self.wait_published(self.sound)

    def test_loop(self):
        self.check(DISK)

    def test_directory(self):
        self.check(NIC, how='directory')

    def test_bridge(self):
        self.check(ROOT_PORT, how='directory')

    def test_buses_of_a_bridge(self):
        """Whether it is one cannot be told."""
        self.check(ROOT_PORT, 'secondary_bus_number')

    def test_id(self):
        self.check(NIC2, 'vendor')
        self.daemon.stop()
        self.check(NIC2, 'device', how='directory')

    def test_driver(self):
        """Not the link that it must be."""
        self.check(DISK, 'driver', how='directory')

    def test_host_bridge(self):
        """What cannot be read cannot be told to be one."""
        self.host.spoil(HOST_BRIDGE)
        self.daemon.start()
        self.wait_unread(*FUNCTIONS)
        self.host.mend(HOST_BRIDGE)
        self.wait_published(self.sound)

    def test_one_that_goes_meanwhile(self):
        """It is absent then, and no longer unread."""
        self.host.spoil(BEHIND_PORT)
        self.daemon.start()
        self.wait_unread(*self.others(BEHIND_PORT))
        self.host.remove(BEHIND_PORT)
        for bdf in self.others(BEHIND_PORT):
            self.wait_host(bdf, state='relaxed')
        self.assertEqual(self.host_record(BEHIND_PORT), {})

    def test_once(self):
        """It says so, exits with a failure, and claims nothing."""
        self.host.spoil(DISK)
        result = self.daemon.run('--once')
        self.assertIn(f'{DISK}: class: {os.strerror(40)}', result.stderr)
        self.assertEqual(result.returncode, 1)
        self.assert_nothing_is_claimed()
        self.host.mend(DISK)


class Later(UnreadCase):
    def setUp(self):
        super().setUp()
        self.host.add('0000:00:07.0', driver=PCIBACK)
        self.toolstack.create(1)
        self.toolstack.create(2, 'hvm')
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()
        for domid, bdf in ((1, NIC), (2, NIC2)):
            self.toolstack.attach(domid, bdf).finish()
            self.wait_host(bdf, state='protected')
        self.sync()
        self.sound = self.published()

    def test_by_an_event(self):
        """Its record stays, as everything that was known of it."""
        for bdf in (DISK, NIC, ROOT_PORT):
            self.host.spoil(bdf, how='directory')
            self.host.uevent('change', bdf)
            for other in FUNCTIONS:
                self.wait_host(other, **UNREAD)
            wait_until(lambda: not self.promises(NIC, 1, FIRST), 'the first guest to know')
            wait_until(lambda: not self.promises(NIC2, 2, FIRST), 'the second guest to know')
            self.assert_nothing_is_claimed()
            self.host.mend(bdf)
            self.wait_published(self.sound)

    def test_by_a_reload(self):
        self.host.spoil(DISK)
        self.daemon.reload()
        for other in FUNCTIONS:
            self.wait_host(other, **UNREAD)
        self.assert_nothing_is_claimed()
        self.host.mend(DISK)
        self.wait_published(self.sound)

    def test_said_once(self):
        """However often it is tried."""
        self.host.spoil(DISK)
        self.host.uevent('change', DISK)
        self.wait_host(DISK, **UNREAD)
        asked = len(self.hypervisor.calls('xc_physinfo'))
        wait_until(lambda: len(self.hypervisor.calls('xc_physinfo')) > asked + 5, 'some passes')
        self.assertEqual(self.daemon.log().count(f'{DISK}: class: '), 1)
        self.host.mend(DISK)
        self.wait_published(self.sound)


class Mates(GroupCase):
    """A mate that is dom0's makes the guest's device unprotected, whether or not it is read."""

    def make_machine(self):
        super().make_machine()
        self.toolstack.assignable_add(LEFT).finish()

    def test_at_start(self):
        self.toolstack.attach(1, LEFT).finish()
        self.wait_host(LEFT, owner='1', state='unprotected')
        self.daemon.stop()
        self.host.spoil(RIGHT)
        self.daemon.start()
        self.wait_host(LEFT, owner='1', **UNREAD)
        self.assert_no_promise(LEFT, 1, FIRST)
        self.host.mend(RIGHT)
        self.wait_host(LEFT, owner='1', state='unprotected', reason='group-split')
        self.assert_no_promise(LEFT, 1, FIRST)

    def test_plugged_in(self):
        self.host.remove(RIGHT)
        self.toolstack.attach(1, LEFT).finish()
        self.wait_host(LEFT, owner='1', state='protected')
        with self.hypervisor.held('xc_physinfo', lambda: self.host.uevent('change', LEFT)):
            self.host.add(RIGHT, 0x020000, 'e1000', below='0000:00:06.0')
            self.host.spoil(RIGHT)
        self.wait_host(LEFT, owner='1', **UNREAD)
        self.assert_no_promise(LEFT, 1, FIRST)
        self.host.mend(RIGHT)
        self.wait_host(LEFT, owner='1', state='unprotected', reason='group-split')
