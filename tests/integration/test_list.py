# SPDX-License-Identifier: MIT
"""What the command shows of many devices: tables, trees, pictures; and domains by their names."""
import json
import os
import subprocess

from case import BEHIND_PORT, DISK, FUNCTIONS, NIC, NIC2, ROOT_PORT
from test_cli import FAILURE, FINE, FIRST, CliCase, USAGE


class ListCase(CliCase):
    def setUp(self):
        super().setUp()
        self.store.write('/local/domain/1/name', 'web')
        self.store.write('/local/domain/2/name', 'data base')
        self.toolstack.assignable_add(NIC2).finish()
        self.daemon.start()

    def rows(self, *arguments):
        """The words of each line of a table for programs."""
        done = self.in_dom0('list', '--raw', '--noheadings', *arguments)
        self.assertEqual((done.returncode, done.stderr), (FINE, ''), arguments)
        return [line.split(' ') for line in done.stdout.splitlines()]


class Tables(ListCase):
    def test_columns(self):
        rows = {row[0]: row[1:] for row in self.rows('-o', 'DEVICE,STATE,OWNER,DOMAIN,CLASS')}
        self.assertEqual(sorted(rows), sorted(FUNCTIONS))
        self.assertEqual(rows[NIC], ['protected', '1', 'web', 'Ethernet'])
        self.assertEqual(rows[NIC2], ['quarantined', 'none', '-', 'Ethernet'])
        self.assertEqual(rows[DISK], ['relaxed', '0', 'Domain-0', r'Non-Volatile\x20memory'])

    def test_every_row_has_every_column(self):
        for columns in ([], ['-o', '+IOMMU,BUS,HOST,GUEST']):
            heading = self.in_dom0('list', '--raw', *columns).stdout.splitlines()[0].split(' ')
            for row in self.rows(*columns):
                self.assertEqual(len(row), len(heading), row)

    def test_order(self):
        states = [row[0] for row in self.rows('-o', 'STATE', '--sort', 'STATE')]
        self.assertEqual(states, ['relaxed'] * 3 + ['quarantined', 'protected'])
        self.assertEqual(self.rows('-o', 'DEVICE', '-x', 'owner')[-2:], [[NIC], [NIC2]])

    def test_filters(self):
        self.assertEqual(self.rows('-o', 'DEVICE', '--state', 'protected,quarantined'),
                         [[NIC], [NIC2]])
        for owner in ('1', 'web'):
            self.assertEqual(self.rows('-o', 'DEVICE', '--owner', owner), [[NIC]])
        self.assertEqual(self.rows('-o', 'DEVICE', '--owner', 'none'), [[NIC2]])
        self.assertEqual(self.rows('--owner', 'data base'), [])
        self.assertEqual(self.in_dom0('list', '--owner', 'nobody').returncode, FAILURE)
        self.assertEqual(self.in_guest(1, 'list', '--owner', '1').returncode, USAGE)
        answer = self.json_of(self.in_dom0('list', '--json', '--owner', 'web'))
        self.assertEqual([device['device'] for device in answer['devices']], [NIC])

    def test_tree(self):
        lines = self.in_dom0('list', '--tree', '-o', 'DEVICE').stdout.splitlines()[1:]
        units = {row[0] for row in self.rows('-o', 'IOMMU')}
        branches = '|`-├─└│ '
        self.assertEqual({line for line in lines if line[0] not in branches}, units)
        self.assertEqual(sorted(line.lstrip(branches) for line in lines
                                if line[0] in branches and 'group' not in line), sorted(FUNCTIONS))

    def test_json(self):
        devices = {device['device']: device
                   for device in self.json_of(self.in_dom0('list', '--json'))['devices']}
        for bdf, owner, name, kind in ((NIC, 1, 'web', 'Ethernet controller'),
                                       (NIC2, 'none', None, 'Ethernet controller'),
                                       (ROOT_PORT, 0, 'Domain-0', 'PCI bridge')):
            self.assertEqual((devices[bdf]['owner'], devices[bdf]['owner_name'],
                              devices[bdf]['class']), (owner, name, kind))


