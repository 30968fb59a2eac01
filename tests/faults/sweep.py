# SPDX-License-Identifier: MIT
"""Makes each call of the daemon fail in turn, in each scenario, and judges what comes of it.

sweep.py c|ocaml [--scenario NAME] [--call NAME] [--runs N] [--seconds S] [--seed N] [--distinct]
         [--places] [--done FILE] [--count]

A run: the fault is armed, the scenario's action done, the fault ends. The daemon must come to the
tree of an undisturbed run by itself, or have ended with status 1 and a message, and then nothing is
left of it. Whatever happened, the next action is made without a fault, and must be
followed. What was claimed is judged by truth.py, for many runs together.
"""
import argparse
import collections
import os
import random
import re
import sys
import time
import typing

from page import CALLS, Fault
from station import NIC, SPARE, station, wait_until

RECHECK = 0.1         # seconds: the daemon's, as configured
HEALED = 2 * RECHECK  # within this the fault's traces must be gone
BACKOFF = 1.0         # what a retry that already waits may take more
BUSY = 5              # times what the same machine then takes to follow an action without a fault
BOUND = 60            # a machine that is busy is no error; more than that is a hang
HEAL_BOUND = 20       # no healing takes longer, but for BY_NUMBER
LASTING = 0.3         # how long a fault lasts that lasts
PER_STATION = 40      # runs of one machine

LOST_WORDS = ('uevents were lost', 'what an earlier run left cannot be read')
# glibc 2.36 aborts where getpwnam()'s first allocations fail, at the start: the keeper withdraws.
ABORTS = ("nss_database.c:291: nss_database_reload_1: Assertion `ret > 0' failed.",)
LOST_REASONS = ('new-device', 'group-owner-unknown', 'group-mate-owned', 'group-unknown')
# A listing that costs the connection is taken for one that is too large for oxenstored: the daemon
# asks of each domid then, which takes seconds.
BY_NUMBER = 'xs_directory'
CHANGES = ('xs_write', 'xs_mkdir', 'xs_rm', 'xs_set_permissions', 'xs_watch', 'xs_unwatch',
           'xs_transaction_end')


class Scenario(typing.NamedTuple):
    """before: brought about without a fault; the daemon runs then unless it starts here."""
    act: typing.Callable
    undo: typing.Callable
    starts: bool = False
    ends: bool = False


def nothing(_):
    pass


SCENARIOS = {
    'start': Scenario(lambda s: s.daemon.launch(), nothing, starts=True),
    'assign': Scenario(lambda s: s.toolstack.attach(1, NIC).finish(),
                       lambda s: s.toolstack.detach(1, NIC).finish()),
    'detach': Scenario(lambda s: s.toolstack.detach(1, NIC).finish(),
                       lambda s: s.toolstack.attach(1, NIC).finish()),
    'destroy': Scenario(lambda s: s.destroy(), lambda s: s.make_again()),
    'hot-plug': Scenario(lambda s: s.host.add(SPARE, driver='e1000e'),
                         lambda s: s.host.remove(SPARE)),
    'unplug': Scenario(lambda s: s.host.remove(SPARE),
                       lambda s: s.host.add(SPARE, driver='e1000e')),
    'dt-record': Scenario(lambda s: s.give_dt(), lambda s: s.take_dt()),
    'reload': Scenario(lambda s: s.daemon.reload(), nothing),
    'xenstored': Scenario(lambda s: s.restart_xenstored(), nothing),
    'stop': Scenario(lambda s: s.daemon.process.terminate(), nothing, ends=True),
}
# What must be as it is before a scenario can act.
FIRST = {'detach': 'assign', 'unplug': 'hot-plug'}
# Each of these is followed after a run in which the daemon looked at everything.
PULSE = ('assign', 'hot-plug', 'dt-record')


class Finding(Exception):
    """Something that must not be."""


class Over(Exception):
    """It went as it should, but the machine is of no more use."""


