# SPDX-License-Identifier: MIT
"""xen-iommu watch: live changes in dom0 and in a guest, over everything that may happen under it."""
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import termios

import rig as rigs
from case import BEHIND_PORT, FUNCTIONS, NIC, RigCase
from test_client import ASAN, ClientCase, Publisher
from waiting import BOUND, wait_until

FIRST = '0000:00:00.0'
TIME = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ')
JSON_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z')
GONE = 'status  unknown: XenStore cannot be reached'


class Watch:
    """The command, and what it told."""

    def __init__(self, case, env, *options):
        env = {**env, 'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        self.case = case
        self.process = rigs.spawn([os.environ['XI_CLI'], 'watch', *options], env=env,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pending = b''
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()

    def raw_line(self):
        """The next line as it is."""
        while b'\n' not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], BOUND)
            self.case.assertTrue(ready, 'no line came')
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise AssertionError(f'it ended: {self.process.stderr.read().decode()}')
            self.pending += more
        line, _, self.pending = self.pending.partition(b'\n')
        return line.decode()

    def line(self):
        """The next line without its time."""
        line = self.raw_line()
        self.case.assertRegex(line, TIME)
        return TIME.sub('', line, count=1)

    def object(self):
        """The next line as JSON without its time."""
        value = json.loads(self.raw_line())
        self.case.assertRegex(value.pop('time'), JSON_TIME)
        return value

    def until(self, *words):
        """The lines up to the first that has all these words."""
        lines = []
        while not lines or not all(word in lines[-1].split() for word in words):
            lines.append(self.line())
        return lines

    def check_ended(self):
        """It ends well, and says nothing more."""
        self.case.assertEqual(self.process.wait(BOUND), 0)
        said = self.process.stderr.read().decode()
        self.case.assertEqual(said, '')

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.check_ended()
        self.case.assertEqual(self.pending + self.process.stdout.read(), b'')


class WithDaemon(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()

    def in_dom0(self, *options):
        return Watch(self, {**self.rig.env(), **self.host.env()}, *options)

    def in_guest(self, domid, *options):
        return Watch(self, self.rig.guest(domid).env(), *options)

    def present(self, watch):
        """The devices that it tells at the start."""
        self.assertEqual(watch.line(), 'status  ready')
        lines = [watch.line() for _ in FUNCTIONS]
        for line in lines:
            self.assertRegex(line, '^present ')
        return [line.split()[1] for line in lines]

    def test_host(self):
        self.daemon.start()
        watch = self.in_dom0()
        self.assertEqual(self.present(watch), sorted(FUNCTIONS))
        self.toolstack.attach(1, NIC).finish()
        told = watch.until('changed', NIC, 'protected')[-1]
        self.assertIn(' owner=1', told)
        self.assertIn('reason=assigned-pv', told)
        self.toolstack.destroy(1).finish()
        told = watch.until('changed', NIC, 'quarantined')
        self.assertFalse([line for line in told if NIC in line and ' protected' in line])
        self.assertIn(' owner=none', told[-1])
        watch.end()

    def test_hotplug(self):
        self.daemon.start()
        watch = self.in_dom0()
        self.present(watch)
        self.host.add('0000:00:1c.0')
        self.assertRegex(watch.line(), '^added   0000:00:1c.0 ')
        self.host.remove('0000:00:1c.0')
        self.assertEqual(watch.until('removed')[-1], 'removed 0000:00:1c.0')
        watch.end()

    def test_guest(self):
        """A device that leaves is no more said to be protected, from its first line on."""
        self.daemon.start()
        self.wait_status('ready', 1)
        watch = self.in_guest(1)
        self.assertEqual(watch.line(), 'status  ready')
        self.toolstack.attach(1, NIC).finish()
        self.assertIn('added', watch.until(FIRST, 'protected')[0])
        self.toolstack.detach(1, NIC).finish()
        for line in watch.until('removed', FIRST):
            self.assertNotIn(' protected', line)
        watch.end(signal.SIGINT)

    def test_domain(self):
        self.daemon.start()
        self.wait_status('ready', 1)
        watch = self.in_dom0('--domain', '1', '--json')
        self.assertEqual(watch.object(), {'event': 'status', 'view': 'domain', 'domain': 1,
                                          'status': 'ready', 'obstacle': None})
        self.toolstack.attach(1, NIC).finish()
        while (told := watch.object())['state'] != 'protected':
            pass
        self.assertEqual((told['device'], told['domain']), (FIRST, 1))
        self.assertNotIn('owner', told)
        watch.end()

    def test_json_is_what_list_says(self):
        self.toolstack.attach(1, NIC).finish()
        self.daemon.start()
        env = {**self.rig.env(), **self.host.env(), 'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        listed = json.loads(subprocess.run([os.environ['XI_CLI'], 'list', '--json'], env=env,
                                           check=True, capture_output=True, timeout=BOUND).stdout)
        watch = self.in_dom0('--json')
        self.assertEqual(watch.object(), {'event': 'status', 'view': 'host', 'status': 'ready',
                                          'obstacle': None})
        for device in listed['devices']:
            self.assertEqual(watch.object(), {'event': 'present', 'view': 'host', **device})
        watch.end()

    def test_the_daemon_comes_and_goes(self):
        self.daemon.start()
        watch = self.in_dom0()
        self.present(watch)
        self.daemon.stop()
        self.assertEqual(watch.line(), 'status  stopped')
        self.daemon.start()
        watch.until('status', 'ready')
        self.assertEqual([watch.line().split()[1] for _ in FUNCTIONS], sorted(FUNCTIONS))
        self.daemon.kill()
        with self.hypervisor.held('xc_test_assign_device', self.daemon.launch):
            self.assertEqual(watch.line(), 'status  starting')
        self.daemon.wait_ready()
        watch.until('status', 'ready')
        self.assertEqual([watch.line().split()[1] for _ in FUNCTIONS], sorted(FUNCTIONS))
        watch.end()

    def test_started_before_the_first_daemon(self):
        """In dom0 it turns to the host's tree as soon as there is one."""
        watch = self.in_dom0()
        self.assertEqual(watch.line(), 'status  absent')
        guest = self.in_guest(1)
        self.assertEqual(guest.line(), 'status  absent')
        self.daemon.start()
        self.assertRegex(watch.until('present', NIC, 'owner=none')[-1], ' quarantined ')
        watch.until('present', BEHIND_PORT)
        self.assertEqual(guest.until('ready'), ['status  ready'])
        watch.end()
        guest.end()


