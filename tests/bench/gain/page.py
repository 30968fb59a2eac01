# SPDX-License-Identifier: MIT
"""Puts the figures where people read them: page.py [--check] FIGURES PLOT PAGE... writes the plot, and in each page what
is between a line <!-- gain: NAME --> and the next <!-- end -->. NAME is a machine, or 'summary'. With --check nothing is
written: exit 1 where something is not as the figures say."""
import json
import statistics
import sys

CASES = {
    'disk-read-4096': 'disk, read 4 KiB', 'disk-read-16384': 'disk, read 16 KiB',
    'disk-read-65536': 'disk, read 64 KiB', 'disk-read-262144': 'disk, read 256 KiB',
    'disk-read-1048576': 'disk, read 1 MiB', 'disk-huge-read-1048576': 'disk, read 1 MiB, one huge page',
    'disk-write-4096': 'disk, write 4 KiB', 'disk-write-16384': 'disk, write 16 KiB',
    'disk-write-65536': 'disk, write 64 KiB', 'disk-write-262144': 'disk, write 256 KiB',
    'disk-write-1048576': 'disk, write 1 MiB',
    'disk-random-read-4096': 'disk, random read 4 KiB', 'disk-random-write-4096': 'disk, random write 4 KiB',
    'disk-random-read-65536': 'disk, random read 64 KiB', 'disk-random-write-65536': 'disk, random write 64 KiB',
    'net-send': 'network, send (TCP)', 'net-receive': 'network, receive (TCP)',
    'net-datagrams': 'network, send 64-byte datagrams',
    'beside-disk-read-4096': 'disk, read 4 KiB, beside a guest', 'beside-disk-read-65536': 'disk, read 64 KiB, beside a guest',
    'guest-disk-read-4096': "guest's disk, read 4 KiB", 'guest-disk-read-65536': "guest's disk, read 64 KiB",
    'guest-disk-read-1048576': "guest's disk, read 1 MiB", 'guest-disk-write-4096': "guest's disk, write 4 KiB",
    'guest-disk-write-65536': "guest's disk, write 64 KiB", 'guest-disk-write-1048576': "guest's disk, write 1 MiB",
    'guest-net-send': "guest's network, send (TCP)", 'guest-net-receive': "guest's network, receive (TCP)"}
MACHINES = {'coherent': ('coherent device', '#4477aa'), 'noncoherent': ('not coherent', '#ee9944'),
            'limited': ('coherent, 32-bit addresses', '#aa3377')}
# Colours from Paul Tol's schemes, which people who see colours otherwise can tell apart.


def ratios(modes, what):
    """With swiotlb-xen by without, in each round."""
    return [one / other for one, other in zip(modes['swiotlb'][what], modes['direct'][what])]


def number(value):
    return f'{value:.4g}' if value < 1000 else f'{value:.0f}'


def spread(values, form='.2f'):
    return f'{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})'


def both(modes, what):
    """With swiotlb-xen, and without where that is something else."""
    values = [modes[mode][what] for mode in ('swiotlb', 'direct')]
    return ' / '.join(number(value) for value in values)


def machine_table(cases):
    lines = ['| | CPU, with ÷ without | CPU with / without | DMA mapping with / without | bounced | flushes |',
             '|---|---|---|---|---|---|']
    for case, text in CASES.items():
        modes = cases[case]
        medians = {what: ' / '.join(number(statistics.median(modes[mode][what])) for mode in ('swiotlb', 'direct'))
                   for what in ('instructions', 'mapping')}
        lines.append(f'| {text} | {spread(ratios(modes, "instructions"))} | {medians["instructions"]} | '
                     f'{medians["mapping"]} | {both(modes, "bounced")} | {both(modes, "flushes")} |')
    return lines


def static_table(figures):
    lines = ['| | CPU, static | CPU, with swiotlb-xen | DMA mapping static / with |', '|---|---|---|---|']
    for case in ('disk-read-4096', 'disk-read-65536', 'disk-write-65536', 'net-send', 'guest-disk-read-65536'):
        static, other = figures['static'][case]['static'], figures['coherent'][case]['swiotlb']
        medians = ' / '.join(number(statistics.median(modes['mapping'])) for modes in (static, other))
        lines.append(f'| {CASES[case]} | {spread(static["instructions"], ".3f")} | '
                     f'{spread(other["instructions"], ".3f")} | {medians} |')
    return lines


def rate_table(cases):
    lines = ['| | rate, without ÷ with |', '|---|---|']
    for case, text in CASES.items():
        values = [1 / ratio for ratio in ratios(cases[case], 'rate')]
        lines.append(f'| {text} | {spread(values)} |')
    return lines


