# SPDX-License-Identifier: MIT
"""Nonsense where the toolstack writes: the daemon lives, says each thing once with its path,
promises nothing because of it, and recovers when it goes. And what guests write is no fact."""
from case import DISK, NIC, NIC2, RigCase

FIRST = '0000:00:00.0'
BACKENDS = '/local/domain/0/backend/pci'
LONG = 'x' * 4000
UNKNOWN_DEVICE = '0000:7f:1f.7'


class NonsenseCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.toolstack.attach(1, NIC).finish()
        self.wait_record(1, FIRST, state='protected')
        self.sync()

    def said(self, path):
        """How often something was said of exactly this path."""
        return sum(1 for line in self.daemon.log_lines('warning', path)
                   if not line.partition(path)[2][:1].isalnum())

    def more_passes(self):
        """Every reason to say it again."""
        self.store.write(f'{self.toolstack.backend(1)}/online', 1)
        self.store.write('/libxl/pci/touch', '')
        self.store.remove('/libxl/pci/touch')
        self.wait_oracle(DISK, self.daemon.reload)
        self.sync()

    def check_value(self, path, value):
        """A promise falls while a value is nonsense, and comes back."""
        with self.subTest(path=path, value=value[:20]):
            before = self.said(path)
            with self.toolstack.nonsense(path, value):
                self.sync()
                self.assert_no_promise(NIC, 1, FIRST)
                self.more_passes()
                self.assert_no_promise(NIC, 1, FIRST)
            self.assertEqual(self.said(path) - before, 1, self.daemon.log())
            self.wait_record(1, FIRST, state='protected', swiotlb='keep')
            self.wait_host(NIC, state='protected', owner='1')
            self.assertEqual(self.record(0, DISK)['state'], 'relaxed')


class Values(NonsenseCase):
    def test_num_devs(self):
        for value in ('4000000000', '99999999999999999999999', '-1', '', 'one', '1x', ' 1', '0x1',
                      '1\0', '2', LONG):
            self.check_value(f'{BACKENDS}/1/0/num_devs', value)

    def test_dev(self):
        for value in ('', 'hello', '0000:00:04', '00:04.0', '0000:00:04.8', '0000:00:20.0',
                      '10000:00:04.0', '0000:00:04.0 ', '0000:00:04.0\0.1', '-000:00:04.0',
                      '0000:00:04.0@28', '0000:00:0x4.0', LONG):
            self.check_value(f'{BACKENDS}/1/0/dev-0', value)

    def test_state(self):
        for value in ('', 'three', '-1', '300', '3 ', '0x3', LONG):
            self.check_value(f'{BACKENDS}/1/0/state-0', value)

    def test_claim(self):
        for value in ('', 'one', '-1', '99999999999', '32752', '1 ', '0', LONG):
            self.check_value(self.toolstack.info(NIC, 'domid'), value)

    def test_address_in_the_guest(self):
        """Without it the guest cannot be told; a wrong one must not be made of it."""
        for value in ('', 'here', '0000:00:00.9', '0000:00:00', '../../status', LONG):
            self.check_value(f'{BACKENDS}/1/0/vdev-0', value)
            self.assertEqual(self.store.list(f'{self.home(1)}/pci'), ['0000-00-00-0'])

    def test_state_that_says_no(self):
        """Numbers that are no nonsense, but no assignment either."""
        path = f'{BACKENDS}/1/0/state-0'
        for value in ('0', '5', '6', '7', '8'):
            with self.subTest(value), self.toolstack.nonsense(path, value):
                self.sync()
                self.assert_no_promise(NIC, 1, FIRST)
            self.wait_record(1, FIRST, state='protected')

    def test_nodes_that_mean_nothing(self):
        for name in ('opts-0', 'key-0', 'online', 'domain', 'frontend', 'root-0', 'uuid',
                     'name-0', 'dev', 'devil-0'):
            with self.subTest(name):
                with self.toolstack.nonsense(f'{BACKENDS}/1/0/{name}', LONG):
                    self.sync()
                    self.assertEqual(self.host_record(NIC)['state'], 'protected')
                    self.assertEqual(self.record(1, FIRST)['state'], 'protected')
                self.assertEqual(self.said(f'{BACKENDS}/1/0/{name}'), 0)


class Missing(NonsenseCase):
    def check_missing(self, name, logged=True):
        path = f'{BACKENDS}/1/0/{name}'
        before = self.store.read(path)
        self.store.remove(path)
        self.more_passes()
        self.assert_no_promise(NIC, 1, FIRST)
        if logged:
            self.assertEqual(self.said(path), 1, self.daemon.log())
        self.store.write(path, before)
        self.wait_record(1, FIRST, state='protected')
        self.wait_host(NIC, state='protected', owner='1')

    def test_num_devs(self):
        self.check_missing('num_devs')

    def test_dev(self):
        self.check_missing('dev-0', logged=False)

    def test_state(self):
        self.check_missing('state-0', logged=False)


