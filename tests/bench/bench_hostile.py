# SPDX-License-Identifier: MIT
"""How much longer others wait while a guest does its worst: the time from an event to the guest that
it is about, beside the same in a quiet moment right before. What xenstored itself is kept from shows
in a bare write of dom0's that the guest waits for."""
import statistics

from attacker import STEPS, Attacker

HOSTILE = 2


def compare(what, loud, quiet):
    loud_us, quiet_us = statistics.median(loud), statistics.median(quiet)
    print(f'    {what:<42} {loud_us:10.0f} us   quiet {quiet_us:7.0f} us   '
          f'ratio {loud_us / quiet_us:6.2f}   (n={len(loud)})', flush=True)


def bench_hostile(machine, measures):
    """measures: what is measured, and a function that gives its times, for domain 1's device. Domain
    2 has one, too, and does what it can."""
    for name in STEPS:
        quiet = {what: measure() for what, measure in measures.items()}
        with Attacker(machine.rig.guest(HOSTILE), name) as attacker:
            loud = {what: measure() for what, measure in measures.items()}
        print(f'  a guest that does {name}: {attacker.rounds} times, {attacker.refused} refused')
        for what in measures:
            compare(what, loud[what], quiet[what])