class Runner:
    """The runs of one scenario on one machine."""

    def __init__(self, machine, name):
        self.machine = machine
        self.name = name
        self.scenario = SCENARIOS[name]
        self.trees = {}
        self.sites = {}

    # undisturbed

    def settle(self, tree, what, bound=BOUND):
        def settled():
            self.machine.daemon.check_alive()
            return self.machine.shows(tree)
        try:
            wait_until(settled, what, bound)
        except AssertionError as error:
            raise Finding(f'{error}\n{difference(tree, self.machine.published())}') from None

    def quiet(self):
        """The tree, when nothing is under way any more: the same over some passes."""
        asked = len(self.machine.hypervisor.calls('xc_physinfo'))
        self.machine.daemon.reload()
        wait_until(lambda: len(self.machine.hypervisor.calls('xc_physinfo')) > asked + 2,
                   'some passes')
        before = self.machine.published()
        time.sleep(3 * RECHECK)  # this one is for time: longer than any wait of the daemon's
        after = self.machine.published()
        return after if before == after else self.quiet()

    def prepare(self):
        """Records what an undisturbed run gives, and how often it calls what."""
        daemon = self.machine.daemon
        if not daemon.is_running():
            daemon.start()
        if self.name in FIRST:
            SCENARIOS[FIRST[self.name]].act(self.machine)
        self.trees['before'] = self.quiet()
        self.pulse(record=True)
        if self.scenario.starts:
            daemon.stop()
        counts = self.machine.page.counts()
        self.machine.page.record()
        self.scenario.act(self.machine)
        if self.scenario.starts:
            daemon.wait_ready()
        if self.scenario.ends:
            daemon.process.wait(BOUND)
            self.trees['after'] = None
            return self.counted(counts)
        if self.name in ('start', 'reload', 'xenstored'):
            self.settle(self.trees['before'], 'the same tree')
            self.trees['after'] = self.trees['before']
            time.sleep(2 * RECHECK)
            found = self.counted(counts)
        else:
            time.sleep(3 * RECHECK)
            found = self.counted(counts)
            self.trees['after'] = self.quiet()
        self.scenario.undo(self.machine)
        self.settle(self.trees['before'], 'the tree of before')
        return found

    def counted(self, before):
        self.sites = self.machine.page.recorded()
        after = self.machine.page.counts()
        return {name: after[name] - before[name] for name in CALLS if after[name] > before[name]}

    def pulse(self, record=False):
        """Does the daemon still follow?"""
        if self.name not in ('start', 'reload', 'xenstored'):
            return
        for name in PULSE:
            SCENARIOS[name].act(self.machine)
            if record:
                self.trees[name] = self.quiet()
            self.settle(self.trees[name], f'{name} to be followed')
            SCENARIOS[name].undo(self.machine)
            self.settle(self.trees['before'], f'the end of {name} to be followed')

    # with a fault

    def run(self, fault):
        """Returns (whether it was met, how it went, the seconds until all was right)."""
        machine, page = self.machine, self.machine.page
        self.set_up()
        machine.seen = len(machine.daemon.log().splitlines())
        page.arm(fault)
        try:
            self.scenario.act(machine)
            self.let_it_last(fault)
            hits = page.hits()
        finally:
            page.disarm()
        began = time.monotonic()
        how = self.conclude(began, fault)
        return hits or page.hits(), how, time.monotonic() - began

    def set_up(self):
        daemon = self.machine.daemon
        if self.scenario.starts:
            if daemon.is_running():
                daemon.stop()
        elif not daemon.is_running():
            daemon.start()
            self.settle(self.trees['before'], 'the tree of before, without a fault')

    def let_it_last(self, fault):
        """A fault that comes once lasts until it came, or everything is done without it."""
        machine = self.machine
        machine.fault_until = time.monotonic() + LASTING

        def over():
            if not machine.daemon.is_running():
                return True
            if fault.forever:
                return time.monotonic() > machine.fault_until
            if machine.page.hits():
                return True
            return (not self.scenario.ends and time.monotonic() > machine.fault_until and
                    machine.shows(self.trees['after']))
        wait_until(over, 'the fault or the end', BOUND)

    def conclude(self, began, fault):
        daemon = self.machine.daemon
        if self.scenario.ends:
            return self.ended(fault)
        self.settle_or_end(BOUND if fault.call.name == BY_NUMBER else HEAL_BOUND)
        took = time.monotonic() - began
        if not daemon.is_running():
            how = self.ended(fault)
            daemon.start()
            try:
                self.settle(self.trees['after'], 'the tree after a new start')
            except Finding:
                if self.allows(self.machine.published()):
                    raise Over('unknown, as something was lost') from None
                raise
        else:
            how = 'healed'
        try:
            follows = time.monotonic()
            self.pulse()
            self.scenario.undo(self.machine)
            self.settle(self.trees['before'], 'the next action to be followed')
            follows = time.monotonic() - follows
        except Finding:
            if daemon.is_running():
                raise
            self.ended(fault)  # it was about to, when the tree was looked at
            raise Over('ended, a little later') from None
        if (how == 'healed' and fault.call.name != BY_NUMBER and
                took > HEALED + BACKOFF + BUSY * follows):
            raise Finding(f'healed after {took:.2f} s only; the next action took {follows:.2f} s')
        return how

    def settle_or_end(self, bound):
        machine = self.machine

        def settled():
            return (not machine.daemon.is_running() or
                    machine.shows(self.trees['after']) and
                    (not self.scenario.starts or machine.daemon.notify.has('READY=1')))
        try:
            wait_until(settled, 'the tree of an undisturbed run', bound)
        except AssertionError as error:
            found = machine.published()
            if self.allows(found):
                raise Over('unknown, as something was lost') from None
            raise Finding(f'{error}\n{difference(self.trees["after"], found)}') from None

    def allows(self, found):
        """What cannot be known any more after uevents were lost, or an earlier run's word: whether
        an assignable device was unbound from pciback meanwhile. It stays unknown until libxl writes
        its record anew, and so do its mates."""
        lines = self.machine.daemon.log().splitlines()[self.machine.seen:]
        if not any(word in line for line in lines for word in LOST_WORDS):
            return False
        tree = self.trees['after']
        changed = {path.rpartition('/')[0] for path in set(tree) | set(found)
                   if tree.get(path) != found.get(path)}
        return bool(changed) and all(found.get(f'{path}/state') == 'unknown' and
                                     found.get(f'{path}/reason') in LOST_REASONS
                                     for path in changed)

    def ended(self, fault):
        """The daemon is about to end, or has: with a word, and nothing of its own stays."""
        daemon = self.machine.daemon
        status = daemon.process.wait(BOUND)
        if status not in (0, 1) or (status == 0 and not self.scenario.ends):
            raise Finding(f'the daemon ended with {status}')
        if status == 0 and not self.machine.is_withdrawn():
            raise Finding('status 0, and not withdrawn')
        if status == 1:
            lines = daemon.log().splitlines()[self.machine.seen:]
            if not any(not re.match('xen-iommud: (info|notice|warning|debug): ', line)
                       for line in lines):
                raise Finding(f'status 1 without a message: {lines[-3:]}')
        # its keeper does not wait that long
        if not (self.scenario.ends and fault.call.name == BY_NUMBER):
            self.check_death(daemon.log().splitlines()[self.machine.seen:])
        if not self.machine.is_withdrawn():
            raise Finding(f'status {status}, and something is left for --withdraw')
        done = daemon.run('--withdraw')
        if done.returncode != 0 or not self.machine.is_withdrawn():
            raise Finding(f'--withdraw: {done.returncode}: {done.stderr}')
        return f'ended, status {status}'

    @staticmethod
    def check_death(lines):
        """It ended by itself: its keeper neither had to kill it, nor saw it killed."""
        if any(word in line for line in lines for word in ABORTS):
            return
        for word in ('was ended by signal', 'killing it', 'still stands'):
            found = [line for line in lines if word in line]
            if found:
                raise Finding(found[0])


