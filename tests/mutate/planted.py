# SPDX-License-Identifier: MIT
"""The lists of planted errors: README.md has their form."""
import os
import re

FIELDS = ('file', 'in', 'tests', 'equivalent', 'breaks-build')
NAME = re.compile(r'\[([a-z0-9-]+)\]')
FIELD = re.compile(r'([a-z-]+):\s*(.*)')


class ListError(Exception):
    """A list that cannot be used as it is."""


class Error:
    """One error: what is replaced where, and who should see it."""

    def __init__(self, name, place, fields):
        self.name = name
        self.place = place  # FILE:LINE of the list, for people
        self.file = fields.get('file')
        self.function = fields.get('in')
        self.tests = fields.get('tests')
        self.equivalent = fields.get('equivalent')
        self.breaks_build = fields.get('breaks-build')
        self.old = []
        self.new = []

    def check(self):
        for what, is_there in (('file:', self.file), ('tests:', self.tests),
                               ("a line that begins with '-'", any(map(str.strip, self.old)))):
            if not is_there:
                raise ListError(f'{self.place}: {self.name} has no {what}')
        if self.old == self.new:
            raise ListError(f'{self.place}: {self.name} changes nothing')

    def plant(self, text):
        """The text with the error in it. Of each line only what is between its blanks counts."""
        begin, end = self._bounds(text)
        pattern = r'[ \t]*\n[ \t]*'.join(re.escape(line.strip()) for line in self.old)
        found = list(re.finditer(pattern, text[begin:end]))
        if len(found) != 1:
            raise ListError(f'its text is there {len(found)} times' if found else
                            'its text is not there')
        start, stop = (begin + place for place in found[0].span())
        return text[:start] + '\n'.join(line.strip() for line in self.new) + text[stop:]

    def _bounds(self, text):
        """Where to look: in the whole text, or in one function's definition."""
        if not self.function:
            return 0, len(text)
        # Its name stands in a line that begins at the margin, and the body is braces at the margin.
        found = list(re.finditer(rf'^\w[^;\n]*\b{re.escape(self.function)}\([^;{{]*\n\{{.*?^\}}', text,
                                 re.MULTILINE | re.DOTALL))
        if len(found) != 1:
            raise ListError(f'{self.function}() is defined {len(found)} times')
        return found[0].span()


def read_lists(paths):
    """All errors of these files, in order."""
    errors, names = [], {}
    for path in paths:
        for error in read_list(path):
            error.check()
            if error.name in names:
                raise ListError(f'{error.place}: {error.name} is also at {names[error.name]}')
            names[error.name] = error.place
            errors.append(error)
    return errors


def read_list(path):
    defaults, errors, current = {}, [], None
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        place = f'{os.path.basename(path)}:{number}'
        if not line.strip() or line.startswith('#'):
            continue
        name, field = NAME.fullmatch(line), FIELD.fullmatch(line)
        if line == '[]':
            defaults, current = {}, None  # what follows is for the errors below it
        elif name:
            current = Error(name[1], place, defaults)
            errors.append(current)
        elif line[0] in '-+' and current:
            (current.old if line[0] == '-' else current.new).append(line[1:])
        elif field and field[1] in FIELDS:
            take_field(defaults, current, *field.groups())
        else:
            raise ListError(f'{place}: not understood: {line}')
    return errors


def take_field(defaults, current, name, value):
    if current is None:
        defaults[name] = value
        return
    attribute = {'in': 'function'}.get(name, name.replace('-', '_'))
    setattr(current, attribute, value)
