# SPDX-License-Identifier: MIT
"""Xen lets go of a device, or gives it to another, and XenStore tells nothing of it: no claim stands
for longer than confirm-interval without Xen's word."""
from case import DISK, NIC, NIC2, RigCase
from daemon import HOST_TREE
from devicetree import ASIDE, BEHIND, GUESTS, DeviceTreeCase
from test_groups import LEFT, RIGHT, GroupCase
from waiting import wait_until

FIRST = '0000:00:00.0'
INTERVAL = 0.5
QUESTION = 'xc_test_assign_device'


class ConfirmCase(RigCase):
    interval = INTERVAL

    def setUp(self):
        super().setUp()
        self.daemon.config['confirm-interval'] = self.interval
        self.toolstack.create(1)
        self.toolstack.create(2, 'hvm')
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.toolstack.attach(1, NIC).finish()
        self.daemon.start()
        self.wait_host(NIC, state='protected', owner='1')
        self.wait_host(NIC2, state='quarantined')

    def times(self, bdf):
        return [call.at for call in self.hypervisor.calls(QUESTION, on=bdf)]


class Silent(ConfirmCase):
    """Not one change in XenStore, and not one uevent."""

    def test_let_go(self):
        self.hypervisor.assign(NIC, 'io')
        self.wait_downgraded(NIC, 1, FIRST)

    def test_assigned(self):
        """Of a device that nobody had."""
        self.hypervisor.assign(NIC2, 2)
        self.wait_host(NIC2, state='unknown')

    def test_dom0s_own(self):
        self.hypervisor.assign(DISK, 2)
        self.wait_host(DISK, state='unknown')
        self.wait_record(0, DISK, state='unknown')

    def test_no_more(self):
        """What Xen denied comes back within the bound, too, whoever has it."""
        for bdf, owner, after in ((DISK, 0, {'state': 'relaxed', 'owner': '0'}),
                                  (NIC2, 'io', {'state': 'quarantined', 'owner': 'none'})):
            with self.subTest(bdf):
                self.hypervisor.assign(bdf, 2)
                self.wait_host(bdf, state='unknown', reason='hypervisor-disagrees')
                self.hypervisor.assign(bdf, owner)
                self.wait_host(bdf, **after)

    def test_translated_guest(self):
        self.toolstack.attach(2, NIC2, vdevfn=0x28).finish()
        self.wait_record(2, '0000:00:05.0', state='protected', swiotlb='skip')
        self.hypervisor.assign(NIC2, 'io')
        self.wait_downgraded(NIC2, 2, '0000:00:05.0')

    def test_again_and_again(self):
        """Its word comes back when Xen's does, with whatever asks for it next."""
        self.hypervisor.assign(NIC, 'io')
        self.wait_downgraded(NIC, 1, FIRST)
        self.hypervisor.assign(NIC, 1)
        self.daemon.reload()
        self.wait_host(NIC, state='protected', owner='1')
        self.hypervisor.assign(NIC, 'io')
        self.wait_downgraded(NIC, 1, FIRST)

    def test_what_xen_fails_to_answer(self):
        self.hypervisor.inject(QUESTION, 'EIO', on=NIC)
        self.wait_downgraded(NIC, 1, FIRST)


class Bound(ConfirmCase):
    def test_questions(self):
        """Each claim is asked about about once in an interval, and spread over it."""
        claims = (NIC, NIC2, DISK)
        begin = max(self.times(bdf)[-1] for bdf in claims)

        def confirmed(bdf):
            return [at for at in self.times(bdf) if at > begin]
        for bdf in claims:
            wait_until(lambda bdf=bdf: len(confirmed(bdf)) >= 6, f'{bdf} to be confirmed')
        for bdf in claims:
            asked = confirmed(bdf)
            intervals = (asked[-1] - begin) / 1e9 / INTERVAL
            # a busy machine asks less often, and none more often
            self.assertLessEqual(len(asked), 16 / 15 * intervals + 2, bdf)
        self.assertEqual(self.host_record(NIC)['state'], 'protected')

    def test_nothing_is_written_without_news(self):
        """What Xen confirms changes no tree."""
        self.sync()
        asked = len(self.times(DISK))
        written = self.generation(), self.generation(0), self.generation(1)
        wait_until(lambda: len(self.times(DISK)) >= asked + 3, 'DISK to be confirmed')
        self.assertEqual((self.generation(), self.generation(0), self.generation(1)), written)

    def test_published(self):
        self.assertEqual(self.store.read(f'{HOST_TREE}/confirm-interval'), '0.5')
        for told, shown in (('60', '60'), ('0', '0')):
            self.daemon.stop()
            self.daemon.config['confirm-interval'] = told
            self.daemon.start()
            self.assertEqual(self.store.read(f'{HOST_TREE}/confirm-interval'), shown)
        self.daemon.stop()
        del self.daemon.config['confirm-interval']
        self.daemon.start()
        self.assertEqual(self.store.read(f'{HOST_TREE}/confirm-interval'), '60')


class Never(ConfirmCase):
    interval = 0

    def test_nobody_asks(self):
        """As long as it would have taken with the smallest interval that is tested here."""
        before = self.times(DISK)
        first = self.times(NIC2)
        while True:
            self.sync()
            now = self.hypervisor.calls(QUESTION)[-1].at
            if now - before[-1] > 2 * INTERVAL * 1e9:
                break
        self.assertEqual(self.times(DISK), before)
        self.assertEqual(self.times(NIC2), first)


class Mates(GroupCase):
    def make_machine(self):
        self.daemon.config['confirm-interval'] = INTERVAL
        super().make_machine()

    def test_mate_that_is_given_away(self):
        """Nobody's it takes nothing from the other; with a guest it does."""
        self.toolstack.assignable_add(RIGHT).finish()
        self.give(1, LEFT)
        self.wait_host(LEFT, state='protected', owner='1')
        self.hypervisor.assign(RIGHT, 2)
        self.wait_host(LEFT, swiotlb='keep', state='unknown')
        wait_until(lambda: not self.promises(LEFT, 1, FIRST), 'the word to fall')

    def test_mate_that_xen_takes_from_the_guest(self):
        for bdf in (LEFT, RIGHT):
            self.give(1, bdf)
        for bdf in (LEFT, RIGHT):
            self.wait_host(bdf, state='protected', owner='1')
        self.hypervisor.assign(RIGHT, 0)
        wait_until(lambda: not self.promises(LEFT, 1, FIRST), 'the word to fall')
        self.wait_host(RIGHT, state='unknown')


class DeviceTree(DeviceTreeCase):
    def assign_at_boot(self):
        super().assign_at_boot()
        self.daemon.config['confirm-interval'] = INTERVAL

    def test_let_go(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.hypervisor.assign(ASIDE, 'io')
        self.wait_dt(1, ASIDE, state='unknown', swiotlb='keep')
        self.wait_dt(None, ASIDE, state='unknown', swiotlb='keep')

    def test_dom0s(self):
        self.wait_dt(0, BEHIND, state='protected', swiotlb='skip')
        self.hypervisor.assign(BEHIND, 'io')
        self.wait_dt(0, BEHIND, state='unprotected', swiotlb='keep')
