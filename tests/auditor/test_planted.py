# SPDX-License-Identifier: MIT
"""The auditor finds what is wrong, each by its name, and has nothing to say of what is right.

The trees are written by hand: no daemon has a part in it."""
from audit import AuditCase
from case import DISK, NIC, NIC2, ROOT_PORT
from daemon import HOST_TREE
from toolstack import node_name

FIRST = '0000:00:00.0'


class PlantedCase(AuditCase):
    options = ('--allow-overlap-ms', '60')

    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2, 'hvm')
        self.hypervisor.note_daemon(True)
        for root in (HOST_TREE, *map(self.home, (0, 1, 2))):
            self.store.write(f'{root}/version', 1)
            self.publish(root, 'status', 'ready')
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()

    def publish(self, root, name, value):
        def write(tx):
            tx.write(f'{root}/{name}', value)
            tx.write(f'{root}/generation', int(tx.read(f'{root}/generation') or 0) + 1)
        self.store.atomically(write)

    def say(self, domid, bdf, state, swiotlb='keep', owner=None):
        """A record in a domain's tree, or the host's, as the daemon writes it."""
        root = HOST_TREE if domid is None else self.home(domid)
        path = f'pci/{node_name(bdf)}'

        def write(tx):
            tx.write(f'{root}/{path}/state', state)
            tx.write(f'{root}/{path}/swiotlb', swiotlb)
            if owner is not None:
                tx.write(f'{root}/{path}/owner', owner)
            tx.write(f'{root}/generation', int(tx.read(f'{root}/generation') or 0) + 1)
        self.store.atomically(write)

    def expect(self, name, *words):
        """The one name that is found, and what is said of it."""
        found = self.auditor.wait_finding(name)
        auditor, self.auditor = self.auditor, None
        status, findings, summary = auditor.stop()
        self.assertEqual({line['finding'] for line in findings}, {name}, findings)
        for word in words:
            self.assertIn(word, f'{found["claim"]} {found["truth"]}')
        self.assertEqual(status, 1)
        self.assertEqual(summary['findings'][name], len(findings))


class Right(PlantedCase):
    def test_all_that_can_be_true(self):
        self.toolstack.attach(1, NIC).finish()
        self.toolstack.attach(2, NIC2, vdevfn=0x28).finish()
        self.audit()
        self.say(None, DISK, 'relaxed', owner=0)
        self.say(0, DISK, 'relaxed')
        self.say(None, NIC, 'protected', owner=1)
        self.say(1, FIRST, 'protected')
        self.say(None, NIC2, 'protected', 'skip', owner=2)
        self.say(2, '0000:00:05.0', 'protected', 'skip')
        self.say(None, ROOT_PORT, 'unknown', owner='unknown')
        self.auditor.sync()

    def test_nobody(self):
        self.audit()
        self.say(None, NIC, 'quarantined', owner='none')
        self.auditor.sync()

    def test_no_claim_where_it_is_not_ready(self):
        self.audit()
        self.publish(HOST_TREE, 'status', 'stopped')
        self.say(None, NIC, 'protected', owner=2)
        self.auditor.sync()

    def test_taken_back_in_time(self):
        """An overlap: it was true before."""
        self.options = ('--allow-overlap-ms', '60000')
        self.toolstack.attach(1, NIC).finish()
        self.say(1, FIRST, 'protected')
        self.audit()
        self.toolstack.detach(1, NIC).finish()
        self.auditor.sync()
        self.say(1, FIRST, 'unknown')
        self.auditor.sync()
        summary = self.end_auditor()
        self.assertEqual(summary['overlaps']['false-protected']['count'], 1)


