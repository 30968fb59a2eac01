# SPDX-License-Identifier: MIT
"""The check that every claim was true has to find those that were not: integration/truth.py."""
import os
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'integration'))

import truth  # noqa: E402
import xenstore  # noqa: E402
from hypervisor import Call, Hypervisor  # noqa: E402
from tap import Request  # noqa: E402

NIC, MATE = '0000:00:04.0', '0000:00:05.0'
NODE = '/soc/video@1000'
HOST = '/tool/xen-iommud/pci/0000-00-04-0'
OWN = '/local/domain/0/iommu/pci/0000-00-04-0'
GUESTS = '/local/domain/1/iommu/pci/0000-00-00-0'
SLOT = '/local/domain/0/backend/pci/1/0'


class Claims(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.hypervisor = Hypervisor(os.path.join(folder.name, 'fx'))
        self.bridges = set()
        self.calls = []
        self.requests = []
        self.connection = 1
        self.hypervisor.calls = lambda: self.calls
        self.hypervisor.set_domain(1, 'handle=1')
        self.give(NIC, 0)

    def give(self, device, owner):
        self.hypervisor.assign(device, owner)

    # what the daemon does

    def call(self, name, what='', result='0', injected=False, owner=None, asked=None):
        now = time.monotonic_ns()
        self.calls.append(Call('xen-iommud', name, what, result, injected, owner,
                               asked or now, now))

    def begin(self):
        self.call('xc_physinfo')

    def ask(self, device=NIC, result=None, injected=False):
        owner = str(self.hypervisor.owner(device))
        is_pci = device[0] != '/'
        free = owner in ('0', 'io') if is_pci else owner == 'io'
        self.call(f'xc_test_assign_{"" if is_pci else "dt_"}device', device,
                  result or ('0' if free else 'EINVAL'), injected, owner)

    def request(self, kind, body, answer=b'OK\0', error='', transaction=0):
        now = time.monotonic_ns()
        self.requests.append(Request(self.connection, kind, transaction, body.encode('latin-1'),
                                     answer, error, now, time.monotonic_ns()))

    def told(self, **values):
        for name, value in values.items():
            self.request(xenstore.READ, f'{SLOT}/{name.replace("_", "-")}\0', value.encode())

    def write(self, path, error='', anew=False, **fields):
        """One transaction that writes a record."""
        self.request(xenstore.TRANSACTION_START, '\0', b'7\0')
        if anew:
            self.request(xenstore.RM, path.partition('/pci')[0] + '\0', transaction=7)
        for name, value in fields.items():
            self.request(xenstore.WRITE, f'{path}/{name}\0{value}', transaction=7)
        self.request(xenstore.TRANSACTION_END, 'T\0', error=error, transaction=7)

    def found(self):
        return truth.Truth(self.hypervisor, self.bridges).violations(self.requests)

    def assert_true(self):
        self.assertEqual(self.found(), [])

    def assert_false(self, *words):
        found = self.found()
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    # what is right

    def test_asked_in_the_pass(self):
        self.begin()
        self.ask()
        self.write(OWN, state='relaxed', swiotlb='keep')
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_true()

    def test_no_claim_needs_no_answer(self):
        self.write(HOST, state='unknown', swiotlb='keep', owner='0')
        self.write(OWN, state='unprotected', swiotlb='keep')
        self.assert_true()

    def test_what_stands_may_be_written_again(self):
        self.test_asked_in_the_pass()
        self.begin()
        self.write(HOST, anew=True, state='relaxed', swiotlb='keep', owner='0')
        self.assert_true()

    def test_guest(self):
        self.give(NIC, 1)
        self.begin()
        self.told(dev_0=NIC, vdev_0='0000:00:00.00')
        self.ask()
        self.write(GUESTS, state='protected', swiotlb='keep')
        self.write(HOST, state='protected', swiotlb='keep', owner='1')
        self.assert_true()

    def test_translated_guest(self):
        self.give(NIC, 1)
        self.begin()
        self.told(dev_0=NIC, vdevfn_0='20')
        self.ask()
        self.write('/local/domain/1/iommu/pci/0000-00-04-0', state='protected', swiotlb='skip')
        self.assert_true()

    def test_device_tree(self):
        self.give(NODE, 0)
        self.begin()
        self.ask(NODE)
        self.write('/local/domain/0/iommu/dt/soc/video@1000', state='protected', swiotlb='skip')
        self.assert_true()

    def test_nobody(self):
        self.give(NIC, 'io')
        self.begin()
        self.ask()
        self.write(HOST, state='quarantined', swiotlb='keep', owner='none')
        self.assert_true()

    def test_nobody_in_a_moment(self):
        """libxl is about to have Xen quarantine it, and does."""
        self.claim_while_adding('io')
        self.assert_true()

    def test_write_that_failed(self):
        self.begin()
        self.write(HOST, 'EAGAIN', state='relaxed', swiotlb='keep', owner='0')
        self.assert_true()

    # what is wrong

    def test_not_asked(self):
        self.begin()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false(NIC, 'not asked')

    def test_asked_in_another_pass(self):
        self.begin()
        self.ask()
        self.begin()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('not asked')

    def test_asked_too_late(self):
        self.begin()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.ask()
        self.assert_false('not asked')

    def test_asked_about_another(self):
        self.give(MATE, 0)
        self.begin()
        self.ask(MATE)
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('not asked')

    def test_injected(self):
        self.give(NIC, 1)
        self.begin()
        self.ask(injected=True)
        self.write(HOST, state='protected', swiotlb='keep', owner='1')
        self.assert_false('injected')

    def test_last_answer_counts(self):
        self.begin()
        self.ask()
        self.give(NIC, 1)
        self.ask()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('EINVAL')

    def test_fits_another_owner(self):
        self.begin()
        self.ask()  # free, and so it would be if nobody had it
        self.write(HOST, state='quarantined', swiotlb='keep', owner='none')
        self.assert_false('true owner 0')

    def claim_while_adding(self, *owners, adding=True):
        self.hypervisor.note_adding(NIC, adding)
        self.begin()
        self.ask()
        self.write(HOST, state='quarantined', swiotlb='keep', owner='none')
        for owner in owners:
            self.give(NIC, owner)
        self.hypervisor.note_adding(NIC, False)

    def test_looked_up_while_libxl_added_it(self):
        """Who answered was slow."""
        self.begin()
        self.hypervisor.note_adding(NIC, True)
        asked = time.monotonic_ns()
        self.give(NIC, 'io')
        self.hypervisor.note_adding(NIC, False)
        self.call('xc_test_assign_device', NIC, owner='0', asked=asked)
        self.write(HOST, state='quarantined', swiotlb='keep', owner='none')
        self.assert_true()

    def test_quarantine_that_failed(self):
        self.claim_while_adding()
        self.assert_false('true owner 0')

    def test_gone_before_it_was_in_quarantine(self):
        self.claim_while_adding('none', 'io')
        self.assert_false('true owner 0')

    def test_assigned_before_it_was_in_quarantine(self):
        self.claim_while_adding('1', 'io')
        self.assert_false('true owner 0')

    def test_libxl_has_nothing_to_do_with_it(self):
        self.claim_while_adding('io', adding=False)
        self.assert_false('true owner 0')

    def test_another_claim_while_libxl_adds_it(self):
        """Nobody's is what libxl says, and nothing else."""
        self.hypervisor.note_adding(NIC, True)
        self.begin()
        self.ask()
        self.write(HOST, state='quarantined', swiotlb='keep', owner='1')
        self.give(NIC, 'io')
        self.assert_false('true owner 0')

    def test_another_guest_has_it(self):
        self.give(NIC, 2)
        self.begin()
        self.told(dev_0=NIC, vdev_0='0000:00:00.00')
        self.ask()
        self.write(GUESTS, state='protected', swiotlb='keep')
        self.assert_false('true owner 2')

    def test_unknown_owner(self):
        self.begin()
        self.ask()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='unknown')
        self.assert_false('true owner 0')

    def test_address_of_no_device(self):
        self.give(NIC, 1)
        self.begin()
        self.told(dev_0=NIC, vdev_0='0000:00:01.00')
        self.ask()
        self.write(GUESTS, state='protected', swiotlb='keep')
        self.assert_false('no device')

    def test_skip_alone_is_a_claim(self):
        self.begin()
        self.write(OWN, state='unknown', swiotlb='skip')
        self.assert_false('not asked')

    def test_more_than_stands(self):
        self.begin()
        self.ask()
        self.write(OWN, state='protected', swiotlb='keep')
        self.begin()
        self.write(OWN, swiotlb='skip')
        self.assert_false('not asked')

    def test_back_after_it_was_taken_back(self):
        self.test_asked_in_the_pass()
        self.write(HOST, state='unknown')
        self.begin()
        self.write(HOST, state='relaxed')
        self.assert_false('not asked')

    def test_back_after_it_was_removed(self):
        self.test_asked_in_the_pass()
        self.request(xenstore.RM, HOST + '\0')
        self.begin()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('not asked')

    def test_new_connection(self):
        self.test_asked_in_the_pass()
        self.connection = 2
        self.begin()
        self.write(HOST, anew=True, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('not asked')

    def test_number_used_again(self):
        """Asked of the old domain, written to the new one."""
        self.give(NIC, 1)
        self.begin()
        self.told(dev_0=NIC, vdev_0='0000:00:00.00')
        self.ask()
        self.hypervisor.remove_domain(1)
        self.hypervisor.set_domain(1, 'handle=2')
        self.write(GUESTS, state='protected', swiotlb='keep')
        self.assert_false('another domain')

    def test_number_used_again_later(self):
        """What stood in the old domain's tree does not stand in the new one's."""
        self.test_guest()
        self.hypervisor.remove_domain(1)
        self.hypervisor.set_domain(1, 'handle=2')
        self.begin()
        self.write(GUESTS, anew=True, state='protected', swiotlb='keep')
        self.assert_false('not asked')

    def split(self, owner):
        self.give(MATE, owner)
        self.hypervisor.set_group('g', NIC, MATE)

    def test_split_group(self):
        self.split(1)
        self.begin()
        self.ask()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_false('shares a requester ID', MATE)

    def test_split_meanwhile(self):
        """It was whole at some moment of the pass, so nobody could know."""
        self.split(0)
        self.begin()
        self.ask()
        self.give(MATE, 1)
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_true()

    def test_bridge_in_the_group(self):
        self.split(1)
        self.bridges.add(MATE)
        self.begin()
        self.ask()
        self.write(HOST, state='relaxed', swiotlb='keep', owner='0')
        self.assert_true()

    def test_mate_that_nobody_has(self):
        self.split('io')
        self.test_asked_in_the_pass()


if __name__ == '__main__':
    unittest.main(verbosity=2)
