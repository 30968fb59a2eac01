# SPDX-License-Identifier: MIT
"""Runs one test file against one xenstored: run.py TEST_FILE c|ocaml [TEST…]"""
import os
import sys
import unittest

import rig


def main():
    name, kind, *chosen = sys.argv[1:]
    if kind not in rig.KINDS:
        sys.exit(f'{kind} is no xenstored')
    os.environ['RIG_KIND'] = kind
    module = os.path.splitext(os.path.basename(name))[0]
    suite = unittest.defaultTestLoader.loadTestsFromNames(
        [f'{module}.{test}' for test in chosen] or [module])
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


main()
