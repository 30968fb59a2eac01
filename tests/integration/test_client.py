# SPDX-License-Identifier: MIT
"""The library and the command against a real xenstored, in dom0 and in a guest: trees published by
hand, whatever a daemon might do with them, and a xenstored that comes and goes.

A handle tells a change once its event arrived: after a change the answer is waited for, unless the
handle itself has told of it."""
import json
import os
import subprocess
import threading
import unittest

import rig as rigs
from waiting import BOUND, wait_until

NIC, NIC_SBDF = '0000-00-04-0', '20'
UART = '/soc/uart@1,2'
NIC_TOLD, UART_TOLD = 'ok protected skip -1 assigned', 'ok relaxed keep 7 dom0-relaxed'
WHOLE_TOLD = 'ok protected skip 1 whole'
BOUND_MS = BOUND * 1000
ASAN = ('AddressSanitizer', 'LeakSanitizer', 'ThreadSanitizer', 'runtime error:')


class Probe:
    """client_probe in dom0 or in a guest."""

    def __init__(self, env):
        self.process = subprocess.Popen([rigs.built('client_probe')], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def send(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()

    def receive(self):
        """The lines of one answer, the last without its mark."""
        lines = []
        patience = threading.Timer(2 * BOUND_MS / 1000, self.process.kill)
        patience.start()
        try:
            for line in self.process.stdout:
                if line.startswith('= '):
                    return [*lines, line[2:].rstrip('\n')]
                lines.append(line.rstrip('\n'))
        finally:
            patience.cancel()
        raise AssertionError(f'the probe ended or hung: {self.process.stderr.read()}')

    def ask(self, command):
        self.send(command)
        return self.receive()

    def query(self, device):
        return self.ask(f'query {device}')[0]

    def wait_query(self, device, answer, *meanwhile):
        """Asks until this is the answer; meanwhile: what may be said before, other than that
        nothing is known."""
        def told():
            found = self.query(device)
            if found not in (answer, *meanwhile) and found.split()[1:3] != ['unknown', 'keep']:
                raise AssertionError(f'{device}: {found}')
            return found == answer
        wait_until(told, f'{device} to be {answer}')

    def wait_foreach(self, *answer):
        wait_until(lambda: self.ask('foreach') == list(answer), f'foreach to tell {answer}')

    def close(self):
        """Ends it; whatever a sanitizer says is a failure."""
        self.process.stdin.close()
        status = self.process.wait(BOUND)
        said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        if status != 0 or any(word in said for word in ASAN):
            raise AssertionError(f'the probe ended with {status}: {said}')


class Publisher:
    """Writes one tree as the daemon would: each change in one transaction that moves generation."""

    def __init__(self, store, root, domid):
        self.store = store
        self.root = root
        self.perms = 'n0' if domid == 0 else f'n0,r{domid}'

    def change(self, values=(), removed=()):
        def write(tx):
            for path in removed:
                tx.remove(f'{self.root}/{path}')
            generation = int(tx.read(f'{self.root}/generation') or 0) + 1
            for path, value in [('', ''), *dict(values).items(), ('generation', generation)]:
                self._put(tx, path, value)
        self.store.atomically(write)

    def _put(self, tx, path, value):
        node = f'{self.root}/{path}'.rstrip('/')
        missing = [node]
        while missing[-1] != self.root:
            missing.append(os.path.dirname(missing[-1]))
        fresh = [path for path in missing if tx.read(path) is None]
        if value != '' or node in fresh:
            tx.write(node, value)
        for path in fresh:
            tx.set_perms(path, self.perms)

    def publish(self, **devices):
        self.change({'version': '1', 'status': 'ready', 'pci': '', 'dt': ''})

    def device(self, directory, state, swiotlb, reason, group=None, **more):
        values = {'state': state, 'swiotlb': swiotlb, 'reason': reason, **more}
        if group is not None:
            values['group'] = group
        self.change({f'{directory}/{name}': value for name, value in values.items()},
                    [f'{directory}/group'] if group is None else [])


class ClientCase(unittest.TestCase):
    domid = 1

    def setUp(self):
        self.rig = rigs.Rig(os.environ['RIG_KIND'])
        self.addCleanup(self.rig.stop)
        self.rig.start()
        self.begin()

    def begin(self):
        """What follows each start of xenstored."""
        self.store = self.rig.store()
        self.store.write('/local/domain/0/name', 'Domain-0')
        if self.domid:
            self.rig.hypervisor.set_domain(self.domid)
            self.rig.make_channel(self.domid)
            self.store.write(f'/local/domain/{self.domid}', '')
            self.rig.introduce(self.store, self.domid)
            self.store.set_perms(f'/local/domain/{self.domid}', f'n0,r{self.domid}')
        self.tree = Publisher(self.store, f'/local/domain/{self.domid}/iommu', self.domid)

    def env(self):
        return self.rig.guest(self.domid).env() if self.domid else self.rig.env()

    def probe(self):
        probe = Probe(self.env())
        self.addCleanup(probe.close)
        self.assertEqual(probe.ask('open'), ['ok'])
        return probe

    @staticmethod
    def counts(probe, command='counts'):
        """How many calls of the threads succeeded so far, and how many failed."""
        return [int(number) for number in probe.ask(command)[0].split()]

    def check_seen(self, probe, *allowed):
        """What the threads were told since the last time; that nothing is known is fine."""
        for answer in probe.ask('seen')[:-1]:
            if not answer.endswith(' unknown keep -1 -'):
                self.assertIn(answer, allowed)

    def publish_two(self):
        self.tree.publish()
        self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'assigned')
        self.tree.device('dt/soc/uart@1_2c2', 'relaxed', 'keep', 'dom0-relaxed', '7')

    def command(self, *arguments, env=None):
        """xen-iommu's exit code, output and messages."""
        done = subprocess.run([os.environ['XI_CLI'], *arguments], env=env or self.env(), text=True,
                              capture_output=True, timeout=BOUND, check=False)
        for word in ASAN:
            self.assertNotIn(word, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def command_json(self, *arguments, env=None):
        code, output, _ = self.command(*arguments, '--json', env=env)
        return code, json.loads(output)


class InGuest(ClientCase):
    """Everything that does not depend on where it runs; InDom0 repeats it there."""

    def test_queries(self):
        probe = self.probe()
        self.assertEqual(probe.query(NIC_SBDF), 'EAGAIN unknown keep -1 -')
        self.publish_two()
        probe.wait_query(NIC_SBDF, NIC_TOLD)
        probe.wait_query(UART, UART_TOLD)
        self.assertEqual(probe.query('28'), 'ENOENT unknown keep -1 -')
        self.assertEqual(probe.query('/soc'), 'ENOENT unknown keep -1 -')
        self.assertEqual(probe.query('/soc/'), 'EINVAL unknown keep -1 -')
        self.tree.change({'status': 'stopped'})
        probe.wait_query(NIC_SBDF, 'EAGAIN unknown keep -1 -', NIC_TOLD)
        self.assertEqual(probe.query(UART), 'EAGAIN unknown keep -1 -')
        self.tree.change({'status': 'ready', 'version': '2'})
        probe.wait_query(NIC_SBDF, 'EPROTO unknown keep -1 -')
        self.assertEqual(probe.query(UART), 'EPROTO unknown keep -1 -')
        self.tree.change({'version': '1'})
        probe.wait_query(NIC_SBDF, NIC_TOLD)
        self.assertEqual(probe.query(UART), UART_TOLD)

    def test_foreach(self):
        probe = self.probe()
        self.assertEqual(probe.ask('foreach'), ['EAGAIN'])
        self.publish_two()
        probe.wait_foreach('device 20 protected skip -1 assigned',
                           f'device {UART} relaxed keep 7 dom0-relaxed', 'ok')
        self.assertEqual(probe.query(UART), UART_TOLD)

    def test_wait_ready(self):
        probe = self.probe()
        self.assertEqual(probe.ask('wait 0'), ['ETIMEDOUT'])
        probe.send(f'wait {BOUND_MS}')
        self.tree.publish()
        self.assertEqual(probe.receive(), ['ok'])
        self.tree.change({'status': 'stopped'})
        wait_until(lambda: probe.ask('wait 0') == ['ETIMEDOUT'], 'the stop to be seen')
        probe.send(f'wait {BOUND_MS}')
        self.tree.change({'status': 'starting'})
        self.tree.change({'status': 'ready'})
        self.assertEqual(probe.receive(), ['ok'])

    def changes(self, probe):
        """What the callback says of the next change."""
        while True:
            answer = probe.ask(f'dispatch {BOUND_MS}')
            self.assertNotEqual(answer, ['quiet'])
            if len(answer) > 1:
                return answer

    def settle(self, probe):
        while probe.ask('dispatch 0') != ['quiet']:
            pass

    def test_callbacks(self):
        self.publish_two()
        probe = self.probe()
        self.assertEqual(probe.ask('watch'), ['ok'])
        self.assertEqual(self.changes(probe), ['changed 20 protected skip -1 assigned',
                                               f'changed {UART} relaxed keep 7 dom0-relaxed', 'ok'])
        self.settle(probe)
        self.tree.device(f'pci/{NIC}', 'unknown', 'keep', 'leaving')
        self.assertEqual(self.changes(probe), ['changed 20 unknown keep -1 leaving', 'ok'])
        self.assertEqual(probe.query(NIC_SBDF), 'ok unknown keep -1 leaving')
        self.tree.change(removed=[f'pci/{NIC}'])
        self.assertEqual(self.changes(probe), ['changed 20 unknown keep -1 -', 'ok'])
        self.assertEqual(probe.query(NIC_SBDF), 'ENOENT unknown keep -1 -')
        self.tree.change({'status': 'stopped'})
        self.assertEqual(self.changes(probe), [f'changed {UART} unknown keep -1 -', 'ok'])
        self.assertEqual(probe.query(UART), 'EAGAIN unknown keep -1 -')
        self.tree.change({'status': 'ready'})
        self.assertEqual(self.changes(probe), [f'changed {UART} relaxed keep 7 dom0-relaxed', 'ok'])
        self.assertEqual(probe.query(UART), UART_TOLD)
        self.tree.change()
        self.assertEqual(probe.ask(f'dispatch {BOUND_MS}'), ['ok'])

    def test_fork(self):
        self.publish_two()
        probe = self.probe()
        self.assertEqual(probe.ask(f'fork {NIC_SBDF}'), ['ECHILD'])
        probe.ask('watch')
        self.assertEqual(probe.ask(f'fork {NIC_SBDF}'), ['ECHILD'])
        self.assertEqual(probe.query(NIC_SBDF), 'ok protected skip -1 assigned')
        self.assertEqual(self.changes(probe)[-1], 'ok')

    def test_nodes_of_a_newer_daemon(self):
        """Whatever stands beside what the library reads changes no answer and makes no callback.
        Limits do, those too that it does not know."""
        self.publish_two()
        probe = self.probe()
        probe.ask('watch')
        self.changes(probe)
        self.settle(probe)
        self.tree.change({f'pci/{NIC}/newer': 'x', 'dt/newer': 'x', 'newer': 'x'})
        self.assertEqual(probe.ask(f'dispatch {BOUND_MS}'), ['ok'])
        self.settle(probe)
        self.assertEqual(probe.query(NIC_SBDF), NIC_TOLD)
        self.assertEqual(probe.query(UART), UART_TOLD)
        self.tree.change({f'pci/{NIC}/limits': 'no-acs a-newer-one',
                          'dt/soc/uart@1_2c2/limits': 'ats'})
        self.assertEqual(self.changes(probe), [f'changed {NIC_SBDF} protected skip -1 assigned '
                                               'no-acs ?',
                                               f'changed {UART} relaxed keep 7 dom0-relaxed ats',
                                               'ok'])
        self.settle(probe)
        self.assertEqual(probe.query(NIC_SBDF), NIC_TOLD + ' no-acs ?')
        self.assertEqual(probe.query(f'{UART}/limits'), 'ENOENT unknown keep -1 -')
        self.assertEqual(probe.ask('foreach'),
                         ['device 20 protected skip -1 assigned no-acs ?',
                          f'device {UART} relaxed keep 7 dom0-relaxed ats', 'ok'])
        self.assertEqual([device['limits'] for device in self.command_json('list')[1]['devices']],
                         [['no-acs', 'a-newer-one'], ['ats']])
        code, output, _ = self.command('show', '00:04.0')
        self.assertEqual(code, 0)
        self.assertIn('no-acs,a-newer-one', output)

    def test_a_device_called_limits(self):
        """A component of a field's name is another node than the field."""
        self.publish_two()
        self.tree.device('dt/soc', 'relaxed', 'keep', 'soc', limits='ats')
        self.tree.device('dt/soc/_6cimits', 'protected', 'skip', 'limits')
        probe = self.probe()
        self.assertEqual(probe.query('/soc'), 'ok relaxed keep -1 soc ats')
        self.assertEqual(probe.query('/soc/limits'), 'ok protected skip -1 limits')
        self.assertEqual([device['device'] for device in self.command_json('list')[1]['devices']],
                         ['0000:00:04.0', '/soc', '/soc/limits', UART])

    def test_threads_never_see_a_mix(self):
        """16 threads on one handle while the record changes as a whole, as fast as it can."""
        self.tree.publish()
        self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
        probe = self.probe()
        probe.ask('watch')
        self.assertEqual(probe.ask(f'hammer 16 {NIC_SBDF}'), ['16'])
        for _ in range(100):
            self.tree.device(f'pci/{NIC}', 'unprotected', 'keep', 'other')
            self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
        self.assertGreater(self.counts(probe, 'stop')[0], 0)
        self.check_seen(probe, WHOLE_TOLD, 'ok unprotected keep -1 other')

    def test_command(self):
        self.assertEqual(self.command('list')[0], 4)
        self.assertEqual(self.command('status')[0], 4)
        self.publish_two()
        code, document = self.command_json('list')
        self.assertEqual(code, 0)
        self.assertEqual([(device['device'], device['state'], device['swiotlb'])
                          for device in document['devices']],
                         [('0000:00:04.0', 'protected', 'skip'), (UART, 'relaxed', 'keep')])
        self.assertEqual(self.command('show', '00:04.0')[0], 0)
        self.assertEqual(self.command('show', UART)[0], 3)
        self.assertEqual(self.command('show', '00:05.0')[0], 1)
        self.assertEqual(self.command('show', '5.0')[0], 2)
        self.tree.change({'status': 'stopped'})
        self.assertEqual(self.command('show', '00:04.0')[0], 4)


class InDom0(InGuest):
    domid = 0

    def test_foreach_beyond_one_message(self):
        """A listing of more than XenStore's 4096 bytes, which oxenstored cannot give: then that is
        said, and all that needs no listing goes on."""
        self.tree.publish()
        self.tree.change({f'pci/0000-{bus:02x}-{slot:02x}-0/state': 'unprotected'
                          for bus in range(16) for slot in range(32)})
        probe = self.probe()
        probe.ask('watch')
        answer = probe.ask('foreach')
        self.assertEqual(probe.query('8'), 'ok unprotected keep -1 -')
        if self.rig.kind == 'ocaml':
            self.assertEqual(answer, ['E2BIG'])
            self.assertEqual(probe.ask(f'dispatch {BOUND_MS}'), ['ok'])
            self.settle(probe)
            code, output, errors = self.command('list')
            self.assertEqual((code, output), (1, ''))
            self.assertIn('can list', errors)
            self.assertEqual(self.command('show', '00:01.0')[0], 3)
            return
        self.assertEqual(len(answer), 16 * 32 + 1)
        self.assertEqual(answer[-1], 'ok')
        self.assertEqual(answer[0], 'device 0 unprotected keep -1 -')

    def test_command_shows_the_host(self):
        self.publish_two()
        host = Publisher(self.store, '/tool/xen-iommud', 0)
        host.publish()
        host.change({'iommu': 'enabled'})
        host.device('pci/0000-00-09-0', 'quarantined', 'keep', 'assignable', owner='none')
        code, document = self.command_json('list')
        self.assertEqual((code, document['view']), (0, 'host'))
        self.assertEqual([(device['device'], device['state'], device['owner'])
                          for device in document['devices']],
                         [('0000:00:09.0', 'quarantined', 'none')])
        answer = self.command_json('status')[1]
        self.assertEqual((answer['iommu'], answer.get('confirm_interval_s')), ('enabled', None))
        host.change({'confirm-interval': '0.5'})
        self.assertEqual(self.command_json('status')[1]['confirm_interval_s'], 0.5)
        self.assertIn('at least every 0.5 s', self.command('status')[1])
        code, document = self.command_json('list', '--domain', '0')
        self.assertEqual((code, len(document['devices'])), (0, 2))
        self.assertEqual(self.command('list', '--domain', '5')[0], 1)


class GuestOnly(ClientCase):
    def test_another_domain_is_denied(self):
        self.publish_two()
        host = Publisher(self.store, '/tool/xen-iommud', 0)
        host.publish()
        code, _, errors = self.command('list', '--domain', '0')
        self.assertEqual(code, 1)
        self.assertIn('permission denied', errors)
        self.assertEqual(self.command_json('list')[1]['view'], 'own')
        document = self.command_json('list', '--domain', '1', env=self.rig.env())[1]
        self.assertEqual(document['domain'], 1)


class XenstoredComesAndGoes(ClientCase):
    """xenstored dies under clients in dom0: no hang, no claim, and back by themselves."""
    domid = 0

    def restart(self):
        self.rig.restart()
        self.begin()

    def test_queries(self):
        self.publish_two()
        plain, watching = self.probe(), self.probe()
        watching.ask('watch')
        for probe in (plain, watching):
            self.assertEqual(probe.query(NIC_SBDF), NIC_TOLD)
        self.rig.kill()
        for probe in (plain, watching):
            probe.wait_query(NIC_SBDF, 'ENOTCONN unknown keep -1 -', NIC_TOLD)
        for probe in (plain, watching):
            self.assertEqual(probe.query(NIC_SBDF), 'ENOTCONN unknown keep -1 -')
        self.restart()
        for probe in (plain, watching):
            probe.wait_query(NIC_SBDF, 'EAGAIN unknown keep -1 -')
        self.publish_two()
        for probe in (plain, watching):
            probe.wait_query(NIC_SBDF, NIC_TOLD)

    def test_a_restart_between_two_queries(self):
        probe = self.probe()
        self.publish_two()
        self.assertEqual(probe.query(NIC_SBDF), NIC_TOLD)
        self.restart()
        self.tree.publish()
        self.tree.device(f'pci/{NIC}', 'relaxed', 'keep', 'dom0-relaxed')
        probe.wait_query(NIC_SBDF, 'ok relaxed keep -1 dom0-relaxed', NIC_TOLD)

    def test_callbacks(self):
        """The descriptor wakes by itself, though no request is made."""
        self.publish_two()
        probe = self.probe()
        probe.ask('watch')
        InGuest.changes(self, probe)
        InGuest.settle(self, probe)
        probe.send(f'dispatch {BOUND_MS}')
        self.rig.kill()
        self.assertEqual(probe.receive(), ['changed 20 unknown keep -1 -',
                                           f'changed {UART} unknown keep -1 -', 'ENOTCONN'])
        self.assertEqual(probe.query(NIC_SBDF), 'ENOTCONN unknown keep -1 -')
        self.restart()
        self.publish_two()
        told = []
        wait_until(lambda: told.extend(probe.ask(f'dispatch {BOUND_MS}')) or
                   f'changed {UART} relaxed keep 7 dom0-relaxed' in told, 'the callback')
        self.assertIn('changed 20 protected skip -1 assigned', told)

    def test_no_descriptor_is_lost(self):
        self.publish_two()
        probe = self.probe()
        descriptors = f'/proc/{probe.process.pid}/fd'
        probe.ask('watch')
        InGuest.settle(self, probe)
        self.assertEqual(probe.ask('foreach')[-1], 'ok')
        before = len(os.listdir(descriptors))
        for _ in range(3):
            self.restart()
            self.publish_two()
            wait_until(lambda: probe.ask('foreach')[-1] == 'ok', 'the devices again')
            InGuest.settle(self, probe)
            self.assertEqual(probe.ask('wait 0'), ['ok'])
            self.assertEqual(probe.ask('foreach')[-1], 'ok')
            self.assertEqual(len(os.listdir(descriptors)), before)

    def test_permission(self):
        os.chmod(self.rig.folder, 0o755)
        done = subprocess.run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups',
                               os.environ['XI_CLI'], 'list'], env=self.env(), text=True,
                              capture_output=True, timeout=BOUND, check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (1, 'xen-iommu: XenStore: permission denied\n'))

    def test_waiting(self):
        probe = self.probe()
        probe.send(f'wait {BOUND_MS}')
        self.restart()
        self.tree.publish()
        self.assertEqual(probe.receive(), ['ok'])

    def test_threads(self):
        self.tree.publish()
        self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
        probe = self.probe()
        probe.ask('watch')
        probe.ask(f'hammer 8 {NIC_SBDF}')
        for _ in range(3):
            answers, failures = self.counts(probe)
            wait_until(lambda: self.counts(probe)[0] > answers, 'an answer')
            self.rig.kill()
            wait_until(lambda: self.counts(probe)[1] > failures, 'a query to fail')
            self.restart()
            self.tree.publish()
            self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
        self.counts(probe, 'stop')
        self.check_seen(probe, WHOLE_TOLD)
        probe.wait_query(NIC_SBDF, WHOLE_TOLD)

    def test_command(self):
        self.publish_two()
        self.rig.kill()
        code, output, errors = self.command('list')
        self.assertEqual((code, output), (1, ''))
        self.assertIn('XenStore cannot be reached', errors)
