# SPDX-License-Identifier: MIT
"""What a guest does with all the rights it has changes nothing beyond its own home, and nothing that
is published: neither what it writes, nor how often."""
import contextlib

import xenstore
from attacker import STEPS, Attacker
from case import BEHIND_PORT, DISK, NIC, NIC2, RigCase
from toolstack import CLOSED, CLOSING, CONNECTED, CRASH, INIT_WAIT
from waiting import wait_until

HOSTILE, VICTIM, PASSING = 1, 2, 7
FRONTEND = f'/local/domain/{HOSTILE}/device/pci/0'
OWN_ADDRESS = '0000:00:00.0'  # of a PV guest's first device
NONSENSE = ('', '0', '-1', '4', '6', '99999999999999999999', '0000:00:05.0', f'{"x" * 1000}',
            '\x01\xff\n', f'/local/domain/0/backend/pci/{VICTIM}/0')
MEMORY_MARGIN = 8 << 20  # what a process may have grown by and still be as large as before
LITTLE_QUARANTINE = 'verify_asan_link_order=0:quarantine_size_mb=1'  # else all that is freed stays


class HostileCase(RigCase):
    """Domain 1 is the one that means harm; both it and domain 2 have a device."""

    def setUp(self):
        super().setUp()
        for domid, bdf in ((HOSTILE, NIC), (VICTIM, NIC2)):
            self.toolstack.create(domid)
            self.toolstack.assignable_add(bdf).finish()
            self.toolstack.attach(domid, bdf).finish()
        self.daemon.extra_env['ASAN_OPTIONS'] = LITTLE_QUARANTINE
        self.daemon.start()
        self.wait_record(HOSTILE, OWN_ADDRESS, state='protected')
        self.wait_record(VICTIM, OWN_ADDRESS, state='protected')
        self.sync()

    def everything(self):
        """All that is published, and how often it was written in the guests' trees."""
        return self.published(), self.generation(HOSTILE), self.generation(VICTIM)

    def memory(self):
        """Bytes that the daemon's processes have in memory."""
        return sum(resident(pid) for pid in family(self.daemon.process.pid))

    def serve_victim(self, rounds):
        """Its device goes and comes, and each time it is told."""
        for _ in range(rounds):
            self.toolstack.detach(VICTIM, NIC2).finish()
            self.wait_record(VICTIM, OWN_ADDRESS)
            self.wait_host(NIC2, state='quarantined')
            self.toolstack.attach(VICTIM, NIC2).finish()
            self.wait_record(VICTIM, OWN_ADDRESS, state='protected')

    @contextlib.contextmanager
    def attack(self, *steps):
        """The hostile guest takes these steps, each in a program of its own."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Attacker(self.rig.guest(HOSTILE), step)) for step in steps]

    def serve_under(self, *steps, rounds=15):
        """The victim is served while attackers take these steps, and nothing grows because of them.
        Returns the attackers."""
        self.serve_victim(rounds)
        quiet, generation = self.memory(), self.generation(HOSTILE)
        with self.attack(*steps) as attackers:
            self.serve_victim(rounds)
        self.assertLess(self.memory(), quiet + MEMORY_MARGIN)
        self.assertEqual(self.generation(HOSTILE), generation)
        self.assertEqual(self.record(HOSTILE, OWN_ADDRESS)['state'], 'protected')
        return attackers


def resident(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        sizes = [int(line.split()[1]) for line in file if line.startswith('VmRSS:')]
    return sum(sizes) << 10


def family(pid):
    """A process and all that it started."""
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
        children = [int(word) for word in file.read().split()]
    return [pid] + [other for child in children for other in family(child)]


def is_done(operation, *arguments):
    try:
        operation(*arguments)
    except xenstore.StoreError:
        return False
    return True


class Writes(HostileCase):
    def paths(self, top='/'):
        """All that is in XenStore, but for what xenstored keeps itself."""
        found = []
        for name in self.store.list(top):
            path = f'{top.rstrip("/")}/{name}'
            if path != '/@introduceDomain' and not path.startswith('/tool/xenstored'):
                found += [path] + self.paths(path)
        return found

    def change_all(self, guest):
        """Tries every change of every node. Returns where one was made."""
        changed = set()
        for path in self.paths():
            changed |= {path for value in NONSENSE if is_done(guest.write, path, value)}
            if is_done(guest.mkdir, f'{path}/evil') or is_done(guest.write, f'{path}/evil2', '1'):
                changed.add(path)
            if is_done(guest.set_perms, path, f'b{HOSTILE}'):
                changed.add(path)
        return changed

    def test_every_node(self):
        before = self.everything()
        guest = self.rig.guest(HOSTILE).store()
        changed = self.change_all(guest)
        home = f'/local/domain/{HOSTILE}/'
        self.assertIn(f'{FRONTEND}/state', changed)
        self.assertEqual([path for path in changed if not path.startswith(home) or
                          path.startswith(home + 'iommu')], [])
        self.sync()
        self.assertEqual(self.everything(), before)

    def test_removes_what_it_can(self):
        before, left = self.everything(), self.paths()
        guest = self.rig.guest(HOSTILE).store()
        for path in reversed(left):
            is_done(guest.request, xenstore.RM, path.encode() + b'\0')
        gone = set(left) - set(self.paths())
        self.assertIn(f'{FRONTEND}/state', gone)
        self.assertEqual([path for path in gone if not path.startswith(f'{FRONTEND}/') and
                          not path.startswith(f'/local/domain/{HOSTILE}/')], [])
        self.sync()
        self.assertEqual(self.everything(), before)

    def test_frontend_that_points_elsewhere(self):
        """A frontend that says it is another's, or that another domain serves it."""
        before = self.everything()
        guest = self.rig.guest(HOSTILE).store()
        for value in NONSENSE:
            for name in ('backend', 'backend-id', 'state', 'num_devs', 'dev-0', 'vdev-0', 'state-0'):
                guest.write(f'{FRONTEND}/{name}', value)
        self.sync()
        self.assertEqual(self.everything(), before)

    def test_last_node_of_its_quota(self):
        """It has no node left, and its tree changes all the same, for that is not its own."""
        guest = self.rig.guest(HOSTILE).store()
        with self.assertRaises(xenstore.StoreError):
            for number in range(100000):
                guest.write(f'data/node-{number}', 'x')
        self.toolstack.assignable_add(DISK).finish()
        self.toolstack.attach(HOSTILE, DISK).finish()
        self.wait_record(HOSTILE, '0000:00:01.0', state='protected')
        self.toolstack.detach(HOSTILE, DISK).finish()
        self.wait_record(HOSTILE, '0000:00:01.0')
        self.daemon.kill()
        self.daemon.start()
        self.wait_record(HOSTILE, OWN_ADDRESS, state='protected')
        self.serve_victim(2)


