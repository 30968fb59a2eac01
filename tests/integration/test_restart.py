# SPDX-License-Identifier: MIT
"""Killed at any moment, stopped, withdrawn, without xenstored: it converges to the same tree, and
never says a word that does not hold in between."""
import itertools
import random

from case import FUNCTIONS, NIC, NIC2, RigCase
from daemon import HOST_TREE
from waiting import BOUND, wait_until
import xenstore

FIRST = '0000:00:00.0'
SEED = 20


class RestartCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.toolstack.attach(1, NIC).finish()
        self.daemon.start()
        self.wait_record(1, FIRST, state='protected')
        self.tree = self.published()

    def check_same(self):
        wait_until(lambda: self.published() == self.tree, 'the same tree as before')

    def statuses(self):
        return {domid: self.status(domid) for domid in (None, 0, 1, 2)}

    def records(self):
        """Every record there is, of the host and all domains."""
        return [f'{root}/{name}' for root in
                (f'{HOST_TREE}/pci', *(f'{self.home(domid)}/pci' for domid in (0, 1, 2)))
                for name in self.store.list(root)]


class Restart(RestartCase):
    def test_already_running(self):
        """What was assigned before the daemon came is published."""
        self.assertEqual(self.host_record(NIC)['owner'], '1')
        self.assertEqual(self.host_record(NIC2)['state'], 'quarantined')
        self.assertEqual(len(self.records()), 2 * len(FUNCTIONS) - 2 + 1)

    def test_stop_and_start(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(set(self.statuses().values()), {'stopped'})
        self.assertEqual(self.records(), [])
        wait_until(lambda: self.daemon.notify.has('STOPPING=1'), 'STOPPING=1')
        self.daemon.start()
        self.check_same()

    def test_killed_then_withdrawn_then_started(self):
        """As the service manager does it. Nowhere in between is ready."""
        self.daemon.kill()
        since = len(self.daemon.tap.commits())
        done = self.daemon.run('--withdraw')
        self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        self.assertEqual(set(self.statuses().values()), {'stopped'})
        self.assertEqual(self.records(), [])
        self.daemon.start()
        self.check_same()
        for tree in (HOST_TREE, *(self.home(domid) for domid in (0, 1, 2))):
            words = [change.value for changes in self.daemon.tap.commits()[since:]
                     for change in changes if change.path == f'{tree}/status']
            self.assertEqual([word for word, _ in itertools.groupby(words)],
                             ['stopped', 'starting', 'ready'], tree)

    def test_killed_then_started(self):
        self.daemon.kill()
        self.daemon.start()
        self.check_same()

    def test_withdrawn_twice(self):
        self.daemon.kill()
        for _ in range(2):
            self.assertEqual(self.daemon.run('--withdraw').returncode, 0)
            self.assertEqual(set(self.statuses().values()), {'stopped'})

    def test_withdrawn_while_a_domain_goes(self):
        """Its tree is about to be removed when its home is. C xenstored calls that an I/O error."""
        self.daemon.kill()
        tree = self.home(2)
        with self.daemon.tap.held(xenstore.RM, lambda: self.daemon.launch('--withdraw'), tree):
            self.toolstack.remove_home(2)
        self.assertEqual(self.daemon.process.wait(BOUND), 0, self.daemon.log())
        self.assertEqual(self.store.list('/local/domain/2'), [])
        self.assertEqual({self.status(domid) for domid in (None, 0, 1)}, {'stopped'})

    def test_changes_while_it_was_away(self):
        self.daemon.kill()
        self.toolstack.detach(1, NIC).finish()
        self.toolstack.attach(2, NIC2).finish()
        self.host.add('0000:00:06.0')
        self.toolstack.destroy(1).finish()
        self.daemon.start()
        self.assertEqual(self.host_record(NIC)['state'], 'quarantined')
        self.assertEqual(self.host_record(NIC2)['owner'], '2')
        self.assertEqual(self.record(2, FIRST)['state'], 'protected')
        self.assertEqual(self.host_record('0000:00:06.0')['owner'], '0')
        self.assertNotIn('1', self.store.list('/local/domain'))

    def test_second_daemon(self):
        """It does not start, and disturbs nothing."""
        done = self.daemon.run()
        self.assertEqual(done.returncode, 1)
        self.assertIn('lock', done.stderr)
        self.assertEqual(self.published(), self.tree)


class KilledAnywhere(RestartCase):
    """Killed after a number of its requests to xenstored that chance chooses."""
    ROUNDS = 12

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.chance = random.Random(SEED)

    def requests(self):
        return len(self.daemon.tap.requests())

    def kill_after(self, count):
        """Starts it and kills it when it has made count requests, or is up before."""
        goal = self.requests() + count
        self.daemon.launch()
        wait_until(lambda: self.requests() >= goal or self.daemon.notify.has('READY=1'),
                   f'{count} requests')
        self.daemon.kill()

    def check_sound(self, when):
        """Ready means that all is there and right; otherwise no record makes a promise."""
        for domid in (None, 0, 1, 2):
            root = HOST_TREE if domid is None else self.home(domid)
            expected = {path: value for path, value in self.tree.items()
                        if path.startswith(root + '/')}
            found = self.at_one_moment(root)
            if found.get(f'{root}/status') == 'ready':
                self.assertEqual(found, expected, when)

    def at_one_moment(self, root):
        """As published(), of one tree: the tap may yet pass on the last request of who was
        killed."""
        tree = self.store.atomically(lambda tx: tx.tree(root))
        return {f'{root}/{path}': value for path, value in tree.items() if path != 'generation'}

    def test_converges(self):
        self.daemon.start()
        most = self.requests()
        self.daemon.stop()
        most = self.requests() - most
        for _ in range(self.ROUNDS):
            count = self.chance.randrange(max(most, 150))
            self.kill_after(count)
            self.check_sound(f'after {count} requests, seed {SEED}')
        self.daemon.start()
        self.check_same()


class XenstoredDies(RestartCase):
    def rebuild(self):
        """The store as it was, as far as the toolstack knows it."""
        self.reintroduce((1, 2), (NIC, NIC2))
        self.toolstack.attach(1, NIC).finish()

    def test_restarted(self):
        self.restart_xenstored()
        self.rebuild()
        self.check_same()
        self.daemon.check_alive()
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')

    def test_restarted_again_and_again(self):
        for _ in range(3):
            self.restart_xenstored()
            self.wait_status('ready')
        self.rebuild()
        self.check_same()

    def test_stopped_meanwhile(self):
        """Without xenstored there is nothing to withdraw, and nothing to hang on."""
        self.rig.kill()
        wait_until(lambda: self.daemon.log_lines('xenstored', 'lost'), 'the daemon to notice')
        self.assertEqual(self.daemon.stop(), 0)

    def test_started_without(self):
        self.daemon.stop()
        self.rig.kill()
        self.assertEqual(self.daemon.run().returncode, 1)

    def test_busy_when_it_dies(self):
        """In the middle of a pass, before publishing."""
        with self.hypervisor.held('xc_test_assign_device', self.daemon.reload):
            self.rig.kill()
        self.restart_xenstored()
        self.rebuild()
        self.check_same()
