# SPDX-License-Identifier: MIT
"""xenstored and the daemon come and go under a client whose threads ask all the time: no hang, no
crash, nothing claimed while nobody stands by it, and right answers afterwards."""
import os
import signal
import threading

from case import NIC as HOST_NIC
from case import RigCase
from test_client import (BOUND_MS, NIC, NIC_SBDF, NIC_TOLD, UART, UART_TOLD, WHOLE_TOLD, ClientCase,
                         Probe, Publisher)
from waiting import wait_until

OTHER_TOLD = 'ok unprotected keep -1 other'
UNKNOWN = 'unknown keep -1 -'
THREADS = 8


class Threads:
    """What a probe's threads do."""

    def __init__(self, case, probe, device=NIC_SBDF):
        case.assertEqual(probe.ask('listen'), ['ok'])
        self.case = case
        self.probe = probe
        self.device = device

    def start(self, command='crowd'):
        """crowd: all kinds of calls; hammer: queries alone."""
        self.case.assertEqual(self.probe.ask(f'{command} {THREADS} {self.device}'), [f'{THREADS}'])

    def wait_pending(self):
        """Until all threads of the program sleep in a call that has not returned yet."""
        def states():
            tasks = f'/proc/{self.probe.process.pid}/task'
            for task in os.listdir(tasks):
                with open(f'{tasks}/{task}/stat', encoding='ascii') as file:
                    yield file.read().rpartition(')')[2].split()[0]
        wait_until(lambda: (found := list(states())) and len(found) > THREADS
                   and set(found) == {'S'}, 'the threads to wait')
        self.case.assertEqual(ClientCase.counts(self.probe), [0, 0])

    def wait_more(self, index, count=2 * THREADS):
        """Until so many further calls succeeded (0), or failed (1)."""
        before = ClientCase.counts(self.probe)[index]
        wait_until(lambda: ClientCase.counts(self.probe)[index] >= before + count,
                   'the calls to go on')

    def stop(self):
        return ClientCase.counts(self.probe, 'stop')

    def told(self):
        """Every different answer since the last told()."""
        return set(self.probe.ask('seen')[:-1])

    def check_told(self, *allowed):
        """That nothing is known may always be told while something restarts."""
        for answer in self.told():
            if answer.split()[1:3] != ['unknown', 'keep']:
                self.case.assertIn(answer, allowed)


class XenstoredCase(ClientCase):
    domid = 0

    def publish(self, whole=True):
        self.tree.publish()
        if whole:
            self.tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
        else:
            self.tree.device(f'pci/{NIC}', 'unprotected', 'keep', 'other')

    def restart(self):
        self.rig.restart()
        self.begin()

    def pause(self):
        """xenstored answers nobody, for the time being."""
        self.rig.process.send_signal(signal.SIGSTOP)
        pid = self.rig.process.pid
        wait_until(lambda: os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT),
                   'xenstored to stop')


class PendingCalls(XenstoredCase):
    """All threads wait for an answer when xenstored dies."""

    def test_queries(self):
        self.check('hammer')

    def test_all_calls(self):
        self.check('crowd')

    def check(self, command):
        self.publish()
        probe = self.probe()
        threads = Threads(self, probe)
        self.pause()
        threads.start(command)
        if command == 'hammer':
            threads.wait_pending()
        self.rig.kill()
        threads.wait_more(1)
        self.assertLessEqual(threads.told(), {'ENOTCONN ' + UNKNOWN})
        self.restart()
        self.publish(whole=False)
        probe.wait_query(NIC_SBDF, OTHER_TOLD)
        threads.stop()
        threads.check_told(OTHER_TOLD)

    def test_answered_late(self):
        """It does not die after all."""
        self.publish()
        threads = Threads(self, self.probe())
        self.pause()
        threads.start('hammer')
        threads.wait_pending()
        self.rig.process.send_signal(signal.SIGCONT)
        threads.wait_more(0)
        threads.stop()
        self.assertEqual(threads.told(), {WHOLE_TOLD})

    def test_opened_without(self):
        self.publish()
        self.rig.kill()
        probe = Probe(self.env())
        self.addCleanup(probe.close)
        self.assertEqual(probe.ask('open'), ['ENOTCONN'])
        self.restart()
        self.publish()
        self.assertEqual(probe.ask('open'), ['ok'])
        self.assertEqual(probe.query(NIC_SBDF), WHOLE_TOLD)

    def test_opened_while_it_hangs(self):
        """Whatever open waits for, it ends with xenstored."""
        self.publish()
        self.pause()
        probe = Probe(self.env())
        self.addCleanup(probe.close)
        probe.send('open')
        self.rig.kill()
        answer = probe.receive()
        if answer == ['ok']:
            probe.wait_query(NIC_SBDF, 'ENOTCONN ' + UNKNOWN)
        else:
            self.assertEqual(answer, ['ENOTCONN'])


