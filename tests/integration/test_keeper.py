# SPDX-License-Identifier: MIT
"""The keeper: what is published is withdrawn whatever becomes of the daemon."""
import contextlib
import os
import signal
import subprocess
import time

from case import NIC, RigCase
from daemon import HOST_TREE
from test_library import BOUND_MS, Program
from waiting import BOUND, wait_until

FIRST = '0000:00:00.0'
STUCK = 15  # seconds: more than the keeper takes to tell a daemon that is stuck


class KeeperCase(RigCase):
    tapped = False

    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.toolstack.attach(1, NIC).finish()
        self.daemon.start()
        self.wait_record(1, FIRST, state='protected')

    def trees(self):
        """The roots of what there is of ours."""
        homes = [f'/local/domain/{domid}/iommu' for domid in self.store.list('/local/domain')]
        return [HOST_TREE] + [home for home in homes if self.store.read(home) is not None]

    def check_withdrawn(self, before):
        """Every tree says so, and has counted it."""
        for tree in self.trees():
            self.assertEqual(sorted(node[len(tree) + 1:] for node in self.store.nodes(tree)
                                    if node != tree),
                             ['generation', 'status', 'version'], tree)
            self.assertEqual(self.store.read(f'{tree}/status'), 'stopped')
            self.assertGreater(int(self.store.read(f'{tree}/generation')), before[tree])

    def generations(self):
        return {tree: int(self.store.read(f'{tree}/generation')) for tree in self.trees()}

    @contextlib.contextmanager
    def xenstored_stopped(self):
        self.rig.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.rig.process.send_signal(signal.SIGCONT)


class DaemonDies(KeeperCase):
    def check_ends(self, number):
        before = self.generations()
        self.daemon.signal(number)
        self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.check_withdrawn(before)
        self.assertTrue(self.daemon.log_lines('error', f'signal {int(number)}'))
        self.assertTrue(self.daemon.log_lines('withdrawn'))
        self.daemon.start()
        self.wait_record(1, FIRST, state='protected')

    def test_killed(self):
        self.check_ends(signal.SIGKILL)

    def test_core_dumped(self):
        self.check_ends(signal.SIGQUIT)

    def test_stopped(self):
        before = self.generations()
        begin = time.monotonic()
        self.daemon.signal(signal.SIGSTOP)
        self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.assertLess(time.monotonic() - begin, STUCK)
        self.check_withdrawn(before)
        self.assertTrue(self.daemon.log_lines('no sign of life'))

    def test_home_without_tree(self):
        """A home that has none of ours gets none, and one that is gone does not come back."""
        self.toolstack.create(2)
        self.wait_status('ready', 2)
        with self.daemon.paused():
            self.store.remove('/local/domain/2/iommu')
            self.toolstack.remove_home(1)
            self.daemon.signal(signal.SIGKILL)
        self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.assertIsNone(self.store.read('/local/domain/2/iommu'))
        self.assertNotIn('1', self.store.list('/local/domain'))

    def test_killed_while_xenstored_stands(self):
        before = self.generations()
        with self.xenstored_stopped():
            child = self.daemon.child()
            self.daemon.signal(signal.SIGKILL)
            wait_until(lambda: self.daemon.log_lines('signal 9'), 'the keeper to see it')
        self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.assertFalse(os.path.exists(f'/proc/{child}'))
        self.check_withdrawn(before)

    def test_killed_after_another_xenstored(self):
        """The keeper's connection is dead by then."""
        self.rig.kill()
        wait_until(lambda: self.daemon.log_lines('is lost'), 'the daemon to see it')
        self.restart_xenstored()
        wait_until(lambda: self.store.read(f'{HOST_TREE}/status') == 'ready', 'the host tree')
        self.daemon.signal(signal.SIGKILL)
        self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.assertEqual(self.store.read(f'{HOST_TREE}/status'), 'stopped')


class KeeperDies(KeeperCase):
    def test_killed(self):
        before = self.generations()
        child = self.daemon.child()
        self.daemon.process.kill()
        self.daemon.process.wait(BOUND)
        wait_until(lambda: not os.path.exists(f'/proc/{child}'), 'the daemon to end')
        self.check_withdrawn(before)
        self.assertTrue(self.daemon.log_lines('keeper is gone'))


