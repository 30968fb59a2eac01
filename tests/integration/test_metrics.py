# SPDX-License-Identifier: MIT
"""What xen-iommu metrics tells of a living daemon, by the programs that fleets are watched with."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import rig as rigs
from case import DISK, NIC, RigCase
from waiting import BOUND, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(TOP, 'monitoring', 'xen-iommu.rules.yml')
# Where tests/xenbox/provision puts things.
CACHE = os.environ.get('XENBOX_CACHE') or os.path.join(
    os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'xen-iommud-xenbox')


def tool(name):
    return os.path.join(CACHE, 'monitoring', 'root', 'usr', 'bin', name)


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def fetch(url):
    """The answer, or None as long as nobody gives one."""
    try:
        with urllib.request.urlopen(url, timeout=BOUND) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


def samples(text):
    """The lines that are no comments, by their name and labels."""
    lines = [line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#')]
    return {name: float(value) for name, value in lines}


class MetricsCase(RigCase):
    def setUp(self):
        super().setUp()
        self.daemon.config['confirm-interval'] = 0.5
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()

    def command(self, *arguments, env=None):
        env = {**(env or self.rig.env()), **self.host.env(),
               'ASAN_OPTIONS': 'verify_asan_link_order=0'}
        done = subprocess.run([os.environ['XI_CLI'], 'metrics', *arguments], env=env, check=False,
                              text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout

    def samples(self):
        return samples(self.command())


class Told(MetricsCase):
    def test_the_daemon_counts(self):
        before = self.samples()
        self.assertEqual(before['xen_iommu_ready'], 1)
        self.assertEqual(before['xen_iommu_devices{state="quarantined",owner="none"}'], 1)
        self.assertGreater(before['xen_iommud_oracle_questions_total'], 0)
        self.assertGreater(before['xen_iommud_transactions_total'], 0)
        self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, state='protected')
        after = self.samples()
        for name in ('passes', 'oracle_questions', 'transactions', 'owner_changes',
                     'verdict_changes'):
            full = f'xen_iommud_{name}_total'
            self.assertGreater(after[full], before[full], name)
        self.assertEqual(after['xen_iommu_devices{state="protected",owner="guest"}'], 1)
        self.assertEqual(after['xen_iommu_generation'], self.generation())
        self.assertGreater(after['xen_iommud_uptime_seconds'], 0)

    def test_looking_changes_nothing(self):
        """Neither the command nor the daemon's counting writes to XenStore."""
        generation = self.generation()
        for _ in range(3):
            self.assertEqual(self.samples()['xen_iommu_generation'], generation)

    def test_confirmations_are_dated(self):
        def age():
            return self.samples().get('xen_iommud_last_confirmation_age_seconds')
        wait_until(lambda: age() is not None, 'a round of confirmations')
        asked = self.samples()['xen_iommud_oracle_questions_total']
        wait_until(lambda: self.samples()['xen_iommud_oracle_questions_total'] > asked,
                   'more questions')

    def test_xen_that_does_not_answer(self):
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=DISK)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.samples()['xen_iommud_oracle_errors_total'] > 0, 'an error')

    def test_a_daemon_that_is_gone_has_no_numbers(self):
        self.daemon.kill()
        told = self.samples()
        self.assertEqual(told['xen_iommu_ready'], 0)
        self.assertFalse([name for name in told if name.startswith('xen_iommud_')])
        self.daemon.start()
        told = self.samples()
        self.assertEqual(told['xen_iommu_ready'], 1)
        self.assertGreater(told['xen_iommud_passes_total'], 0)

    def test_guest(self):
        self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, state='protected')
        told = samples(self.command(env=self.rig.guest(1).env()))
        self.assertEqual(told['xen_iommu_devices{state="protected",owner="guest"}'], 1)
        self.assertFalse([name for name in told if name.startswith('xen_iommud_')])

    def test_promtool_has_nothing_to_say(self):
        done = subprocess.run([tool('promtool'), 'check', 'metrics'], input=self.command(),
                              check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, ''))

    def test_openmetrics(self):
        """A counter's own name has no suffix there, and the end is told."""
        lines = self.command('--openmetrics').splitlines()
        self.assertEqual(lines[-1], '# EOF')
        families = {line.split()[2] for line in lines if line.startswith('# TYPE')}
        self.assertIn('xen_iommud_oracle_questions', families)
        self.assertIn('xen_iommud_oracle_questions_total', samples('\n'.join(lines)))
        self.assertNotIn('xen_iommud_oracle_questions_total', families)


