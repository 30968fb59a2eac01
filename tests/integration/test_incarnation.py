# SPDX-License-Identifier: MIT
"""A domain's number is soon another one's. At every single step of the daemon's writing, the domain
is destroyed and another one with its number made: what was found out about the old one must never
stand in the new one's home."""
import threading
import time

from case import NIC, RigCase, tree_of
from tap import commits_of
from waiting import BOUND, wait_until

FIRST = '0000:00:00.0'
CLAIMS = ('protected', 'relaxed', 'quarantined', 'skip')


class Reader(threading.Thread):
    """What a guest can read of its own tree, over and over."""

    def __init__(self, guest):
        super().__init__(daemon=True)
        self.store = guest.store()
        self.seen = set()
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            self.seen.update(self.store.atomically(lambda tx: read_tree(tx, 'iommu')))

    def stop(self):
        self.ended.set()
        self.join(BOUND)


def read_tree(tx, path):
    found = [(path, tx.read(path))]
    for name in tx.list(path):
        found += read_tree(tx, f'{path}/{name}')
    return found


class IncarnationCase(RigCase):
    """Its home names the domain's UUID, as libxl has it."""
    names_vm = True

    def setUp(self):
        super().setUp()
        self.toolstack.names_vm = self.names_vm
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.wait_host(NIC, state='quarantined')
        self.made = 0

    # a round

    def each_step(self, least, begin, trigger, is_over, check):
        """Holds one step after the other. begin: before each; trigger: makes the daemon write to
        domain 1; is_over: it has done so; check: after each."""
        for number in range(200):
            begin()
            with self.daemon.tap.held_at_step(self.home(1), number, trigger, is_over) as held:
                if held:
                    self.replace()
            if not held:
                break
            with self.subTest(step=number):
                check()
        self.assertGreaterEqual(number, least, 'steps')

    def replace(self):
        self.toolstack.destroy(1).finish()
        self.toolstack.create(1)
        self.made = time.monotonic_ns()
        self.reader = Reader(self.rig.guest(1))

    def check_reader(self):
        """The new guest could read nothing of what the old one was told."""
        self.reader.stop()
        self.assertEqual([seen for seen in self.reader.seen if seen[1] in CLAIMS], [])
        written = [change for commit in commits_of(self.daemon.tap.requests())
                   if commit.answered > self.made for change in commit.changes
                   if tree_of(change.path) == self.home(1) and change.value in CLAIMS]
        self.assertEqual(written, [])
        self.assertEqual(self.store.read('/local/domain/1/name'), 'guest1')

    def check_ready(self):
        self.wait_status('ready', 1)
        self.wait_host(NIC, state='quarantined', owner='none')
        self.sync()
        self.check_reader()
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [])
        for node in self.store.nodes(self.home(1)):
            self.assertEqual(self.store.perms(node), 'n0,r1', node)

    # what the daemon does meanwhile

    def attach(self):
        self.toolstack.attach(1, NIC).finish()

    def is_told(self):
        return (self.record(1, FIRST).get('state') == 'protected' and
                self.host_record(NIC).get('state') == 'protected')

    def have_attached(self):
        self.attach()
        wait_until(self.is_told, 'the word')
        self.sync()


class Named(IncarnationCase):
    def test_attach(self):
        self.each_step(5, lambda: None, self.attach, self.is_told, self.check_ready)

    def test_detach(self):
        self.each_step(3, self.have_attached, lambda: self.toolstack.detach(1, NIC).finish(),
                       lambda: self.host_record(NIC).get('state') == 'quarantined',
                       self.check_ready)

    def replace(self):
        if self.toolstack.devices(1):
            super().replace()
            return
        self.hypervisor.assign(NIC, 'io')
        super().replace()

    def test_creation(self):
        """The very first tree of a domain, with a device in it."""
        def begin():
            self.toolstack.destroy(1).finish()
            self.wait_host(NIC, state='quarantined', owner='none')
            self.sync()
            self.daemon.pause()

        def trigger():
            self.toolstack.create(1)
            self.attach()
            self.daemon.resume()
        self.each_step(8, begin, trigger, self.is_told, self.check_ready)

    def test_reconnect(self):
        """Everything is taken back, and written again."""
        connected = len(self.daemon.log_lines('connected to xenstored again'))

        def is_over():
            return (len(self.daemon.log_lines('connected to xenstored again')) > connected and
                    self.is_told())

        def begin():
            nonlocal connected
            self.have_attached()
            connected = len(self.daemon.log_lines('connected to xenstored again'))
        self.each_step(10, begin, self.daemon.tap.cut, is_over, self.check_ready)

    def test_stop(self):
        def begin():
            if not self.daemon.is_running():
                self.daemon.start()
            self.attach()
            wait_until(self.is_told, 'the word')

        def check():
            self.assertEqual(self.daemon.process.wait(BOUND), 0)
            self.check_reader()
            self.assertIn(self.status(1), (None, 'stopped'))
            self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [])
        self.each_step(4, begin, lambda: self.daemon.process.terminate(),
                       lambda: not self.daemon.is_running(), check)


class Unnamed(Named):
    """Another toolstack: nothing in the home tells one domain from the next."""
    names_vm = False


class Gone(IncarnationCase):
    """The same, and no other domain comes: no home may be left behind."""

    def replace(self):
        self.toolstack.destroy(1).finish()

    def check(self):
        self.wait_host(NIC, state='quarantined', owner='none')
        self.sync()
        self.assertNotIn('1', self.store.list('/local/domain'))

    def begin(self):
        if '1' not in self.store.list('/local/domain'):
            self.toolstack.create(1)
            self.wait_status('ready', 1)

    def test_attach(self):
        self.each_step(5, self.begin, self.attach, self.is_told, self.check)

    def test_reconnect(self):
        def begin():
            self.begin()
            self.have_attached()
            self.connected = len(self.daemon.log_lines('connected to xenstored again'))
        self.each_step(
            10, begin, self.daemon.tap.cut, lambda: self.is_told() and self.connected < len(
                self.daemon.log_lines('connected to xenstored again')), self.check)
