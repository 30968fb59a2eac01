# SPDX-License-Identifier: MIT
"""More than one reply of XenStore's holds: many functions, many domains."""
from case import NIC, RigCase
from daemon import HOST_TREE
from toolstack import node_name

FUNCTIONS = [f'0000:{bus:02x}:{device:02x}.{function}'
             for bus in (0x20, 0x21) for device in range(32) for function in range(7)]


class Many(RigCase):
    tapped = False  # a question of size only

    def add_functions(self):
        for bdf in FUNCTIONS:
            self.host.add(bdf)

    def check_functions(self):
        for bdf in (FUNCTIONS[0], FUNCTIONS[222], FUNCTIONS[-1], NIC):
            self.assertEqual(self.host_record(bdf).get('state'), 'relaxed', bdf)
            self.assertEqual(self.record(0, bdf).get('state'), 'relaxed', bdf)
        published = set(self.store.list(f'{HOST_TREE}/pci'))
        self.assertLessEqual({node_name(bdf) for bdf in FUNCTIONS}, published)

    def test_functions(self):
        self.add_functions()
        self.daemon.start()
        self.check_functions()

    def test_functions_at_a_later_start(self):
        """What is there already is more than can be listed at once."""
        self.add_functions()
        self.daemon.start()
        self.daemon.kill()
        self.daemon.start()
        self.check_functions()
        self.daemon.stop()
        self.assertEqual(self.store.list(f'{HOST_TREE}/pci'), [])
        self.assertEqual(self.store.list(f'{self.home(0)}/pci'), [])

    def test_functions_that_come_and_go(self):
        self.daemon.start()
        self.add_functions()
        self.wait_host(FUNCTIONS[-1], state='relaxed')
        self.wait_record(0, FUNCTIONS[-1], state='relaxed')
        self.check_functions()
        for bdf in FUNCTIONS:
            self.host.remove(bdf)
        self.wait_host(FUNCTIONS[-1])
        self.wait_record(0, FUNCTIONS[-1])
        self.assertEqual(len(self.store.list(f'{self.home(0)}/pci')), 5)

    def test_withdrawn(self):
        self.add_functions()
        self.daemon.start()
        self.daemon.kill()
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.status(), 'stopped')
        self.assertEqual(self.status(0), 'stopped')
        self.assertEqual(self.store.list(f'{HOST_TREE}/pci'), [])

    def test_domains(self):
        """Two hundred guests without devices."""
        domids = range(1, 201)
        for domid in domids:
            self.toolstack.create(domid)
        self.daemon.start()
        for domid in domids:
            self.assertEqual(self.status(domid), 'ready', domid)
        self.daemon.kill()
        for domid in domids:
            if domid % 2:
                self.toolstack.destroy(domid).finish()
        self.daemon.start()
        for domid in domids:
            self.assertEqual(self.status(domid), None if domid % 2 else 'ready', domid)
