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
NTH, HITS = 4, 20  # offsets


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

    def __str__(self):
        mode = 'on' if self.forever else 'late' if self.late else 'once'
        return f'{self.call.name} {self.nth} {mode} {self.error}'


def read_calls():
    """What can fail, by name."""
    with open(os.path.join(HERE, 'calls.h'), encoding='ascii') as file:
        found = re.findall(r'^CALL\((\w+), "([\w ]+)", "([^"]+)"\)', file.read(), re.M)
    return {name: Call(name, index, errors.split(), source)
            for index, (name, errors, source) in enumerate(found)}


CALLS = read_calls()


class Page:
    def __init__(self, path):
        self.path = path
        with open(path, 'wb') as file:
            file.truncate(FIXED.size + 4 * len(CALLS))
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

    def close(self):
        self.map.close()
