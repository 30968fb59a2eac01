# SPDX-License-Identifier: MIT
"""Runs the stress program against a real xenstored: run.py c|ocaml HANDLES SECONDS"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'integration'))

import rig as rigs  # noqa: E402  pylint: disable=wrong-import-position

BOUND = 240  # seconds; only a hang reaches it


def main():
    kind, handles, seconds = sys.argv[1:]
    rig = rigs.Rig(kind)
    try:
        rig.start()
        rig.store().write('/local/domain/0/name', 'Domain-0')
        done = subprocess.run([os.environ['XI_STRESS'], handles, seconds], env=rig.env(),
                              check=False, timeout=BOUND)
        sys.exit(done.returncode)
    finally:
        rig.stop()


main()