class Places(NonsenseCase):
    """Nonsense beside what is right: it takes nothing away."""

    def check_place(self, said_of, **values):
        """Puts values below the place, all at once."""
        def put(tx):
            for name, value in values.items():
                tx.write(f'{said_of}/{name}', value)
        with self.subTest(said_of):
            before = self.said(said_of)
            self.store.atomically(put)
            self.more_passes()
            self.assertEqual(self.said(said_of) - before, 1, self.daemon.log())
            self.assertEqual(self.host_record(NIC)['state'], 'protected')
            self.assertEqual(self.record(1, FIRST)['state'], 'protected')
            self.store.remove(said_of)
            self.sync()

    def test_domain_that_does_not_exist(self):
        """A whole directory as it should be, of nobody."""
        self.check_place(f'{BACKENDS}/77', **{
            '0/num_devs': 1, '0/dev-0': NIC2, '0/state-0': 3, '0/state': 4, '0/vdev-0': FIRST})
        self.wait_host(NIC2, owner='0', state='relaxed')
        self.assertNotIn('77', self.store.list('/local/domain'))

    def test_names_that_are_no_domid(self):
        for name in ('abc', '-1', '99999999999', '32752', '01x', 'x' * 60):
            self.check_place(f'{BACKENDS}/{name}', **{'0/num_devs': 1})

    def test_records_of_no_device(self):
        for name in ('abc', '0000-00-04', '0000-00-04-8', '0000-00-20-0', '10000-00-04-0'):
            self.check_place(f'/libxl/pci/{name}', domid=1)

    def test_unknown_device(self):
        """Named by a living domain's directory, and by nothing else."""
        self.toolstack.create(2)
        slot = self.toolstack.announce(2, UNKNOWN_DEVICE, None, False)
        self.toolstack.export(2, slot)
        self.store.write(self.toolstack.info(UNKNOWN_DEVICE, 'domid'), 2)
        self.more_passes()
        self.assertEqual(len(self.daemon.log_lines('warning', f'{BACKENDS}/2')), 1)
        self.assertEqual(self.host_record(UNKNOWN_DEVICE), {})
        record = self.record(2, FIRST)
        self.assertIn(record.get('state'), (None, 'unknown'))
        self.assertIn(record.get('swiotlb'), (None, 'keep'))

    def test_same_device_twice(self):
        """In one directory, under two addresses."""
        slot = self.toolstack.announce(1, NIC, None, True)
        self.toolstack.export(1, slot)
        self.sync()
        self.daemon.check_alive()
        self.assertLessEqual(
            len([name for name in self.store.list(f'{self.home(1)}/pci')
                 if self.store.read(f'{self.home(1)}/pci/{name}/state') == 'protected']), 1)

    def test_many_at_once(self):
        for number in range(300):
            self.store.write(f'{BACKENDS}/{1000 + number}/0/num_devs', 'many')
        self.sync()
        self.more_passes()
        for number in range(300):
            self.assertEqual(self.said(f'{BACKENDS}/{1000 + number}/0/num_devs'), 1)
        self.assertEqual(self.record(1, FIRST)['state'], 'protected')


class GuestWrites(NonsenseCase):
    """What a guest can write is never read as a fact."""

    def test_frontend(self):
        inside = self.rig.guest(1).store()
        before = self.published()
        for name, value in (('num_devs', '7'), ('dev-0', NIC2), ('vdev-0', '0000:00:1f.0'),
                            ('state', '6'), ('state-0', '5'), ('backend', f'{BACKENDS}/2/0')):
            inside.write(f'device/pci/0/{name}', value)
        self.more_passes()
        self.assertEqual(self.published(), before)

    def test_what_it_may_write_at_all(self):
        inside = self.rig.guest(1).store()
        before = self.published()
        for name in ('data/iommu', 'data/target', 'attr/iommu', 'control/shutdown',
                     'drivers/pci', 'feature/iommu'):
            inside.write(name, '2')
        self.more_passes()
        self.assertEqual(self.published(), before)

    def test_not_even_read(self):
        """No request of the daemon's concerns anything that a guest owns."""
        inside = self.rig.guest(1).store()
        inside.write('device/pci/0/num_devs', '7')
        self.more_passes()
        touched = [request.path for request in self.daemon.tap.requests()
                   if '/device/' in request.path or '/data' in request.path]
        self.assertEqual(touched, [])
