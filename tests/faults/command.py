# SPDX-License-Identifier: MIT
"""Makes each call of the command and of the library fail in turn: what they say is whole and right
with status 0, or there is an error and no half of an answer.

command.py c|ocaml [--runs N] [--seed N] [--call NAME]
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys

from page import CALLS, HERE, Fault, Page
from station import NIC2, station
from sweep import Runner, in_turn

COMMANDS = [[name, *how] for name in ('list', 'status', 'check') for how in ([], ['--json'])]
COMMANDS += [['export', '--binding=xen-iommu', *how] for how in ([], ['--format=dtbo'])]
COMMANDS += [[name, NIC2, *how] for name in ('show', 'explain') for how in ([], ['--json'])]
COMMANDS += [['list', '--domain', '2'], ['list', '--domain', '2', '--json'], ['graph', '--domain', '2']]
COMMANDS += [['list', '--tree', '-o', 'STATE,OWNER,DOMAIN'], ['list', '--owner', 'none', '--raw']]
NO_NAMES = Fault(CALLS['fopen'], 1, 'EACCES', forever=True)  # libpci's
LEAKS = f'print_suppressions=0:suppressions={os.path.join(HERE, "suppressions")}'
BOUND = 20  # seconds; a command that takes longer hangs


def run(machine, page, command, fault):
    page.arm(fault) if fault else page.disarm()
    env = {**machine.rig.env(), 'FAULTS_PAGE': page.path, 'LD_PRELOAD': os.environ['XI_FAULTS'],
           'ASAN_OPTIONS': 'verify_asan_link_order=0', 'LSAN_OPTIONS': LEAKS, 'LC_ALL': 'C.UTF-8'}
    try:
        return subprocess.run([os.environ['XI_CLI'], *command], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=BOUND,
                              check=False)
    finally:
        page.disarm()


def faults_of(counts):
    for name, count in counts.items():
        for nth in range(1, count + 1):
            for error in CALLS[name].errors:
                yield Fault(CALLS[name], nth, error)
                if error != 'EINTR':
                    yield Fault(CALLS[name], nth, error, forever=True)


def wrong(answers, done, command):
    """What must not be in an answer, or None. Names are of use where they can be read, and no loss
    else."""
    sound, as_json = answers[0], '--json' in command
    if done.returncode < 0 or b'Sanitizer' in done.stderr or b'runtime error' in done.stderr:
        return f'ended with {done.returncode}: {done.stderr[-600:].decode()}'
    if done.returncode == sound.returncode and done.returncode != 1:
        if not is_same(answers, done, command):
            return f'status {done.returncode}, and another answer: {done.stdout[-300:]!r}'
        return None
    if done.returncode not in (1, 4) and done.returncode != sound.returncode:
        return f'status {done.returncode}, not {sound.returncode}: {done.stderr[-300:]!r}'
    if not done.stderr and done.returncode == 1:
        return 'status 1 without a word'
    if as_json and done.stdout:
        return f'half of an answer: {done.stdout[:300]!r}'
    return None


def is_same(answers, done, command):
    """Names apart, which are the last thing in a line, or in the sentences that explain begins with."""
    if done.stdout == answers[0].stdout:
        return True
    if '--json' in command:
        try:
            return nameless(json.loads(answers[0].stdout)) == nameless(json.loads(done.stdout))
        except ValueError:
            return False
    texts = [answers[1].stdout, done.stdout]
    if command[0] == 'explain':
        texts = [text.partition(b'\n\n')[2] for text in texts]
    wanted, found = (text.rstrip(b'- \n').split(b'\n') for text in texts)
    return len(wanted) == len(found) and all(
        other.split()[:len(line.rstrip(b'- ').split())] == line.rstrip(b'- ').split()
        for line, other in zip(wanted, found))


def nameless(value):
    if isinstance(value, dict):
        return {key: nameless(item) for key, item in value.items()
                if key not in ('name', 'class', 'answer')}
    return [nameless(item) for item in value] if isinstance(value, list) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('kind', choices=('c', 'ocaml'))
    parser.add_argument('--runs', type=int, help='at most so many of each command')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--call', choices=CALLS)
    parser.add_argument('--command', help='only what begins with this word')
    options = parser.parse_args()
    os.environ['RIG_KIND'] = options.kind
    rng, found, table = random.Random(options.seed), 0, collections.Counter()
    with station() as machine:
        Runner(machine, 'assign').quiet()
        page = Page(os.path.join(machine.rig.folder, 'command-faults'))
        for command in COMMANDS:
            if options.command and command[0] != options.command:
                continue
            before = page.counts()
            sound = run(machine, page, command, None)
            after = page.counts()
            nameless = run(machine, page, command, NO_NAMES)
            if sound.returncode not in (0, 3):
                print(f'FOUND {command}: undisturbed: {sound.returncode}: {sound.stderr}')
                found += sound.returncode != 2
                continue
            counts = {name: after[name] - before[name] for name in CALLS
                      if after[name] > before[name]}
            faults = [f for f in faults_of(counts) if options.call in (None, f.call.name)]
            chosen = list(in_turn(faults, rng))[:options.runs]
            for fault in chosen:
                try:
                    problem = wrong((sound, nameless), run(machine, page, command, fault),
                                    command)
                except subprocess.TimeoutExpired:
                    problem = 'hangs'
                table[' '.join(command)] += 1
                if problem:
                    found += 1
                    print(f'FOUND {" ".join(command)}: {fault}: {problem}', flush=True)
            print(f'{" ".join(command)}: {len(chosen)} of {len(faults)} faults', flush=True)
    print(f'{options.kind}: {sum(table.values())} runs of the command, {found} findings')
    sys.exit(1 if found else 0)


if __name__ == '__main__':
    main()
