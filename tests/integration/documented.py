# SPDX-License-Identifier: MIT
"""Every node that the daemon writes is one that docs/xenstore-iommu.pandoc describes, with a value
and with permissions that it describes."""
import functools
import os
import sys

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.append(os.path.join(SOURCES, 'tests', 'docs'))

import paths  # noqa: E402


@functools.lru_cache(maxsize=None)
def entries():
    with open(os.path.join(SOURCES, 'docs', 'xenstore-iommu.pandoc'), encoding='utf-8') as file:
        return paths.read(file.read())


def objections(changes):
    """What is wrong with these changes, a text each."""
    found = []
    for change in changes:
        if change.what == 'write':
            found.append(paths.objection(entries(), change.path, change.value))
        elif change.what == 'perms':
            perms = [word for word in change.value.split('\0') if word]
            found.append(paths.perms_objection(entries(), change.path, perms))
    return [text for text in found if text]


def check(case, commits):
    """Fails the test case for every change in these commits that is not as described."""
    found = sorted({text for changes in commits for text in objections(changes)})
    case.assertFalse(found, 'not as in docs/xenstore-iommu.pandoc:\n' + '\n'.join(found))
