# SPDX-License-Identifier: MIT
"""Reads the text that `dtc -I dtb -O dts` writes: nodes, and each property's bytes."""
import re

TOKEN = re.compile(r'''
    \s+ | (?P<tag>/dts-v1/|/memreserve/[^;]*) |
    (?P<string>"(?:[^"\\]|\\.)*") | (?P<cells><[^>]*>) | (?P<bytes>\[[^\]]*\]) |
    (?P<punctuation>[{}=;]|,(?=\s)) | (?P<name>/(?=\s)|[^\s{}=;"<>\[\]/]+)
''', re.VERBOSE)

ESCAPE = re.compile(r'\\(x[0-9a-f]{2}|.)', re.DOTALL)
NAMED = {'a': '\a', 'b': '\b', 't': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r', '0': '\0'}


class Node:
    def __init__(self, name, parent):
        self.name = name
        self.parent = parent
        self.children = []
        self.properties = {}

    def path(self):
        if self.parent is None:
            return '/'
        return (self.parent.path() if self.parent.parent else '') + '/' + self.name

    def walk(self):
        """The node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def has(self, name):
        return name in self.properties

    def cells(self, name):
        """The property as big-endian 32-bit numbers; [] where it is absent."""
        value = self.properties.get(name, b'')
        if len(value) % 4:
            raise ValueError(f'{self.path()}: {name}: {len(value)} bytes')
        return [int.from_bytes(value[i:i + 4], 'big') for i in range(0, len(value), 4)]

    def cell(self, name):
        """A property of one number; None where it is absent."""
        if not self.has(name):
            return None
        (value,) = self.cells(name)
        return value

    def strings(self, name):
        value = self.properties.get(name, b'')
        if not value:
            return []
        if value[-1:] != b'\0':
            raise ValueError(f'{self.path()}: {name}: no string')
        return value[:-1].decode('latin-1').split('\0')


def unescape(match):
    code = match.group(1)
    return chr(int(code[1:], 16)) if code[0] == 'x' else NAMED.get(code, code)


def value_of(token):
    """The bytes that one piece of a property's value stands for."""
    if token.lastgroup == 'string':
        return ESCAPE.sub(unescape, token.group()[1:-1]).encode('latin-1') + b'\0'
    words = token.group()[1:-1].split()
    if token.lastgroup == 'cells':
        return b''.join(int(word, 16).to_bytes(4, 'big') for word in words)
    return bytes.fromhex(''.join(words))


def tokens(text):
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise ValueError(f'not understood: {text[position:position + 60]!r}')
        position = match.end()
        if match.lastgroup not in (None, 'tag'):
            yield match


def parse(text):
    """The root of the tree in text."""
    root = node = None
    name, value = None, b''
    for token in tokens(text):
        word = token.group()
        if token.lastgroup == 'name':
            name, value = word, b''
        elif token.lastgroup != 'punctuation':
            value += value_of(token)
        elif word == '{':
            child = Node(name, node)
            if node:
                node.children.append(child)
            root, node, name = root or child, child, None
        elif word == '}':
            node = node.parent
        elif word == ';' and name is not None:
            node.properties[name] = value
            name = None
    if root is None or node is not None:
        raise ValueError('no whole tree')
    return root
