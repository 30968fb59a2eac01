# SPDX-License-Identifier: MIT
"""The examples that use libxeniommu, in a guest and in dom0."""
import os
import select
import subprocess

import rig as rigs
from test_client import ASAN, NIC_SBDF, UART, ClientCase
from waiting import BOUND

LOOPS = ('poll', 'libevent')


def example(name):
    return os.path.join(os.environ['XI_EXAMPLES'], 'example_' + name)


class Loop:
    """An example that runs until its standard input ends."""

    def __init__(self, case, name):
        self.case = case
        self.process = rigs.spawn([example(name)], env=case.env(), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        case.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def until(self, *wanted):
        """Waits until it has said all these lines, the last one last; what it said."""
        said = []
        while said[-1:] != [wanted[-1]] or not set(wanted) <= set(said):
            ready, _, _ = select.select([self.process.stdout], [], [], BOUND)
            self.case.assertTrue(ready, f'only {said} was said')
            line = self.process.stdout.readline()
            self.case.assertTrue(line, f'it ended after {said}')
            said.append(line.decode().rstrip('\n'))
        return said

    def end(self):
        self.process.stdin.close()
        self.case.assertEqual(self.process.wait(BOUND), 0)
        said = self.process.stderr.read().decode()
        self.case.assertFalse(any(word in said for word in ASAN), said)


class InGuest(ClientCase):
    def one_read(self, device, env=None):
        done = subprocess.run([example('one_read'), device], env=env or self.env(), text=True,
                              capture_output=True, timeout=BOUND, check=False)
        self.assertFalse(any(word in done.stderr for word in ASAN), done.stderr)
        return done.returncode, done.stdout.strip()

    def test_one_read(self):
        self.assertEqual(self.one_read(NIC_SBDF),
                         (1, 'bounce: unknown, Resource temporarily unavailable'))
        self.publish_two()
        self.assertEqual(self.one_read(NIC_SBDF), (0, 'plain DMA: protected'))
        self.assertEqual(self.one_read(UART), (0, 'bounce: relaxed'))
        self.assertEqual(self.one_read('28'), (1, 'bounce: unknown, No such file or directory'))
        self.assertEqual(self.one_read('/soc/'), (1, 'bounce: unknown, Invalid argument'))
        self.assertEqual(self.one_read('0000:00:04.0'), (2, ''))

    def test_loops(self):
        for name in LOOPS:
            with self.subTest(name):
                self.publish_two()
                loop = Loop(self, name)
                loop.until('20 protected: plain DMA', f'{UART} relaxed: bounce')
                self.tree.device('pci/0000-00-04-0', 'protected', 'keep', 'assigned')
                self.assertEqual(loop.until('20 protected: bounce'), ['20 protected: bounce'])
                self.tree.change({'status': 'stopped'})
                loop.until('20 unknown: bounce', f'{UART} unknown: bounce')
                loop.end()


class InDom0(InGuest):
    domid = 0

    def test_loops_without_xenstored(self):
        """It is told at once that nothing is known, and goes on by itself."""
        for name in LOOPS:
            with self.subTest(name):
                self.publish_two()
                loop = Loop(self, name)
                loop.until('20 protected: plain DMA', f'{UART} relaxed: bounce')
                self.rig.kill()
                loop.until('20 unknown: bounce', f'{UART} unknown: bounce')
                self.rig.restart()
                self.begin()
                self.publish_two()
                loop.until(f'{UART} relaxed: bounce')
                loop.end()

    def test_no_xenstore(self):
        self.rig.kill()
        self.assertEqual(self.one_read(NIC_SBDF, self.env()), (1, ''))