class ComesAndGoes(XenstoredCase):
    """Again and again, at moments that nobody chose."""
    ROUNDS = 4

    def keep_changing(self, stop, tree):
        """Both records by turns, as whole transactions, until xenstored is gone."""
        whole = False
        try:
            while not stop.is_set():
                if whole:
                    tree.device(f'pci/{NIC}', 'protected', 'skip', 'whole', '1')
                else:
                    tree.device(f'pci/{NIC}', 'unprotected', 'keep', 'other')
                whole = not whole
        except OSError:
            pass

    def test_while_everything_changes(self):
        self.publish()
        probe = self.probe()
        threads = Threads(self, probe)
        threads.start()
        for _ in range(self.ROUNDS):
            stop = threading.Event()
            tree = Publisher(self.rig.store(), self.tree.root, self.domid)
            changer = threading.Thread(target=self.keep_changing, args=(stop, tree))
            changer.start()
            threads.wait_more(0)
            self.rig.kill()
            changer.join()
            probe.wait_query(NIC_SBDF, 'ENOTCONN ' + UNKNOWN, WHOLE_TOLD, OTHER_TOLD)
            threads.wait_more(1)
            self.assertEqual(probe.query(NIC_SBDF), 'ENOTCONN ' + UNKNOWN)
            self.restart()
            self.publish()
            probe.wait_query(NIC_SBDF, WHOLE_TOLD)
        threads.stop()
        threads.check_told(WHOLE_TOLD, OTHER_TOLD)

    def test_the_new_one_says_otherwise(self):
        """Once the new one was heard, nothing of the old one's is told any more: neither by queries
        nor by foreach, nor is it remembered which devices there were."""
        self.publish_two()
        probe = self.probe()
        self.assertEqual(probe.query(NIC_SBDF), NIC_TOLD)
        self.assertEqual(probe.query(UART), UART_TOLD)
        for whole in (True, False):
            self.restart()
            self.publish(whole)
            told = WHOLE_TOLD if whole else OTHER_TOLD
            probe.wait_query(NIC_SBDF, told, NIC_TOLD, WHOLE_TOLD)
            self.assertEqual(probe.query(UART), 'ENOENT ' + UNKNOWN)
            self.assertEqual(probe.ask('foreach'), [f'device 20 {told[3:]}', 'ok'])

    def test_the_same_count_by_chance(self):
        """A new store, whose generation is what the old one's was."""
        self.publish()
        probe = self.probe()
        self.assertEqual(probe.query(NIC_SBDF), WHOLE_TOLD)
        before = self.store.read(f'{self.tree.root}/generation')
        self.restart()
        self.publish(whole=False)
        self.assertEqual(self.store.read(f'{self.tree.root}/generation'), before)
        probe.wait_query(NIC_SBDF, OTHER_TOLD, WHOLE_TOLD)

    def test_nothing_published_afterwards(self):
        """Back, and no daemon yet: what was known before is worth nothing."""
        self.publish()
        probe = self.probe()
        self.assertEqual(probe.query(NIC_SBDF), WHOLE_TOLD)
        self.restart()
        probe.wait_query(NIC_SBDF, 'EAGAIN ' + UNKNOWN, WHOLE_TOLD)
        self.assertEqual(probe.query(NIC_SBDF), 'EAGAIN ' + UNKNOWN)
        self.assertEqual(probe.ask('foreach'), ['EAGAIN'])
        self.assertEqual(probe.ask('wait 0'), ['ETIMEDOUT'])

    def test_waiting_threads(self):
        """wait_ready in one thread, queries in others, over two restarts."""
        probe, other = self.probe(), self.probe()
        other.send(f'wait {BOUND_MS}')
        threads = Threads(self, probe)
        threads.start()
        for _ in range(2):
            self.rig.kill()
            threads.wait_more(1)
            self.restart()
        self.publish()
        self.assertEqual(other.receive(), ['ok'])
        self.assertEqual(other.query(NIC_SBDF), WHOLE_TOLD)
        threads.wait_more(0)
        threads.stop()
        threads.check_told(WHOLE_TOLD)


