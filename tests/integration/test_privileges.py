# SPDX-License-Identifier: MIT
"""The daemon as a user of its own: nothing that it could read as root is lost."""
import os
import pwd
import shutil
import signal

from case import NIC, RigCase
from daemon import HOST_TREE
from devicetree import ASIDE, GUESTS, DeviceTreeCase
from hostpci import ENDPOINT, ISOLATING, ROOT_PORT, Caps
from toolstack import node_name
from waiting import wait_until

USER = 'nobody'
PORT, FIRST, SECOND = '0000:00:0a.0', '0000:0b:00.0', '0000:0b:00.1'


def status_of(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


class Unprivileged:
    """The rig's own files, which stand for what the daemon has open on real Xen, are open to all."""

    def setUp(self):
        self.addCleanup(os.umask, os.umask(0))
        super().setUp()

    def make_machine(self):
        super().make_machine()
        for folder in (self.rig.folder, self.host.root):
            os.chmod(folder, 0o755)
        # The sanitizer cannot look into a process that has changed its user.
        self.daemon.extra_env['ASAN_OPTIONS'] = 'detect_leaks=0:verify_asan_link_order=0'
        self.daemon.config['user'] = USER

    def opener(self):
        pid = self.daemon.child()
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            child, = file.read().split()
        return int(child)

    def check_rights(self):
        """The daemon's are gone in every thread, its child's are not."""
        uid = str(pwd.getpwnam(USER).pw_uid)
        pid = self.daemon.child()
        for task in os.listdir(f'/proc/{pid}/task'):
            status = status_of(f'{pid}/task/{task}')
            self.assertEqual(status['Uid'].split(), [uid] * 4)
            self.assertEqual(status['Groups'].split(), [])
            self.assertEqual(status['NoNewPrivs'], '1')
            for kind in ('CapPrm', 'CapEff', 'CapAmb'):
                self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual(status_of(self.opener())['Uid'].split(), ['0'] * 4)


class Life(Unprivileged, RigCase):
    def test_published_and_withdrawn(self):
        self.daemon.start()
        self.check_rights()
        self.wait_host(NIC, state='relaxed')
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.status(0), 'stopped')

    def test_opener_is_killed(self):
        self.daemon.start()
        os.kill(self.opener(), signal.SIGKILL)
        self.assertEqual(self.daemon.process.wait(30), 1)
        self.assertEqual(self.status(0), 'stopped')

    def test_signals_to_all(self):
        """As a service manager sends them: the opener is there until the daemon has ended."""
        self.daemon.start()
        opener = self.opener()
        os.kill(opener, signal.SIGTERM)
        os.kill(opener, signal.SIGHUP)
        self.daemon.reload()
        self.sync()
        self.assertEqual(self.opener(), opener)
        self.assertEqual(self.daemon.stop(), 0)

    def test_no_such_user(self):
        self.daemon.config['user'] = 'no-such-user-here'
        run = self.daemon.run()
        self.assertEqual(run.returncode, 2)
        self.assertIn('user "no-such-user-here": there is no such user', run.stderr)

    def test_once(self):
        """Everything is asked, and everything stays."""
        run = self.daemon.run('--once')
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.host_record(NIC)['state'], 'relaxed')

    def test_root(self):
        self.daemon.config['user'] = 'root'
        self.daemon.start()
        self.assertEqual(status_of(self.daemon.child())['Uid'].split(), ['0'] * 4)


class Connection(Unprivileged, RigCase):
    tapped = False

    def test_xenstored_comes_back(self):
        """Its socket is root's: the keeper has to start the daemon again."""
        self.daemon.start()
        first = self.daemon.child()
        os.umask(0o022)
        self.restart_xenstored()
        wait_until(lambda: self.daemon.child() not in (None, first), 'another daemon')
        self.wait_host(NIC, state='relaxed')
        self.check_rights()


class Limits(Unprivileged, RigCase):
    def make_machine(self):
        super().make_machine()
        self.host.add(PORT, 0x060400, 'pcieport', secondary=0x0b,
                      caps=Caps(ROOT_PORT, acs=ISOLATING))
        self.endpoint(FIRST)

    def endpoint(self, bdf):
        self.host.add(bdf, below=PORT, driver='igb', caps=Caps(ENDPOINT))
        folder = os.path.join(self.host.root, 'sys/bus/pci/devices', bdf)
        os.chmod(os.path.join(folder, 'config'), 0o600)

    def limits(self, bdf):
        return self.store.read(f'{HOST_TREE}/pci/{node_name(bdf)}/limits')

    def test_plugged_in(self):
        """All of a configuration space is seen, of what is there and of what comes later."""
        self.daemon.start()
        self.check_rights()
        self.wait_host(FIRST, state='relaxed')
        self.assertIsNone(self.limits(FIRST))
        self.endpoint(SECOND)
        wait_until(lambda: self.limits(FIRST) == self.limits(SECOND) == 'no-acs',
                   'two functions that can reach each other')


class Records(Unprivileged, DeviceTreeCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.libxl, 0o700)

    def write_record(self, *args, **more):
        path = super().write_record(*args, **more)
        os.chmod(path, 0o600)
        return path

    def test_read(self):
        self.check_rights()
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)

    def test_directory_is_made_anew(self):
        """It is seen to be watched only by what is seen to change in it."""
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        shutil.rmtree(self.libxl)
        self.wait_dt(1, ASIDE)
        os.mkdir(self.libxl, 0o700)
        self.write_record(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
