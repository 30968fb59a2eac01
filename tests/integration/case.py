# SPDX-License-Identifier: MIT
"""The test case all others build on: a machine with a few functions, its xenstored and daemon."""
import os
import unittest

import documented
import truth
from daemon import HOST_TREE, Daemon
from hostpci import HostPci
from rig import Rig
from tap import commits_of
from toolstack import Toolstack, node_name
from waiting import wait_until

HOST_BRIDGE = '0000:00:00.0'
ROOT_PORT = '0000:00:01.0'
DISK = '0000:00:02.0'
NIC = '0000:00:04.0'
NIC2 = '0000:00:05.0'
BEHIND_PORT = '0000:01:00.0'
SPARE, PASSING = '0000:00:1d.0', '0000:00:1e.0'  # come and go with sync()
FUNCTIONS = (ROOT_PORT, DISK, NIC, NIC2, BEHIND_PORT)  # all but the host bridge

RECORD = ('state', 'swiotlb', 'reason', 'group', 'owner', 'iommu')


class RigCase(unittest.TestCase):
    """The environment's RIG_KIND says which xenstored: c or ocaml."""
    tapped = True

    def setUp(self):
        self.rig = Rig(os.environ['RIG_KIND'])
        self.addCleanup(self.rig.stop)
        self.rig.start()
        self.hypervisor = self.rig.hypervisor
        self.host = HostPci(self.rig)
        self.addCleanup(self.host.stop)
        self.store = self.rig.store()
        self.toolstack = Toolstack(self.rig, self.host)
        self.daemon = Daemon(self.rig, self.host, self.tapped)
        self.addCleanup(self._end_daemon)
        self.make_machine()

    def make_machine(self):
        self.host.add(HOST_BRIDGE, 0x060000)
        self.host.add(ROOT_PORT, 0x060400, 'pcieport', secondary=1)
        self.host.add(DISK, 0x010802, 'nvme')
        self.host.add(NIC, 0x020000, 'e1000e')
        self.host.add(NIC2, 0x020000, 'e1000e')
        self.host.add(BEHIND_PORT, 0x020000, 'igb', below=ROOT_PORT)

    def logs(self):
        """What all the programs said, as far as they still can be asked."""
        found = []
        for name in sorted(os.listdir(self.rig.folder)) if os.path.isdir(self.rig.folder) else []:
            if name.endswith('.log'):
                path = os.path.join(self.rig.folder, name)
                with open(path, encoding='utf-8', errors='replace') as file:
                    found += [f'{name}: {line}' for line in file.read().splitlines()[-60:]]
        return '\n'.join(found)

    def _end_daemon(self):
        """The daemon must never have crashed or reported an error in memory use, and what it wrote
        must be sound, and true when it was written."""
        ran = self.daemon.process is not None
        requests = []
        running = self.daemon.is_running()
        status = self.daemon.stop() if running else None
        if self.daemon.tap:
            requests = self.daemon.tap.requests()
        self.daemon.close()
        if running:
            self.assertEqual(status, 0, 'the exit status of a daemon that was asked to stop')
        if ran:
            for word in ('AddressSanitizer', 'LeakSanitizer', 'runtime error:'):
                self.assertNotIn(word, self.daemon.log())
        commits = [commit.changes for commit in commits_of(requests)]
        check_commits(self, commits)
        documented.check(self, commits)
        truth.check(self, requests)

    # another xenstored

    def restart_xenstored(self):
        """With an empty store, that knows no domain."""
        self.rig.restart()
        self.store = self.rig.store()
        self.toolstack.reconnect()

    def reintroduce(self, domids, assignable):
        """The domains, and libxl's records of functions that are with pciback still."""
        for domid in domids:
            self.toolstack.reintroduce(domid)
        for bdf in assignable:
            self.store.write(self.toolstack.info(bdf, 'driver_path'),
                             '/sys/bus/pci/drivers/e1000e')

    # what is published

    def host_record(self, bdf):
        return self._record(f'{HOST_TREE}/pci/{node_name(bdf)}')

    def record(self, domid, bdf):
        """The record in a domain's own tree, under the address that the domain sees."""
        return self._record(f'{self.home(domid)}/pci/{node_name(bdf)}')

    def facts(self, bdf):
        """The words of the host's facts about a function: {name: value}."""
        return words_of(self.store.read(f'{HOST_TREE}/pci/{node_name(bdf)}/facts'))

    def _record(self, path):
        """All of one moment."""
        values = self.store.atomically(
            lambda tx: {name: tx.read(f'{path}/{name}') for name in RECORD})
        return {name: value for name, value in values.items() if value is not None}

    @staticmethod
    def home(domid):
        return f'/local/domain/{domid}/iommu'

    def status(self, domid=None):
        root = HOST_TREE if domid is None else self.home(domid)
        return self.store.read(f'{root}/status')

    def generation(self, domid=None):
        root = HOST_TREE if domid is None else self.home(domid)
        return int(self.store.read(f'{root}/generation'))

    def published(self):
        """Everything, but for the generations: {path: value}."""
        trees = {HOST_TREE: self.store.tree(HOST_TREE)}
        for domid in self.store.list('/local/domain'):
            trees[self.home(domid)] = self.store.tree(self.home(domid))
        return {f'{root}/{path}': value for root, tree in trees.items()
                for path, value in tree.items() if path != 'generation'}

    # waiting for it: the domains' trees are written one after the other, the host's last, so what a
    # pass says elsewhere is there once the host's tree has it

    def wait_host(self, bdf, **fields):
        """Waits until the host tree's record has these values. fields: {} for no record."""
        self._wait(lambda: self.host_record(bdf), f'the host record of {bdf}', fields)

    def wait_record(self, domid, bdf, **fields):
        self._wait(lambda: self.record(domid, bdf), f"domain {domid}'s record of {bdf}", fields)

    def _wait(self, read, what, fields):
        def settled():
            record = read()
            if not fields:
                return not record
            return all(record.get(name) == value for name, value in fields.items())
        try:
            wait_until(settled, f'{what} to be {fields}')
        except AssertionError as error:
            raise AssertionError(f'{error}; it is {read()}') from None

    def wait_status(self, status, domid=None):
        wait_until(lambda: self.status(domid) == status, f'status {status} of {domid}')

    def wait_oracle(self, bdf, trigger):
        """Runs trigger, and waits until the hypervisor was asked of a device because of it."""
        asked = len(self.hypervisor.calls('xc_test_assign_device', on=bdf))
        trigger()
        wait_until(lambda: len(self.hypervisor.calls('xc_test_assign_device', on=bdf)) > asked,
                   f'the hypervisor to be asked of {bdf}')

    def sync(self):
        """Afterwards all changes in XenStore that were made before have been worked off: events of
        one connection come in order, and this one shows."""
        claim = self.toolstack.info(SPARE, 'domid')
        if SPARE not in self.host.folders:
            self.host.add(SPARE, driver='spare')
            self.wait_host(SPARE, owner='0')  # what is not seen before may stay new-device
            self.toolstack.assignable_add(SPARE).finish()
            self.wait_host(SPARE, state='quarantined')
        self.store.write(claim, 999)
        self.wait_host(SPARE, state='unknown')
        self.store.remove(claim)
        self.wait_host(SPARE, state='quarantined')

    def sync_uevents(self):
        """The same for uevents."""
        self.host.add(PASSING)
        self.wait_host(PASSING, owner='0')
        self.host.remove(PASSING)
        self.wait_host(PASSING)

    # what it must not say

    def promises(self, bdf, domid=None, address=None):
        """The records of the device that say protected or skip."""
        records = [self.host_record(bdf)]
        if domid is not None:
            records.append(self.record(domid, address or bdf))
        return [record for record in records
                if record.get('state') == 'protected' or record.get('swiotlb') == 'skip']

    def assert_no_promise(self, bdf, domid=None, address=None):
        """Neither protected nor skip is said of the device, to anybody."""
        self.assertEqual(self.promises(bdf, domid, address), [])

    def wait_downgraded(self, bdf, domid, address):
        """Waits until the device is unknown, and nobody is promised anything."""
        self.wait_host(bdf, state='unknown', swiotlb='keep')
        wait_until(lambda: not self.promises(bdf, domid, address),
                   f"domain {domid}'s record of {address} to fall")


