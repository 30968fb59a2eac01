# SPDX-License-Identifier: MIT
"""Figures of the daemon and of the library, each beside the same XenStore operations done by a bare
C loop in the same run: what was recorded of the daemon is replayed."""
import argparse
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

import rig as rigs  # noqa: E402  pylint: disable=wrong-import-position
import xenstore  # noqa: E402  pylint: disable=wrong-import-position
from bench_hostile import HOSTILE, bench_hostile  # noqa: E402  pylint: disable=wrong-import-position
from bench_reader import bench_reader  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position
from hostpci import HostPci  # noqa: E402  pylint: disable=wrong-import-position
from toolstack import Toolstack  # noqa: E402  pylint: disable=wrong-import-position
from waiting import wait_until  # noqa: E402  pylint: disable=wrong-import-position

NIC = '0000:00:04.0'
RECORD = 'iommu/pci/0000-00-00-0/state'
UP, DOWN = ('3', 'protected'), ('5', 'unknown')  # pciback's state-N, and what the guest then reads


def built(name):
    return os.path.join(os.environ['BENCH_BUILD'], name)


class Machine:
    """A rig with functions and a daemon."""

    def __init__(self, kind, devices):
        self.rig = rigs.Rig(kind)
        self.rig.start()
        self.host = HostPci(self.rig)
        self.toolstack = Toolstack(self.rig, self.host)
        self.host.add(NIC, driver='e1000e')
        for number in range(devices - 1):
            self.host.add(f'0000:{0x20 + number // 256:02x}:{number % 256 // 8:02x}.{number % 8}')
        os.unlink(os.path.join(self.rig.state, 'calls'))  # no record is kept
        self.daemon = None

    def stop(self):
        if self.daemon:
            self.daemon.close()
        self.host.stop()
        self.rig.stop()

    def install(self, tapped):
        if self.daemon:
            self.daemon.close()
            for name in ('notify', 'root'):
                subprocess.run(['rm', '-rf', os.path.join(self.rig.folder, name)], check=True)
        self.daemon = Daemon(self.rig, self.host, tapped)
        self.daemon.config['recheck-interval'] = 3600

    def run(self, *command):
        return subprocess.run(command, env=self.rig.env(), check=True, timeout=300,
                              stdout=subprocess.PIPE, text=True).stdout


def script(requests, path):
    """Writes what replay shall do: the requests that a tap kept."""
    names = {xenstore.READ: 'read', xenstore.DIRECTORY: 'list', xenstore.GET_PERMS: 'perms',
             xenstore.WRITE: 'write', xenstore.MKDIR: 'mkdir', xenstore.RM: 'rm',
             xenstore.SET_PERMS: 'chmod', xenstore.TRANSACTION_START: 'start'}
    lines = []
    for request in requests:
        if request.kind == xenstore.TRANSACTION_END:
            lines.append(['end', '1' if request.body.startswith(b'T') else '0'])
        elif request.kind in names:
            words = [part.decode() for part in request.body.split(b'\0') if part]
            lines.append([names[request.kind], *words])
    with open(path, 'w', encoding='ascii') as file:
        file.writelines('\t'.join(words) + '\n' for words in lines)
    return len(lines)


def report(what, ours, bare):
    ours_us, bare_us = statistics.median(ours), statistics.median(bare)
    print(f'  {what:<44} {ours_us:10.0f} us   bare {bare_us:8.0f} us   '
          f'ratio {ours_us / bare_us:6.2f}   (n={len(ours)})', flush=True)


# from an event to the guest

def attach(machine):
    """Domain 1 gets the NIC; the daemon has published it."""
    machine.toolstack.create(1)
    machine.toolstack.assignable_add(NIC).finish()
    machine.toolstack.attach(1, NIC).finish()
    machine.daemon.start()
    guest = machine.rig.guest(1).store()
    wait_until(lambda: guest.read(RECORD) == UP[1], 'the record')
    return guest


def record_change(machine, guest, change):
    """What the daemon asks of xenstored because of one event. A path to the script."""
    event, state = change
    before = len(machine.daemon.tap.requests())
    machine.toolstack.store.write(f'{machine.toolstack.backend(1)}/state-0', event)
    wait_until(lambda: guest.read(RECORD) == state, state)
    wait_until(lambda: is_idle(machine.daemon.tap), 'the daemon to rest')
    path = os.path.join(machine.rig.folder, f'change-{state}')
    script(machine.daemon.tap.requests()[before:], path)
    return path


