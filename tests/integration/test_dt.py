# SPDX-License-Identifier: MIT
"""Device tree devices: dom0's own, and those that only libxl's file says a guest has."""
import json
import os

from devicetree import ASIDE, BEHIND, BESIDE, CLAIMS, GUESTS, DeviceTreeCase
from waiting import wait_until


class DeviceTree(DeviceTreeCase):
    def test_dom0s(self):
        self.wait_dt(0, BEHIND, state='protected', swiotlb='skip', reason='behind-iommu')
        self.wait_dt(0, BESIDE, state='unprotected', swiotlb='keep', reason='not-behind-iommu')
        self.wait_dt(0, CLAIMS, state='unprotected', swiotlb='keep', reason='claim-contradicted')
        self.wait_dt(None, BEHIND, owner='0')
        self.wait_dt(None, ASIDE, owner='none', state='unknown', reason='not-assigned')
        self.wait_dt(0, ASIDE)
        wait_until(lambda: self.daemon.log_lines('warning', CLAIMS), 'a word on the claim')
        self.daemon.reload()
        self.sync()
        self.assertEqual(len(self.daemon.log_lines('warning', CLAIMS)), 1)

    def test_given_and_taken_back(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.wait_dt(None, ASIDE, owner='1', **GUESTS)
        self.wait_dt(0, ASIDE)
        self.hypervisor.add_flags(1, 'dying')
        self.wait_dt(1, ASIDE, state='unknown', swiotlb='keep', reason='owner-down')
        self.wait_dt(None, ASIDE, state='unknown', owner='unknown')

    def test_record_goes(self):
        path = self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        os.unlink(path)
        self.wait_dt(1, ASIDE)
        self.wait_dt(None, ASIDE, state='unknown', owner='unknown', reason='no-record')

    def test_record_without_the_hypervisors_word(self):
        self.write_record(1, ASIDE)
        self.wait_dt(1, ASIDE, state='unknown', swiotlb='keep', reason='hypervisor-disagrees')
        self.wait_dt(None, ASIDE, owner='unknown')

    def test_record_of_an_earlier_domain(self):
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE, handle=4711)
        self.write_record(1, BESIDE)
        self.wait_dt(1, BESIDE, state='unknown')
        self.assertEqual(self.record_of(self.home(1), ASIDE), {})
        self.wait_dt(None, ASIDE, state='unknown')

    def test_two_guests_claim_it(self):
        self.toolstack.create(2, 'pvh')
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.write_record(2, ASIDE)
        for domid in (1, 2):
            self.wait_dt(domid, ASIDE, state='unknown', reason='records-conflict')

    def test_nonsense_in_the_record(self):
        broken = self.write_record(1, text='{"dtdevs": [')
        wait_until(lambda: self.daemon.log_lines('warning', broken), 'a word on the file')
        self.write_record(1, text=json.dumps({'dtdevs': [{'path': 7}, {}, 'x', {'path': ASIDE}]}))
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.assertEqual(len(self.daemon.log_lines('warning', broken, 'JSON')), 1)

    def test_a_record_that_cannot_be_read(self):
        """Whoever it belongs to may have any device that no other record names."""
        self.toolstack.create(2, 'pvh')
        self.wait_dt(0, BEHIND, state='protected')
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.write_record(2, text='{"dtdevs": [')
        self.wait_dt(0, BEHIND, state='unknown', swiotlb='keep')
        self.wait_dt(None, BEHIND, owner='unknown')
        self.wait_dt(1, ASIDE, **GUESTS)
        self.write_record(1, text='no JSON')
        self.wait_dt(None, ASIDE, state='unknown', swiotlb='keep', owner='unknown')
        self.write_record(1, ASIDE)
        self.write_record(2)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.wait_dt(0, BEHIND, state='protected')

    def test_an_unreadable_record_of_nobody(self):
        self.write_record(7, text='no JSON', handle=4711)
        self.write_record(1, text='no JSON', handle=4711)
        self.wait_dt(0, BEHIND, state='protected')
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        self.assertEqual(self.record_of(self.home(0), BEHIND)['state'], 'protected')

    def test_the_folder_is_made_later(self):
        self.daemon.stop()
        os.rmdir(self.libxl)
        self.daemon.start()
        os.mkdir(self.libxl)
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)

    def test_the_oracle_is_not_polled(self):
        self.give(1, ASIDE)
        self.wait_dt(1, ASIDE, **GUESTS)
        asked = len(self.hypervisor.calls('xc_test_assign_dt_device'))
        passes = len(self.hypervisor.calls('xc_physinfo'))
        wait_until(lambda: len(self.hypervisor.calls('xc_physinfo')) > passes + 5, 'more passes')
        self.assertEqual(len(self.hypervisor.calls('xc_test_assign_dt_device')), asked)
