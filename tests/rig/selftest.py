# SPDX-License-Identifier: MIT
"""Proves the rig against the real daemons: selftest.py c|ocaml"""
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

import rig as rigs  # noqa: E402  pylint: disable=wrong-import-position
from hostpci import HostPci  # noqa: E402  pylint: disable=wrong-import-position
from toolstack import Toolstack  # noqa: E402  pylint: disable=wrong-import-position
from waiting import BOUND, wait_until  # noqa: E402  pylint: disable=wrong-import-position
from xenstore import StoreError  # noqa: E402  pylint: disable=wrong-import-position

KIND = sys.argv[1]
DOMAINS = 200
DOMID_INVALID, DOMID_IO = '0x7ff4', '0x7ff1'


class Case(unittest.TestCase):
    def setUp(self):
        self.rig = rigs.Rig(KIND)
        self.addCleanup(self.rig.stop)
        self.rig.start()
        self.hypervisor = self.rig.hypervisor
        self.store = self.rig.store()
        self.toolstack = Toolstack(self.rig, None)

    def create(self, *domids):
        for domid in domids:
            self.toolstack.create(domid)

    def destroy(self, domid):
        self.toolstack.destroy(domid).finish()

    def guest(self, domid, timeout=BOUND):
        return self.rig.guest(domid).store(timeout)

    def refused(self, error, function, *args):
        with self.assertRaises(StoreError) as caught:
            function(*args)
        self.assertEqual(caught.exception.name, error)

    def run_tool(self, command, env=None):
        """Runs a program of xenstore-utils: a client with the real libxenstore."""
        return subprocess.run(command, env=env or self.rig.env(), timeout=BOUND, check=True,
                              stdout=subprocess.PIPE, text=True).stdout


class Dom0(Case):
    def test_is_the_real_daemon(self):
        wait_until(lambda: os.readlink(f'/proc/{self.rig.process.pid}/exe')
                   == rigs.XENSTORED[KIND], 'the program to be xenstored')

    def test_write_and_read(self):
        self.store.write('/t/a', 'one')
        self.assertEqual(self.store.read('/t/a'), 'one')
        self.assertIsNone(self.store.read('/t/none'))
        self.assertEqual(self.run_tool(['xenstore-read', '/t/a']), 'one\n')
        self.store.remove('/t/a')
        self.assertEqual(self.store.list('/t'), [])

    def test_watch(self):
        other = self.rig.store()
        self.store.watch('/t')
        other.write('/t/a', 'two')
        other.write('/t/b', 'x')
        self.assertLessEqual({'/t/a', '/t/b'}, set(self.store.take_events()))
        self.store.unwatch('/t')
        other.write('/t/a', 'three')
        self.assertEqual(self.store.take_events(), [])

    def test_transaction_conflict(self):
        self.store.write('/t/a', '1')
        other, rounds = self.rig.store(), []

        def change(tx):
            value = tx.read('/t/a')
            if not rounds:
                other.write('/t/a', '5')
            rounds.append(value)
            tx.write('/t/a', int(value) + 1)
        self.store.atomically(change)
        self.assertEqual((self.store.read('/t/a'), rounds), ('6', ['1', '5']))

    def test_long_directory(self):
        names = sorted(f'child-with-a-long-name-{i:04}' for i in range(400))

        def fill(tx):
            for name in names:
                tx.write(f'/t/{name}', '')
        self.store.atomically(fill)
        self.assertEqual(self.store.list('/t'), names)

    def test_one_daemon_per_folder(self):
        second = rigs.spawn([rigs.XENSTORED['c'], '-N'], stderr=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            env=dict(self.rig.env(), LD_PRELOAD=rigs.built('fakexen.so'),
                                     XENSTORED_RUNDIR=self.rig.folder))
        self.assertNotEqual(second.wait(BOUND), 0)