class Floods(HostileCase):
    def test_writes(self):
        self.serve_under('write', 'write')

    def test_transactions(self):
        self.serve_under('conflict')

    def test_open_transactions(self):
        [attacker] = self.serve_under('open_transactions')
        self.assertGreater(attacker.refused, 0)

    def test_watches(self):
        self.serve_under('watch', 'write')

    def test_frontend_that_opens_and_closes(self):
        """Nobody answers it: what it says of itself is not read."""
        self.serve_under('frontend')

    def test_frontend_that_pciback_follows(self):
        """Its own record falls each time that the backend closes, and nothing else changes."""
        generation = self.generation(VICTIM)
        backend = self.toolstack.backend(HOSTILE)
        with self.attack('frontend'):
            for _ in range(100):
                for state in (CLOSING, CLOSED, INIT_WAIT, CONNECTED):
                    self.store.write(f'{backend}/state', state)
        self.wait_record(HOSTILE, OWN_ADDRESS, state='protected')
        self.sync()
        self.assertEqual(self.generation(VICTIM), generation)
        self.assertEqual(self.record(VICTIM, OWN_ADDRESS)['state'], 'protected')


def end_domain(toolstack, domid):
    """One whose number is not used again may crash: what libxl then leaves is of that number."""
    (toolstack.destroy(domid) if domid == PASSING else toolstack.bury(domid, CRASH)).finish()


class Passing(HostileCase):
    """A domain that appears and disappears."""

    def come_and_go(self, number):
        """Every other time under a new number; now and then it lives until it is told something,
        or has a device."""
        domid = PASSING if number % 2 else 100 + number
        self.toolstack.create(domid)
        if number % 20 == 0:
            self.wait_status('ready', domid)
        if number % 25 == 0:
            self.toolstack.attach(domid, DISK).finish()
        if number % 75 == 0:
            self.wait_record(domid, OWN_ADDRESS, state='protected')
        end_domain(self.toolstack, domid)

    def repeat(self, first, end):
        for number in range(first, end):
            self.come_and_go(number)

    def test_a_thousand_times(self):
        before = self.published()
        self.toolstack.assignable_add(DISK).finish()
        self.repeat(0, 300)
        memory = self.memory()
        self.repeat(300, 1000)
        self.assertLess(self.memory(), memory + MEMORY_MARGIN)
        self.toolstack.assignable_remove(DISK).finish()
        self.sync()
        wait_until(lambda: self.published() == before, 'what is published to be as it was')
        self.serve_victim(2)
        self.toolstack.create(PASSING)
        self.wait_status('ready', PASSING)
        self.assertEqual(self.store.list(f'{self.home(PASSING)}/pci'), [])


class Together(HostileCase):
    def test_all_at_once(self):
        self.toolstack.assignable_add(BEHIND_PORT).finish()
        with self.attack(*STEPS):
            self.serve_victim(5)
            for domid in [PASSING, 20, PASSING, 21, PASSING, 22, PASSING]:
                self.toolstack.create(domid)
                self.toolstack.attach(domid, BEHIND_PORT).finish()
                self.wait_record(domid, OWN_ADDRESS, state='protected')
                end_domain(self.toolstack, domid)
        self.assertEqual(self.status(), 'ready')
        self.assertEqual(self.record(VICTIM, OWN_ADDRESS)['state'], 'protected')
