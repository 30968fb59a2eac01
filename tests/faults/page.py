# SPDX-License-Identifier: MIT
"""The test's end of faults.c: arms a fault in a running program, disarms it, and counts calls."""
import errno
import mmap
import os
import re
import struct
import typing

HERE = os.path.dirname(os.path.abspath(__file__))
ERRNO = {'NONE': 0, 'FDT': 0, 'EQUOTA': errno.EDQUOT}
FIXED = struct.Struct('=IIIIiIII')
NTH, HITS, SITE = 4, 20, 28  # offsets
LOG_SIZE = 65536


class Call(typing.NamedTuple):
    name: str
    index: int
    errors: typing.List[str]
    source: str


class Fault(typing.NamedTuple):
    call: Call
    nth: int
    error: str
    forever: bool = False
    late: bool = False
    site: int = 0  # where it is expected to fail, as faults.c numbers it; 0: anywhere

    def __str__(self):
        mode = 'on' if self.forever else 'late' if self.late else 'once'
        where = f' at {self.site:08x}' if self.site else ''
        return f'{self.call.name} {self.nth} {mode} {self.error}{where}'


def read_calls():
    """What can fail, by name."""
    with open(os.path.join(HERE, 'calls.h'), encoding='ascii') as file:
        found = re.findall(r'^CALL\((\w+), "([\w ]+)", "([^"]+)"\)', file.read(), re.M)
    return {name: Call(name, index, errors.split(), source)
            for index, (name, errors, source) in enumerate(found)}


CALLS = read_calls()
RECORDING = FIXED.size + 4 * len(CALLS)
RECORDED = RECORDING + 4
LOG = RECORDED + 4


class Page:
    def __init__(self, path):
        self.path = path
        with open(path, 'wb') as file:
            file.truncate(LOG + 8 * LOG_SIZE)
        with open(path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), 0)

    def arm(self, fault):
        self.disarm()
        number = ERRNO.get(fault.error)
        if number is None:
            number = getattr(errno, fault.error)
        FIXED.pack_into(self.map, 0, fault.call.index, 0, fault.forever, fault.late, number, 0, 0,
                        0)
        struct.pack_into('=I', self.map, NTH, fault.nth)

    def disarm(self):
        struct.pack_into('=I', self.map, NTH, 0)

    def hits(self):
        """How often it failed since it was armed."""
        return struct.unpack_from('=I', self.map, HITS)[0]

    def counts(self):
        """How often each was called so far."""
        numbers = struct.unpack_from(f'={len(CALLS)}I', self.map, FIXED.size)
        return dict(zip(CALLS, numbers))

    def site(self):
        """Where the first call failed since a fault was armed."""
        return struct.unpack_from('=I', self.map, SITE)[0]

    def record(self):
        """From now on each call's site is written down."""
        struct.pack_into('=II', self.map, RECORDING, 1, 0)

    def recorded(self):
        """Ends that. By name: the site of each call, the first one first."""
        struct.pack_into('=I', self.map, RECORDING, 0)
        count = struct.unpack_from('=I', self.map, RECORDED)[0]
        if count > LOG_SIZE:
            raise AssertionError(f'{count} calls are more than can be written down')
        names, found = list(CALLS), {}
        for at in range(count):
            function, site = struct.unpack_from('=II', self.map, LOG + 8 * at)
            found.setdefault(names[function], []).append(site)
        return found

    def close(self):
        self.map.close()
