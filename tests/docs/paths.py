# SPDX-License-Identifier: MIT
"""Reads a document in the notation of Xen's xenstore-paths (PATH = VALUES [TAGS]), and tells
whether a node is one that it describes."""
import re
import typing

TAGS = {'w', 'n', 'HVM', 'PV', 'BACKEND', 'INTERNAL', 'DEPRECATED'}
WILDCARDS = {'~': r'/local/domain/[0-9]+', '$DEVID': r'[0-9]+', '$DOMID': r'[0-9]+',
             '$INDEX': r'[0-9]+',
             '$UUID': r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'}
VALUES = {'PATH': r'/[A-Za-z0-9/_@.+-]*', 'STRING': r'.*', 'INTEGER': r'[0-9]+', 'MEMKB': r'[0-9]+',
          'EVTCHN': r'[0-9]+', 'GNTREF': r'[0-9]+'}

HEADING = re.compile(r'#{3,4} (?=[~/])(?P<path>\S+)(?: = (?P<values>.+?))? +'
                     r'\[(?P<tags>[A-Za-z,]*)\]$')
TOKEN = re.compile(r'"(?P<literal>[^"]*)"|(?P<name>[A-Z_]+)|(?P<sign>[()|])| +')


class NotationError(Exception):
    pass


class Entry(typing.NamedTuple):
    heading: str
    path: str  # as written
    pattern: re.Pattern  # of absolute paths
    values: typing.Optional[str]  # as written; None: any, below PATH/*
    value: typing.Optional[re.Pattern]
    tags: frozenset

    @property
    def literals(self):
        return re.findall(r'"([^"]*)"', self.values or '')


def read(text):
    """The document's entries, in order."""
    entries = []
    for line in text.splitlines():
        if re.match(r'#{3,4} [~/]', line):
            entries.append(_entry(line))
    return entries


def _entry(line):
    match = HEADING.match(line)
    if not match:
        raise NotationError(f'not PATH = VALUES [TAGS]: {line}')
    path, values = match['path'], match['values']
    if (values is None) != path.endswith('/*'):
        raise NotationError(f'PATH/* and no other path goes without values: {line}')
    tags = frozenset(filter(None, match['tags'].split(',')))
    if tags - TAGS:
        raise NotationError(f'no tag of xenstore-paths: {", ".join(sorted(tags - TAGS))}: {line}')
    value = _values(values, line) if values else None
    return Entry(line, path, _pattern(path), values, value, tags)


def _pattern(path):
    expression = path[:-1] + '.+' if path.endswith('/*') else path
    if '~' in expression[1:]:
        raise NotationError(f'~ stands at the beginning only: {path}')
    for name, meaning in WILDCARDS.items():
        expression = expression.replace(name, meaning)
    try:
        return re.compile(expression)
    except re.error as error:
        raise NotationError(f'{path}: {error}') from None


def _values(values, line):
    if re.search(r'[(|]\s*[|)]|^\s*\||\|\s*$', values):
        raise NotationError(f'an alternative is missing: {line}')
    expression, at, open_ones = '', 0, 0
    while at < len(values):
        token = TOKEN.match(values, at)
        if not token:
            raise NotationError(f'"{values[at:]}" is no value: {line}')
        at = token.end()
        if token['literal'] is not None:
            expression += re.escape(token['literal'])
        elif token['name']:
            if token['name'] not in VALUES:
                raise NotationError(f'{token["name"]} is not defined: {line}')
            expression += VALUES[token['name']]
        elif token['sign']:
            open_ones += {'(': 1, ')': -1, '|': 0}[token['sign']]
            expression += {'(': '(?:', ')': ')', '|': '|'}[token['sign']]
        if open_ones < 0:
            break
    if open_ones:
        raise NotationError(f'brackets do not match: {line}')
    return re.compile(f'(?:{expression})')


def objection(entries, path, value):
    """What is wrong with a node that was written, or None."""
    found = [entry for entry in entries if entry.pattern.fullmatch(path)]
    if not found:
        return f'{path} is not described'
    if not any(entry.value is None or entry.value.fullmatch(value) for entry in found):
        return f'{path} = "{value}" is none of: {"; ".join(entry.heading for entry in found)}'
    return None


def perms_objection(entries, path, perms):
    """What is wrong with the permissions that a directory was given ('n0', 'r7', ...), or None:
    dom0 alone may read what is below where that has the tag n, and else one domain, whose home it
    is in. A single node may be hidden from everybody but dom0, which is how it is taken back where
    it cannot be removed."""
    if any(entry.value and entry.pattern.fullmatch(path) for entry in entries):
        return None if perms == ['n0'] else f'{path} has {perms} of its own'
    below = [entry for entry in entries
             if entry.path.startswith(path + '/') or _in_home(path, entry)]
    hidden = {('n' in entry.tags) for entry in below}
    if len(hidden) != 1:
        return f'{path} is not described, or with several permissions'
    home = re.match(r'/local/domain/([0-9]+)/', path)
    if not home and hidden == {False}:
        return f'{path} is in no home, and has no tag n'
    allowed = [['n0']] if hidden == {True} else [['n0'], ['n0', f'r{home[1]}']]
    return None if perms in allowed else f'{path} has {perms}, and not {allowed[-1]}'


def _in_home(path, entry):
    home = re.match(r'/local/domain/[0-9]+(/.*)', path)
    return bool(home) and entry.path.startswith('~' + home[1] + '/')
