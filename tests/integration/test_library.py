# SPDX-License-Identifier: MIT
"""libxeniommu against the real xenstored, in dom0 and in a guest."""
import os
import subprocess

import rig as rigs
from case import DISK, FUNCTIONS, NIC, NIC2, RigCase
from waiting import BOUND, wait_until

FIRST, SECOND = '0000:00:00.0', '0000:00:01.0'
STATES = ('unknown', 'unprotected', 'relaxed', 'protected', 'quarantined')
UNKNOWN = ('unknown', 'keep', '-1', '')
BOUND_MS = BOUND * 1000


def sbdf(bdf):
    segment, bus, rest = bdf.split(':')
    device, function = rest.split('.')
    return int(segment, 16) << 16 | int(bus, 16) << 8 | int(device, 16) << 3 | int(function, 16)


class Program:
    """A program that uses the library. A change made elsewhere is told once its event arrived, so
    what follows from one is waited for; what the program itself was told of is not."""

    def __init__(self, env):
        self.process = rigs.spawn([os.environ['XI_ASK']], env=env, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, *command):
        """The error, '0' for none, and {device: (state, swiotlb, group, reason)}."""
        self.process.stdin.write(' '.join(str(word) for word in command) + '\n')
        self.process.stdin.flush()
        error, *devices = self.process.stdout.readline().split()
        answers = {}
        for text in devices:
            name, state, swiotlb, group, reason = text.split(':')
            answers[name] = (STATES[int(state)], swiotlb, group, reason)
        return error, answers

    def pci(self, bdf):
        error, answers = self.ask('pci', f'{sbdf(bdf):x}')
        return error, answers[f'{sbdf(bdf):x}']

    def wait_pci(self, bdf, error, state):
        """Asks until this is the answer."""
        def told():
            answer = self.pci(bdf)
            return (answer[0], answer[1][0]) == (error, state) and answer
        answer = wait_until(told, f'{error} {state} of {bdf}')
        if error != '0' and answer[1] != UNKNOWN:
            raise AssertionError(f'{answer} of {bdf}')

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(BOUND)


class LibraryCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.toolstack.attach(1, NIC).finish()

    def program(self, env):
        program = Program(env)
        self.addCleanup(lambda: self.assertEqual(program.close(), 0))
        return program

    def in_dom0(self):
        return self.program(self.rig.env())

    def in_guest(self):
        return self.program(self.rig.guest(1).env())


class Queries(LibraryCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_guest(self):
        program = self.in_guest()
        self.assertEqual(program.ask('wait', BOUND_MS)[0], '0')
        self.assertEqual(program.pci(FIRST), ('0', ('protected', 'keep', '-1', 'assigned-pv')))
        self.assertEqual(program.pci(NIC), ('ENOENT', UNKNOWN))
        error, devices = program.ask('list')
        self.assertEqual((error, list(devices)), ('0', [f'{sbdf(FIRST):x}']))

    def test_dom0(self):
        """Its own devices, as every other domain."""
        program = self.in_dom0()
        self.assertEqual(program.pci(DISK), ('0', ('relaxed', 'keep', '-1', 'dom0-relaxed')))
        error, devices = program.ask('list')
        self.assertEqual(error, '0')
        self.assertEqual(sorted(devices), sorted(f'{sbdf(bdf):x}' for bdf in FUNCTIONS
                                                 if bdf not in (NIC, NIC2)))

    def test_device_tree(self):
        program = self.in_guest()
        self.assertEqual(program.ask('dt', '/soc/video@fe001000')[0], 'ENOENT')
        self.assertEqual(program.ask('dt', 'soc/video'),
                         ('EINVAL', {'soc/video': UNKNOWN}))

    def test_follows_changes(self):
        program = self.in_guest()
        self.assertEqual(program.ask('list')[0], '0')
        self.toolstack.detach(1, NIC).finish()
        program.wait_pci(FIRST, 'ENOENT', 'unknown')
        self.assertEqual(program.ask('list'), ('0', {}))
        self.toolstack.attach(1, NIC2).finish()
        program.wait_pci(FIRST, '0', 'protected')
        self.assertEqual(list(program.ask('list')[1]), [f'{sbdf(FIRST):x}'])


class Changes(LibraryCase):
    def until(self, program, device, state):
        """Takes changes until one says this of the device."""
        for _ in range(20):
            error, devices = program.ask('changes', BOUND_MS)
            self.assertEqual(error, '0')
            if devices.get(f'{sbdf(device):x}', ('',))[0] == state:
                return
        self.fail(f'{device} never was {state}')

    def test_attach_and_detach(self):
        self.daemon.start()
        program = self.in_guest()
        program.ask('wait', BOUND_MS)
        program.ask('list')
        self.toolstack.attach(1, NIC2).finish()
        self.until(program, SECOND, 'protected')
        self.assertEqual(program.pci(SECOND)[0], '0')
        self.toolstack.detach(1, NIC2).finish()
        self.until(program, SECOND, 'unknown')
        self.assertNotEqual(program.pci(SECOND)[1][0], 'protected')

    def test_daemon_that_comes_and_goes(self):
        program = self.in_guest()
        self.assertEqual(program.pci(FIRST), ('EAGAIN', UNKNOWN))
        self.assertEqual(program.ask('changes', 0)[0] in ('0', 'ETIMEDOUT'), True)
        self.daemon.start()
        self.until(program, FIRST, 'protected')
        self.daemon.stop()
        self.until(program, FIRST, 'unknown')
        self.assertEqual(program.pci(FIRST), ('EAGAIN', UNKNOWN))


class NotReady(LibraryCase):
    def test_never_started(self):
        for program in (self.in_dom0(), self.in_guest()):
            self.assertEqual(program.pci(FIRST), ('EAGAIN', UNKNOWN))
            self.assertEqual(program.ask('list'), ('EAGAIN', {}))
            self.assertEqual(program.ask('wait', 0)[0], 'ETIMEDOUT')

    def test_stopped(self):
        self.daemon.start()
        program = self.in_guest()
        self.assertEqual(program.pci(FIRST)[0], '0')
        self.daemon.stop()
        program.wait_pci(FIRST, 'EAGAIN', 'unknown')

    def test_killed_then_withdrawn(self):
        self.daemon.start()
        program = self.in_guest()
        self.assertEqual(program.pci(FIRST)[0], '0')
        self.daemon.kill()
        self.daemon.run('--withdraw')
        program.wait_pci(FIRST, 'EAGAIN', 'unknown')

    def test_waits_for_it(self):
        program = self.in_guest()
        with self.hypervisor.held('xc_test_assign_device', self.daemon.launch):
            self.assertEqual(program.ask('wait', 0)[0], 'ETIMEDOUT')
        self.assertEqual(program.ask('wait', BOUND_MS)[0], '0')
        self.assertEqual(program.pci(FIRST)[0], '0')

    def test_unknown_version(self):
        self.daemon.start()
        self.daemon.kill()
        self.store.write(f'{self.home(1)}/version', '2')
        self.assertEqual(self.in_guest().pci(FIRST), ('EPROTO', UNKNOWN))

    def test_xenstored_restarted(self):
        """Queries fail while it is away, and go on by themselves."""
        self.daemon.start()
        program = self.in_dom0()
        self.assertEqual(program.pci(DISK)[0], '0')
        self.rig.kill()
        program.wait_pci(DISK, 'ENOTCONN', 'unknown')
        self.restart_xenstored()
        self.wait_status('ready', 0)
        self.assertEqual(program.ask('wait', BOUND_MS)[0], '0')
        self.assertEqual(program.pci(DISK)[0], '0')
