# SPDX-License-Identifier: MIT
"""Attach, detach, destroy and what else can happen, by the order in which libxl and Xen do it: what
must be published, and what must not, after every single step."""
from case import NIC, NIC2, RigCase
from toolstack import CLOSED, CRASH, POWEROFF, REBOOT
from waiting import BOUND

FIRST, SECOND = '0000:00:00.0', '0000:00:01.0'  # as a PV guest sees them
QUARANTINED = {'state': 'quarantined', 'swiotlb': 'keep', 'reason': 'assignable', 'owner': 'none'}
DOM0 = {'state': 'relaxed', 'swiotlb': 'keep', 'reason': 'dom0-relaxed', 'owner': '0'}


def of_guest(domid):
    return {'state': 'protected', 'swiotlb': 'keep', 'reason': 'assigned-pv', 'owner': str(domid)}


class AssignCase(RigCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.wait_host(NIC, **QUARANTINED)

    def attach(self, domid=1, bdf=NIC):
        self.toolstack.attach(domid, bdf).finish()
        self.wait_host(bdf, **of_guest(domid))

    def check_nothing_promised(self, bdf=NIC, domid=1, address=FIRST):
        """Once everything is worked off, nobody is promised anything."""
        self.sync()
        self.assert_no_promise(bdf, domid, address)

    def check_gone(self, domid):
        """Nothing of the domain is in XenStore, and nothing comes back."""
        self.sync()
        self.assertNotIn(str(domid), self.store.list('/local/domain'))


class Assignable(AssignCase):
    def test_quarantined(self):
        self.wait_record(0, NIC)
        self.assertEqual({**self.host_record(NIC), **QUARANTINED}, self.host_record(NIC))
        self.assertEqual(self.record(0, NIC2)['state'], 'relaxed')

    def test_every_step_there(self):
        for step in self.toolstack.assignable_add(NIC2):
            self.sync()
            self.sync_uevents()
            record = self.host_record(NIC2)
            self.assertIn(record['state'], ('relaxed', 'quarantined', 'unknown'), step)
            if record['owner'] != '0':
                self.assertIn(self.record(0, NIC2).get('state'), (None, 'unknown'), step)
        self.wait_host(NIC2, **QUARANTINED)

    def test_every_step_back(self):
        for step in self.toolstack.assignable_remove(NIC):
            self.sync()
            self.sync_uevents()
            self.assertIn(self.host_record(NIC)['state'], ('relaxed', 'quarantined', 'unknown'),
                          step)
        self.wait_host(NIC, **DOM0)
        self.wait_record(0, NIC, state='relaxed', swiotlb='keep', reason='dom0-relaxed')


class Attach(AssignCase):
    def test_every_step(self):
        steps = self.toolstack.attach(1, NIC)
        for name in ('claimed', 'assigned'):
            steps.to(name)
            self.check_nothing_promised()
            self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')
            self.assertEqual(self.record(1, FIRST), {})
        steps.to('announced')
        self.wait_host(NIC, **of_guest(1))
        self.sync()
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), [], 'without its own address')
        steps.to('exported')
        self.wait_record(1, FIRST, state='protected', swiotlb='keep', reason='assigned-pv')
        steps.finish()
        self.sync()
        self.assertEqual(self.record(1, FIRST), {'state': 'protected', 'swiotlb': 'keep',
                                                 'reason': 'assigned-pv'})
        self.assertEqual(self.store.list(f'{self.home(1)}/pci'), ['0000-00-00-0'])
        self.assertEqual(self.record(0, NIC), {})

    def test_announced_but_not_assigned(self):
        """What XenStore says is not enough."""
        self.store.write(self.toolstack.info(NIC, 'domid'), 1)
        self.toolstack.export(1, self.toolstack.announce(1, NIC, None, False))
        self.toolstack.connect(1)
        self.check_nothing_promised()

    def test_announced_but_not_claimed(self):
        self.hypervisor.assign(NIC, 1)
        self.toolstack.export(1, self.toolstack.announce(1, NIC, None, False))
        self.toolstack.connect(1)
        self.check_nothing_promised()

    def test_inside_the_guest(self):
        inside = self.rig.guest(1).store()
        inside.watch('iommu/generation')
        self.attach()
        self.wait_record(1, FIRST, state='protected')
        self.assertIsNotNone(inside.next_event(BOUND))
        self.assertEqual(inside.read('iommu/pci/0000-00-00-0/state'), 'protected')
        self.assertEqual(inside.read('iommu/pci/0000-00-00-0/swiotlb'), 'keep')
        for node in self.store.nodes(self.home(1)):
            self.assertEqual(self.store.perms(node), 'n0,r1', node)
        for path, value in self.store.tree(self.home(1)).items():
            for text in (NIC, '0000-00-04-0', '00:04'):
                self.assertNotIn(text, path + value, 'a host address')

    def test_at_creation(self):
        """pci= in the configuration: the domain does not run yet."""
        self.toolstack.assignable_add(NIC2).finish()
        self.wait_host(NIC2, **QUARANTINED)
        self.toolstack.create(2)
        for bdf in (NIC, NIC2):
            self.toolstack.attach(2, bdf, starting=True).to('announced')
        for slot in (0, 1):
            self.toolstack.export(2, slot)
        self.toolstack.connect(2)
        for bdf, address in ((NIC, FIRST), (NIC2, SECOND)):
            self.wait_host(bdf, **of_guest(2))
            self.wait_record(2, address, state='protected', swiotlb='keep')

    def test_ready_before_the_guest_runs(self):
        """libxl unpauses a domain last: the guest's kernel finds its tree at its first bind."""
        for domid, kind, bdf, vdevfn, address in ((2, 'pv', NIC, None, FIRST),
                                                  (3, 'hvm', NIC2, 0x20, '0000:00:04.0')):
            if bdf != NIC:
                self.toolstack.assignable_add(bdf).finish()
                self.wait_host(bdf, **QUARANTINED)
            self.toolstack.create(domid, kind)
            self.hypervisor.add_flags(domid, 'paused')
            self.wait_status('ready', domid)
            self.toolstack.attach(domid, bdf, vdevfn=vdevfn, starting=True).to('exported')
            self.wait_record(domid, address, state='protected')
            self.assertEqual(self.status(domid), 'ready')

    def test_attach_in_vain(self):
        """The guest keeps a device that nothing records, until it is destroyed."""
        for step in self.toolstack.attach_in_vain(1, NIC):
            self.check_nothing_promised()
            self.assertEqual(self.record(1, FIRST), {}, step)
        self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')

    def test_device_that_dom0_has(self):
        """No toolstack would do it; nothing false is said."""
        self.toolstack.attach(1, NIC2).finish()
        self.sync()
        self.assertIn(self.record(0, NIC2).get('state'), (None, 'unknown'))


