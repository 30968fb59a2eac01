# SPDX-License-Identifier: MIT
"""A machine, its xenstored and its daemon, kept through many runs; and what happens in one run."""
import contextlib
import os
import sys
import time

import page
sys.path.insert(0, os.path.join(page.HERE, '..', 'integration'))

from case import BEHIND_PORT, DISK, HOST_BRIDGE, NIC, NIC2, ROOT_PORT, check_commits  # noqa: E402
from daemon import HOST_TREE  # noqa: E402
from devicetree import ASIDE, DeviceTreeCase  # noqa: E402
from hostpci import Caps  # noqa: E402
from tap import commits_of  # noqa: E402
from waiting import wait_until  # noqa: E402
import truth  # noqa: E402

SPARE = '0000:00:1c.0'
LEFT, RIGHT = '0000:00:06.0', '0000:00:06.1'
OVERLAY = '/soc/overlay@5000'  # known by udev alone
KEPT = ('/libxl', '/local/domain/0/backend')  # what the toolstack puts back after a restart


class Station(DeviceTreeCase):
    """Domain 1 has devices at times, 2 always one, 3 is destroyed and made anew."""

    def runTest(self):
        """For unittest's constructor."""

    def make_machine(self):
        self.host.add(HOST_BRIDGE, 0x060000)
        self.host.add(ROOT_PORT, 0x060400, 'pcieport', secondary=1, caps=Caps(port=4, acs=0))
        self.host.add(DISK, 0x010802, 'nvme')
        self.host.add(NIC, 0x020000, 'e1000e')
        self.host.add(NIC2, 0x020000, 'e1000e')
        self.host.add(BEHIND_PORT, 0x020000, 'igb', below=ROOT_PORT, caps=Caps(acs=None))
        for bdf in (LEFT, RIGHT):
            self.host.add(bdf, 0x020000, 'e1000')
        self.hypervisor.set_group('7', LEFT, RIGHT)
        for bdf in (NIC, NIC2, LEFT):
            self.toolstack.assignable_add(bdf).finish()
        self._add_platform_device()
        self.hypervisor.assign(OVERLAY, 0)
        self.hypervisor.set_config('CONFIG_X86=y', 'CONFIG_CMDLINE=""')
        self.hypervisor.set_console('(XEN) Xen version 4.17.6\n')
        self.page = page.Page(os.path.join(self.rig.folder, 'faults'))
        self.daemon.extra_env['FAULTS_PAGE'] = self.page.path
        preload = [os.environ['XI_FAULTS'], self.host.env()['LD_PRELOAD']]
        self.daemon.extra_env['LD_PRELOAD'] = ' '.join(preload)

    def _add_platform_device(self):
        bus = os.path.join(self.host.root, 'sys/bus/platform')
        folder = os.path.join(self.host.root, 'sys/devices/platform/5000.overlay')
        os.makedirs(os.path.join(bus, 'devices'))
        os.makedirs(os.path.join(bus, 'drivers/test'))
        os.makedirs(folder)
        with open(os.path.join(folder, 'uevent'), 'w', encoding='ascii') as file:
            file.write(f'DRIVER=test\nOF_FULLNAME={OVERLAY}\n')
        os.symlink('../../../bus/platform', os.path.join(folder, 'subsystem'))
        os.symlink('../../../bus/platform/drivers/test', os.path.join(folder, 'driver'))
        os.symlink(folder, os.path.join(bus, 'devices/5000.overlay'))

    def setUp(self):
        super().setUp()
        for domid, bdf in ((2, NIC2), (3, LEFT)):
            self.toolstack.create(domid, 'hvm')
            self.toolstack.attach(domid, bdf).finish()
        self.seen = 0
        self.heads, self.last = None, None

    def alarms(self):
        """What the tap and the daemon's log tell since the beginning, as sentences."""
        requests = self.daemon.tap.requests()
        found = truth.Truth(self.hypervisor, self.host.bridges).violations(requests)
        try:
            check_commits(self, [commit.changes for commit in commits_of(requests)])
        except AssertionError as error:
            found.append(str(error)[:2000])
        return found + self.daemon.log_lines('Sanitizer') + self.daemon.log_lines('runtime error')

    def end(self):
        if self.daemon.is_running():
            self.daemon.kill()
        self.doCleanups()

    # what a scenario is made of

    def restart_xenstored(self):
        kept = [(path, self.store.tree(path)) for path in KEPT]
        backends = [f'/local/domain/0/backend/pci/{domid}'
                    for domid in self.store.list('/local/domain/0/backend/pci')]
        perms = {f'{path}/0': self.store.perms(f'{path}/0')
                 for path in backends if self.store.list(path)}
        self.rig.restart()
        self.store = self.rig.store()
        self.toolstack.reconnect()
        for path, tree in kept:
            for name, value in tree.items():
                self.store.write(f'{path}/{name}', value)
        for domid in (1, 2, 3):
            if domid in self.hypervisor.domains:
                self.toolstack.reintroduce(domid)
        for path, value in perms.items():
            self.store.set_perms(path, value)

    def destroy(self):
        self.toolstack.destroy(3).finish()

    def make_again(self):
        self.toolstack.create(3, 'hvm')
        self.toolstack.attach(3, LEFT).finish()

    def give_dt(self):
        self.give(1, ASIDE)

    def take_dt(self):
        self.hypervisor.assign(ASIDE, 'io')
        self.write_record(1)

    def shows(self, tree):
        """Whether this is published. Cheap where nothing changed since it was asked last: the tap
        and this are threads of one process, and a busy one holds up the other."""
        time.sleep(0.01)
        heads = [self.store.read(f'{root}/generation') for root in
                 (HOST_TREE, *(self.home(domid) for domid in self.store.list('/local/domain')))]
        if heads != self.heads:
            self.last, self.heads = self.published(), heads
        return self.last == tree

    def is_withdrawn(self):
        """No tree says ready, and none has a record."""
        trees = [HOST_TREE, *(self.home(domid) for domid in self.store.list('/local/domain'))]
        return all(self.store.read(f'{tree}/status') != 'ready' and
                   not self.store.list(f'{tree}/pci') and not self.store.list(f'{tree}/dt')
                   for tree in trees)


@contextlib.contextmanager
def station():
    made = Station()
    try:
        made.setUp()
        yield made
    finally:
        made.end()


__all__ = ['Station', 'station', 'SPARE', 'NIC', 'DISK', 'ASIDE', 'wait_until']
