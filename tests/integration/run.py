# SPDX-License-Identifier: MIT
"""Runs one test file against one xenstored: run.py TEST_FILE c|ocaml [TEST…]

With RIG_FAILFAST in the environment it ends at the first failure.
"""
import os
import signal
import sys
import unittest

import rig


class Result(unittest.TextTestResult):
    """Shows the programs' messages with each failure, while they are still there."""

    def show_logs(self, test):
        logs = getattr(test, 'logs', None)
        if logs:
            self.stream.writeln(f'\n--- {test.id()}\n{logs()}\n---')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.show_logs(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.show_logs(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.show_logs(test)


def main():
    name, kind, *chosen = sys.argv[1:]
    if kind not in rig.KINDS:
        sys.exit(f'{kind} is no xenstored')
    os.environ['RIG_KIND'] = kind
    # A shell has its background jobs ignore these, and what a test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    module = os.path.splitext(os.path.basename(name))[0]
    suite = unittest.defaultTestLoader.loadTestsFromNames(
        [f'{module}.{test}' for test in chosen] or [module])
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result,
                                     failfast='RIG_FAILFAST' in os.environ).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


main()
