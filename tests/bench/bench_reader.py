# SPDX-License-Identifier: MIT
"""What a reader pays: queries of libxeniommu beside bare reads of XenStore and of a device tree."""
import glob
import os
import statistics
import subprocess
import tempfile

import rig as rigs
import xenstore
from tap import StoreTap

TREE = '/local/domain/0/iommu'
PCI_DEVICE, DT_DEVICE = '0', '/soc/device@fe000000'
PROPERTY = b'\0\0\0\1'  # of iommus = <&xen_iommu>: one phandle
SYSFS_FILE = '/sys/kernel/notes'  # a binary attribute, as the properties in /proc/device-tree are
RECORD = {'state': 'protected', 'swiotlb': 'skip', 'reason': 'behind-iommu'}
GOAL_CACHED_NS, GOAL_CACHED_RATIO, GOAL_FIRST_RATIO, GOAL_BYTES = 100, 100, 1.1, 256 * 1024


def built(name):
    return os.path.join(os.environ['BENCH_BUILD'], name)


class Published:
    """A rig where a daemon seems to have published many devices for dom0."""

    def __init__(self, kind, devices):
        self.rig = rigs.Rig(kind)
        self.rig.start()
        store = self.rig.store()
        store.write('/local/domain/0/name', 'Domain-0')
        names = [f'pci/{n >> 16:04x}-{n >> 8 & 255:02x}-{n >> 3 & 31:02x}-{n & 7}'
                 for n in range(devices)]
        names += [f'dt/soc/device@{0xfe000000 + n * 0x1000:08x}' for n in range(devices)]
        for begin in range(0, len(names), 100):
            store.atomically(lambda tx, begin=begin: self._put(tx, names[begin:begin + 100]))
        store.atomically(self._put_head)

    @staticmethod
    def _put(transaction, names):
        for name in names:
            for field, value in RECORD.items():
                transaction.write(f'{TREE}/{name}/{field}', value)

    @staticmethod
    def _put_head(transaction):
        for name, value in (('version', 1), ('status', 'ready'), ('generation', 1)):
            transaction.write(f'{TREE}/{name}', value)

    def query(self, *arguments):
        """What the query program prints: a list of lists of numbers."""
        output = subprocess.run([built('query'), *map(str, arguments)], env=self.rig.env(),
                                stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout
        return [[float(word) for word in line.split()] for line in output.splitlines()]

    def median(self, *arguments):
        return statistics.median(line[0] for line in self.query(*arguments))

    def reads_of(self, device):
        """The paths that the first query of a handle reads, in order."""
        tap = StoreTap(os.path.join(self.rig.folder, 'tap'), self.rig.socket())
        env = dict(self.rig.env(), XENSTORED_PATH=tap.path)
        try:
            with subprocess.Popen([built('query'), 'step', device], env=env, text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
                program.stdout.readline()
                before = len(tap.requests())
                program.communicate('\n', timeout=60)
            return [request.path for request in tap.requests()[before:]
                    if request.kind == xenstore.READ]
        finally:
            tap.stop()


def property_files(folder):
    """A property of the device tree; where there is none, what is like it: {what it is: path}."""
    found = glob.glob('/proc/device-tree/**/iommus', recursive=True) or glob.glob(
        '/proc/device-tree/**/phandle', recursive=True)
    if found:
        return {'a property of /proc/device-tree': found[0]}
    path = os.path.join(folder, 'soc/device@fe000000/iommus')
    os.makedirs(os.path.dirname(path))
    with open(path, 'wb') as file:
        file.write(PROPERTY)
    files = {'a file like a property, in tmpfs': path}
    if os.access(SYSFS_FILE, os.R_OK):
        files[f'a file of sysfs, {SYSFS_FILE}'] = SYSFS_FILE
    return files


def show(what, value, unit, rest=''):
    print(f'  {what:<44} {value:10,.0f} {unit}   {rest}'.rstrip(), flush=True)


def bench_cached(published, rounds):
    read = published.median('read', rounds, f'{TREE}/pci/0000-00-00-0/state')
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        files = {what: published.median('file', rounds, path)
                 for what, path in property_files(folder).items()}
    cached = {bus: published.median('cached', rounds, device)
              for bus, device in (('PCI', PCI_DEVICE), ('DT', DT_DEVICE))}
    for bus, cost in cached.items():
        show(f'cached query, {bus}', cost, 'ns', f'goal at most {GOAL_CACHED_NS} ns')
    for what, cost in {'one bare xs_read': read, **files}.items():
        goal = f', goal {GOAL_CACHED_RATIO}' if what in files else ''
        show(f'for comparison: {what}', cost, 'ns',
             f'ratio {cost / max(cached.values()):,.0f}{goal}')


def bench_first(published, rounds):
    for bus, device in (('PCI', PCI_DEVICE), ('DT', DT_DEVICE)):
        paths = published.reads_of(device)
        ours, bare = (statistics.median(column)
                      for column in zip(*published.query('first', rounds, device, *paths)))
        show(f'first query, {bus}, {len(paths)} reads', ours, 'ns',
             f'bare {bare:,.0f} ns   ratio {ours / bare:.2f}, goal at most {GOAL_FIRST_RATIO}')


def bench_memory(published, devices, handles):
    for kind, what in (('pci', 'asked, PCI'), ('dt', 'asked, DT'), ('list', 'listed, PCI and DT')):
        if kind == 'list' and published.rig.kind == 'ocaml':
            continue  # oxenstored lists no more than 4096 bytes
        count = 2 * devices if kind == 'list' else devices
        (allocated, resident), = published.query('memory', handles, kind, count)
        show(f'a handle with {count} devices, {what}', allocated / 1024, 'KiB',
             f'resident {resident / 1024:,.0f} KiB; goal at most '
             f'{GOAL_BYTES / 1024 * count / 1000:,.0f} KiB')


def bench_reader(kind, rounds, devices):
    published = Published(kind, devices)
    try:
        bench_cached(published, rounds)
        bench_first(published, rounds)
        bench_memory(published, devices, 4)
    finally:
        published.rig.stop()
