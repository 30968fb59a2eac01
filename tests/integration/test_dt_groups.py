# SPDX-License-Identifier: MIT
"""Device tree devices that share a stream ID: what one's owner may reach, the other may."""
from daemon import HOST_TREE
from devicetree import GUESTS, DeviceTreeCase

TREE = '''/dts-v1/;
/ {
    #address-cells = <1>; #size-cells = <1>; compatible = "test,board";
    soc {
        compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>; ranges;
        smmu: iommu@100 { compatible = "arm,smmu-v3"; reg = <0x100 0x100>; #iommu-cells = <1>; };
        dom0s@1000 { compatible = "test,dma"; reg = <0x1000 0x100>; iommus = <&smmu 0x10>; };
        mate@2000 { compatible = "test,dma"; reg = <0x2000 0x100>; iommus = <&smmu 0x10>;
                    xen,passthrough; };
        third@3000 { compatible = "test,dma"; reg = <0x3000 0x100>; iommus = <&smmu 0x20>;
                     xen,passthrough; };
        fourth@4000 { compatible = "test,dma"; reg = <0x4000 0x100>; xen,passthrough;
                      iommus = <&smmu 0x21>, <&smmu 0x20>; };
        alone@5000 { compatible = "test,dma"; reg = <0x5000 0x100>; iommus = <&smmu 0x30>;
                     xen,passthrough; };
        unread@6000 { compatible = "test,dma"; reg = <0x6000 0x100>; xen,passthrough;
                      iommus = <0xdead 0x40>; };
        off@7000 { compatible = "test,dma"; reg = <0x7000 0x100>; iommus = <&smmu 0x50>;
                   status = "disabled"; };
        on@8000 { compatible = "test,dma"; reg = <0x8000 0x100>; iommus = <&smmu 0x50>;
                  xen,passthrough; };
    };
};
'''
DOM0S, MATE, THIRD, FOURTH, ALONE, UNREAD, OFF, ON = (
    '/soc/dom0s@1000', '/soc/mate@2000', '/soc/third@3000', '/soc/fourth@4000', '/soc/alone@5000',
    '/soc/unread@6000', '/soc/off@7000', '/soc/on@8000')
SPLIT = {'state': 'unprotected', 'swiotlb': 'keep', 'reason': 'group-split'}
DOM0 = {'state': 'protected', 'swiotlb': 'skip', 'reason': 'behind-iommu'}


class Groups(DeviceTreeCase):
    host_tree = TREE

    def assign_at_boot(self):
        self.hypervisor.assign(DOM0S, 0)
        for path in (MATE, THIRD, FOURTH, ALONE, UNREAD, OFF, ON):
            self.hypervisor.assign(path, 'io')

    def test_dom0_and_a_guest(self):
        self.wait_dt(0, DOM0S, **DOM0)
        self.give(1, MATE)
        self.wait_dt(1, MATE, **SPLIT)
        self.wait_dt(0, DOM0S, **SPLIT)
        self.wait_dt(None, MATE, owner='1', **SPLIT)
        self.wait_dt(None, DOM0S, owner='0', **SPLIT)
        self.assertEqual(self.record_of(HOST_TREE, MATE)['group'],
                         self.record_of(HOST_TREE, DOM0S)['group'])

    def test_two_guests(self):
        self.toolstack.create(2, 'pvh')
        self.give(1, THIRD)
        self.wait_dt(1, THIRD, **GUESTS)
        self.give(2, FOURTH)
        self.wait_dt(2, FOURTH, **SPLIT)
        self.wait_dt(1, THIRD, **SPLIT)
        self.wait_dt(None, THIRD, owner='1', **SPLIT)
        self.wait_dt(None, FOURTH, owner='2', **SPLIT)

    def test_one_guest(self):
        for path in (THIRD, FOURTH):
            self.hypervisor.assign(path, 1)
        self.write_record(1, THIRD, FOURTH)
        for path in (THIRD, FOURTH):
            self.wait_dt(1, path, **GUESTS)
            self.wait_dt(None, path, owner='1', **GUESTS)
        groups = {self.record_of(root, path).get('group')
                  for root in (self.home(1), HOST_TREE) for path in (THIRD, FOURTH)}
        self.assertNotIn(None, groups)
        # in the guest's own tree the number says nothing of the host
        self.assertEqual(self.record_of(self.home(1), THIRD)['group'],
                         self.record_of(self.home(1), FOURTH)['group'])

    def test_from_one_guest_to_two(self):
        """What was true once is taken back as soon as it is not any more."""
        self.test_one_guest()
        self.toolstack.create(2, 'pvh')
        # In this order: Xen has no question that tells one guest's node from another's.
        self.hypervisor.assign(FOURTH, 'io')
        self.write_record(1, THIRD)
        self.hypervisor.assign(FOURTH, 2)
        self.write_record(2, FOURTH)
        self.wait_dt(1, THIRD, **SPLIT)
        self.wait_dt(2, FOURTH, **SPLIT)

    def test_alone(self):
        self.give(1, ALONE)
        self.wait_dt(1, ALONE, **GUESTS)
        self.wait_dt(None, ALONE, owner='1', **GUESTS)
        for root in (self.home(1), HOST_TREE):
            self.assertNotIn('group', self.record_of(root, ALONE))

    def test_streams_that_cannot_be_read(self):
        self.give(1, UNREAD)
        self.wait_dt(1, UNREAD, state='unknown', swiotlb='keep', reason='group-unknown')

    def test_a_mate_that_is_not_in_use(self):
        self.toolstack.create(2, 'pvh')
        self.give(1, ON)
        self.wait_dt(1, ON, **GUESTS)
        self.give(2, OFF)
        self.wait_dt(1, ON, **SPLIT)
        self.wait_dt(2, OFF, **SPLIT)