class SpecialWatches(Case):
    def test_introduce_and_release(self):
        self.store.watch('@introduceDomain')
        self.store.watch('@releaseDomain')
        self.create(1, 2)
        self.assertEqual(self.store.take_events(), ['@introduceDomain'] * 2)
        self.assertEqual([self.store.is_introduced(n) for n in (1, 2, 3)], [True, True, False])
        self.destroy(1)
        self.assertEqual(self.store.next_event(BOUND)[0], '@releaseDomain')

    def test_release_fires_at_shutdown(self):
        self.create(2)
        self.store.watch('@releaseDomain')
        self.toolstack.shut_down(2, 0)
        self.assertEqual(self.store.next_event(BOUND)[0], '@releaseDomain')
        self.assertEqual(self.guest(2).read('name'), 'guest2')

    def test_unknown_domain_cannot_be_introduced(self):
        with self.assertRaises(StoreError):
            self.store.introduce(99, 1099, 1)

    def test_guest_is_not_told(self):
        self.create(1, 3)
        inside = self.guest(1)
        try:
            inside.watch('@releaseDomain')
        except StoreError:
            return  # refused: as good
        self.store.watch('@releaseDomain')
        self.destroy(3)
        self.assertIsNotNone(self.store.next_event(BOUND))
        self.assertEqual(inside.take_events(), [])


class GuestIdentity(Case):
    def setUp(self):
        super().setUp()
        self.create(1, 2)
        self.inside = self.guest(1)

    def test_perms_of_its_home(self):
        self.assertEqual(self.store.perms('/local/domain/1'), 'n0,r1')

    def test_reads_its_own(self):
        self.assertEqual(self.inside.read('name'), 'guest1')
        self.assertEqual(self.inside.read('/local/domain/1/name'), 'guest1')
        env = self.rig.guest(1).env()
        self.assertEqual(self.run_tool(['xenstore-read', 'name'], env), 'guest1\n')

    def test_cannot_change_what_dom0_owns(self):
        self.refused('EACCES', self.inside.write, 'name', 'evil')
        self.refused('EACCES', self.inside.remove, 'name')
        self.refused('EACCES', self.inside.set_perms, 'name', 'n1')

    def test_cannot_read_others(self):
        self.store.write('/t/a', 'secret')
        self.refused('EACCES', self.inside.read, '/local/domain/2/name')
        self.refused('EACCES', self.inside.list, '/local/domain/2')
        self.refused('EACCES', self.inside.read, '/t/a')

    def test_owns_what_it_writes(self):
        self.inside.write('data/x', 'v')
        self.assertEqual(self.store.perms('/local/domain/1/data/x'), 'n1')

    def test_watch(self):
        self.inside.watch('name')
        self.store.write('/local/domain/1/name', 'renamed')
        self.assertEqual(self.inside.next_event(BOUND)[0], 'name')

    def test_no_events_of_others(self):
        self.inside.watch('/local/domain/2')
        self.store.write('/local/domain/2/name', 'other')
        self.assertEqual(self.inside.take_events(), [])

    def test_grant_does_not_outlive_the_domain(self):
        self.store.write('/t/old', 'v')
        self.store.set_perms('/t/old', 'n0,r1')
        self.assertEqual(self.inside.read('/t/old'), 'v')
        self.destroy(1)
        self.create(1)
        self.refused('EACCES', self.guest(1).read, '/t/old')


