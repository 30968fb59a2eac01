# SPDX-License-Identifier: MIT
"""What a handle may answer from memory, and when it must not: events and answers of its connection
to xenstored are let through one by one."""
import os
import select

import test_client
from tap import StoreTap
from test_client import BOUND_MS, NIC, NIC_SBDF, NIC_TOLD, UART, UART_TOLD, ClientCase
from waiting import wait_until

HANDLE = 1  # the number of its connection; the first only looks whether xenstored is there
LEFT = 'ok unknown keep -1 leaving'


class Freshness(ClientCase):
    domid = 0

    def setUp(self):
        super().setUp()
        self.tap = StoreTap(os.path.join(self.rig.folder, 'client-tap'), self.rig.socket())
        self.addCleanup(self.tap.stop)
        self.publish_two()
        self.handle = self.probe()
        self.assertEqual(self.handle.query(NIC_SBDF), NIC_TOLD)
        self.assertEqual(self.handle.query(UART), UART_TOLD)
        self.assertEqual(self.handle.query('28'), 'ENOENT unknown keep -1 -')
        test_client.InGuest.settle(self, self.handle)

    def env(self):
        return dict(super().env(), XENSTORED_PATH=self.tap.path)

    def leave(self):
        """The change that matters, and its event is on its way, but not with the handle."""
        self.tap.withhold(HANDLE)
        self.tree.device(f'pci/{NIC}', 'unknown', 'keep', 'leaving')
        wait_until(lambda: self.tap.withheld(HANDLE) == 1, 'the event')

    def ask_withheld(self, command):
        """The answer to a command while something is withheld; if the handle has to ask xenstored
        for it, nothing is withheld any more."""
        before = self.tap.withheld(HANDLE)
        self.handle.send(command)
        if before is not None:
            wait_until(lambda: self.tap.withheld(HANDLE) > before or self.has_said(),
                       'the program to answer, or to ask xenstored')
            if not self.has_said():
                self.tap.pass_on_all(HANDLE)
        return self.handle.receive()

    def has_said(self):
        return bool(select.select([self.handle.process.stdout], [], [], 0)[0])

    def test_nothing_is_asked_again(self):
        before = len(self.tap.requests())
        for _ in range(20):
            self.assertEqual(self.handle.query(NIC_SBDF), NIC_TOLD)
            self.assertEqual(self.handle.query(UART), UART_TOLD)
            self.assertEqual(self.handle.query('28'), 'ENOENT unknown keep -1 -')
        self.assertEqual(len(self.tap.requests()), before)

    def test_listed_once(self):
        answer = self.handle.ask('foreach')
        before = len(self.tap.requests())
        for _ in range(5):
            self.assertEqual(self.handle.ask('foreach'), answer)
            self.assertEqual(self.handle.query('30'), 'ENOENT unknown keep -1 -')
        self.assertEqual(len(self.tap.requests()), before)

    def test_a_change_that_has_not_arrived(self):
        """Nobody can know of it; and nobody has to wait for xenstored."""
        self.leave()
        self.assertEqual(self.handle.query(NIC_SBDF), NIC_TOLD)
        self.assertEqual(self.handle.query(UART), UART_TOLD)
        self.tap.pass_on_all(HANDLE)
        self.handle.wait_query(NIC_SBDF, LEFT, NIC_TOLD)

    def test_a_change_that_has_arrived(self):
        """Once the descriptor is readable, the next answer is the new one."""
        self.leave()
        self.tap.pass_on(HANDLE, 1)
        self.assertEqual(self.handle.ask(f'poll {BOUND_MS}'), ['readable'])
        self.assertEqual(self.ask_withheld(f'query {NIC_SBDF}'), [LEFT])

    def test_every_kind_of_call_knows_it(self):
        """foreach, the callback and queries, each as the first after the descriptor is readable."""
        before = UART_TOLD
        for number, command in enumerate(('foreach', 'dispatch 0', f'query {UART}')):
            reason = f'change-{number}'
            self.tree.device('dt/soc/uart@1_2c2', 'unknown', 'keep', reason)
            self.handle.wait_query(UART, f'ok unknown keep -1 {reason}', before)
            self.handle.ask('watch')
            test_client.InGuest.settle(self, self.handle)
            self.tree.device('dt/soc/uart@1_2c2', 'unprotected', 'keep', reason)
            self.assertEqual(self.handle.ask(f'poll {BOUND_MS}'), ['readable'])
            self.assertIn(f'unprotected keep -1 {reason}', ' '.join(self.handle.ask(command)))
            before = f'ok unprotected keep -1 {reason}'
            self.assertEqual(self.handle.query(UART), before)

    def test_ready_means_ready(self):
        """Whoever was told by wait_ready is not told by a query that nobody is."""
        self.tree.change({'status': 'stopped'})
        self.handle.wait_query(NIC_SBDF, 'EAGAIN unknown keep -1 -', NIC_TOLD)
        self.tap.withhold(HANDLE)
        self.tree.change({'status': 'ready'})
        wait_until(lambda: self.tap.withheld(HANDLE) == 1, 'the event')
        self.assertEqual(self.ask_withheld(f'wait {BOUND_MS}'), ['ok'])
        self.assertEqual(self.ask_withheld(f'query {NIC_SBDF}'), [NIC_TOLD])