class Names(ListCase):
    def test_a_name_for_a_number(self):
        for number, name in (('1', 'web'), ('2', 'data base'), ('0', 'Domain-0')):
            for command in (['list', '--json'], ['status', '--json'], ['graph'],
                            ['export', '--binding=xen-iommu']):
                by_number = self.in_dom0(*command, '--domain', number)
                by_name = self.in_dom0(*command, '--domain', name)
                self.assertEqual(by_number.stdout, by_name.stdout, command)
                self.assertEqual((by_name.returncode, by_name.stderr),
                                 (by_number.returncode, by_number.stderr))
        for command in ('show', 'explain'):
            self.assertEqual(self.in_dom0(command, FIRST, '--domain', 'web').returncode, FINE)

    def test_one_that_is_not_there(self):
        done = self.in_dom0('list', '--domain', 'nobody')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('"nobody"', done.stderr)

    def test_one_that_two_have(self):
        self.store.write('/local/domain/2/name', 'web')
        done = self.in_dom0('list', '--domain', 'web')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('several', done.stderr)

    def test_in_a_guest(self):
        done = self.in_guest(1, 'list', '--domain', 'web')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('permission', done.stderr)

    def test_one_that_comes_and_goes(self):
        self.toolstack.destroy(1).finish()
        self.assertEqual(self.in_dom0('list', '--domain', 'web').returncode, FAILURE)


class BothAddresses(ListCase):
    """The host's address and the guest's, each beside the other."""

    def test_in_the_host(self):
        self.assertEqual(self.rows('-o', 'DEVICE,GUEST', '--owner', '1'), [[NIC, FIRST[5:]]])
        self.assertEqual(self.rows('-o', 'GUEST', '--owner', '0'), [['-']] * 3)
        devices = {device['device']: device
                   for device in self.json_of(self.in_dom0('list', '--json'))['devices']}
        self.assertEqual(devices[NIC]['guest_device'], FIRST)
        self.assertIsNone(devices[NIC2]['guest_device'])
        self.assertEqual(self.json_of(self.in_dom0('show', '--json', NIC))['guest_device'], FIRST)
        self.assertIn(f'in the guest {FIRST}', self.in_dom0('graph').stdout)

    def test_of_a_domain(self):
        self.assertEqual(self.rows('-o', 'DEVICE,HOST,CLASS', '--domain', '1'),
                         [[FIRST, NIC[5:], 'Ethernet']])
        for command in ('show', 'explain'):
            answer = self.json_of(self.in_dom0(command, FIRST, '--json', '--domain', 'web'))
            self.assertEqual(answer['host_device'], NIC)

    def test_in_the_guest(self):
        answer = self.json_of(self.in_guest(1, 'list', '--json'))
        self.assertNotIn('host_device', answer['devices'][0])
        self.assertNotIn(NIC, self.in_guest(1, 'list').stdout)

    def test_no_more_when_it_is_gone(self):
        self.toolstack.detach(1, NIC).finish()
        self.wait_host(NIC, state='quarantined')
        self.assertEqual(self.rows('-o', 'GUEST'), [['-']] * len(FUNCTIONS))


class Pictures(ListCase):
    def test_few_devices(self):
        done = self.in_dom0('graph')
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        for bdf in FUNCTIONS:
            self.assertEqual(done.stdout.count(f'label="{bdf}'), 1, bdf)
        self.assertIn(r'label="domain 1\nweb"', done.stdout)
        self.assertEqual(done.stdout.count(' -> d'), len(FUNCTIONS) - 1)

    def test_svg(self):
        for arguments, name in ((['-T', 'svg'], None), (['-T', 'svg'], 'a.svg')):
            path = os.path.join(self.rig.folder, name) if name else None
            done = self.in_dom0('graph', *arguments, *(['--output', path] if path else []))
            self.assertEqual((done.returncode, done.stderr), (FINE, ''))
            text = done.stdout
            if path:
                self.assertEqual(text, '')
                with open(path, encoding='utf-8') as file:
                    text = file.read()
            self.assertIn(f'>{BEHIND_PORT}</text>', text)

    def test_many_devices(self):
        """Two hundred are no more than can be looked at."""
        for number in range(200):
            self.host.add(f'0000:{0x20 + number // 32:02x}:{number % 32:02x}.0', 0x020000, 'e1000e')
        self.wait_host('0000:26:07.0', owner='0')
        done = self.in_dom0('graph')
        self.assertLess(done.stdout.count(' [shape='), 20)
        for bdf in ('0000:20:00.0', '0000:26:07.0', NIC):
            self.assertIn(bdf, done.stdout)
        answer = subprocess.run(['dot', '-Tplain'], input=done.stdout, check=True, text=True,
                                capture_output=True, timeout=60).stdout
        width, height = (float(word) for word in answer.split('\n', maxsplit=1)[0].split()[2:4])
        self.assertLess(max(width, height), 20, 'inches')
        self.assertEqual(len(json.loads(self.in_dom0('list', '--json').stdout)['devices']),
                         len(FUNCTIONS) + 200)