class WithoutDaemon(ClientCase):
    """Trees that are published by hand."""
    domid = 0

    def watch(self, *options):
        return Watch(self, self.env(), *options)

    def test_xenstored_comes_and_goes(self):
        self.publish_two()
        watch = self.watch()
        before = [watch.line() for _ in range(3)]
        self.assertEqual(before, [
            'status  ready', 'present 0000:00:04.0 protected swiotlb=skip reason=assigned',
            'present /soc/uart@1,2 relaxed swiotlb=keep group=7 reason=dom0-relaxed'])
        for _ in range(2):
            self.rig.kill()
            self.assertEqual(watch.line(), GONE)
            self.rig.restart()
            self.begin()
            self.assertEqual(watch.line(), 'status  absent')
            self.publish_two()
            told = watch.until('/soc/uart@1,2', 'relaxed')
            self.assertEqual(told[0], 'status  ready')
            self.assertIn(before[1].split()[1:], [line.split()[1:] for line in told])
        watch.end()

    def test_ends_whatever_it_waits_for(self):
        self.tree.publish()
        for number in (signal.SIGINT, signal.SIGTERM):
            watch = self.watch()
            self.assertEqual(watch.line(), 'status  ready')
            watch.end(number)
        watch = self.watch()
        self.assertEqual(watch.line(), 'status  ready')
        self.rig.kill()
        self.assertEqual(watch.line(), GONE)
        watch.end()

    def test_ends_with_a_reader_that_does_not_read(self):
        self.tree.publish()
        watch = self.watch()
        self.assertEqual(watch.line(), 'status  ready')
        pipe = watch.process.stdout.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
        long = f'dt/{"a" * 1000}'
        self.tree.change({f'{long}/{i}/{name}': value for i in range(10)
                          for name, value in (('state', 'unknown'), ('swiotlb', 'keep'))})

        def size():
            return struct.unpack('i', fcntl.ioctl(pipe, termios.FIONREAD, b'1234'))[0]
        wait_until(lambda: size() > 3000, 'the pipe to be full')
        watch.process.terminate()
        watch.check_ended()
        self.assertTrue(watch.process.stdout.read().endswith(b'\n'))

    def test_ends_without_a_reader(self):
        """At once, and not only with the next line."""
        self.tree.publish()
        for options in ((), ('--json',)):
            watch = self.watch(*options)
            watch.raw_line()
            watch.process.stdout.close()
            watch.check_ended()

    def test_fails_where_there_is_nothing_to_wait_for(self):
        for arguments, message in ((['--domain', '7'], 'domain 7 does not exist'),
                                   (['more'], 'one argument too many'),
                                   (['--format=dts'], 'does not take --format')):
            code, output, errors = self.command('watch', *arguments)
            self.assertEqual((code, output), (1 if '7' in arguments else 2, ''))
            self.assertIn(message, errors)

    def test_waits_for_a_xenstored_that_is_not_there(self):
        self.rig.kill()
        watch = self.watch()
        self.assertEqual(watch.line(), GONE)
        self.rig.restart()
        self.begin()
        self.assertEqual(watch.line(), 'status  absent')
        self.publish_two()
        self.assertEqual(watch.until('/soc/uart@1,2', 'relaxed')[0], 'status  ready')
        watch.end()

    def test_host_tree(self):
        host = Publisher(self.store, '/tool/xen-iommud', 0)
        host.publish()
        host.device('pci/0000-00-09-0', 'quarantined', 'keep', 'assignable', owner='none')
        watch = self.watch()
        self.assertEqual([watch.line(), watch.line()], [
            'status  ready',
            'present 0000:00:09.0 quarantined swiotlb=keep owner=none reason=assignable'])
        host.change({'pci/0000-00-09-0/owner': '3', 'version': '2'})
        self.assertEqual(watch.line(), 'status  unknown: the published version is not known')
        host.change({'version': '1'})
        self.assertEqual([watch.line(), watch.line()], [
            'status  ready',
            'present 0000:00:09.0 quarantined swiotlb=keep owner=3 reason=assignable'])
        watch.end()


class InGuest(ClientCase):
    def test_another_domain_is_denied(self):
        code, output, errors = self.command('watch', '--domain', '0')
        self.assertEqual((code, output), (1, ''))
        self.assertIn('permission denied', errors)

    def test_own_tree(self):
        watch = Watch(self, self.env())
        self.assertEqual(watch.line(), 'status  absent')
        self.publish_two()
        watch.until('/soc/uart@1,2')
        self.tree.change({}, ['pci/0000-00-04-0'])
        self.assertEqual(watch.line(), 'removed 0000:00:04.0')
        watch.end()
        self.assertFalse(any(word in watch.pending.decode() for word in ASAN))
