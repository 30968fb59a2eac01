# SPDX-License-Identifier: MIT
"""--once, --withdraw, --check-config and the configuration file: exit status and messages."""
import os
import signal

from case import DISK, FUNCTIONS, NIC, RigCase
from daemon import HOST_TREE
from waiting import BOUND, wait_until

FIRST = '0000:00:00.0'
FINE, FAILURE, USAGE = range(3)


class OptionCase(RigCase):
    def kill_xenstored(self):
        """The tap would still accept connections."""
        self.rig.kill()
        self.daemon.extra_env['XENSTORED_PATH'] = self.rig.socket()

    def config_of(self, text):
        """A configuration file with this text. Returns its path."""
        path = os.path.join(self.rig.folder, 'other.conf')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def run_with(self, *options):
        return self.daemon.run_bare(os.environ['XI_DAEMON'], *options)


class Once(OptionCase):
    def test_publishes_and_leaves(self):
        """The records stay, and nobody stands by them."""
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.toolstack.attach(1, NIC).finish()
        done = self.daemon.run('--once')
        self.assertEqual((done.returncode, done.stdout), (FINE, ''), done.stderr)
        for domid in (None, 0, 1):
            self.assertEqual(self.status(domid), 'stopped')
        self.assertEqual(self.record(0, DISK)['state'], 'relaxed')
        self.assertEqual(self.record(1, FIRST)['state'], 'protected')
        self.assertEqual(len(self.store.list(f'{HOST_TREE}/pci')), len(FUNCTIONS))

    def test_never_ready(self):
        self.daemon.run('--once')
        words = [change.value for changes in self.daemon.tap.commits() for change in changes
                 if change.path.endswith('/status')]
        self.assertTrue(words)
        self.assertNotIn('ready', words)

    def test_then_the_daemon(self):
        self.daemon.run('--once')
        self.daemon.start()
        self.assertEqual(self.status(), 'ready')
        self.assertEqual(self.record(0, DISK)['state'], 'relaxed')

    def test_beside_the_daemon(self):
        self.daemon.start()
        before = self.published()
        done = self.daemon.run('--once')
        self.assertEqual(done.returncode, FAILURE)
        self.assertEqual(self.published(), before)

    def test_without_xenstored(self):
        self.kill_xenstored()
        done = self.daemon.run('--once')
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn('xenstored', done.stderr)

    def test_without_the_hypervisor(self):
        self.hypervisor.inject('xc_interface_open', 'ENOENT')
        done = self.daemon.run('--once')
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn('hypervisor', done.stderr)

    def test_with_a_failing_hypervisor(self):
        """What it could not find out is not a success."""
        self.hypervisor.inject('xc_domain_getinfolist', 'EIO')
        done = self.daemon.run('--once')
        self.assertEqual(done.returncode, FAILURE)
        self.assert_no_promise(DISK, 0)


class Withdraw(OptionCase):
    def test_after_once(self):
        self.toolstack.create(1)
        self.daemon.run('--once')
        done = self.daemon.run('--withdraw')
        self.assertEqual((done.returncode, done.stdout), (FINE, ''), done.stderr)
        for domid in (None, 0, 1):
            self.assertEqual(self.status(domid), 'stopped')
        self.assertEqual(self.store.list(f'{HOST_TREE}/pci'), [])
        self.assertEqual(self.store.list(f'{self.home(0)}/pci'), [])

    def test_nothing_there(self):
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, FINE, done.stderr)
        self.assertEqual(self.store.list(HOST_TREE), [])
        self.assertEqual(self.store.list(self.home(0)), [])

    def test_needs_no_hypervisor(self):
        """The service manager calls it when all else may have failed."""
        self.daemon.run('--once')
        for call in ('xc_interface_open', 'xc_physinfo', 'xc_domain_getinfolist'):
            self.hypervisor.inject(call, 'EPERM')
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, FINE, done.stderr)
        self.assertEqual(self.status(0), 'stopped')
        self.assertEqual(self.store.list(f'{self.home(0)}/pci'), [])

    def test_without_xenstored(self):
        self.kill_xenstored()
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, FAILURE)
        self.assertIn('xenstored', done.stderr)

    def test_beside_the_daemon(self):
        """A running daemon's word is not taken away from under it."""
        self.daemon.start()
        before = self.published()
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, FAILURE)
        self.assertEqual(self.published(), before)


