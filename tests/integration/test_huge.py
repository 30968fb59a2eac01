# SPDX-License-Identifier: MIT
"""A thousand domains and four thousand devices at once, of which some guests have many: it becomes
ready, all trees are right, and all of it is withdrawn. Slow: xenstored needs longer for each request
the more domains there are. HUGE_DOMAINS and HUGE_DEVICES in the environment are other numbers."""
import os

from case import RigCase
from daemon import HOST_TREE
from hostpci import PCIBACK
from toolstack import node_name
from waiting import wait_until

DEVICES = [f'0000:{0x20 + number // 256:02x}:{number % 256 // 8:02x}.{number % 8}'
           for number in range(int(os.environ.get('HUGE_DEVICES', '4096')))]
DOMAINS = range(1, 1 + int(os.environ.get('HUGE_DOMAINS', '1000')))
OWNERS = DOMAINS[:8]  # of so many devices each; Xen is asked of each device's group in each of them
EACH = 8
BOUND = 1800  # seconds, however busy the machine


class Huge(RigCase):
    tapped = False  # a question of size only

    def make_devices(self):
        """The first ones are the guests'."""
        self.hypervisor.assign_all(DEVICES, 0)
        kept = set(DEVICES[:len(OWNERS) * EACH])
        for bdf in DEVICES:
            self.host.add(bdf, driver=PCIBACK if bdf in kept else 'e1000e')

    def owned(self, domid):
        first = OWNERS.index(domid) * EACH
        return DEVICES[first:first + EACH]

    def make_domains(self):
        for domid in DOMAINS:
            self.toolstack.create(domid)
        for domid in OWNERS:
            self.hypervisor.assign_all(self.owned(domid), domid)
            for bdf in self.owned(domid):
                self.toolstack.attach(domid, bdf).finish()

    def check_guest(self, domid):
        """Its own devices, all of them, and no others."""
        tree = self.store.tree(self.home(domid))
        states = {path: value for path, value in tree.items() if path.endswith('/state')}
        expected = {f'pci/0000-00-{slot:02x}-0/state': 'protected'
                    for slot in range(EACH if domid in OWNERS else 0)}
        self.assertEqual(states, expected, domid)
        self.assertEqual(tree['status'], 'ready', domid)

    def check_host(self):
        published = set(self.store.list(f'{HOST_TREE}/pci'))
        self.assertLessEqual({node_name(bdf) for bdf in DEVICES}, published)
        for domid in OWNERS:
            for bdf in self.owned(domid):
                record = self.host_record(bdf)
                self.assertEqual((record['state'], record['owner']), ('protected', str(domid)))
        for bdf in DEVICES[len(OWNERS) * EACH::7]:
            record = self.host_record(bdf)
            self.assertEqual((record['state'], record['owner']), ('relaxed', '0'), bdf)

    def test_all_at_once(self):
        self.make_devices()
        self.make_domains()
        self.daemon.launch()
        wait_until(lambda: self.daemon.check_alive() or self.daemon.notify.has('READY=1'),
                   'READY=1 from the daemon', BOUND)
        self.check_host()
        for domid in DOMAINS:
            self.check_guest(domid)
        self.assertEqual(self.daemon.stop(BOUND), 0)
        for root in [HOST_TREE] + [self.home(domid) for domid in (0, *DOMAINS)]:
            self.assertEqual(self.store.read(f'{root}/status'), 'stopped', root)
            self.assertEqual(self.store.list(f'{root}/pci'), [], root)