def is_idle(tap):
    """No transaction is open."""
    kinds = [request.kind for request in tap.requests()]
    return kinds.count(xenstore.TRANSACTION_START) == kinds.count(xenstore.TRANSACTION_END)


def latencies(machine, rounds, path, first=DOWN, second=UP):
    """How long the guest waits after the first and after the second change, by rounds."""
    output = machine.run(built('latency'), str(rounds), machine.rig.guest(1).socket, path,
                         first[0], second[0], RECORD, first[1], second[1])
    return zip(*([float(word) for word in line.split()] for line in output.splitlines()))


def bare_write(machine, rounds):
    """How long it takes with nobody in between."""
    return next(iter(latencies(machine, rounds, '/local/domain/1/iommu/generation', ('1', '-'),
                               ('2', '-'))))


def relayed(machine, rounds, path, changes):
    """The same with a bare relay in the daemon's place."""
    relay = rigs.spawn([built('replay'), 'relay', path, *changes], env=machine.rig.env(),
                       stdout=subprocess.PIPE, text=True)
    try:
        if relay.stdout.readline() != 'READY\n':
            raise AssertionError('the relay did not come up')
        return latencies(machine, rounds, path)
    finally:
        rigs.end(relay)
        relay.stdout.close()


def bench_event(kind, rounds):
    machine = Machine(kind, 5)
    try:
        machine.install(tapped=True)
        guest = attach(machine)
        changes = [record_change(machine, guest, change) for change in (DOWN, UP)]
        machine.install(tapped=False)
        machine.daemon.start()
        wait_until(lambda: guest.read(RECORD) == UP[1], 'the record')
        path = f'{machine.toolstack.backend(1)}/state-0'
        down, up = latencies(machine, rounds, path)
        machine.daemon.kill()
        bare_down, bare_up = relayed(machine, rounds, path, changes)
        report('event to guest, downgrade', down, bare_down)
        report('event to guest, upgrade (asks Xen)', up, bare_up)
        print(f'  {"for comparison: one write, seen by the guest":<44} '
              f'{statistics.median(bare_write(machine, rounds)):10.0f} us')
    finally:
        machine.stop()


def bench_attack(kind, rounds):
    machine = Machine(kind, 2)
    other = '0000:20:00.0'
    try:
        machine.install(tapped=False)
        machine.toolstack.create(HOSTILE)
        machine.toolstack.assignable_add(other).finish()
        machine.toolstack.attach(HOSTILE, other).finish()
        attach(machine)
        path = f'{machine.toolstack.backend(1)}/state-0'
        bench_hostile(machine, {
            'event to guest, downgrade': lambda: list(latencies(machine, rounds, path))[0],
            'event to guest, upgrade': lambda: list(latencies(machine, rounds, path))[1],
            'one write, seen by the guest': lambda: bare_write(machine, rounds)})
    finally:
        machine.stop()


# start-up

def bench_start(kind, devices, starts):
    machine = Machine(kind, devices)
    try:
        machine.install(tapped=True)
        machine.daemon.start()
        path = os.path.join(machine.rig.folder, 'start')
        operations = script(machine.daemon.tap.requests(), path)
        machine.install(tapped=False)
        ours, bare = [], []
        for _ in range(starts):
            clear(machine)
            begin = time.monotonic()
            machine.daemon.start()
            ours.append((time.monotonic() - begin) * 1e6)
            machine.daemon.kill()
            clear(machine)
            bare.append(float(machine.run(built('replay'), 'once', path)))
        report(f'start with {devices} devices, {operations} operations', ours, bare)
    finally:
        machine.stop()


def clear(machine):
    """As if the daemon had never run."""
    for path in ('/tool/xen-iommud', '/local/domain/0/iommu'):
        machine.toolstack.store.remove(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=300)
    parser.add_argument('--devices', type=int, default=1000)
    parser.add_argument('--starts', type=int, default=5)
    parser.add_argument('--reader-only', action='store_true', help='the library alone')
    parser.add_argument('--hostile-only', action='store_true', help='beside a hostile guest alone')
    options = parser.parse_args()
    if os.environ.get('XI_SANITIZE'):
        print(f'built with -fsanitize={os.environ["XI_SANITIZE"]}: our figures are far too high')
    for kind in rigs.KINDS:
        print(f'{os.path.basename(rigs.XENSTORED[kind])}:', flush=True)
        if not options.reader_only:
            bench_attack(kind, options.rounds)
        if options.hostile_only:
            continue
        if not options.reader_only:
            bench_event(kind, options.rounds)
            bench_start(kind, options.devices, options.starts)
        bench_reader(kind, options.rounds, options.devices)


main()
