# SPDX-License-Identifier: MIT
"""A host that never rests: devices and domains come and go, as a seed says."""
import random
import threading
import time

from case import BEHIND_PORT, NIC, NIC2
from toolstack import CRASH, POWEROFF

DEVICES = (NIC, NIC2, BEHIND_PORT)
PLUGGED = '0000:00:1c.0'
DOMIDS = (1, 2, 3)
PAUSE = 0.004  # s, between two steps at most: so that others can come in between anywhere


class Busy(threading.Thread):
    """Owns the toolstack and the host's functions while it runs. reload: called now and then."""

    def __init__(self, toolstack, host, seed, reload=lambda: None):
        super().__init__(daemon=True)
        self.toolstack = toolstack
        self.host = host
        self.chance = random.Random(seed)
        self.reload = reload
        self.ending = threading.Event()
        self.error = None
        self.operations = 0
        self.owners = dict.fromkeys(DEVICES, 0)

    def run(self):
        try:
            for domid in DOMIDS:
                self.create(domid)
            while not self.ending.is_set():
                self.operate()
                self.operations += 1
        except Exception as error:  # pylint: disable=broad-except
            self.error = error  # told by check()

    def check(self):
        if self.error is not None:
            raise AssertionError(f'the scenario failed: {self.error!r}') from self.error

    def end(self):
        """Waits for the operation that goes on."""
        self.ending.set()
        self.join()
        self.check()

    # operations

    def operate(self):
        """One that can be done."""
        operation = self.chance.choice((self.add, self.remove, self.attach, self.attach, self.detach,
                                        self.destroy, self.bury, self.plug, self.reload))
        operation()

    def follow(self, steps):
        for _ in steps:
            time.sleep(self.chance.uniform(0, PAUSE))

    def some(self, owner):
        """A device that this owner has; owner: a function of it. Or None."""
        fit = [bdf for bdf in DEVICES if owner(self.owners[bdf])]
        return self.chance.choice(fit) if fit else None

    def create(self, domid):
        # No number is used again on a real host while this is still there.
        self.toolstack.store.remove(f'/local/domain/0/backend/pci/{domid}')
        self.toolstack.create(domid, self.chance.choice(('pv', 'hvm')))

    def add(self):
        bdf = self.some(lambda owner: owner == 0)
        if bdf:
            self.follow(self.toolstack.assignable_add(bdf))
            self.owners[bdf] = 'io'

    def remove(self):
        bdf = self.some(lambda owner: owner == 'io')
        if bdf:
            self.follow(self.toolstack.assignable_remove(bdf))
            self.owners[bdf] = 0

    def attach(self):
        bdf, domid = self.some(lambda owner: owner == 'io'), self.chance.choice(DOMIDS)
        if bdf:
            vdevfn = None
            if self.toolstack.kinds[domid] == 'hvm':
                vdevfn = (4 + DEVICES.index(bdf)) << 3
            self.follow(self.toolstack.attach(domid, bdf, vdevfn))
            self.owners[bdf] = domid

    def detach(self):
        bdf = self.some(lambda owner: owner in DOMIDS)
        if bdf:
            self.follow(self.toolstack.detach(self.owners[bdf], bdf))
            self.owners[bdf] = 'io'

    def destroy(self):
        self.replace(self.toolstack.destroy)

    def bury(self):
        reason = self.chance.choice((CRASH, POWEROFF, None))
        self.replace(lambda domid: self.toolstack.bury(domid, reason))

    def replace(self, end):
        """A domain goes, and another one gets its number."""
        domid = self.chance.choice(DOMIDS)
        self.follow(end(domid))
        for bdf, owner in self.owners.items():
            if owner == domid:
                self.owners[bdf] = 'io'
        self.create(domid)

    def plug(self):
        if PLUGGED in self.host.folders:
            self.host.remove(PLUGGED)
        else:
            self.host.add(PLUGGED)
