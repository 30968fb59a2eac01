# SPDX-License-Identifier: MIT
"""What the simulated hypervisor knows, and what it was asked."""
import bisect
import contextlib
import os
import time
import typing

import waiting

JOURNALED = ('domains', 'devices', 'physinfo', 'adding', 'daemon')
ME = 'xen-iommud'  # faults hit the daemon only, unless another program is named


class Call(typing.NamedTuple):
    program: str
    name: str
    what: str     # the device or item asked for
    result: str   # the value, the errno's name, or 'held'
    injected: bool
    owner: typing.Optional[str] = None  # who really had the device then: a domid, 'io' or 'none'
    asked: int = 0                      # the owner was looked up after that,
    at: int = 0                         # and before that: ns, as of time.monotonic_ns()


class Log:
    """The values that something had, each with the time right before it began, and by which it
    certainly had."""

    def __init__(self):
        self.times = []
        self.values = []
        self.settled = []

    def note(self, value):
        self.times.append(time.monotonic_ns())
        self.values.append(value)

    def settle(self):
        """What was noted last is in force."""
        self.settled.append(time.monotonic_ns())

    def hidden(self, begin, end):
        """Moments at which values of before hold that may still have been seen within a time."""
        return [start - 1 for start, settled in zip(self.times, self.settled)
                if start <= end and settled >= begin]

    def at(self, moment):
        """The value at a time; None before the first."""
        index = bisect.bisect_right(self.times, moment)
        return self.values[index - 1] if index else None

    def next_after(self, moment, owner):
        """Of a log of owners: whose it is next that is not this one's; None: nobody's. A change
        is noted right before it takes effect, so the moment may be that of the change itself."""
        later = self.values[max(0, bisect.bisect_right(self.times, moment) - 1):]
        return next((value[0] for value in later if value[0] != owner), None)

    def within(self, begin, end):
        """The value at the beginning, and all later ones until the end."""
        first = bisect.bisect_right(self.times, begin)
        last = bisect.bisect_right(self.times, end)
        return self.values[max(0, first - 1):last]


