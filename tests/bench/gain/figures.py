# SPDX-License-Identifier: MIT
"""What was measured, from what the boots left (results, intervals, symbols) to one file of figures, and a table of it
for people. figures.py FOLDER OUT [MACHINE...]: each machine's files are in FOLDER/MACHINE."""
import bisect
import collections
import gzip
import json
import os
import statistics
import sys

# The functions that map and unmap pages for DMA and keep caches and bounce buffers, in any of the modes. What they
# share with others (locks, hypercalls) is not among them.
MAPPING = {
    '__pfn_to_mfn', 'dma_cache_maint', 'xen_dma_sync_for_cpu', 'xen_dma_sync_for_device', 'xen_arch_need_swiotlb',
    'is_xen_swiotlb_buffer', 'dma_map_page_attrs', 'dma_unmap_page_attrs', 'dma_map_sg_attrs', '__dma_map_sg_attrs',
    'dma_unmap_sg_attrs', 'dma_direct_map_sg', 'dma_direct_unmap_sg', 'dma_sync_single_for_cpu',
    'dma_sync_single_for_device', 'swiotlb_tbl_map_single', 'swiotlb_tbl_unmap_single', 'swiotlb_bounce',
    'arch_sync_dma_for_device', 'arch_sync_dma_for_cpu', 'dcache_clean_poc', 'dcache_inval_poc'}

# Where Xen's code is, and where a kernel's begins (Debian's Xen 4.17 for arm64).
XEN = range(0x200000, 0x400000)
KERNEL = 1 << 48
LONGEST = 0x10000


class Symbols:
    """dom0's kernel, by address: it lies elsewhere than a guest's, at random."""

    def __init__(self, path):
        with gzip.open(path, 'rt', encoding='ascii') as file:
            words = [line.split() for line in file]
        names = sorted((int(word[0], 16), word[2]) for word in words)
        self.addresses = [address for address, _ in names]
        self.names = [name for _, name in names]

    def is_mapping(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        if at < 0 or address - self.addresses[at] > LONGEST:
            return False
        start = self.addresses[at]
        while at >= 0 and self.addresses[at] == start:
            if self.names[at] in MAPPING or self.names[at].startswith('xen_swiotlb_'):
                return True
            at -= 1
        return False


def read_intervals(path, symbols):
    """For each interval the instructions of all, of Xen, and of the mapping."""
    known = {}
    intervals, counts = [], None
    with open(path, encoding='ascii') as file:
        for line in file:
            words = line.split()
            if words[0] == 'interval':
                counts = collections.Counter()
            elif words[0] == 'end':
                intervals.append(counts)
            else:
                address, count = int(words[0], 16), int(words[1])
                if address not in known:
                    known[address] = ('xen' if address in XEN else 'mapping' if address >= KERNEL and
                                      symbols.is_mapping(address) else 'rest')
                counts['all'] += count
                counts[known[address]] += count
    return intervals


def read_machine(folder):
    """Figures by case and mode, all per byte: lists have an entry for each round."""
    with open(os.path.join(folder, 'results'), encoding='ascii') as file:
        results = [line.split() for line in file]
    intervals = read_intervals(os.path.join(folder, 'intervals'), Symbols(os.path.join(folder, 'symbols')))
    if len(results) != len(intervals):
        raise SystemExit(f'{folder}: {len(results)} results, {len(intervals)} intervals')
    cases = {}
    for (case, mode, number, amount, seconds, *counters), counts in zip(results, intervals):
        figures = cases.setdefault(case, {}).setdefault(
            mode, {'instructions': [], 'mapping': [], 'xen': [], 'rate': []})
        amount = int(amount)
        if number == '0':
            figures['bounced'] = round(int(counters[0]) / amount, 4)
            figures['flushes'] = round(int(counters[1]) / (amount / 2**20), 2)
            continue
        figures['instructions'].append(round(counts['all'] / amount, 4))
        figures['mapping'].append(round(counts['mapping'] / amount, 5))
        figures['xen'].append(round(counts['xen'] / amount, 4))
        figures['rate'].append(round(amount / float(seconds) / 1e6, 2))
    return cases


def spread(values):
    return f'{statistics.median(values):8.3f} ({min(values):.3f}-{max(values):.3f})'


def show(machine, cases):
    print(f'\n{machine}: instructions per byte, all and of the DMA mapping, median (least-most); bytes bounced per byte; '
          'cache-flush hypercalls per MiB')
    for case, modes in cases.items():
        for mode, figures in modes.items():
            print(f'  {case:26} {mode:8} {spread(figures["instructions"]):30} {spread(figures["mapping"]):26} '
                  f'{figures["bounced"]:7.3f} {figures["flushes"]:8.1f}')


def main():
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    machines = {'SPDX-License-Identifier': 'MIT'}
    for machine in sys.argv[3:]:
        machines[machine] = read_machine(os.path.join(sys.argv[1], machine))
        show(machine, machines[machine])
    with open(sys.argv[2], 'w', encoding='ascii') as file:
        json.dump(machines, file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    main()