class DaemonCase(RigCase):
    """The daemon comes and goes under a client: in dom0, and in a guest."""
    FIRST, FIRST_SBDF = '0000:00:00.0', '0'
    TOLD = 'ok protected keep -1 assigned-pv'

    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.assignable_add(HOST_NIC).finish()
        self.toolstack.attach(1, HOST_NIC).finish()
        self.probe = Probe(self.rig.guest(1).env())
        self.addCleanup(self.probe.close)
        self.assertEqual(self.probe.ask('open'), ['ok'])
        self.threads = Threads(self, self.probe, self.FIRST_SBDF)
        self.daemon.start()
        self.probe.wait_query(self.FIRST_SBDF, self.TOLD)
        self.threads.start()

    def wait_told(self, answer):
        """Until the handle knows, and every thread has been told since."""
        self.probe.wait_query(self.FIRST_SBDF, answer, self.TOLD)
        self.threads.stop()
        self.threads.check_told(self.TOLD)
        self.threads.start()
        told = set()
        wait_until(lambda: told.update(self.threads.told()) or answer in told, 'the threads')
        self.assertEqual(told, {answer})

    def test_stopped_and_started(self):
        for _ in range(2):
            self.assertEqual(self.daemon.stop(), 0)
            self.wait_told('EAGAIN ' + UNKNOWN)
            self.daemon.start()
            self.wait_told(self.TOLD)

    def test_killed_and_withdrawn(self):
        """Until somebody withdraws it, its word stands; nobody can know better."""
        self.daemon.kill()
        self.threads.wait_more(0)
        self.assertEqual(self.threads.told(), {self.TOLD})
        self.assertEqual(self.daemon.run('--withdraw').returncode, 0)
        self.wait_told('EAGAIN ' + UNKNOWN)
        self.daemon.start()
        self.wait_told(self.TOLD)

    def test_killed_and_started(self):
        """What the new one takes back at its start, and says anew."""
        self.daemon.kill()
        with self.hypervisor.held('xc_test_assign_device', self.daemon.launch):
            self.wait_told('EAGAIN ' + UNKNOWN)
        self.daemon.wait_ready()
        self.wait_told(self.TOLD)

    def test_another_version(self):
        self.daemon.kill()
        tree = Publisher(self.store, self.home(1), 1)
        tree.change({'version': '2'})
        self.wait_told('EPROTO ' + UNKNOWN)
        self.daemon.start()
        self.wait_told(self.TOLD)

    def test_device_that_leaves(self):
        """Never protected again once the handle has heard."""
        self.toolstack.detach(1, HOST_NIC).finish()
        self.wait_told('ENOENT ' + UNKNOWN)

    def test_domain_tree_removed(self):
        """The home goes first when a domain is destroyed."""
        self.daemon.kill()
        self.store.remove(self.home(1))
        self.wait_told('EAGAIN ' + UNKNOWN)
