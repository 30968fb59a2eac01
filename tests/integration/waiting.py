# SPDX-License-Identifier: MIT
"""Waiting for conditions, never for time."""
import time

BOUND = 60  # seconds; only a broken program reaches it, however busy the machine
PAUSE = 0.004


def wait_until(condition, what, bound=BOUND):
    """Waits until condition() is true and returns its value. Fails when it is not within bound."""
    deadline = time.monotonic() + bound
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {bound} s in vain for {what}')
        time.sleep(PAUSE)