class Ring(Case):
    def setUp(self):
        super().setUp()
        self.create(1)

    def test_value_longer_than_the_ring(self):
        inside, value = self.guest(1), 'b' * 1900
        inside.write('data/big', value)
        self.assertEqual(inside.read('data/big'), value)

    def test_many_clients(self):
        clients = [self.guest(1) for _ in range(30)]
        for client in clients:
            client.watch('data/m')
        clients[0].write('data/m', '1')
        for client in clients:
            self.assertEqual(client.next_event(BOUND)[0], 'data/m')
        for number, client in enumerate(clients):
            client.write(f'data/{number}', number)
        self.assertEqual([c.read(f'data/{n}') for n, c in enumerate(clients)],
                         [str(n) for n in range(30)])

    def test_clients_that_vanish(self):
        for _ in range(3):
            client = self.guest(1)
            client.watch('data')
            client.request(6, b'\0')  # a transaction that stays open
            client.close()
        inside = self.guest(1)
        for _ in range(20):  # more than the ten transactions that a guest may have
            inside.atomically(lambda tx: tx.write('data/t', 'x'))
        self.assertEqual(inside.read('name'), 'guest1')
        if KIND == 'c':
            quota = self.run_tool(['/usr/lib/xen-4.17/bin/xenstore-control', 'quota', '1'])
            watches = [line.split()[-1] for line in quota.splitlines() if 'watches' in line]
            self.assertEqual(watches, ['0'])

    def test_introduced_twice(self):
        inside = self.guest(1)
        self.rig.introduce(self.store, 1)
        self.assertEqual(inside.read('name'), 'guest1')

    def test_gone_with_the_domain(self):
        inside = self.guest(1, timeout=1)
        self.hypervisor.remove_domain(1)
        self.store.watch('@releaseDomain')
        wait_until(lambda: not self.store.is_introduced(1), 'the domain to be forgotten')
        with self.assertRaises(TimeoutError):
            inside.read('name')

    def test_domid_used_again(self):
        self.destroy(1)
        self.create(1)
        self.assertEqual(self.guest(1).read('name'), 'guest1')

    def test_many_domains(self):
        self.create(*range(2, DOMAINS + 1))
        for domid in (1, DOMAINS // 2, DOMAINS):
            self.assertEqual(self.guest(domid).read('name'), f'guest{domid}')
        self.refused('EACCES', self.guest(DOMAINS).read, '/local/domain/1/name')


class Death(Case):
    """What libxenstore's clients notice when xenstored dies."""

    def lose(self, mode, path='/tool', env=None, milliseconds=20000):
        process = rigs.spawn([rigs.built('losing'), mode, path, str(milliseconds)],
                             env=env or self.rig.env(), stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(rigs.end, process)
        self.assertEqual(process.stdout.readline(), 'READY\n')
        return process

    def answer(self, process):
        return process.stdout.readline().split()

    def test_who_notices(self):
        clients = {mode: self.lose(mode) for mode in ('block', 'request', 'watched-request',
                                                      'socket')}
        self.rig.kill()
        for mode, client in clients.items():
            self.assertEqual(self.answer(client)[:1], ['LOST'], mode)

    def test_poll_does_not_notice(self):
        client = self.lose('poll', milliseconds=1500)
        self.rig.kill()
        self.assertEqual(self.answer(client), ['NOTHING'])

    def test_guest_waits(self):
        self.create(1)
        inside = self.guest(1, timeout=1)
        self.rig.kill()
        with self.assertRaises(TimeoutError):
            inside.read('name')

    def test_restart(self):
        self.create(1)
        self.store.write('/t/a', 'old')
        self.guest(1)
        self.rig.restart()
        self.toolstack.reconnect()
        store = self.rig.store()
        self.assertIsNone(store.read('/t/a'))
        self.toolstack.reintroduce(1)
        self.assertEqual(self.guest(1).read('name'), 'guest1')


class Questions(Case):
    """The simulated libxenctrl, asked by a program that links the real one."""
    NIC, MATE = '0000:03:00.0', '0000:03:00.1'

    def ask(self, *question):
        env = dict(self.rig.env(), LD_LIBRARY_PATH=rigs.built('lib'))
        command = [rigs.built('askxen'), *question]
        done = subprocess.run(command, env=env, timeout=BOUND, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.stderr, '')
        return done.stdout.strip()

    def test_pci(self):
        answers = [(0, '0'), ('io', '0'), (7, 'EINVAL'), ('none', 'EINVAL')]
        for owner, answer in answers:
            self.hypervisor.assign(self.NIC, owner)
            self.assertEqual(self.ask('pci', self.NIC, DOMID_INVALID), answer, owner)
        self.assertEqual(self.ask('pci', '0000:05:00.0', DOMID_INVALID), 'EINVAL')

    def test_pci_with_other_domids(self):
        self.hypervisor.assign(self.NIC, 0)
        for domid, answer in (('0', 'EINVAL'), (DOMID_IO, 'ESRCH'), ('9', 'ESRCH')):
            self.assertEqual(self.ask('pci', self.NIC, domid), answer, domid)

    def test_dt(self):
        answers = [(0, 'EINVAL'), ('io', '0'), (7, 'EINVAL'), ('none', 'ESRCH')]
        for owner, answer in answers:
            self.hypervisor.assign('/soc/eth@1000', owner)
            self.assertEqual(self.ask('dt', '/soc/eth@1000', DOMID_INVALID), answer, owner)
        self.assertEqual(self.ask('dt', '/soc/none', DOMID_INVALID), 'ESRCH')

    def test_group(self):
        self.create(1)
        for device, owner in ((self.NIC, 0), (self.MATE, 0), ('0000:03:00.2', 1),
                              ('0001:03:00.0', 0), ('0000:04:00.0', 0)):
            self.hypervisor.assign(device, owner)
        self.hypervisor.set_group('a', self.NIC, self.MATE, '0000:03:00.2', '0001:03:00.0')
        self.assertEqual(self.ask('group', self.NIC, '0'), '03:00.1 0')
        self.assertEqual(self.ask('group', self.NIC, '1'), '03:00.2 0')
        self.assertEqual(self.ask('group', '0000:04:00.0', '0'), '0')
        self.assertEqual(self.ask('group', self.NIC, DOMID_IO), 'count=5a5a5a5a ESRCH')
        self.hypervisor.assign(self.MATE, 'io')
        self.assertEqual(self.ask('group', self.NIC, '0'), '0')

    def test_physinfo(self):
        self.assertEqual(self.ask('physinfo'), 'capabilities=0xf 0')
        self.hypervisor.set_iommu(False)
        self.hypervisor.assign(self.NIC, 0)
        self.hypervisor.assign('/soc/eth@1000', 0)
        self.assertEqual(self.ask('physinfo'), 'capabilities=0xb 0')
        self.assertEqual(self.ask('pci', self.NIC, DOMID_INVALID), 'EOPNOTSUPP')
        self.assertEqual(self.ask('dt', '/soc/eth@1000', DOMID_INVALID), 'EOPNOTSUPP')

    def test_version(self):
        self.hypervisor.set_cmdline('dom0_mem=4G iommu=on')
        self.assertEqual(self.ask('cmdline'), '[dom0_mem=4G iommu=on] 0')
        self.assertEqual(self.ask('version'), f'4.17 {4 << 16 | 17}')

    def test_domains(self):
        self.hypervisor.set_domain(3, 'hvm')
        self.hypervisor.set_domain(5, 'dying')
        self.hypervisor.set_domain(4, 'shutdown=3')
        self.assertEqual(self.ask('domains'), '0 3:hvm 4:shutdown 5:dying 4')
        self.hypervisor.set_domain(0, 'hvm')
        self.assertTrue(self.ask('domains').startswith('0:hvm 3:hvm'))

    def test_injected_errors(self):
        for question in (('physinfo',), ('cmdline',), ('domains',),
                         ('pci', self.NIC, DOMID_INVALID), ('dt', '/soc', DOMID_INVALID)):
            call = {'physinfo': 'xc_physinfo', 'cmdline': 'xc_version',
                    'domains': 'xc_domain_getinfolist', 'pci': 'xc_test_assign_device',
                    'dt': 'xc_test_assign_dt_device'}[question[0]]
            key = self.hypervisor.inject(call, 'EPERM', by='askxen')
            self.assertEqual(self.ask(*question), 'EPERM', call)
            self.hypervisor.clear(key)
            self.assertNotEqual(self.ask(*question), 'EPERM', call)
        self.hypervisor.inject('xc_interface_open', 'ENOENT', by='askxen')
        self.assertEqual(self.ask('physinfo'), 'ENOENT')

    def test_injected_for_one_device_and_so_many_times(self):
        for device in (self.NIC, self.MATE):
            self.hypervisor.assign(device, 0)
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=self.NIC, by='askxen', count=2)
        self.hypervisor.inject('xc_test_assign_device', 'ENOMEM', by='somebody')
        answers = [self.ask('pci', device, DOMID_INVALID)
                   for device in (self.MATE, self.NIC, self.NIC, self.NIC)]
        self.assertEqual(answers, ['0', 'EIO', 'EIO', '0'])

    def test_held_call(self):
        self.hypervisor.assign(self.NIC, 0)
        answers = []

        def start():
            answers.append(subprocess.Popen(
                [rigs.built('askxen'), 'pci', self.NIC, DOMID_INVALID], text=True,
                env=dict(self.rig.env(), LD_LIBRARY_PATH=rigs.built('lib')),
                stdout=subprocess.PIPE))
        with self.hypervisor.held('xc_test_assign_device', start, on=self.NIC, by='askxen'):
            self.assertIsNone(answers[0].poll())
            self.hypervisor.assign(self.NIC, 4)
        self.assertEqual(answers[0].communicate(timeout=BOUND)[0], 'EINVAL\n')

    def test_record_of_calls(self):
        self.hypervisor.assign(self.NIC, 0)
        self.ask('pci', self.NIC, DOMID_INVALID)
        self.hypervisor.inject('xc_physinfo', 'EIO', by='askxen')
        self.ask('physinfo')
        calls = self.hypervisor.calls(by='askxen')
        self.assertEqual([(c.name, c.what, c.result, c.injected) for c in calls],
                         [('xc_interface_open', '', '0', False),
                          ('xc_test_assign_device', self.NIC, '0', False),
                          ('xc_interface_open', '', '0', False),
                          ('xc_physinfo', '', 'EIO', True)])
        self.assertEqual([c.owner for c in calls], [None, '0', None, None])
        self.assertEqual(calls, sorted(calls, key=lambda call: call.at))
        self.assertLess(calls[-1].at, time.monotonic_ns())


class Functions(Case):
    """The PCI functions that udev shows."""
    PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'udev_view.py')

    def setUp(self):
        super().setUp()
        self.host = HostPci(self.rig)
        self.addCleanup(self.host.stop)

    def listen(self, source):
        process = rigs.spawn([sys.executable, self.PROGRAM, source], text=True,
                             env={**self.rig.env(), **self.host.env()}, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(rigs.end, process)
        lines = []
        for line in process.stdout:
            if line == 'ready\n':
                break
            lines.append(line.split())
        return lines, process

    def test_enumeration(self):
        self.host.add('0000:00:01.0', 0x060400, 'pcieport', secondary=1)
        self.host.add('0000:01:00.0', driver='igb', below='0000:00:01.0')
        self.host.add('0000:01:10.0', below='0000:00:01.0', physfn='0000:01:00.0')
        self.assertEqual(sorted(self.listen('kernel')[0]), [
            ['0000:00:01.0', 'pcieport', '0x060400', '1', '-', 'pci0000:00'],
            ['0000:01:00.0', 'igb', '0x020000', '-', '-', '0000:00:01.0'],
            ['0000:01:10.0', '-', '0x020000', '-', '0000:01:00.0', '0000:00:01.0']])
        self.assertEqual(self.hypervisor.owner('0000:01:00.0'), 0)

    def test_uevents(self):
        for source in ('kernel', 'udev'):
            process = self.listen(source)[1]
            self.host.add('0000:00:03.0', driver='e1000e')
            self.host.unbind('0000:00:03.0')
            self.host.bind('0000:00:03.0', 'pciback')
            self.host.remove('0000:00:03.0')
            actions = [process.stdout.readline().split() for _ in range(6)]
            self.assertEqual(actions, [[action, '0000:00:03.0'] for action in (
                'add', 'bind', 'unbind', 'bind', 'unbind', 'remove')], source)
            self.assertEqual(self.hypervisor.owner('0000:00:03.0'), 'none')

    def test_listeners_that_go(self):
        """A daemon may be killed while a uevent is on its way to it."""
        self.host.add('0000:00:03.0')
        path = os.path.join(self.host.root, 'event7')
        ended = threading.Event()

        def come_and_go():
            while not ended.is_set():
                with socket.socket(socket.AF_UNIX, socket.SOCK_RAW) as listener:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
                    listener.bind(path)

        thread = threading.Thread(target=come_and_go)
        thread.start()
        try:
            for _ in range(5000):
                self.host.uevent('change', '0000:00:03.0')
        finally:
            ended.set()
            thread.join()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
