# SPDX-License-Identifier: MIT
"""A second reading of a device tree, from dtc's text by the words of docs/devices.md."""
from streams import Streams

BUSES = ('simple-bus', 'simple-pm-bus', 'simple-mfd', 'isa', 'arm,amba-bus')
VIRTIO = ('virtio,pci-iommu', 'virtio,mmio', 'pci1af4,1057')


def above(node):
    """The nodes above it, the nearest first, without the root."""
    node = node.parent
    while node is not None and node.parent is not None:
        yield node
        node = node.parent


def compatible(node):
    return [string.lower() for string in node.strings('compatible')]


def is_pci(node):
    return node.strings('device_type') == ['pci']


def is_bus(node):
    return bool(set(compatible(node)[:1]) & set(BUSES))


def in_use(node):
    return all(n.strings('status') in ([], ['okay'], ['ok']) for n in (node, *above(node)))


def is_unit(node):
    return node.has('#iommu-cells') or node.has('mmu-masters')


def is_real(unit):
    return not set(compatible(unit)) & {'xen,iommu-el2-v1', 'xen,grant-dma', *VIRTIO}


def in_container(node):
    """Is it in a container that Linux does not look into?"""
    if node.parent.parent is None or node.parent.has('compatible'):
        return False
    if node.parent.path() == '/firmware':
        return False
    return all(is_bus(n) for n in [n for n in above(node) if n.has('compatible')][:1])


class Reading:
    """The devices of one tree: path -> the fields that dump prints."""

    def __init__(self, root):
        self.nodes = [node for node in root.walk() if node is not root]
        self.phandles = {}
        for node in self.nodes:
            for name in ('phandle', 'linux,phandle'):
                if node.has(name):
                    self.phandles.setdefault(node.cell(name), node)
        self.masters = {}
        for unit in self.nodes:
            for master in self.listed(unit, 'mmu-masters', '#stream-id-cells'):
                self.masters.setdefault(master, []).append(unit)
        self.streams = Streams(self)

    def listed(self, node, name, cells_name):
        """The nodes that a list of phandles and specifiers names, None for a dangling one."""
        found, cells = [], node.cells(name)
        while cells:
            target = self.phandles.get(cells.pop(0))
            found.append(target)
            if target is None:
                break
            del cells[:target.cell(cells_name)]
        return found

    def units(self, node):
        """The IOMMUs that it names or that name it, None for a dangling phandle."""
        entries = node.cells('iommu-map')
        return (self.listed(node, 'iommus', '#iommu-cells') +
                [self.phandles.get(phandle) for phandle in entries[1::4]] +
                self.masters.get(node, []))

    def iommu(self, node):
        real = [unit for unit in self.units(node) if unit and is_real(unit) and in_use(unit)]
        return real[0].path() if real else '-'

    def claim(self, node):
        if any(unit and 'xen,iommu-el2-v1' in compatible(unit) for unit in self.units(node)):
            return 'iommu-el2'
        return 'xen-iommu' if node.strings('xen,iommu') == ['on'] else 'none'

    def has_sign(self, node):
        coherence = node.has('dma-coherent') or node.has('dma-noncoherent')
        return (node.has('iommus') or node.has('iommu-map') or node in self.masters or
                self.claim(node) != 'none' or is_pci(node) or coherence and not is_bus(node) or
                'dma-mem' in node.strings('interconnect-names') or
                node.has('#dma-cells') and not node.has('dma-masters') or
                'virtio,mmio' in compatible(node))

    def relevance(self, node):
        strings = compatible(node)
        if any(is_pci(n) for n in above(node)):
            return 'not-a-device'
        if self.has_sign(node):
            return 'capable'
        if not strings or 'operating-points-v2' in strings or in_container(node):
            return 'not-a-device'
        first = node.strings('compatible')[0]
        if (any(n.cells('#size-cells') == [0] for n in above(node)) or is_bus(node) or
                first.startswith('xen,') or not node.has('reg') and
                (',' not in first or first.startswith(('arm,', 'linux,')))):
            return 'no-dma'
        return 'unknown'

    def dma_parent(self, node):
        names = node.strings('interconnect-names')
        if 'dma-mem' in names:
            index = names.index('dma-mem')
            path = self.listed(node, 'interconnects', '#interconnect-cells')
            if index < len(path) and path[index]:
                return path[index]
        return node.parent

    def coherent(self, node):
        while node is not None:
            if node.has('dma-coherent') or node.has('dma-noncoherent'):
                return node.has('dma-coherent')
            node = self.dma_parent(node)
        return False

    def flags(self, node):
        """The words that follow in a line of dump."""
        units = [unit for unit in self.units(node) if unit]
        grants = [unit for unit in units if 'xen,grant-dma' in compatible(unit)]
        told = {
            'coherent': self.coherent(node),
            'is-iommu': is_unit(node),
            'iommu-disabled': any(is_real(unit) and not in_use(unit) for unit in units),
            'dangling': None in self.units(node),
            'grant-dma': bool(grants),
            'stub': any(unit.cell('#iommu-cells') == 0 for unit in grants),
            'virtio-iommu': any(set(VIRTIO) & set(compatible(unit)) for unit in units),
            'pci-host': is_pci(node) and not any(is_pci(n) for n in above(node)),
            'passthrough': node.has('xen,passthrough'),
            'force-assign': node.has('xen,force-assign-without-iommu'),
        }
        return [word for word, true in told.items() if true]

    def fields(self, node):
        first = (node.strings('compatible') or [''])[0]
        return [first, self.iommu(node), self.relevance(node), self.claim(node),
                'enabled' if in_use(node) else 'disabled', self.streams.word(node),
                self.streams.group(node), *self.flags(node)]

    def devices(self):
        return {node.path(): self.fields(node) for node in self.nodes}

    def aliases(self):
        return {name: value[:-1].decode('latin-1') for node in self.nodes
                if node.path() == '/aliases' for name, value in node.properties.items()}