class CheckConfig(OptionCase):
    def check(self, text):
        return self.run_with('--config', self.config_of(text), '--check-config')

    def test_good(self):
        for text in ('', '# nothing\n', 'log-level = debug\nrecheck-interval = 0.5\n',
                     'lock-file = /run/lock/x\n', 'acpi-tables = /var/lib/tables\n'):
            with self.subTest(text):
                done = self.check(text)
                self.assertEqual((done.returncode, done.stderr), (FINE, ''))

    def test_bad(self):
        """Each names its file and line."""
        for text, line, word in (
                ('frobnicate = 1\n', 1, 'frobnicate'),
                ('log-level = info\n\nlog-levl = info\n', 3, 'log-levl'),
                ('log-level = loud\n', 1, 'loud'),
                ('# one\nrecheck-interval = often\n', 2, 'often'),
                ('recheck-interval = -1\n', 1, '-1'),
                ('recheck-interval = 0\n', 1, '0'),
                ('recheck-interval = nan\n', 1, 'nan'),
                ('lock-file =\n', 1, 'lock-file'),
                ('log-level\n', 1, ''),
                ('[section]\nlog-level = info\n', 2, 'section')):
            with self.subTest(text):
                done = self.check(text)
                self.assertEqual(done.returncode, USAGE)
                self.assertIn(f'other.conf:{line}:', done.stderr)
                self.assertIn(word, done.stderr)

    def test_missing_file(self):
        done = self.run_with('--config', '/nonexistent/file', '--check-config')
        self.assertEqual(done.returncode, USAGE)
        self.assertIn('/nonexistent/file', done.stderr)

    def test_starts_nothing(self):
        self.check('')
        self.assertEqual(self.hypervisor.calls(), [])
        self.assertEqual(self.daemon.tap.requests(), [])

    def test_a_bad_file_stops_the_daemon(self):
        done = self.run_with('--config', self.config_of('frobnicate = 1\n'))
        self.assertEqual(done.returncode, USAGE)
        self.assertEqual(self.store.list(HOST_TREE), [])


class CommandLine(OptionCase):
    def test_usage(self):
        for options in (['--frobnicate'], ['argument'], ['--config'], ['--log-level', 'loud'],
                        ['--once', '--withdraw']):
            with self.subTest(options):
                done = self.run_with(*options)
                self.assertEqual(done.returncode, USAGE)
                self.assertEqual(done.stdout, '')
                self.assertIn('xen-iommud', done.stderr)

    def test_help_and_version(self):
        done = self.run_with('--help')
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        for option in ('--config', '--host-dtb', '--acpi-tables', '--sysroot', '--once',
                       '--withdraw', '--check-config', '--log-level', '--version', '--help'):
            self.assertIn(option, done.stdout)
        done = self.run_with('--version')
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        self.assertRegex(done.stdout, r'^xen-iommud [0-9]+\.[0-9]+\.[0-9]+\n$')

    def test_log_level(self):
        for level, debug in (('debug', True), ('warning', False)):
            self.daemon.options = ['--log-level', level]
            self.daemon.start()
            self.daemon.stop()
            self.assertEqual(bool(self.daemon.log()), debug, level)
            if debug:
                with open(self.rig.log_path('daemon'), 'w', encoding='ascii'):
                    pass

    def test_option_wins_over_the_file(self):
        self.daemon.config['log-level'] = 'error'
        self.daemon.options = ['--log-level', 'debug']
        self.daemon.start()
        wait_until(lambda: self.daemon.log_lines('watch event'), 'a line of level debug')


class Life(OptionCase):
    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.daemon.start()
            self.daemon.process.send_signal(number)
            self.assertEqual(self.daemon.process.wait(BOUND), 0)
            self.assertEqual(self.status(), 'stopped')
            wait_until(lambda: self.daemon.notify.has('STOPPING=1'), 'STOPPING=1')

    def test_says_what_it_found(self):
        """STATUS= for systemctl status."""
        self.daemon.start()
        self.assertTrue(any(line.startswith('STATUS=') and '5' in line
                            for line in self.daemon.notify.lines))

    def test_feeds_its_watchdog(self):
        self.daemon.extra_env['WATCHDOG_USEC'] = '200000'
        self.daemon.start()
        wait_until(lambda: self.daemon.notify.lines.count('WATCHDOG=1') >= 3, 'the watchdog')

    def test_journal_format(self):
        """Under the journal each line begins with its priority."""
        stat = os.fstat(self.rig.log('daemon').fileno())
        self.daemon.extra_env['JOURNAL_STREAM'] = f'{stat.st_dev}:{stat.st_ino}'
        self.daemon.start()
        self.daemon.stop()
        self.assertTrue(self.daemon.log())
        for line in self.daemon.log().splitlines():
            self.assertRegex(line, '^<[0-7]>')
