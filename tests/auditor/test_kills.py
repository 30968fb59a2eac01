# SPDX-License-Identifier: MIT
"""Killed at any moment of a busy time, and started again: the auditor has nothing to say.

XI_KILLS says how often, XI_SEED which moments. Where the daemon has no parent of its own that takes
back what it said, this test is it, as a service manager would be.
"""
import os
import random
import signal
import time

import rig
from audit import AuditCase
from busy import Busy
from waiting import wait_until

KILLS = int(os.environ.get('XI_KILLS', '30'))
SEED = int(os.environ.get('XI_SEED', '1'))
LONGEST = 0.5  # s that a daemon lives


def children(pid):
    """The process IDs of a process' children, oldest first; none where it is gone."""
    try:
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def is_free(path):
    """Whether nobody holds a lock on this file: no process of the daemon's is left."""
    try:
        inode = os.stat(path).st_ino
    except FileNotFoundError:
        return True
    with open('/proc/locks', encoding='ascii') as file:
        return not any(word.endswith(f':{inode}') for line in file for word in line.split())


class Kills(AuditCase):
    def test_at_random_moments(self):
        print(f'XI_SEED={SEED} XI_KILLS={KILLS}', flush=True)
        chance = random.Random(SEED)
        self.audit()
        busy = Busy(self.toolstack, self.host, SEED, self.reload)
        busy.start()
        try:
            for _ in range(KILLS):
                self.hypervisor.note_daemon(True)
                self.daemon.launch()
                time.sleep(chance.uniform(0, LONGEST))
                busy.check()
                self.daemon.check_alive()
                self.assertEqual(self.auditor.findings(), [])
                self.kill(chance.choice((self.kill_worker, self.kill_all)))
        finally:
            busy.end()
        print(f'{busy.operations} operations', flush=True)
        self.start_daemon()
        self.auditor.sync()

    def reload(self):
        process = self.daemon.process
        if process is not None and self.daemon.notify.has('READY=1'):
            process.send_signal(signal.SIGHUP)

    def kill(self, how):
        if how(self.daemon.process):
            self.assertNotIn('ready', [self.status(), self.status(0)])
        wait_until(lambda: is_free(self.daemon.config['lock-file']), 'all of it to end')
        self.hypervisor.note_daemon(False)
        done = self.daemon.run('--withdraw')
        self.assertEqual(done.returncode, 0, done.stderr)

    @staticmethod
    def kill_worker(process):
        """The daemon, and not the keeper, which takes everything back and ends by itself then. Returns
        whether there was one."""
        workers = children(process.pid)
        if workers:
            os.kill(workers[-1], signal.SIGKILL)
            process.wait(60)
        else:
            rig.end(process, signal.SIGKILL)
        return bool(workers)

    @staticmethod
    def kill_all(process):
        """The keeper, then the daemon. Nobody is left to take anything back."""
        workers = children(process.pid)
        rig.end(process, signal.SIGKILL)
        for worker in workers:
            try:
                os.kill(worker, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has seen that the keeper is gone
        return False
