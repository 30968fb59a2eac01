# SPDX-License-Identifier: MIT
"""A guest that means harm, run as a program: attacker.py SOCKET STEP

It takes a step again and again over a connection with that guest's rights, until its input ends,
and then says how many steps there were, and how many of them xenstored refused. With Attacker a
test has one while a with statement lasts."""
import errno
import os
import select
import subprocess
import sys

import rig
import xenstore

STATES = (1, 4, 5, 6)  # XenbusState: initialising, connected, closing, closed


def write(store, number):
    """Its own nodes, which many may watch."""
    store.write(f'data/{number % 50}', number)


def conflict(store, number):
    """A transaction that keeps what it read, and its own writes that spoil it."""
    def both(tx):
        tx.read('data')
        tx.read('iommu/generation')
        tx.write('data/conflict', number)
        store.write('data/conflict', -number)
    try:
        store.atomically(both)
    except TimeoutError:
        pass  # its own doing


def open_transactions(store, number):
    """As many as it may have; more are refused."""
    if number % 50 < 20:
        store.request(xenstore.TRANSACTION_START, b'\0')
    else:
        store.write('data/open', number)


def watch(store, number):
    """As many watches as it may have, on all that it may see; each write is an event for each."""
    path = ('/', 'data', 'iommu', '/local/domain', '@releaseDomain')[number % 5]
    token = f'token-{number % 1000}'
    try:
        store.watch(path, token)
    except xenstore.StoreError as error:
        if error.errno == errno.EEXIST:
            store.unwatch(path, token)
        else:
            store.write('data/watched', number)
    store.events.clear()


def frontend(store, number):
    """Its frontend opens and closes."""
    for state in STATES:
        store.write('device/pci/0/state', state)
    if number % 10 == 0:
        store.remove('device/pci/0/state')


STEPS = {step.__name__: step for step in (write, conflict, open_transactions, watch, frontend)}


class Attacker:
    def __init__(self, guest, step):
        self.guest = guest
        self.step = step
        self.process = None
        self.rounds = self.refused = 0

    def __enter__(self):
        self.process = rig.spawn([sys.executable, os.path.abspath(__file__), self.guest.socket,
                                  self.step], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 text=True)
        if self.process.stdout.readline() != 'begun\n':
            raise AssertionError(f'the guest that does {self.step} did not begin')
        return self

    def __exit__(self, *_):
        output, _ = self.process.communicate(timeout=rig.BOUND)
        if self.process.returncode:
            raise AssertionError(f'the guest that does {self.step} ended by itself')
        self.rounds, self.refused = (int(word) for word in output.split())


def is_over():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main(socket, name):
    store, rounds, refused = xenstore.Store(socket), 0, 0
    while not is_over():
        try:
            STEPS[name](store, rounds)
        except xenstore.StoreError:
            refused += 1
        rounds += 1
        if rounds == 10:
            print('begun', flush=True)
    print(rounds, refused)


if __name__ == '__main__':
    main(*sys.argv[1:])