class BothDie(KeeperCase):
    """Nobody withdraws; who can see the lock can tell."""

    def setUp(self):
        super().setUp()
        self.daemon.kill()
        self.assertEqual(self.store.read(f'{HOST_TREE}/status'), 'ready')

    def run_command(self, env, *arguments):
        env = {**env, **self.host.env(), 'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        return subprocess.run([os.environ['XI_CLI'], *arguments], env=env, check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=BOUND)

    def program(self, env):
        program = Program(env)
        self.addCleanup(lambda: self.assertEqual(program.close(), 0))
        return program

    def test_command(self):
        for arguments in (('status',), ('show', NIC), ('list',), ('explain', NIC), ('export', '--domain', '1', '--binding', 'xen-iommu'),
                          ('show', FIRST, '--domain', '1')):
            with self.subTest(arguments):
                done = self.run_command(self.rig.env(), *arguments)
                self.assertEqual(done.returncode, 4)
                self.assertIn('gone', done.stderr)
                self.assertNotIn('protected', done.stdout)
        done = self.run_command(self.rig.env(), 'status')
        self.assertIn('Daemon:      gone', done.stdout)
        self.daemon.start()
        self.assertEqual(self.run_command(self.rig.env(), 'status').returncode, 0)

    def test_start_that_fails(self):
        """Whatever it fails at: what the run before left does not stay."""
        self.daemon.config['user'] = 'no-such-user-here'
        self.assertEqual(self.daemon.run().returncode, 2)
        for tree in self.trees():
            self.assertEqual(self.store.read(f'{tree}/status'), 'stopped')

    def test_start_that_is_slow(self):
        """From its lock on it seems to live: the old words go before Xen is asked for anything."""
        with self.hypervisor.held('xc_interface_open', self.daemon.launch):
            self.assertEqual(self.store.read(f'{HOST_TREE}/status'), 'starting')
            self.assertFalse(self.record(1, FIRST))
        self.daemon.wait_ready()

    def test_start_that_stands(self):
        """Before the daemon has a loop of its own."""
        with self.hypervisor.held('xc_interface_open', self.daemon.launch):
            self.assertEqual(self.daemon.process.wait(BOUND), 1)
        self.assertTrue(self.daemon.log_lines('no sign of life'))

    def test_nobody_else_holds_the_lock(self):
        """Who may open it may keep the daemon out."""
        mode = os.stat(self.daemon.config['lock-file']).st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_wait_ready(self):
        program = self.program(self.rig.env())
        self.assertEqual(program.ask('wait', 100)[0], 'ETIMEDOUT')
        self.daemon.start()
        self.assertEqual(program.ask('wait', BOUND_MS)[0], '0')

    def test_where_it_cannot_be_told(self):
        """In a guest, and where there is no such file."""
        guest = self.rig.guest(1).env()
        self.assertEqual(self.program(guest).ask('wait', BOUND_MS)[0], '0')
        self.assertEqual(self.run_command(guest, 'status').returncode, 0)
        os.unlink(self.daemon.config['lock-file'])
        self.assertEqual(self.program(self.rig.env()).ask('wait', BOUND_MS)[0], '0')
        self.assertEqual(self.run_command(self.rig.env(), 'status').returncode, 0)


class Stopping(KeeperCase):
    """While xenstored stands still nothing waits for ever."""

    def test_term(self):
        with self.xenstored_stopped():
            self.daemon.process.terminate()
            self.assertEqual(self.daemon.process.wait(BOUND), 1)
            line, = self.daemon.log_lines('could not be withdrawn')
        self.assertIn('domains 0 1', line)
        self.assertIn("the host's tree", line)

    def check_alone(self, *options):
        self.daemon.stop()
        with self.xenstored_stopped():
            done = self.daemon.run(*options)
        self.assertEqual(done.returncode, 1)
        self.assertIn('does not answer', done.stderr)

    def test_withdraw(self):
        self.check_alone('--withdraw')

    def test_once(self):
        self.check_alone('--once')

    def test_stop_and_go_on(self):
        """Longer than a daemon that is stuck would be given."""
        child = self.daemon.child()
        with self.xenstored_stopped():
            self.daemon.reload()  # so that it is in the middle of a question
            with self.assertRaises(subprocess.TimeoutExpired):
                self.daemon.process.wait(STUCK)
        self.wait_host(NIC, state='protected')
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.assertEqual(self.daemon.child(), child)

    def test_slow_start(self):
        """Where nothing is claimed yet a daemon is not stuck so soon: the machine may be busy."""
        self.daemon.stop()
        with self.hypervisor.held('xc_interface_open', self.daemon.launch):
            with self.assertRaises(subprocess.TimeoutExpired):
                self.daemon.process.wait(STUCK)
        self.daemon.wait_ready()
        self.wait_record(1, FIRST, state='protected')


class Notifications(KeeperCase):
    def test_relayed(self):
        self.assertTrue(self.daemon.notify.has('READY=1'))
        wait_until(lambda: any(line.startswith('STATUS=5 devices')
                               for line in list(self.daemon.notify.lines)), 'a status line')
        self.daemon.stop()
        wait_until(lambda: self.daemon.notify.has('STOPPING=1'), 'STOPPING=1')