class Detach(AssignCase):
    def test_every_step(self):
        self.attach()
        steps = self.toolstack.detach(1, NIC)
        steps.to('deassigned')
        for name in ('closing', 'removed'):
            steps.to(name)
            self.check_nothing_promised()
            self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')
        steps.to('released')
        self.wait_host(NIC, **QUARANTINED)
        self.wait_record(1, FIRST)
        self.assertEqual(self.status(1), 'ready')

    def test_closing_before_the_hypervisor_lets_go(self):
        """State 5 is the first sign: nothing is asked before the word is taken back."""
        self.attach()
        self.toolstack.close(1, 0)
        self.check_nothing_promised()

    def test_downgrade_comes_before_asking(self):
        """The hypervisor is slow to answer; the word is taken back all the same. A question that
        is held may be one of a pass that began before; not each time."""
        def leave():
            self.hypervisor.assign(NIC, 'io')
            self.toolstack.close(1, 0)

        promises = []
        for _ in range(4):
            self.attach()
            self.wait_record(1, FIRST, state='protected')
            self.sync()
            with self.hypervisor.held('xc_test_assign_device', leave, on=NIC):
                promises = self.promises(NIC, 1, FIRST)
            if not promises:
                return
            self.wait_downgraded(NIC, 1, FIRST)
            self.toolstack.detach(1, NIC).finish()
            self.wait_record(1, FIRST)
        self.fail(f'taken back only after the answer: {promises}')

    def test_let_go_without_an_event(self):
        """A backend that never connected gets no further event for ten seconds."""
        self.toolstack.attach(1, NIC).to('exported')
        self.wait_record(1, FIRST, state='protected')
        self.hypervisor.assign(NIC, 'io')
        self.wait_downgraded(NIC, 1, FIRST)

    def test_first_of_two(self):
        """The second one moves to index 0; its address in the guest stays."""
        self.toolstack.assignable_add(NIC2).finish()
        self.wait_host(NIC2, **QUARANTINED)
        self.attach()
        self.attach(1, NIC2)
        self.wait_record(1, SECOND, state='protected')
        for _ in self.toolstack.detach(1, NIC):
            self.sync()
            self.assertEqual(self.host_record(NIC2)['owner'], '1')
        self.wait_host(NIC, **QUARANTINED)
        self.wait_host(NIC2, **of_guest(1))
        self.wait_record(1, FIRST)
        self.wait_record(1, SECOND, state='protected', swiotlb='keep')

    def test_guest_that_closes_its_frontend(self):
        """pcifront unbound: the backend goes to state 6, and the device stays assigned."""
        self.attach()
        self.store.write(f'{self.toolstack.backend(1)}/state', CLOSED)
        self.sync()
        self.assertEqual(self.host_record(NIC)['owner'], '1')
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, **QUARANTINED)

    def test_attach_again_elsewhere(self):
        self.toolstack.create(2)
        for domid in (1, 2, 1):
            self.attach(domid)
            self.wait_record(domid, FIRST, state='protected')
            self.wait_record(3 - domid, FIRST)
            self.toolstack.detach(domid, NIC).finish()
            self.wait_host(NIC, **QUARANTINED)


