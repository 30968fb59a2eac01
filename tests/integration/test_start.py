# SPDX-License-Identifier: MIT
"""What is published at the start on a PV dom0, to whom, and what guests can do with it."""
from case import FUNCTIONS, HOST_BRIDGE, NIC, RigCase
from daemon import HOST_TREE
from toolstack import node_name
from xenstore import StoreError


class Start(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.daemon.start()

    def test_every_function_but_host_bridges(self):
        names = sorted(node_name(bdf) for bdf in FUNCTIONS)
        self.assertEqual(self.store.list(f'{HOST_TREE}/pci'), names)
        self.assertEqual(self.store.list(f'{self.home(0)}/pci'), names)
        self.assertEqual(self.record(0, HOST_BRIDGE), {})

    def test_relaxed_and_owned_by_dom0(self):
        for bdf in FUNCTIONS:
            host = self.host_record(bdf)
            own = self.record(0, bdf)
            self.assertEqual(own, {'state': 'relaxed', 'swiotlb': 'keep',
                                   'reason': 'dom0-relaxed'}, bdf)
            self.assertEqual(host.pop('owner'), '0')
            self.assertTrue(host.pop('iommu'), 'which unit covers it')
            self.assertEqual(host, own)

    def test_heads_of_the_trees(self):
        self.assertEqual(self.store.read(f'{HOST_TREE}/iommu'), 'enabled')
        for domid in (None, 0, 1):
            root = HOST_TREE if domid is None else self.home(domid)
            self.assertEqual(self.store.read(f'{root}/version'), '1')
            self.assertEqual(self.store.read(f'{root}/status'), 'ready')
            self.assertGreater(self.generation(domid), 0)

    def test_ready_for_a_domain_without_devices(self):
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [])
        self.assertEqual(self.status(1), 'ready')

    def test_perms(self):
        for node in self.store.nodes(HOST_TREE):
            self.assertEqual(self.store.perms(node), 'n0', node)
        for domid in (0, 1):
            for node in self.store.nodes(self.home(domid)):
                self.assertIn(self.store.perms(node),
                              (f'n0,r{domid}', 'n0') if domid == 0 else (f'n0,r{domid}',), node)

    def test_guest_reads_its_own(self):
        inside = self.rig.guest(1).store()
        self.assertEqual(inside.read('iommu/status'), 'ready')
        self.assertEqual(inside.read('iommu/version'), '1')

    def test_guest_cannot_change_anything(self):
        inside = self.rig.guest(1).store()
        attempts = [
            lambda: inside.write('iommu/status', 'ready'),
            lambda: inside.write('iommu/pci/0000-00-00-0/state', 'protected'),
            lambda: inside.mkdir('iommu/dt'),
            lambda: inside.remove('iommu/status'),
            lambda: inside.remove('iommu'),
            lambda: inside.set_perms('iommu/status', 'n1'),
        ]
        before = self.published()
        for attempt in attempts:
            with self.assertRaises(StoreError) as caught:
                attempt()
            self.assertEqual(caught.exception.name, 'EACCES')
        self.assertEqual(self.published(), before)

    def test_guest_cannot_look_at_others(self):
        self.toolstack.create(2)
        self.wait_status('ready', 2)
        inside = self.rig.guest(1).store()
        for path in (HOST_TREE, f'{HOST_TREE}/pci', f'{HOST_TREE}/status', self.home(0),
                     f'{self.home(0)}/pci/{node_name(NIC)}/state', self.home(2),
                     f'{self.home(2)}/status'):
            for look in (inside.read, inside.list):
                with self.assertRaises(StoreError) as caught:
                    look(path)
                self.assertEqual(caught.exception.name, 'EACCES', path)

    def test_domain_that_comes_later(self):
        self.toolstack.create(7)
        self.wait_status('ready', 7)
        self.assertEqual(self.store.perms(f'{self.home(7)}/status'), 'n0,r7')


class Order(RigCase):
    """Who reads at any moment sees either no word and no records, or ready with all of them."""

    def commits_below(self, tree, since=0):
        """The daemon's transactions, as far as they concern one tree."""
        below = [[change for change in changes if change.path.startswith(tree + '/')]
                 for changes in self.daemon.tap.commits()[since:]]
        return [changes for changes in below if changes]

    @staticmethod
    def written(changes, name):
        """The values written to nodes of this name."""
        return [change.value for change in changes
                if change.what == 'write' and change.path.rpartition('/')[2] == name]

    def check_ready(self, tree, count, changes):
        self.assertEqual(self.written(changes, 'status'), ['ready'], tree)
        self.assertEqual(len(self.written(changes, 'state')), count, tree)

    def test_first_start(self):
        self.toolstack.create(1)
        self.daemon.start()
        for tree, count in ((HOST_TREE, len(FUNCTIONS)), (self.home(0), len(FUNCTIONS)),
                            (self.home(1), 0)):
            *before, last = self.commits_below(tree)
            self.check_ready(tree, count, last)
            for changes in before:
                self.assertNotIn('ready', self.written(changes, 'status'), tree)
                self.assertEqual(self.written(changes, 'state'), [], tree)

    def test_later_start(self):
        """After a crash the old word is taken back first."""
        self.toolstack.create(1)
        self.daemon.start()
        self.daemon.kill()
        since = len(self.daemon.tap.commits())
        self.daemon.start()
        for tree, count in ((HOST_TREE, len(FUNCTIONS)), (self.home(0), len(FUNCTIONS)),
                            (self.home(1), 0)):
            first, *_, last = self.commits_below(tree, since)
            self.assertEqual(self.written(first, 'status'), ['starting'], tree)
            self.assertEqual(self.written(first, 'state'), [], tree)
            self.check_ready(tree, count, last)

    def test_while_it_gathers(self):
        for expected in ((None, 'starting'), ('starting',)):
            with self.hypervisor.held('xc_test_assign_device', self.daemon.launch):
                for domid in (None, 0):
                    self.assertIn(self.status(domid), expected)
                self.assertEqual(self.store.list(f'{self.home(0)}/pci'), [])
                self.assertEqual(self.store.list(f'{HOST_TREE}/pci'), [])
                self.assertFalse(self.daemon.notify.has('READY=1'))
            self.daemon.wait_ready()
            self.assertEqual(self.record(0, NIC)['state'], 'relaxed')
            self.daemon.kill()