class Scraped(MetricsCase):
    """node_exporter's textfile collector, Prometheus, and the alerts."""

    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.rig.folder, 'monitoring')
        self.textfiles = os.path.join(self.folder, 'textfiles')
        os.makedirs(self.textfiles)
        self.port = free_port()

    def start(self, name, *arguments):
        process = rigs.spawn([tool(name), *arguments], stdout=self.rig.log(name),
                             stderr=self.rig.log(name), cwd=self.folder)

        def end():
            process.terminate()
            process.wait(BOUND)
        self.addCleanup(end)

    def write_config(self, exporter):
        # The waits of a fleet's alerts are not this test's.
        with open(RULES, encoding='ascii') as rules:
            text = [line for line in rules if not line.strip().startswith('for:')]
        with open(os.path.join(self.folder, 'rules.yml'), 'w', encoding='ascii') as rules:
            rules.writelines(text)
        path = os.path.join(self.folder, 'prometheus.yml')
        with open(path, 'w', encoding='ascii') as file:
            json.dump({'global': {'scrape_interval': '250ms', 'evaluation_interval': '250ms',
                                  'scrape_timeout': '250ms'},
                       'rule_files': ['rules.yml'],
                       'scrape_configs': [{'job_name': 'node', 'static_configs': [
                           {'targets': [f'127.0.0.1:{exporter}']}]}]}, file)
        return path

    def ask(self, path):
        answer = fetch(f'http://127.0.0.1:{self.port}/api/v1/{path}')
        return json.loads(answer)['data'] if answer else None

    def value(self, name):
        data = self.ask(f'query?query={name}')
        return data['result'][0]['value'][1] if data and data['result'] else None

    def firing(self):
        data = self.ask('alerts') or {'alerts': []}
        return {alert['labels']['alertname'] for alert in data['alerts']
                if alert['state'] == 'firing'}

    def update(self):
        self.command('--output', os.path.join(self.textfiles, 'xen-iommu.prom'))

    def test_scraped(self):
        exporter = free_port()
        config = self.write_config(exporter)
        self.update()
        self.start('prometheus-node-exporter', '--collector.disable-defaults',
                   '--collector.textfile', f'--collector.textfile.directory={self.textfiles}',
                   f'--web.listen-address=127.0.0.1:{exporter}')
        wait_until(lambda: fetch(f'http://127.0.0.1:{exporter}/metrics'), 'node_exporter')
        text = fetch(f'http://127.0.0.1:{exporter}/metrics')
        self.assertIn('\nnode_textfile_scrape_error 0\n', text)
        self.assertIn('\nxen_iommu_ready 1\n', text)
        self.start('prometheus', f'--config.file={config}', '--storage.tsdb.path=data',
                   f'--web.listen-address=127.0.0.1:{self.port}', '--web.max-connections=8')
        wait_until(lambda: self.value('xen_iommu_ready') == '1', 'Prometheus to have it')
        self.assertIsNotNone(self.value('xen_iommud_oracle_questions_total'))
        self.assertNotIn('XenIommudNotReady', self.firing())
        self.daemon.stop()
        self.update()
        wait_until(lambda: 'XenIommudNotReady' in self.firing(), 'the alert')


class Rules(unittest.TestCase):
    def test_rules(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(RULES, folder)
        shutil.copy(os.path.join(TOP, 'tests', 'monitoring', 'rules.test.yml'), folder)
        for words in (['check', 'rules', os.path.basename(RULES)],
                      ['test', 'rules', 'rules.test.yml']):
            done = subprocess.run([tool('promtool'), *words], cwd=folder, check=False, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn('SUCCESS', done.stdout)