class End(AssignCase):
    """Ways in which a domain ends."""

    def test_destroy(self):
        self.attach()
        released = False
        for step in self.toolstack.destroy(1):
            if step == f'{NIC} deassigned':
                continue
            released = released or step == f'{NIC} released'
            if released:
                self.wait_host(NIC, **QUARANTINED)
            else:
                self.check_nothing_promised()
        self.check_gone(1)

    def bury(self, reason):
        self.attach()
        for step in self.toolstack.bury(1, reason):
            if step == 'down' and reason is None:
                continue  # it still has the device
            self.check_nothing_promised()
            if step == 'deassigned':
                self.assertNotEqual(self.host_record(NIC)['state'], 'quarantined')
        self.wait_host(NIC, **QUARANTINED)
        self.check_gone(1)
        self.assertEqual(self.store.read(f'{self.toolstack.backend(1)}/dev-0'), NIC, 'stays')

    def test_crash(self):
        self.bury(CRASH)

    def test_poweroff(self):
        self.bury(POWEROFF)

    def test_reboot(self):
        self.bury(REBOOT)

    def test_paused(self):
        self.attach()
        steps = self.toolstack.bury(1, None)
        steps.to('closing')
        self.check_nothing_promised()
        steps.finish()
        self.wait_host(NIC, **QUARANTINED)
        self.check_gone(1)

    def test_never_connected(self):
        """Destroyed before its frontend came up: no state 5, only the slow re-check."""
        self.toolstack.attach(1, NIC).to('exported')
        self.wait_record(1, FIRST, state='protected')
        steps = self.toolstack.bury(1, None)
        steps.to('deassigned')
        self.wait_downgraded(NIC, 1, FIRST)
        steps.finish()
        self.wait_host(NIC, **QUARANTINED)

    def test_shutdown_is_enough(self):
        """A domain that is down owns nothing, whatever the hypervisor still says."""
        self.attach()
        self.toolstack.shut_down(1, CRASH)
        self.wait_downgraded(NIC, 1, FIRST)

    def test_dying_is_enough(self):
        self.attach()
        self.hypervisor.add_flags(1, 'dying')
        self.wait_host(NIC, state='unknown', swiotlb='keep')

    def test_stale_directories(self):
        """Several directories of dead domains name a device that a living one has."""
        for domid in (1, 2, 3):
            if domid > 1:
                self.toolstack.create(domid)
            self.attach(domid)
            self.toolstack.bury(domid, CRASH).finish()
            self.wait_host(NIC, **QUARANTINED)
        self.toolstack.create(4)
        self.attach(4)
        self.wait_record(4, FIRST, state='protected', swiotlb='keep')
        self.sync()
        self.assertEqual(self.host_record(NIC)['owner'], '4')

    def test_domid_used_again(self):
        """A new domain with the id of a dead one, whose directory is still there, owns nothing."""
        self.attach()
        self.toolstack.bury(1, CRASH).finish()
        self.wait_host(NIC, **QUARANTINED)
        self.toolstack.create(1)
        self.wait_status('ready', 1)
        self.sync()
        self.assertEqual(self.record(1, FIRST), {})
        self.wait_host(NIC, **QUARANTINED)

    def test_unplugged_while_assigned(self):
        """XenStore and the oracle do not change."""
        self.attach()
        self.wait_record(1, FIRST, state='protected')
        self.host.remove(NIC)
        self.wait_host(NIC)
        self.wait_record(1, FIRST)

    def test_attached_without_record_then_destroyed(self):
        self.toolstack.attach_in_vain(1, NIC).finish()
        self.hypervisor.assign(NIC, 'io')  # the hypervisor takes it back when the domain dies
        self.toolstack.remove_home(1)
        self.toolstack.destroy_domain(1)
        self.wait_host(NIC, **QUARANTINED)
        self.check_gone(1)


class TwoGuests(AssignCase):
    def test_at_once(self):
        self.toolstack.assignable_add(NIC2).finish()
        self.wait_host(NIC2, **QUARANTINED)
        self.toolstack.create(2)
        attachments = [self.toolstack.attach(1, NIC), self.toolstack.attach(2, NIC2)]
        for step in ('claimed', 'assigned', 'announced', 'exported', 'connected'):
            for attachment in attachments:
                attachment.to(step)
        for domid, bdf in ((1, NIC), (2, NIC2)):
            self.wait_host(bdf, **of_guest(domid))
            self.wait_record(domid, FIRST, state='protected', swiotlb='keep')
            self.assertEqual(self.store.list(f'{self.home(domid)}/pci'), ['0000-00-00-0'])
        self.toolstack.destroy(1).finish()
        self.wait_host(NIC, **QUARANTINED)
        self.sync()
        self.assertEqual(self.host_record(NIC2)['owner'], '2')
        self.assertEqual(self.record(2, FIRST)['state'], 'protected')

    def test_both_claim_it(self):
        """A contradiction in XenStore leaves nobody a promise."""
        self.toolstack.create(2)
        self.attach(1)
        self.toolstack.export(2, self.toolstack.announce(2, NIC, None, False))
        self.store.write(self.toolstack.info(NIC, 'domid'), 2)
        for domid in (1, 2):
            self.check_nothing_promised(domid=domid)
