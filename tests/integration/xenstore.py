# SPDX-License-Identifier: MIT
"""A XenStore client that speaks the wire protocol over a unix socket."""
import collections
import errno
import os
import select
import socket
import struct
import time

from waiting import BOUND

HEADER = struct.Struct('=IIII')  # type, request id, transaction id, length of the body
PAYLOAD_MAX = 4096

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TRANSACTION_START, TRANSACTION_END, INTRODUCE,
 RELEASE, GET_DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS, WATCH_EVENT, ERROR, IS_DOMAIN_INTRODUCED,
 RESUME, SET_TARGET) = range(20)
DIRECTORY_PART = 22


class StoreError(OSError):
    """An error that xenstored answered; errno says which."""

    def __init__(self, name, what):
        code = getattr(errno, name, errno.EIO)
        super().__init__(code, os.strerror(code), what)
        self.name = name


def pack(kind, request_id, transaction, body):
    return HEADER.pack(kind, request_id, transaction, len(body)) + body


class Messages:
    """Cuts a stream of bytes into messages (kind, request id, transaction, body)."""

    def __init__(self):
        self.bytes = bytearray()

    def feed(self, data):
        self.bytes += data
        while len(self.bytes) >= HEADER.size:
            kind, request_id, transaction, length = HEADER.unpack_from(self.bytes)
            if len(self.bytes) < HEADER.size + length:
                return
            body = bytes(self.bytes[HEADER.size:HEADER.size + length])
            del self.bytes[:HEADER.size + length]
            yield kind, request_id, transaction, body


class Operations:
    """The operations that work inside a transaction and outside."""

    def request(self, kind, body):
        raise NotImplementedError

    def read(self, path):
        """The value, or None where there is no such node."""
        try:
            return self.request(READ, _text(path)).decode('latin-1')
        except StoreError as error:
            if error.errno == errno.ENOENT:
                return None
            raise

    def write(self, path, value):
        self.request(WRITE, _text(path) + str(value).encode('latin-1'))

    def mkdir(self, path):
        self.request(MKDIR, _text(path))

    def remove(self, path):
        """Removes a node and what is below; one that is not there is no error."""
        try:
            self.request(RM, _text(path))
        except StoreError as error:
            if error.errno != errno.ENOENT:
                raise

    def perms(self, path):
        """Permissions as people write them: 'n0,r1'."""
        return ','.join(_split(self.request(GET_PERMS, _text(path))))

    def set_perms(self, path, perms):
        self.request(SET_PERMS, _text(path) + b''.join(_text(p) for p in perms.split(',')))

    def list(self, path):
        """The names of the children, sorted; an empty list where there is no such node."""
        try:
            return sorted(_split(self.request(DIRECTORY, _text(path))))
        except StoreError as error:
            if error.errno == errno.ENOENT:
                return []
            if error.errno == errno.E2BIG:
                return sorted(self._list_in_parts(path))
            raise

    def _list_in_parts(self, path):
        while True:
            names, offset, first = [], 0, None
            while True:
                part = self.request(DIRECTORY_PART, _text(path) + _text(str(offset)))
                generation, _, rest = part.partition(b'\0')
                if first not in (None, generation):
                    break
                first = generation
                names += _split(rest)
                if rest.endswith(b'\0\0') or rest in (b'', b'\0'):
                    return names
                offset += len(rest)

    def tree(self, path):
        """Every node below path that has a value, or no children: {relative path: value}."""
        found = {}
        todo = ['']
        while todo:
            relative = todo.pop()
            for name in self.list(path + relative):
                below = relative + '/' + name
                value = self.read(path + below)
                if value is None:
                    continue
                todo.append(below)
                if value:
                    found[below[1:]] = value
        return found

    def nodes(self, path):
        """Path itself and every node below."""
        found = [path]
        for name in self.list(path):
            found += self.nodes(path.rstrip('/') + '/' + name)
        return found


class Transaction(Operations):
    def __init__(self, store, number):
        self.store = store
        self.number = number

    def request(self, kind, body):
        return self.store.request(kind, body, self.number)

    def end(self, commit):
        self.request(TRANSACTION_END, b'T\0' if commit else b'F\0')


class Store(Operations):
    """One connection. Not for several threads."""

    def __init__(self, path, timeout=BOUND):
        self.timeout = timeout
        self.last_id = 0
        self.messages = Messages()
        self.events = collections.deque()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive(self, deadline):
        """Messages that arrived; none when the time is over."""
        left = max(0, deadline - time.monotonic())
        if not select.select([self.socket], [], [], left)[0]:
            return []
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError('xenstored closed the connection')
        return list(self.messages.feed(data))

    def request(self, kind, body, transaction=0):
        self.last_id += 1
        self.socket.sendall(pack(kind, self.last_id, transaction, body))
        deadline = time.monotonic() + self.timeout
        answer = None
        while answer is None:
            if time.monotonic() > deadline:
                raise TimeoutError('xenstored does not answer')
            for message in self._receive(deadline):
                if message[0] == WATCH_EVENT:
                    self.events.append(tuple(_split(message[3])))
                elif message[1] == self.last_id:
                    answer = message
        if answer[0] == ERROR:
            raise StoreError(answer[3].rstrip(b'\0').decode(), body[:100])
        return answer[3]

    def atomically(self, function):
        """Runs function(transaction) until it commits without a conflict."""
        for _ in range(100):
            number = int(self.request(TRANSACTION_START, b'\0').rstrip(b'\0'))
            transaction = Transaction(self, number)
            try:
                result = function(transaction)
            except BaseException:
                transaction.end(False)
                raise
            try:
                transaction.end(True)
                return result
            except StoreError as error:
                if error.errno != errno.EAGAIN:
                    raise
        raise TimeoutError('a hundred conflicts in a row')

    def watch(self, path, token=None):
        """Watches a path, and takes the event that every new watch gets."""
        self.request(WATCH, _text(path) + _text(token or path))
        first = self.next_event(self.timeout)
        if first is None:
            raise TimeoutError('no event for a new watch')

    def unwatch(self, path, token=None):
        self.request(UNWATCH, _text(path) + _text(token or path))

    def next_event(self, timeout):
        """The next (path, token), or None when none came in time."""
        deadline = time.monotonic() + timeout
        while not self.events:
            if time.monotonic() > deadline:
                return None
            for message in self._receive(deadline):
                if message[0] == WATCH_EVENT:
                    self.events.append(tuple(_split(message[3])))
        return self.events.popleft()

    def take_events(self):
        """The paths of all events that xenstored sent before it answered the last request."""
        self.request(GET_DOMAIN_PATH, _text('0'))  # what was fired before comes before the answer
        paths = [event[0] for event in self.events]
        self.events.clear()
        return paths

    def introduce(self, domid, frame, port):
        self.request(INTRODUCE, _text(str(domid)) + _text(str(frame)) + _text(str(port)))

    def release(self, domid):
        self.request(RELEASE, _text(str(domid)))

    def is_introduced(self, domid):
        return self.request(IS_DOMAIN_INTRODUCED, _text(str(domid))).startswith(b'T')


def _text(text):
    return text.encode('latin-1') + b'\0'


def _split(body):
    return [part.decode('latin-1') for part in body.split(b'\0') if part]