def difference(wanted, found):
    lines = []
    for path in sorted(set(wanted or {}) | set(found)):
        if (wanted or {}).get(path) != found.get(path):
            lines.append(f'  {path}: {found.get(path)!r}, not {(wanted or {}).get(path)!r}')
    return '\n'.join(lines[:12])


# ------------------------------------------------------------- which


def faults_of(call, nth, site=0):
    """Each way in which one call can fail."""
    for error in call.errors:
        yield Fault(call, nth, error, site=site)
        if error != 'EINTR':  # again and again that is no fault, but no time to run
            yield Fault(call, nth, error, forever=True, site=site)
        if call.name in CHANGES:
            yield Fault(call, nth, error, late=True, site=site)


def all_faults(counts):
    """Every fault that a scenario can meet."""
    for name, count in counts.items():
        for nth in range(1, count + 1):
            yield from faults_of(CALLS[name], nth)


def distinct_faults(sites, rng):
    """One call of each place from which it is made."""
    for name in sorted(sites):
        places = collections.defaultdict(list)
        for nth, site in enumerate(sites[name], 1):
            places[site].append(nth)
        for site, nths in sorted(places.items()):
            yield from faults_of(CALLS[name], rng.choice(nths), site)


def faults_of_places(sites, rng):
    """One fault at each place; a call's errors and ways to fail take turns over its places."""
    by_call = collections.defaultdict(list)
    for fault in distinct_faults(sites, rng):
        by_call[fault.call.name].append(fault)
    for faults in by_call.values():
        places = collections.defaultdict(list)
        for fault in faults:
            places[fault.site].append(fault)
        start = rng.randrange(len(faults))
        for number, site in enumerate(sorted(places), start):
            yield places[site][number % len(places[site])]