def check_commits(case, commits):
    """What holds for everything that the daemon ever commits."""
    generations, records = {}, {}
    for changes in commits:
        touched, counted = set(), {}
        for change in changes:
            tree = tree_of(change.path)
            if tree is None:
                continue
            touched.add(tree)
            if change.what == 'rm' and change.path == tree:
                generations.pop(tree, None)
                touched.discard(tree)
            elif change.what == 'write' and change.path == tree + '/generation':
                counted[tree] = int(change.value)
            note_record(records, change)
        if not takes_back_plainly(changes):
            case.assertEqual(touched, set(counted), f'generation, in {changes}')
        for tree, value in counted.items():
            if tree in generations:
                case.assertEqual(value, generations[tree] + 1, f'generation, in {changes}')
            generations[tree] = value
        for record, fields in records.items():
            if fields.get('swiotlb') == 'skip':
                case.assertEqual(fields.get('state'), 'protected', f'{record} in {changes}')
        check_guest_names(case, records, changes)


def check_guest_names(case, records, changes):
    """What the host's tree says that a guest calls its device stands in that guest's own tree."""
    for change in changes:
        record, _, field = change.path.rpartition('/')
        if change.what != 'write' or field != 'facts' or tree_of(change.path) != HOST_TREE:
            continue
        words, owner = words_of(change.value), records[record].get('owner')
        name = (f'pci/{words["guest-address"]}' if 'guest-address' in words else
                'dt' + words.get('guest-path', ''))
        if '/' in name:  # not "unknown"
            case.assertIn(f'/local/domain/{owner}/iommu/{name}', records, f'{record} in {changes}')


def words_of(facts):
    """The words "name=value" of a node: {name: value}."""
    return dict(word.split('=', 1) for word in (facts or '').split(' ') if word)


def takes_back_plainly(changes):
    """A single step without a transaction, which makes no claim."""
    return len(changes) == 1 and (changes[0].what in ('rm', 'perms') or
                                  changes[0].value in ('starting', 'stopped'))


def tree_of(path):
    """The root of the tree of ours that a path lies in, or None."""
    parts = path.split('/')
    if path.startswith(HOST_TREE):
        return HOST_TREE
    if parts[1:3] == ['local', 'domain'] and parts[4:5] == ['iommu']:
        return '/'.join(parts[:5])
    return None


def note_record(records, change):
    """Keeps the fields of every record as they are after a change."""
    if change.what == 'write':
        record, _, field = change.path.rpartition('/')
        records.setdefault(record, {})[field] = change.value
    elif change.what == 'rm':
        for record in [r for r in records if (r + '/').startswith(change.path + '/')]:
            del records[record]
        record, _, field = change.path.rpartition('/')
        records.get(record, {}).pop(field, None)
