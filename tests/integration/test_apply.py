# SPDX-License-Identifier: MIT
"""'xen-iommu apply' in a guest, with what the daemon publishes: a made /sys stands for the guest's own, and a thread for
its kernel, which binds and unbinds."""
import json
import os
import shutil
import subprocess
import tempfile
import threading

import rig as rigs
from case import NIC, NIC2, RigCase
from waiting import BOUND, wait_until

DISK, CARD = '0000:00:05.0', '0000:00:06.0'  # as the guest sees NIC and NIC2
DRIVERS = {DISK: 'virtio-pci', CARD: 'e1000e'}
LIST = 'sys/kernel/debug/xeniommu/devices'


class GuestKernel:
    """Two functions below a root of their own, and what happens at a write to bind or unbind."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix='apply')
        self.calls = []
        self.refused = 0       # binds to come that fail: the write is taken, and nothing happens
        self.before = {}       # a call -> what happens just before it
        self.decided = {bdf: '- kept bound-before' for bdf in DRIVERS}
        for bdf, driver in DRIVERS.items():
            self.add(bdf, driver)
        self.write(LIST, '')
        self.write('proc/swaps', 'Filename\n')
        self.write('proc/1/mountinfo', '22 1 0:20 / /proc rw - proc proc rw\n')
        for folder in ('proc/1/ns', 'proc/1/task/1/fd', 'proc/1/map_files'):
            os.makedirs(self.path(folder))
        os.symlink('mnt:[1]', self.path('proc/1/ns/mnt'))
        self.show()
        self.threads = [threading.Thread(target=self.serve, args=(driver, knob), daemon=True)
                        for driver in DRIVERS.values() for knob in ('bind', 'unbind')]
        for thread in self.threads:
            thread.start()

    def path(self, path):
        return os.path.join(self.root, path)

    def write(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path) + '.new', 'w', encoding='ascii') as file:
            file.write(text)
        os.rename(self.path(path) + '.new', self.path(path))

    def device(self, path, subsystem):
        os.makedirs(self.path(path), exist_ok=True)
        os.symlink(f'/sys/class/{subsystem}', self.path(path) + '/subsystem')

    def add(self, bdf, driver):
        folder = f'sys/devices/pci0000:00/{bdf}'
        self.device(folder, 'pci')
        os.makedirs(self.path('sys/bus/pci/devices'), exist_ok=True)
        os.symlink(f'../../../devices/pci0000:00/{bdf}', self.path(f'sys/bus/pci/devices/{bdf}'))
        os.makedirs(self.path(f'sys/bus/pci/drivers/{driver}'))
        for knob in ('bind', 'unbind'):
            os.mkfifo(self.path(f'sys/bus/pci/drivers/{driver}/{knob}'))
        if bdf == DISK:
            self.device(f'{folder}/virtio1', 'virtio')
            self.device(f'{folder}/virtio1/block/vda', 'block')
            os.makedirs(self.path(f'{folder}/virtio1/block/vda/holders'))
            self.write(f'{folder}/virtio1/block/vda/dev', '254:0\n')
            self.write('dev/vda', '')
        else:
            self.device(f'{folder}/net/eth0', 'net')
            self.write(f'{folder}/net/eth0/flags', '0x1002\n')
        self.bind(bdf)

    def link(self, bdf):
        return self.path(f'sys/devices/pci0000:00/{bdf}/driver')

    def bind(self, bdf):
        os.symlink(f'../../../bus/pci/drivers/{DRIVERS[bdf]}', self.link(bdf))

    def show(self):
        self.write(LIST, ''.join(f'pci {bdf} {text}\n' for bdf, text in self.decided.items()))

    def serve(self, driver, knob):
        while True:
            with open(self.path(f'sys/bus/pci/drivers/{driver}/{knob}'), encoding='ascii') as file:
                bdf = file.read()
            if bdf == 'end':
                return
            if bdf:
                self.calls.append((knob, bdf))
                self.before.get((knob, bdf), lambda: None)()
                self.turn(knob, bdf)

    def turn(self, knob, bdf):
        if knob == 'unbind':
            os.remove(self.link(bdf))
        elif self.refused > 0:
            self.refused -= 1
        else:
            self.decided[bdf] = 'protected/skip taken published-skip'
            self.show()
            self.bind(bdf)

    def stop(self):
        for driver in DRIVERS.values():
            for knob in ('bind', 'unbind'):
                with open(self.path(f'sys/bus/pci/drivers/{driver}/{knob}'), 'w',
                          encoding='ascii') as file:
                    file.write('end')
        for thread in self.threads:
            thread.join(BOUND)
        shutil.rmtree(self.root)


class Apply(RigCase):
    def setUp(self):
        super().setUp()
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()
        self.toolstack.create(1, 'hvm')
        self.toolstack.attach(1, NIC, vdevfn=0x28).finish()
        self.toolstack.attach(1, NIC2, vdevfn=0x30).finish()
        for address in (DISK, CARD):
            self.wait_record(1, address, state='protected', swiotlb='skip')
        self.kernel = GuestKernel()
        self.addCleanup(self.kernel.stop)

    def run_it(self, *arguments):
        env = {**self.rig.guest(1).env(), 'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        return subprocess.run([rigs.built('apply_below'), self.kernel.root, 'apply', *arguments],
                              env=env, check=False, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)

    def outcomes(self, status, *arguments):
        done = self.run_it('--json', *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return {device['name']: (device['outcome'], device['reason'])
                for device in json.loads(done.stdout)['devices']}

    def test_both(self):
        self.assertEqual(self.outcomes(0), {DISK: ('would-rebind', None), CARD: ('would-rebind', None)})
        self.assertEqual(self.kernel.calls, [])
        self.assertEqual(self.outcomes(0, '--now'), {DISK: ('rebound', None), CARD: ('rebound', None)})
        self.assertEqual(self.kernel.calls,
                         [(knob, bdf) for bdf in (DISK, CARD) for knob in ('unbind', 'bind')])
        self.assertEqual(self.outcomes(0, '--now'), {})

    def test_in_use(self):
        self.kernel.write(f'sys/devices/pci0000:00/{CARD}/net/eth0/flags', '0x1003\n')
        os.symlink('/dev/vda', self.kernel.path('proc/1/task/1/fd/7'))
        refused = {DISK: ('refused', 'open'), CARD: ('refused', 'interface-up')}
        self.assertEqual(self.outcomes(3, '--now'), refused)
        self.assertEqual(self.outcomes(0), refused)
        os.remove(self.kernel.path('dev/vda'))
        os.remove(self.kernel.path('proc/1/task/1/fd/7'))
        self.assertEqual(self.outcomes(3, '--now')[DISK], ('refused', 'held'))
        self.assertEqual(self.kernel.calls, [])

    def test_no_daemon(self):
        self.daemon.stop()
        done = self.run_it('--now')
        self.assertEqual((done.returncode, done.stdout, self.kernel.calls), (4, '', []))

    def test_detached(self):
        self.toolstack.detach(1, NIC).finish()
        self.wait_record(1, DISK)
        self.assertEqual(self.outcomes(0, '--now'), {CARD: ('rebound', None)})

    def test_daemon_ends_between_two_devices(self):
        """The second one is asked about again, and is left alone."""
        def end():
            self.daemon.stop()
            wait_until(lambda: self.status(1) == 'stopped', 'the tree to be withdrawn')
        self.kernel.before[('bind', DISK)] = end
        done = self.run_it('--now', '--json')
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual([(device['outcome'], device['reason'])
                          for device in json.loads(done.stdout)['devices']],
                         [('rebound', None), ('refused', 'not-published')])
        self.assertEqual(self.kernel.calls, [('unbind', DISK), ('bind', DISK)])

    def test_does_not_come_back_at_first(self):
        self.kernel.refused = 1
        self.assertEqual(self.outcomes(0, '--now'), {DISK: ('rebound', None), CARD: ('rebound', None)})
        self.assertEqual(self.kernel.calls[:3], [('unbind', DISK), ('bind', DISK), ('bind', DISK)])

    def test_does_not_come_back(self):
        self.kernel.refused = 2
        done = self.run_it('--now')
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'{DISK}: virtio-pci does not take it again', done.stderr)
        self.assertIn('rebound', done.stdout)
