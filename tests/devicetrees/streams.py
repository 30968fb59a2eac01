# SPDX-License-Identifier: MIT
"""Who shares a stream with whom: every ID of every device on its own, in a dictionary."""
import collections

FIRST_CELL = {'arm,smmu-v3', 'renesas,ipmmu-vmsa'}
SMMU = {'arm,smmu-v1', 'arm,smmu-v2', 'arm,mmu-400', 'arm,mmu-401', 'arm,mmu-500',
        'cavium,smmu-v2', 'nvidia,smmu-500', 'qcom,smmu-v2'}
ID_MASK = 0x7fff
ALL = 'all of them'


def masked(number, mask):
    """The IDs that differ from this one in bits of the mask only."""
    numbers = {number & ID_MASK & ~mask}
    for bit in (1 << i for i in range(15) if mask & 1 << i):
        numbers |= {value | bit for value in numbers}
    return numbers


class Streams:
    def __init__(self, reading):
        self.reading = reading
        self.unread = set()
        self.holders = collections.defaultdict(list)  # (unit, ID) -> nodes
        self.everything = collections.defaultdict(list)  # unit -> nodes that have all its IDs
        for node in reading.nodes:
            self.read_iommus(node)
            self.read_map(node)
            self.read_masters(node)
        self.sets = {}
        self.join_all()
        self.doubt()

    def kind(self, unit):
        strings = {string.lower() for string in unit.strings('compatible')}
        if strings & {'xen,iommu-el2-v1', 'xen,grant-dma', 'virtio,pci-iommu', 'virtio,mmio',
                      'pci1af4,1057'}:
            return None
        if strings & FIRST_CELL:
            return 'first'
        return 'smmu' if strings & SMMU or unit.has('mmu-masters') else 'other'

    def hold(self, node, unit, *numbers):
        for number in numbers:
            if number == ALL:
                self.everything[unit].append(node)
            else:
                self.holders[unit, number].append(node)

    def hold_id(self, node, unit, number):
        if self.kind(unit) == 'smmu':
            mask = (unit.cell('stream-match-mask') or 0) & ID_MASK
            self.hold(node, unit, *masked(number, mask))
        else:
            self.hold(node, unit, number)

    def read_iommus(self, node):
        cells = node.cells('iommus')
        while cells:
            unit = self.reading.phandles.get(cells.pop(0))
            if unit is None:
                self.unread.add(node)
                return
            count = unit.cell('#iommu-cells')
            specifier, cells = cells[:count], cells[count:]
            self.take(node, unit, specifier)

    def take(self, node, unit, specifier):
        kind = self.kind(unit)
        if kind == 'other' and not specifier:
            self.hold(node, unit, ALL)
        elif kind and (not specifier or kind != 'first' and len(specifier) > 2):
            self.unread.add(node)
            self.hold(node, unit, ALL)
        elif kind == 'smmu' and len(specifier) == 2:
            self.hold(node, unit, *masked(specifier[0], specifier[1] & ID_MASK))
        elif kind == 'other' and len(specifier) == 2:
            self.hold(node, unit, tuple(specifier))
        elif kind:
            self.hold_id(node, unit, specifier[0])

    def read_map(self, node):
        cells = node.cells('iommu-map')
        for _, phandle, first, length in zip(*[iter(cells)] * 4):
            unit = self.reading.phandles.get(phandle)
            if unit is None:
                self.unread.add(node)
                continue
            kind, count = self.kind(unit), unit.cell('#iommu-cells')
            if kind and (not length or kind == 'other' and count > 1):
                self.unread.add(node)
                self.hold(node, unit, ALL)
            elif kind and (kind == 'other' and not count or
                           kind == 'smmu' and first + length - 1 > ID_MASK):
                self.hold(node, unit, ALL)
            elif kind:
                for number in range(first, first + length):
                    self.hold_id(node, unit, number)

    def read_masters(self, unit):
        cells = unit.cells('mmu-masters')
        while cells:
            master = self.reading.phandles.get(cells.pop(0))
            if master is None:
                self.unread.add(unit)
                self.hold(unit, unit, ALL)
                return
            count = master.cell('#stream-id-cells')
            if not count:
                self.unread.add(master)
                self.hold(master, unit, ALL)
            for number in cells[:count]:
                self.hold_id(master, unit, number)
            cells = cells[count:]

    def root(self, node):
        while self.sets.get(node, node) is not node:
            node = self.sets[node]
        return node

    def join(self, nodes):
        first = self.root(nodes[0])
        for node in nodes[1:]:
            self.sets[self.root(node)] = first

    def join_all(self):
        for nodes in self.holders.values():
            self.join(nodes)
        for unit, nodes in self.everything.items():
            self.join(nodes + [node for (other, _), holders in self.holders.items()
                               if other is unit for node in holders])
        self.members = collections.defaultdict(set)
        self.known = {node for nodes in [*self.holders.values(), *self.everything.values()]
                      for node in nodes}
        for node in self.known:
            self.members[self.root(node)].add(node)

    def doubt(self):
        """A mate that is no device whose owner is asked for."""
        for nodes in self.members.values():
            if len(nodes) > 1 and not all(
                    self.reading.relevance(node) in ('unknown', 'capable') and
                    not node.has('#iommu-cells') and not node.has('mmu-masters')
                    for node in nodes):
                self.unread |= nodes

    def word(self, node):
        return 'unread' if node in self.unread else 'known' if node in self.known else 'none'

    def group(self, node):
        nodes = self.members.get(self.root(node), set())
        return min(mate.path() for mate in nodes) if len(nodes) > 1 else '-'
