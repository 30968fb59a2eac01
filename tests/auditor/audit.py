# SPDX-License-Identifier: MIT
"""The auditor on a rig, and the test case that it judges."""
import json
import os
import signal

import rig
from case import RigCase
from waiting import wait_until

# What a busy machine may take before a claim that was true is taken back; the longest are printed.
OVERLAP_MS = int(os.environ.get('XI_OVERLAP_MS', '5000'))


class Auditor:
    """One run of the auditor."""

    def __init__(self, machine, *options):
        self.path = os.path.join(machine.folder, 'auditor.out')
        with open(self.path, 'wb') as output:
            self.process = rig.spawn(
                [os.environ['XI_AUDITOR'], '--truth', os.path.join(machine.state, 'journal'),
                 '--json', '--announce', *options],
                env=machine.env(), stdout=output, stderr=machine.log('auditor'))

    def lines(self):
        with open(self.path, encoding='utf-8') as file:
            return [json.loads(line) for line in file.read().splitlines(keepends=True)
                    if line.endswith('\n')]

    def wait_watching(self):
        wait_until(lambda: self.process.poll() is not None or self.lines(), 'the auditor to watch')

    def sync(self):
        """Everything that was published before is seen, and judged as far as it can be at once."""
        seen = len(self.lines())
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: any('swept' in line for line in self.lines()[seen:]) or
                   self.process.poll() is not None, 'the auditor to look', 120)

    def findings(self):
        return [line for line in self.lines() if 'finding' in line]

    def wait_finding(self, name):
        """Waits for a finding of this name and returns it."""
        def found():
            if self.process.poll() is not None:
                raise AssertionError(f'the auditor ended: {self.process.returncode}')
            return next((line for line in self.findings() if line['finding'] == name), None)
        return wait_until(found, f'the finding {name}')

    def stop(self):
        """Returns (the exit status, the findings, the summary)."""
        status = rig.end(self.process)
        return status, self.findings(), self.lines()[-1].get('summary')


def tell(summary):
    """The overlaps, for people."""
    told = [f'{name}: {value["count"]} times, longest {value["longest_ms"]:.1f} ms'
            f' ({value["where"]})'
            for name, value in summary['overlaps'].items() if value['count']]
    return '; '.join([f'{summary["seconds"]:.0f} s, {summary["readings"]} readings, '
                      f'{summary["unseen"]} changes not seen'] + told)


class AuditCase(RigCase):
    """Ends with the auditor silent, unless the test has ended it by itself."""
    tapped = False
    options = ('--allow-overlap-ms', str(OVERLAP_MS))

    def setUp(self):
        super().setUp()
        self.auditor = None
        self.addCleanup(self.end_auditor)
        self.hypervisor.note_daemon(False)

    def audit(self, *options):
        bridges = [word for bdf in sorted(self.host.bridges) for word in ('--bridge', bdf)]
        self.auditor = Auditor(self.rig, *bridges, *self.options, *options)
        self.auditor.wait_watching()

    def start_daemon(self):
        self.hypervisor.note_daemon(True)
        self.daemon.start()

    def kill_daemon(self):
        """It ends, and its keeper too: what is left of it is not taken back."""
        self.daemon.kill()
        self.hypervisor.note_daemon(False)

    def end_auditor(self):
        """The auditor must have nothing to say. Returns its summary."""
        if self.auditor is None:
            return None
        auditor, self.auditor = self.auditor, None
        status, findings, summary = auditor.stop()
        self.assertEqual(findings, [])
        self.assertEqual(status, 0, 'the exit status of the auditor')
        print(f'{self.id()}: {tell(summary)}', flush=True)
        return summary