SUMMARY = (('coherent', 'disk-read-4096'), ('coherent', 'disk-write-262144'), ('coherent', 'net-send'),
           ('coherent', 'guest-disk-read-1048576'), ('limited', 'guest-disk-read-1048576'),
           ('noncoherent', 'guest-disk-read-65536'))


def summary(figures):
    """Three rows: each a way to treat the device."""
    heads = [f'{CASES[case]}; {MACHINES[machine][0]}' for machine, case in SUMMARY]
    lines = ['| | ' + ' | '.join(heads) + ' |', '|---' * (len(SUMMARY) + 1) + '|']
    rows = {'with swiotlb-xen': [], 'without it': [], 'static `iommus`, not taken by Debian 6.1': []}
    for machine, case in SUMMARY:
        modes = figures[machine][case]
        rows['with swiotlb-xen'].append(spread(ratios(modes, 'instructions')))
        rows['without it'].append('1')
        rows['static `iommus`, not taken by Debian 6.1'].append('as with')
    lines += [f'| {name} | ' + ' | '.join(row) + ' |' for name, row in rows.items()]
    return lines


def table(name, figures):
    if name == 'summary':
        return summary(figures)
    if name == 'static':
        return static_table(figures)
    if name == 'rate':
        return rate_table(figures['coherent'])
    return machine_table(figures[name])


# the plot: SVG as text, for there is not much in it

LEFT, WIDTH, ROW, TOP, LOW, HIGH = 250, 520, 40, 70, 0.8, 2.0


def x_of(ratio):
    return LEFT + (min(max(ratio, LOW), HIGH) - LOW) / (HIGH - LOW) * WIDTH


def bar(y, colour, values):
    middle = statistics.median(values)
    start, end = sorted((x_of(1), x_of(middle)))
    least, most = x_of(min(values)), x_of(max(values))
    lines = [f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" height="9" fill="{colour}"/>',
             f'<path d="M{least:.1f} {y + 4.5}H{most:.1f}" stroke="#222"/>']
    if middle > HIGH:
        lines.append(f'<text x="{LEFT + WIDTH + 4}" y="{y + 9}">{middle:.1f}</text>')
    return lines


def plot(figures):
    height = TOP + ROW * len(CASES) + 20
    bottom = TOP + ROW * len(CASES)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 50}" height="{height}" '
             'font-family="sans-serif" font-size="12">', '<!-- SPDX-License-Identifier: MIT -->',
             '<!-- Made by tests/bench/gain/page.py -->', '<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="{LEFT}" y="18" font-size="14">CPU instructions per byte with swiotlb-xen; without it: 1</text>']
    for at, (name, colour) in enumerate(MACHINES.values()):
        lines += [f'<rect x="{LEFT + at * 170}" y="28" width="10" height="10" fill="{colour}"/>',
                  f'<text x="{LEFT + at * 170 + 15}" y="38">{name}</text>']
    for tenth in range(round(LOW * 10), round(HIGH * 10) + 1, 2):
        x = x_of(tenth / 10)
        lines += [f'<path d="M{x:.1f} {TOP - 8}V{bottom}" stroke="{"#222" if tenth == 10 else "#ddd"}"/>',
                  f'<text x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{tenth / 10}</text>']
    for row, (case, text) in enumerate(CASES.items()):
        y = TOP + row * ROW
        lines.append(f'<text x="{LEFT - 8}" y="{y + 20}" text-anchor="end">{text}</text>')
        for at, (machine, (_, colour)) in enumerate(MACHINES.items()):
            lines += bar(y + 2 + at * 11, colour, ratios(figures[machine][case], 'instructions'))
    return '\n'.join(lines + ['</svg>']) + '\n'


def filled(page, figures):
    lines, inside = [], False
    for line in page.splitlines():
        if not inside or line == '<!-- end -->':
            lines.append(line)
            inside = False
        if line.startswith('<!-- gain: '):
            inside = True
            lines += ['', *table(line.split()[2], figures), '']
    return '\n'.join(lines) + '\n'


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def main():
    words = sys.argv[1:]
    check = words[:1] == ['--check']
    if len(words) < 3 + check:
        raise SystemExit(__doc__)
    source, drawing, *pages = words[check:]
    figures = json.loads(read(source))
    wanted = {drawing: plot(figures), **{page: filled(read(page), figures) for page in pages}}
    stale = [path for path, text in wanted.items() if read(path) != text]
    for path in stale:
        if check:
            print(f'{path} is not what {source} says: run {sys.argv[0]} {" ".join(words[1:])}')
            continue
        with open(path, 'w', encoding='utf-8') as file:
            file.write(wanted[path])
    raise SystemExit(1 if check and stale else 0)


if __name__ == '__main__':
    main()