class Wrong(PlantedCase):
    def test_protected(self):
        """Nobody has it."""
        self.audit()
        self.say(None, NIC, 'protected', owner=1)
        self.expect('false-protected', NIC, "nobody's")

    def test_protected_dom0(self):
        """What dom0 has is relaxed at best."""
        self.audit()
        self.say(0, DISK, 'protected')
        self.expect('false-protected', DISK, 'cannot be so')

    def test_protected_to_a_guest(self):
        self.toolstack.attach(1, NIC).finish()
        self.say(1, FIRST, 'protected')
        self.audit()
        self.toolstack.detach(1, NIC).finish()
        self.expect('false-protected', FIRST)

    def test_protected_in_a_split_group(self):
        self.hypervisor.set_group('g', NIC, NIC2)
        self.toolstack.attach(1, NIC).finish()
        self.toolstack.attach(2, NIC2, vdevfn=0x28).finish()
        self.audit()
        self.say(None, NIC, 'protected', owner=1)
        self.expect('false-protected', 'requester ID', NIC2)

    def test_protected_without_iommu(self):
        self.toolstack.attach(1, NIC).finish()
        self.hypervisor.set_iommu(False)
        self.audit()
        self.say(1, FIRST, 'protected')
        self.expect('false-protected', 'no IOMMU')

    def test_relaxed(self):
        self.audit()
        self.say(None, NIC, 'relaxed', owner=0)
        self.expect('false-relaxed', NIC)

    def test_relaxed_and_not_covered(self):
        self.audit('--uncovered', DISK)
        self.say(0, DISK, 'relaxed')
        self.expect('false-relaxed', 'no IOMMU covers')

    def test_quarantined(self):
        """Dom0 has it."""
        self.audit()
        self.say(None, DISK, 'quarantined', owner='none')
        self.expect('false-quarantined', DISK, "domain 0's")

    def test_quarantined_while_a_guest_has_it(self):
        self.say(None, NIC, 'quarantined', owner='none')
        self.audit()
        self.toolstack.attach(1, NIC).finish()
        self.expect('false-quarantined', NIC, "domain 1's")

    def test_quarantined_to_a_guest(self):
        self.toolstack.attach(1, NIC).finish()
        self.audit()
        self.say(1, FIRST, 'quarantined')
        self.expect('false-quarantined')

    def test_skip(self):
        """Of a PV guest."""
        self.toolstack.attach(1, NIC).finish()
        self.audit()
        self.say(1, FIRST, 'protected', 'skip')
        self.expect('false-skip', 'translates')

    def test_skip_alone(self):
        self.toolstack.attach(1, NIC).finish()
        self.audit()
        self.say(1, FIRST, 'unknown', 'skip')
        self.expect('false-skip')

    def test_skip_dom0(self):
        self.audit()
        self.say(0, DISK, 'relaxed', 'skip')
        self.expect('false-skip')

    def test_owner(self):
        """Another guest than the one that has it."""
        self.toolstack.attach(2, NIC, vdevfn=0x28).finish()
        self.audit()
        self.say(None, NIC, 'protected', owner=1)
        self.expect('wrong-domain', "domain 2's")

    def test_tree_of_another(self):
        self.toolstack.attach(1, NIC).finish()
        self.say(1, FIRST, 'protected')
        self.hypervisor.assign(NIC, 2)
        self.audit()
        self.expect('wrong-domain', "domain 2's")

    def test_dom0_keeps_the_claim(self):
        self.say(0, NIC, 'relaxed')
        self.hypervisor.assign(NIC, 1)
        self.audit()
        self.expect('wrong-domain', "domain 1's")

    def test_removed_domain(self):
        """A late write brings the home back."""
        self.toolstack.destroy(1).finish()
        self.audit()
        self.say(1, FIRST, 'unknown')
        self.expect('ghost', '1 tree')

    def test_new_domain_of_an_old_number(self):
        """What was meant for the old one."""
        self.toolstack.attach(1, NIC).finish()
        self.toolstack.destroy(1).finish()
        self.toolstack.create(1)
        self.store.write(f'{self.home(1)}/version', 1)
        self.publish(self.home(1), 'status', 'ready')
        self.audit()
        self.say(1, '0000:00:07.0', 'unknown')
        self.expect('ghost', 'never had a device')

    def test_daemon_that_is_gone(self):
        self.audit()
        self.hypervisor.note_daemon(False)
        self.expect('ready-without-daemon')
