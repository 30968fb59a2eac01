# SPDX-License-Identifier: MIT
"""Devices that share a requester ID: one domain's mapping serves them all."""
from case import DISK, NIC, NIC2, RigCase

BRIDGE = '0000:00:06.0'       # PCIe to PCI
LEFT, RIGHT = '0000:02:00.0', '0000:02:01.0'
FIRST = '0000:00:00.0'
SPLIT = {'state': 'unprotected', 'swiotlb': 'keep', 'reason': 'group-split'}


class GroupCase(RigCase):
    with_bridge = True  # VT-d counts the bridge in, AMD-Vi does not

    def make_machine(self):
        super().make_machine()
        self.host.add(BRIDGE, 0x060400, secondary=2)
        for bdf in (LEFT, RIGHT):
            self.host.add(bdf, 0x020000, 'e1000', below=BRIDGE)
        members = [LEFT, RIGHT, *([BRIDGE] if self.with_bridge else [])]
        self.hypervisor.set_group('behind-the-bridge', *members)

    def setUp(self):
        super().setUp()
        for domid in (1, 2):
            self.toolstack.create(domid)
        self.daemon.start()

    def give(self, domid, bdf):
        self.toolstack.assignable_add(bdf).finish()
        self.wait_host(bdf, owner='none')
        self.toolstack.attach(domid, bdf).finish()

    def take_back(self, domid, bdf):
        self.toolstack.detach(domid, bdf).finish()
        self.wait_host(bdf, owner='none')
        self.toolstack.assignable_remove(bdf).finish()
        self.wait_host(bdf, owner='0')


class Split(GroupCase):
    def test_together(self):
        for bdf in (LEFT, RIGHT):
            self.wait_host(bdf, state='relaxed', owner='0')
        group = self.host_record(LEFT)['group']
        self.assertRegex(group, '^[0-9]+$')
        self.assertEqual(self.host_record(RIGHT)['group'], group)
        for bdf in (LEFT, RIGHT):
            self.assertEqual(self.record(0, bdf)['group'], self.record(0, LEFT)['group'])

    def test_alone(self):
        """A number that nobody else has, or none."""
        others = [self.host_record(bdf).get('group') for bdf in (LEFT, DISK)]
        group = self.host_record(NIC).get('group')
        self.assertTrue(group is None or group not in others)

    def test_dom0_and_a_guest(self):
        self.give(1, LEFT)
        self.wait_host(LEFT, owner='1', **SPLIT)
        self.wait_host(RIGHT, owner='0', **SPLIT)
        self.wait_record(1, FIRST, **SPLIT)
        self.wait_record(0, RIGHT, **SPLIT)
        self.sync()
        self.assert_no_promise(LEFT, 1, FIRST)
        self.take_back(1, LEFT)
        for bdf in (LEFT, RIGHT):
            self.wait_host(bdf, state='relaxed', owner='0')
            self.wait_record(0, bdf, state='relaxed')

    def test_two_guests(self):
        self.give(1, LEFT)
        self.give(2, RIGHT)
        for domid, bdf in ((1, LEFT), (2, RIGHT)):
            self.wait_host(bdf, owner=str(domid), **SPLIT)
            self.wait_record(domid, FIRST, **SPLIT)
            self.sync()
            self.assert_no_promise(bdf, domid, FIRST)

    def test_recovers(self):
        """The mate goes where the other is."""
        self.give(1, LEFT)
        self.give(2, RIGHT)
        self.wait_host(LEFT, owner='1', **SPLIT)
        self.toolstack.detach(2, RIGHT).finish()
        self.wait_host(RIGHT, owner='none')
        self.toolstack.attach(1, RIGHT).finish()
        for bdf in (LEFT, RIGHT):
            self.wait_host(bdf, state='protected', owner='1')
        self.wait_record(1, FIRST, state='protected')
        self.wait_record(1, '0000:00:01.0', state='protected')
        self.assertEqual(self.record(1, FIRST)['group'], self.record(1, '0000:00:01.0')['group'])

    def test_no_promise_at_any_step(self):
        """The first guest's word is taken back no later than the mate is with another."""
        self.give(1, LEFT)
        self.toolstack.assignable_add(RIGHT).finish()
        self.wait_host(RIGHT, owner='none')
        steps = self.toolstack.attach(2, RIGHT)
        for name in ('claimed', 'assigned', 'announced', 'exported', 'connected'):
            steps.to(name)
            self.sync()
            self.assert_no_promise(RIGHT, 2, FIRST)
            if name != 'claimed':
                self.assert_no_promise(LEFT, 1, FIRST)
        self.wait_host(LEFT, owner='1', **SPLIT)

    def test_mate_that_nobody_has(self):
        """A quarantined mate takes nothing from the guest's confinement."""
        self.toolstack.assignable_add(RIGHT).finish()
        self.give(1, LEFT)
        self.wait_host(LEFT, state='protected', owner='1')
        self.wait_record(1, FIRST, state='protected')

    def test_mate_plugged_in_later(self):
        self.give(1, LEFT)
        self.take_back(1, LEFT)
        self.host.remove(RIGHT)
        self.give(1, LEFT)
        self.wait_host(LEFT, state='protected', owner='1')
        self.host.add(RIGHT, 0x020000, 'e1000', below=BRIDGE)
        self.wait_host(RIGHT, owner='0', **SPLIT)
        self.wait_host(LEFT, owner='1', **SPLIT)
        self.wait_record(1, FIRST, **SPLIT)

    def test_others_do_not_care(self):
        self.give(1, LEFT)
        self.wait_host(LEFT, owner='1', **SPLIT)
        for bdf in (NIC, NIC2, DISK):
            self.assertEqual(self.host_record(bdf)['state'], 'relaxed')


class SplitWithoutBridge(Split):
    """As AMD-Vi groups them."""
    with_bridge = False


class BridgeAlone(GroupCase):
    def test_bridge_does_not_count(self):
        """Both functions below it are with the guest, and the bridge stays with dom0."""
        for bdf in (LEFT, RIGHT):
            self.give(1, bdf)
        for bdf in (LEFT, RIGHT):
            self.wait_host(bdf, state='protected', owner='1')
        self.wait_host(BRIDGE, owner='0', state='relaxed')