def in_turn(faults, rng):
    """All of them, each call's in turn, so that a part of them has some of each."""
    by_call = collections.defaultdict(list)
    for fault in faults:
        by_call[fault.call.name].append(fault)
    for group in by_call.values():
        rng.shuffle(group)
    names = sorted(by_call)
    rng.shuffle(names)
    while names:
        for name in list(names):
            yield by_call[name].pop()
            if not by_call[name]:
                names.remove(name)


class Done:
    """Which distinct faults were run, in this and in earlier sweeps: a file, a line for each."""

    def __init__(self, path):
        self.path = path
        self.keys = set()
        if path and os.path.exists(path):
            with open(path, encoding='ascii') as file:
                self.keys = set(file.read().splitlines())

    @staticmethod
    def key(kind, name, fault, site=None):
        mode = 'on' if fault.forever else 'late' if fault.late else 'once'
        return f'{kind} {name} {fault.call.name} {site or fault.site:08x} {mode} {fault.error}'

    def add(self, key):
        if key in self.keys:
            return
        self.keys.add(key)
        if self.path:
            with open(self.path, 'a', encoding='ascii') as file:
                file.write(key + '\n')


class Sweep:
    def __init__(self, options):
        self.options = options
        self.kind = options.kind
        self.rng = random.Random(options.seed)
        self.end = time.monotonic() + options.seconds if options.seconds else None
        self.table = collections.Counter()
        self.how = collections.Counter()
        self.findings = []
        self.slowest = 0, ''
        self.runs = self.unmet = self.elsewhere = 0
        self.done = Done(options.done)

    def out_of_time(self):
        return ((self.end and time.monotonic() > self.end) or
                (self.options.runs and self.runs >= self.options.runs))

    def scenario(self, name, most, seconds):
        queue, counts, done = None, None, 0
        began = time.monotonic()
        while queue is None or queue:
            with station() as machine:
                runner = Runner(machine, name)
                counts = runner.prepare()
                if queue is None:
                    chosen = self.choose(runner, counts)
                    if self.options.count:
                        return
                    queue = list(in_turn(chosen, self.rng))[:most]
                    if self.options.nth:
                        queue = [f for f in queue if f.nth == self.options.nth]
                log = []
                while queue and len(log) < PER_STATION:
                    if self.out_of_time() or (seconds and time.monotonic() - began > seconds):
                        queue = []
                        break
                    fault = queue.pop(0)
                    if not self.one(runner, fault, log):
                        break
                self.judge(machine, name, log)

    def choose(self, runner, counts):
        name, sites = runner.name, runner.sites
        faults = list(faults_of_places(sites, self.rng) if self.options.places
                      else distinct_faults(sites, self.rng) if self.options.distinct
                      else all_faults(counts))
        chosen = [f for f in faults if self.options.call in (None, f.call.name) and
                  (not f.site or Done.key(self.kind, name, f) not in self.done.keys)]
        places = sum(len(set(of_call)) for of_call in sites.values())
        print(f'{self.kind} {name}: {sum(counts.values())} calls from {places} places, '
              f'{len(faults)} faults, {len(chosen)} to run', flush=True)
        return chosen

    def note_done(self, name, fault, page):
        """Threads and timers make it another call than planned now and then: that one counts too."""
        if not fault.site:
            return
        self.done.add(Done.key(self.kind, name, fault))
        if page.hits() and page.site() != fault.site:
            self.elsewhere += 1
            self.done.add(Done.key(self.kind, name, fault, page.site()))

    def one(self, runner, fault, log):
        """One run. False: the machine is of no more use."""
        begin = time.monotonic_ns()
        self.runs += 1
        try:
            met, how, took = runner.run(fault)
        except Over as over:
            self.table[runner.name, fault.call.name] += 1
            self.how[runner.name, str(over)] += 1
            return False
        except (Finding, AssertionError, OSError) as error:
            self.found(runner.name, fault, f'{error}', runner.machine)
            return False
        finally:
            log.append((begin, time.monotonic_ns(), fault))
            self.note_done(runner.name, fault, runner.machine.page)
        self.unmet += not met
        self.table[runner.name, fault.call.name] += bool(met)
        self.how[runner.name, how if met else 'not met'] += 1
        if how == 'healed' and met:
            self.slowest = max(self.slowest, (took, f'{runner.name}: {fault}'))
        return True

    def found(self, name, fault, text, machine=None):
        self.findings.append((name, str(fault), text))
        tail = '\n'.join('    ' + line for line in machine.daemon.log().splitlines()[-20:]) \
            if machine else ''
        print(f'FOUND {self.kind} {name}: {fault}: {text}\n{tail}', flush=True)

    def judge(self, machine, name, log):
        for alarm in machine.alarms():
            moment = [int(word) for word in alarm.replace(')', ' ').split() if len(word) > 11 and
                      word.isdecimal()]
            fault = [str(fault) for begin, end, fault in log
                     if moment and begin <= moment[-1] <= end]
            self.found(name, fault or [str(f) for _, _, f in log], alarm, machine)

    def sum_up(self):
        print(f'{self.kind}: {self.runs} runs, {self.unmet} in which the fault was not met, '
              f'{self.elsewhere} in which another call met it than planned, '
              f'{len(self.findings)} findings; slowest to heal: {self.slowest[0]:.2f} s '
              f'({self.slowest[1]})')
        for (name, how), count in sorted(self.how.items()):
            print(f'  {name}: {how}: {count}')
        by_call = collections.Counter()
        for (name, call), count in self.table.items():
            by_call[call] += count
        print('  ' + ', '.join(f'{call} {count}' for call, count in by_call.most_common()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('kind', choices=('c', 'ocaml'))
    parser.add_argument('--scenario', action='append', choices=SCENARIOS)
    parser.add_argument('--call', choices=CALLS)
    parser.add_argument('--nth', type=int)
    parser.add_argument('--runs', type=int, help='at most so many, spread over the scenarios')
    parser.add_argument('--seconds', type=float, help='at most so long')
    parser.add_argument('--scenarios', type=int, metavar='N', help='N of them, by the seed')
    parser.add_argument('--distinct', action='store_true',
                        help='of the calls from one place (chain of callers) only one')
    parser.add_argument('--places', action='store_true',
                        help='of these only one fault each, another one at each place')
    parser.add_argument('--done', metavar='FILE', help='with --distinct: do what is not in it, and add')
    parser.add_argument('--count', action='store_true', help='only tell how many there are')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    os.environ['RIG_KIND'] = options.kind
    sweep = Sweep(options)
    names = options.scenario or list(SCENARIOS)
    if options.scenarios:
        names = sorted(sweep.rng.sample(names, options.scenarios))
    each = -(-options.runs // len(names)) if options.runs else None
    for name in names:
        if sweep.out_of_time():
            break
        sweep.scenario(name, each, options.seconds and options.seconds / len(names))
    sweep.sum_up()
    sys.exit(1 if sweep.findings else 0)


if __name__ == '__main__':
    main()
