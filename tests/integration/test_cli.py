# SPDX-License-Identifier: MIT
"""The command, in dom0 and in guests: what it prints and its exit status."""
import json
import os
import subprocess

from case import BEHIND_PORT, DISK, FUNCTIONS, NIC, NIC2, RigCase
from daemon import HOST_TREE
from toolstack import node_name

FIRST = '0000:00:00.0'
FINE, FAILURE, USAGE, NOT_PROTECTED, NO_DAEMON = range(5)


class CliCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2)
        self.toolstack.assignable_add(NIC).finish()
        self.toolstack.attach(1, NIC).finish()

    def run_in(self, env, *arguments):
        env = {**env, **self.host.env()}
        env['ASAN_OPTIONS'] = 'verify_asan_link_order=0'
        return subprocess.run([os.environ['XI_CLI'], *arguments], env=env, check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)

    def in_dom0(self, *arguments):
        return self.run_in(self.rig.env(), *arguments)

    def in_guest(self, domid, *arguments):
        return self.run_in(self.rig.guest(domid).env(), *arguments)

    def json_of(self, done):
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        return json.loads(done.stdout)


class InDom0(CliCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_list(self):
        done = self.in_dom0('list')
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()[1:]}
        self.assertEqual(sorted(lines), sorted(FUNCTIONS))
        self.assertIn('protected', lines[NIC])
        self.assertIn('1', lines[NIC])
        self.assertIn('relaxed', lines[DISK])

    def test_list_json(self):
        """The same as is published, field by field."""
        answer = self.json_of(self.in_dom0('list', '--json'))
        self.assertEqual(answer['view'], 'host')
        devices = {device['device']: device for device in answer['devices']}
        self.assertEqual(sorted(devices), sorted(FUNCTIONS))
        for bdf, device in devices.items():
            record = self.host_record(bdf)
            record.pop('limits', None)
            for name, value in record.items():
                self.assertEqual(str(device[name]), value, (bdf, name))
            limits = self.store.read(f'{HOST_TREE}/pci/{node_name(bdf)}/limits')
            self.assertEqual(device['limits'], (limits or '').split(), bdf)
            self.assertEqual(device['bus'], 'pci')

    def test_list_of_a_domain(self):
        answer = self.json_of(self.in_dom0('list', '--json', '--domain', '1'))
        self.assertEqual([(d['device'], d['state'], d['swiotlb']) for d in answer['devices']],
                         [(FIRST, 'protected', 'keep')])
        answer = self.json_of(self.in_dom0('list', '--json', '--domain', '2'))
        self.assertEqual(answer['devices'], [])
        answer = self.json_of(self.in_dom0('list', '--json', '--domain', '0'))
        self.assertEqual(len(answer['devices']), len(FUNCTIONS) - 1)

    def test_domain_that_does_not_exist(self):
        done = self.in_dom0('list', '--domain', '77')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('77', done.stderr)

    def test_show(self):
        for name in (NIC, '00:04.0'):
            done = self.in_dom0('show', name)
            self.assertEqual(done.returncode, FINE, name)
            self.assertIn('protected', done.stdout)
            self.assertIn('assigned-pv', done.stdout)

    def test_show_one_that_is_not_protected(self):
        done = self.in_dom0('show', DISK)
        self.assertEqual(done.returncode, NOT_PROTECTED)
        self.assertIn('relaxed', done.stdout)
        done = self.in_dom0('show', '--json', DISK)
        self.assertEqual(done.returncode, NOT_PROTECTED)
        self.assertEqual(json.loads(done.stdout)['state'], 'relaxed')

    def test_show_one_that_is_not_there(self):
        done = self.in_dom0('show', '0000:7f:00.0')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('0000:7f:00.0', done.stderr)

    def test_show_something_that_is_no_device(self):
        for name in ('nic', '0000:00:04', '0000:00:20.0', '', 'soc/eth'):
            done = self.in_dom0('show', name)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ''), name)

    def test_follows_changes(self):
        self.toolstack.destroy(1).finish()
        self.wait_host(NIC, state='quarantined')
        answer = json.loads(self.in_dom0('show', '--json', NIC).stdout)
        self.assertEqual((answer['state'], answer['owner']), ('quarantined', 'none'))

    def test_status(self):
        done = self.in_dom0('status')
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        self.assertIn('ready', done.stdout)
        self.assertIn('enabled', done.stdout)
        answer = self.json_of(self.in_dom0('status', '--json'))
        self.assertEqual((answer['status'], answer['iommu'], answer['version']),
                         ('ready', 'enabled', '1'))
        self.assertEqual(answer['generation'], self.generation())
        interval = self.store.read(f'{HOST_TREE}/confirm-interval')
        self.assertEqual(answer.get('confirm_interval_s'), float(interval) if interval else None)
        self.assertEqual(answer['devices']['relaxed'], len(FUNCTIONS) - 1)
        self.assertEqual(answer['devices']['protected'], 1)

    def test_check(self):
        """A device of a guest's that is not protected, and one that nobody's record names."""
        done = self.in_dom0('check')
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (FINE, "every guest's device is protected\n", ''))
        self.assertIn(f'Verdict:     {done.stdout}', self.in_dom0('status').stdout)
        self.toolstack.shut_down(1, 'crash')
        self.wait_host(NIC, state='unknown')
        done = self.in_dom0('check')
        self.assertEqual((done.returncode, done.stderr), (NOT_PROTECTED, ''))
        self.assertTrue(done.stdout.startswith(f'{NIC}, owner unknown: unknown (owner-down). '))
        self.assertIn(' To do: ', done.stdout)
        self.assertIn(': see xen-iommu check\n', self.in_dom0('status').stdout)
        found = json.loads(self.in_dom0('check', '--json').stdout)['findings']
        self.assertEqual([(f['device'], f['finding']) for f in found], [(NIC, 'owner-uncertain')])

    def test_a_hidden_device_is_named_as_one(self):
        self.host.unbind(NIC2)
        self.host.bind(NIC2, 'pciback')
        self.wait_host(NIC2, reason='no-record')
        self.assertIn('was hidden at boot', self.in_dom0('explain', NIC2).stdout)
        self.assertEqual(self.in_dom0('check').returncode, NOT_PROTECTED)

    def test_explain_begins_with_the_answer(self):
        done = self.in_dom0('explain', NIC)
        self.assertEqual((done.returncode, done.stderr), (FINE, ''))
        answer = done.stdout.partition('\n\n')[0].replace('\n', ' ')
        self.assertTrue(answer.startswith(f"Domain 1's {NIC}"), answer)
        self.assertIn('is protected: ', answer)
        self.assertIn('swiotlb-xen stays in use: its owner is a PV domain', answer)
        again = json.loads(self.in_dom0('explain', '--json', NIC).stdout)
        self.assertEqual(again['answer'], answer)

    def test_errors_begin_with_the_short_name(self):
        for arguments in (['list', '--what'], ['--domain'], ['list', '--domain', 'x'], ['nothing'],
                          ['show', '0000:7f:00.0']):
            self.assertTrue(self.in_dom0(*arguments).stderr.startswith('xen-iommu: '), arguments)

    def test_usage(self):
        for arguments in ([], ['frobnicate'], ['list', 'more'], ['show'], ['list', '--what'],
                          ['list', '--domain', ''], ['list', '--domain', '-1'],
                          ['list', '--domain', '99999'], ['list', '-o', 'DEVICE,WHAT'],
                          ['list', '--sort', 'what'], ['list', '--state', 'safe'],
                          ['list', '--json', '--tree'], ['list', '--raw', '--tree']):
            done = self.in_dom0(*arguments)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ''), arguments)
            self.assertTrue(done.stderr, arguments)

    def test_help_and_version(self):
        for option in ('--help', '-h', '--version'):
            done = self.in_dom0(option)
            self.assertEqual((done.returncode, done.stderr), (FINE, ''), option)
            self.assertTrue(done.stdout)


