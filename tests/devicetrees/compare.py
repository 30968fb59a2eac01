# SPDX-License-Identifier: MIT
"""compare.py DUMP DTC TREE...: the walker's reading of device trees against a second one.

A TREE is a .dtb file, or a folder that holds some at any depth.
"""
import pathlib
import re
import subprocess
import sys

import dts
from reading import Reading

FIELDS = ('state', 'swiotlb', 'reason', 'group', 'owner', 'iommu', 'facts', 'limits')


def run(*command):
    """A command's output. Trees hold any bytes."""
    done = subprocess.run(command, capture_output=True, encoding='latin-1', timeout=120)
    if done.returncode:
        raise ValueError(f'{command[0]}: status {done.returncode}: {done.stderr}')
    return done.stdout, done.stderr


def decode(encoded):
    return '/' + re.sub('_([0-9a-f]{2})', lambda match: chr(int(match.group(1), 16)), encoded)


def check_codec(encoded):
    """XenStore could hold the devices' nodes, each under its own name: encoded: {path: in there}"""
    for path, name in encoded.items():
        if not re.fullmatch('[A-Za-z0-9/_@-]+', name) or decode(name) != path:
            raise ValueError(f'{path}: encoded as {name}')
    nodes = list(encoded.values())
    nodes += [f'{name}/{field}' for name in encoded.values() for field in FIELDS]
    if len(set(nodes)) != len(nodes):
        raise ValueError('two nodes of XenStore under one name')


def walked(dump, tree):
    """What the walker says: devices, aliases."""
    output, errors = run(dump, tree)
    if errors:
        raise ValueError(f'errors in a good tree: {errors}')
    devices, aliases, encoded = {}, {}, {}
    for line in output.splitlines():
        kind, name, value, *rest = line.split('\t')
        if kind == 'alias':
            aliases[name] = value
        else:
            encoded[name] = value
            devices[name] = rest
    if list(devices) != sorted(devices):
        raise ValueError('not sorted')
    check_codec(encoded)
    return devices, aliases


def difference(ours, theirs):
    for name in sorted(set(ours) | set(theirs)):
        if ours.get(name) != theirs.get(name):
            yield f'{name}: walker {ours.get(name)}, second reading {theirs.get(name)}'


def compare(dump, dtc, tree):
    """The devices of a tree that both readings agree on; how many nodes have an iommus."""
    text, _ = run(dtc, '-q', '-I', 'dtb', '-O', 'dts', tree)
    reading = Reading(dts.parse(text))
    devices, aliases = walked(dump, tree)
    wrong = [*difference(devices, reading.devices()), *difference(aliases, reading.aliases())]
    if wrong:
        raise ValueError('; '.join(wrong[:5]))
    return devices, sum(node.has('iommus') for node in reading.nodes)


class Sum:
    def __init__(self):
        self.counts = dict.fromkeys(('trees', 'with iommus', 'with masters', 'nodes', 'masters',
                                     'capable', 'unknown', 'no-dma', 'not-a-device'), 0)

    def add(self, devices, iommus):
        masters = sum(fields[1] != '-' for fields in devices.values())
        self.counts['trees'] += 1
        self.counts['with iommus'] += iommus > 0
        self.counts['with masters'] += masters > 0
        self.counts['nodes'] += len(devices)
        self.counts['masters'] += masters
        for fields in devices.values():
            self.counts[fields[2]] += 1

    def __str__(self):
        return ', '.join(f'{count} {name}' for name, count in self.counts.items())


def groups(arguments):
    """What to count together: the trees of each folder, and those that are named one by one."""
    paths = [pathlib.Path(argument) for argument in arguments]
    for folder in paths:
        if folder.is_dir():
            yield folder.name, sorted(folder.rglob('*.dtb'))
    single = [path for path in paths if not path.is_dir()]
    if single:
        yield 'named', single


def check_group(dump, dtc, name, trees):
    """Compares the trees and says what was in them; True if all was well."""
    total, failed = Sum(), 0
    for tree in trees:
        try:
            total.add(*compare(dump, dtc, str(tree)))
        except ValueError as error:
            failed += 1
            print(f'FAILED {tree}: {error}')
    print(f'{name}: {total}')
    return not failed and total.counts['masters'] > 0


def main():
    dump, dtc, *arguments = sys.argv[1:]
    results = [check_group(dump, dtc, *group) for group in groups(arguments)]
    sys.exit(0 if results and all(results) else 1)


main()