class Hypervisor:
    def __init__(self, directory):
        self.directory = directory
        self.domains = {}
        self.devices = {}
        self.incarnations = {}  # domid -> Log of its flags, None while it is not there
        self.placed = {}        # device -> Log of (owner, group)
        self.adding = {}        # device -> Log of whether pci-assignable-add has it in hand
        self.faults = {}
        self.next_fault = 0
        os.makedirs(directory)
        self.journal = os.open(os.path.join(directory, 'journal'),
                               os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        for name in ('domains', 'devices', 'faults', 'calls'):
            self._put(name, '')

    def _note(self, name, count, text=''):
        """A block of the journal, which ../auditor reads: journal.c has the form."""
        os.write(self.journal, f'{time.monotonic_ns()} {name} {count}\n{text}'.encode('latin-1'))

    def _put(self, name, text):
        """What others read of it: noted before it is in force, and when it is."""
        if name in JOURNALED:
            self._note(name, text.count('\n'), text)
        self._replace(name, text)
        if name in JOURNALED:
            self._note(name, -1)

    def _replace(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + '.new', 'w', encoding='latin-1') as file:
            file.write(text)
        os.replace(path + '.new', path)

    def _put_lines(self, name, lines):
        self._put(name, ''.join(line + '\n' for line in lines))

    # domains

    def set_domain(self, domid, *flags):
        """Flags: hvm, paused, dying, shutdown=REASON."""
        self.domains[domid] = flags
        self.incarnations.setdefault(domid, Log()).note(flags)
        self._put_domains()

    def add_flags(self, domid, *flags):
        self.set_domain(domid, *self.domains[domid], *flags)

    def remove_domain(self, domid):
        self.domains.pop(domid, None)
        self.incarnations.setdefault(domid, Log()).note(None)
        self._put_domains()

    def incarnation(self, domid, moment):
        """What tells a domain from another one that has its number at another time. None: there is
        no such domain."""
        log = self.incarnations.get(domid)
        flags = log.at(moment) if log else None
        if flags is None:
            return None
        return next((flag for flag in flags if flag.startswith('handle=')), 'handle=0')

    def _put_domains(self):
        self._put_lines('domains', (' '.join([str(domid), *flags])
                                    for domid, flags in self.domains.items()))

    # devices

    def assign(self, device, owner):
        """Owner: a domid, 'io' (nobody's: DOMID_IO) or 'none' (Xen does not know the device)."""
        self._place({device: (owner, self.devices.get(device, (None, ''))[1])})

    def assign_all(self, devices, owner):
        """The same for many, in one step."""
        self._place({device: (owner, self.devices.get(device, (None, ''))[1])
                     for device in devices})

    def _place(self, changes):
        self.devices.update(changes)
        logs = [self.placed.setdefault(device, Log()) for device in changes]
        for log, (owner, group) in zip(logs, changes.values()):
            log.note((str(owner), group))
        self._put_devices()
        for log in logs:
            log.settle()

    def note_adding(self, device, on):
        """pci-assignable-add is about to give the device to pciback, or has had it quarantined."""
        self.adding.setdefault(device, Log()).note(on)
        self._put_lines('adding', (name for name, log in self.adding.items() if log.values[-1]))

    def note_daemon(self, alive):
        """A daemon is about to start, or has ended."""
        self._put('daemon', 'alive\n' if alive else 'dead\n')

    def close(self):
        os.close(self.journal)

    def set_group(self, group, *devices):
        """Makes the devices mates."""
        self._place({device: (self.devices[device][0], group) for device in devices})

    def owner(self, device):
        return self.devices.get(device, ('none', ''))[0]

    def _put_devices(self):
        self._put_lines('devices', (f'{device} {owner} {group}'
                                    for device, (owner, group) in self.devices.items()))

    # the machine

    def set_cmdline(self, text):
        self._put('cmdline', text + '\n')

    def set_console(self, text, lost=0):
        """Xen's console ring, and how many bytes it has lost at its beginning."""
        self._put('console', text)
        self._put('console.lost', f'{lost}\n')

    def set_config(self, *lines):
        """Xen's build configuration, as hypfs has it."""
        self._put_lines('config', lines)

    def set_iommu(self, driven):
        self._put('physinfo', 'hvm pv hap directio\n' if driven else 'hvm pv hap\n')

    # errors

    def inject(self, call, error, on=None, by=ME, count=None):
        """Makes a call fail: every time, or the next count times. Returns a key for clear()."""
        self.next_fault += 1
        line = f'{call} {error} by={by}'
        if on is not None:
            line += f' on={on}'
        if count is not None:
            line += f' id={self.next_fault} count={count}'
        self.faults[self.next_fault] = line
        self._put_lines('faults', self.faults.values())
        return self.next_fault

    def clear(self, key=None):
        """Ends one injected fault, or all."""
        if key is None:
            self.faults.clear()
        else:
            del self.faults[key]
        self._put_lines('faults', self.faults.values())

    @contextlib.contextmanager
    def held(self, call, trigger, on=None, by=ME):
        """Runs trigger() and stops the daemon at its next such call while the body runs."""
        key = self.inject(call, 'hold', on=on, by=by)
        seen = len(self.calls(call, on=on, by=by))
        try:
            trigger()
            waiting.wait_until(
                lambda: any(c.result == 'held' for c in self.calls(call, on=on, by=by)[seen:]),
                f'{by} to call {call}')
            yield
        finally:
            self.clear(key)

    # what it was asked

    def calls(self, name=None, on=None, by=ME):
        """The calls made so far, in order."""
        with open(os.path.join(self.directory, 'calls'), encoding='latin-1') as file:
            *lines, _ = file.read().split('\n')  # the last may be half written yet
        found = []
        for line in lines:
            question, _, result = line.rpartition(' = ')
            program, call, *rest = question.split(' ')
            what = rest[0] if rest and '=' not in rest[0] else ''
            value, *notes = result.split(' ')
            more = dict(note.split('=') for note in notes if '=' in note)
            found.append(Call(program, call, what, value, 'injected' in notes, more.get('owner'),
                              int(more['asked']), int(more['at'])))
        return [call for call in found
                if call.program == by and name in (None, call.name) and on in (None, call.what)]