class InGuest(CliCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()

    def test_list(self):
        answer = self.json_of(self.in_guest(1, 'list', '--json'))
        self.assertEqual(answer['view'], 'own')
        self.assertEqual([(d['device'], d['state']) for d in answer['devices']],
                         [(FIRST, 'protected')])
        self.assertNotIn('owner', answer['devices'][0])
        self.assertIn('protected', self.in_guest(1, 'list').stdout)

    def test_no_devices(self):
        done = self.in_guest(2, 'list')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (FINE, '', ''))
        self.assertEqual(self.json_of(self.in_guest(2, 'list', '--json'))['devices'], [])

    def test_show(self):
        self.assertEqual(self.in_guest(1, 'show', FIRST).returncode, FINE)
        done = self.in_guest(1, 'show', NIC)
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''), "the host's address")

    def test_status(self):
        answer = self.json_of(self.in_guest(1, 'status', '--json'))
        self.assertEqual((answer['status'], answer['version']), ('ready', '1'))
        self.assertNotIn('iommu', answer)

    def test_other_domains(self):
        done = self.in_guest(1, 'list', '--domain', '2')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('permission', done.stderr)


class WithoutDaemon(CliCase):
    def check_none(self, *words):
        for run in (self.in_dom0, lambda *arguments: self.in_guest(1, *arguments)):
            for arguments in (['list'], ['list', '--json'], ['show', NIC2], ['status'], ['check']):
                done = run(*arguments)
                self.assertEqual(done.returncode, NO_DAEMON, (arguments, done.stderr))
                for word in words:
                    self.assertIn(word, done.stderr)

    def test_never_started(self):
        self.check_none('xen-iommud')

    def test_stopped(self):
        self.daemon.start()
        self.daemon.stop()
        self.check_none('stopped')

    def test_once(self):
        """There are records, and nobody stands by them."""
        self.daemon.run('--once')
        self.check_none('stopped')

    def test_starting(self):
        self.daemon.start()
        self.daemon.kill()
        with self.hypervisor.held('xc_test_assign_device', self.daemon.launch):
            self.check_none('starting')
        self.daemon.wait_ready()
        self.assertEqual(self.in_dom0('list').returncode, FINE)

    def test_status_json_all_the_same(self):
        self.daemon.start()
        self.daemon.stop()
        done = self.in_dom0('status', '--json')
        self.assertEqual(done.returncode, NO_DAEMON)
        self.assertEqual(json.loads(done.stdout)['status'], 'stopped')

    def test_without_xenstored(self):
        self.rig.kill()
        done = self.in_dom0('list')
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('xenstored', done.stderr)

    def test_unknown_version(self):
        self.daemon.start()
        self.daemon.kill()
        self.store.write('/tool/xen-iommud/version', '2')
        done = self.in_dom0('show', BEHIND_PORT)
        self.assertEqual((done.returncode, done.stdout), (FAILURE, ''))
        self.assertIn('2', done.stderr)
