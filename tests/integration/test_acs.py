# SPDX-License-Identifier: MIT
"""What a claim leaves out because of what the functions can: no-acs and ats."""
from case import HOST_BRIDGE, RigCase
from daemon import HOST_TREE
from hostpci import DOWNSTREAM, ENDPOINT, ISOLATING, ROOT_PORT, TO_PCI, UPSTREAM, Caps
from toolstack import node_name
from waiting import wait_until

PORT, ALONE = '0000:00:01.0', '0000:01:00.0'
UP, DOWN, DOWN2, BELOW, BELOW2 = ('0000:02:00.0', '0000:03:00.0', '0000:03:01.0', '0000:04:00.0',
                                  '0000:05:00.0')
SWITCH_PORT, BRIDGE_PORT, BRIDGE, OLD = ('0000:00:02.0', '0000:00:03.0', '0000:06:00.0',
                                         '0000:07:00.0')
TWO, TWINS = '0000:00:06.0', ('0000:08:00.0', '0000:08:00.1')
FIRST = '0000:00:00.0'


class Limits(RigCase):
    def make_machine(self):
        self.host.add(HOST_BRIDGE, 0x060000)
        good = {'acs': ISOLATING}
        self.port(PORT, 1, ROOT_PORT, **good)
        self.endpoint(ALONE, PORT)
        self.port(SWITCH_PORT, 2, ROOT_PORT, **good)
        self.port(UP, 3, UPSTREAM, below=SWITCH_PORT)
        self.port(DOWN, 4, DOWNSTREAM, below=UP, **good)
        self.port(DOWN2, 5, DOWNSTREAM, below=UP, acs=ISOLATING & ~8)
        self.endpoint(BELOW, DOWN, ats=True)
        self.endpoint(BELOW2, DOWN2, ats=True)
        self.port(BRIDGE_PORT, 6, ROOT_PORT, **good)
        self.port(BRIDGE, 7, TO_PCI, below=BRIDGE_PORT)
        self.host.add(OLD, below=BRIDGE)
        self.port(TWO, 8, ROOT_PORT, **good)
        for bdf in TWINS:
            self.endpoint(bdf, TWO, multi_function=True)

    def setUp(self):
        super().setUp()
        self.toolstack.create(1)

    def port(self, bdf, secondary, kind, below=None, **caps):
        self.host.add(bdf, 0x060400, 'pcieport', below=below, secondary=secondary,
                      caps=Caps(kind, **caps))

    def endpoint(self, bdf, below, **caps):
        self.host.add(bdf, below=below, driver='igb', caps=Caps(ENDPOINT, **caps))

    def limits(self, bdf, root=HOST_TREE, address=None):
        text = self.store.read(f'{root}/pci/{node_name(address or bdf)}/limits')
        return None if text is None else set(text.split())

    def check(self, bdf, *tokens):
        """What both trees say, while it is dom0's."""
        self.wait_host(bdf, state='relaxed', owner='0')
        expected = set(tokens) or None
        for root in (HOST_TREE, self.home(0)):
            self.assertEqual(self.limits(bdf, root), expected, f'{root}, {bdf}')

    def test_acs(self):
        self.daemon.start()
        for bdf in (PORT, ALONE, SWITCH_PORT, UP, DOWN, BELOW, BRIDGE_PORT, TWO):
            self.check(bdf)
        for bdf in (DOWN2, BELOW2, OLD, *TWINS):
            self.check(bdf, 'no-acs')

    def test_ats(self):
        """Only where Xen's command line switches it on."""
        self.hypervisor.set_cmdline('ats')
        self.daemon.start()
        self.check(ALONE)
        self.check(BELOW, 'ats')
        self.check(BELOW2, 'no-acs', 'ats')

    def test_guest(self):
        """It sees those of its own device, and the state stands beside them."""
        self.hypervisor.set_cmdline('ats')
        for bdf in (BELOW2, ALONE):
            self.toolstack.assignable_add(bdf).finish()
        self.daemon.start()
        for bdf, expected in ((BELOW2, {'no-acs', 'ats'}), (ALONE, None)):
            self.wait_host(bdf, state='quarantined')
            self.assertIsNone(self.limits(bdf))
            self.toolstack.attach(1, bdf).finish()
            self.wait_host(bdf, state='protected')
            self.wait_record(1, FIRST, state='protected')
            self.assertEqual(self.limits(bdf), expected)
            self.assertEqual(self.limits(bdf, self.home(1), FIRST), expected)
            self.toolstack.detach(1, bdf).finish()
            self.wait_record(1, FIRST)

    def test_plugged_in(self):
        """A second function at the same place makes two of them."""
        self.endpoint('0000:01:00.1', PORT)
        self.daemon.start()
        self.check(ALONE, 'no-acs')
        self.host.remove('0000:01:00.1')
        wait_until(lambda: self.limits(ALONE) is None, 'the first function to be alone')
        self.check(ALONE)

    def test_what_is_not_known(self):
        """Nothing is said of a port whose extended capabilities cannot be read."""
        self.port('0000:00:07.0', 9, ROOT_PORT, size=0x100)
        self.endpoint('0000:09:00.0', '0000:00:07.0', multi_function=True, size=0x40)
        self.daemon.start()
        for bdf in ('0000:00:07.0', '0000:09:00.0'):
            self.check(bdf)
