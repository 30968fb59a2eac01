# SPDX-License-Identifier: MIT
"""Sits between a program and xenstored, and keeps every request with its answer, in order."""
import collections
import contextlib
import os
import select
import selectors
import socket
import struct
import threading
import time
import typing

import xenstore
from waiting import BOUND, wait_until

CHANGES = {xenstore.WRITE: 'write', xenstore.MKDIR: 'mkdir', xenstore.RM: 'rm',
           xenstore.SET_PERMS: 'perms'}


class Request(typing.NamedTuple):
    connection: int
    kind: int
    transaction: int
    body: bytes
    answer: bytes
    error: str  # '' for none
    sent: int      # when it went on to xenstored, in ns as of time.monotonic_ns()
    answered: int  # when the answer came

    @property
    def path(self):
        return self.body.partition(b'\0')[0].decode('latin-1')

    @property
    def value(self):
        return self.body.partition(b'\0')[2].decode('latin-1')


class Change(typing.NamedTuple):
    what: str  # write, mkdir, rm or perms
    path: str
    value: str


class Commit(typing.NamedTuple):
    """Changes that took effect together, between sent and answered."""
    connection: int
    changes: list  # of Change
    sent: int
    answered: int
    position: int  # of the request that ended it, in requests()


class Rule:
    """What to do with requests of a kind, the next count of them; path: only on this one;
    connection: only over this one."""

    def __init__(self, kind, path, count, error, connection=None):
        self.connection = connection
        self.kind = kind
        self.path = path
        self.count = count
        self.error = error  # None: stop the request and all that follow it
        self.met = threading.Event()

    def applies(self, connection, kind, body, _transaction):
        path = body.partition(b'\0')[0].decode('latin-1')
        if self.connection not in (None, connection) or kind != self.kind or self.path not in (None, path) or self.count == 0:
            return False
        if self.count is not None:
            self.count -= 1
        self.met.set()
        return True


class StepRule:
    """Stops a connection at the number-th step that changes a tree: a request that changes it, or the
    commit of a transaction that did."""
    error = None

    def __init__(self, root, number):
        self.root = root
        self.left = number
        self.inside = set()  # transactions that changed the tree
        self.met = threading.Event()

    def applies(self, _connection, kind, body, transaction):
        path = body.partition(b'\0')[0].decode('latin-1')
        if kind in CHANGES and (path + '/').startswith(self.root + '/'):
            self.inside.add(transaction)
        elif kind == xenstore.TRANSACTION_END and transaction in self.inside:
            self.inside.discard(transaction)
            if body != b'T\0':
                return False
        else:
            return False
        self.left -= 1
        if self.left == -1:
            self.met.set()
        return self.left == -1


class Link:
    """One client's connection and ours to xenstored."""

    def __init__(self, number, client, server):
        self.number = number
        self.client = client
        self.server = server
        self.from_client = xenstore.Messages()
        self.from_server = xenstore.Messages()
        self.pending = {}  # request id: (kind, transaction, body, error to answer, when it was sent)
        self.stopped = None  # messages that wait, while a request is held
        self.withheld = None  # what xenstored sent and the client is not to have yet
        self.deserted = False  # the client is gone; what it asked for is still to be answered
        credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.pid = struct.unpack('3i', credentials)[0]

    def close(self):
        self.client.close()
        self.server.close()


class StoreTap(threading.Thread):
    def __init__(self, path, upstream):
        super().__init__(daemon=True)
        self.path = path
        self.upstream = upstream
        self.history = []
        self.rules = []
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.links = []
        self.links_made = 0
        self.ended = False
        self.flood = None  # a link, and what its client gets without end
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(16)
        self.wake, self.control = socket.socketpair()
        self.orders = collections.deque()  # what the thread shall do, and the event that tells
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self.wake, selectors.EVENT_READ, self._obey)
        self.start()

    def stop(self):
        self.control.send(b'x')
        self.join()
        for link in list(self.links):
            link.close()
        for sock in (self.listener, self.wake, self.control):
            sock.close()
        self.selector.close()
        os.unlink(self.path)

    def run(self):
        while not self.ended:
            for key, _ in self.selector.select(0 if self.flood else None):
                key.data()
            if self.flood:
                self._pour()

    def _pour(self):
        """As many events as the client takes, and a bit more at each turn."""
        link, events = self.flood
        if link in self.links and select.select([], [link.client], [], 0)[1]:
            self._send(link, link.client, events)

    def _obey(self):
        order = self.wake.recv(1)
        if order == b'x':
            self.ended = True
            return
        if order == b'o':
            function, done = self.orders.popleft()
            function()
            done.set()
            return
        for link in list(self.links):
            waiting, link.stopped = link.stopped or [], None
            for message in waiting:
                self._forward(link, *message)

    def _accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self.upstream)
        except OSError:  # xenstored is down: so are we
            client.close()
            server.close()
            return
        link = Link(self.links_made, client, server)
        self.links_made += 1
        self.links.append(link)
        self.selector.register(client, selectors.EVENT_READ, lambda: self._from_client(link))
        self.selector.register(server, selectors.EVENT_READ, lambda: self._from_server(link))

    def _drop(self, link):
        if link not in self.links:
            return
        self.links.remove(link)
        if not link.deserted:
            self.selector.unregister(link.client)
        self.selector.unregister(link.server)
        link.close()

    def _desert(self, link):
        """The client is gone. What it has asked for takes effect all the same, and is history."""
        if not link.pending:
            self._drop(link)
        elif not link.deserted:
            self.selector.unregister(link.client)
            link.deserted = True
            if link.stopped is not None:
                link.stopped = []

    def _read(self, link, sock):
        """What arrived, or nothing when the link is gone."""
        if link not in self.links:
            return b''
        try:
            data = sock.recv(65536)
        except OSError:
            data = b''
        if not data:
            self._lose(link, sock)
        return data

    def _lose(self, link, sock):
        if sock is link.client:
            self._desert(link)
        else:
            self._drop(link)

    def _send(self, link, sock, data):
        if link.deserted and sock is link.client:
            return
        try:
            sock.sendall(data)
        except OSError:
            self._lose(link, sock)

    def _from_client(self, link):
        data = self._read(link, link.client)
        for message in link.from_client.feed(data):
            if link.stopped is None:
                self._forward(link, *message)
            else:
                link.stopped.append(message)

    def _forward(self, link, kind, number, transaction, body):
        if link.stopped is not None:
            link.stopped.append((kind, number, transaction, body))
            return
        rule = self._rule(link.number, kind, body, transaction)
        if rule and rule.error is None:
            link.stopped = [(kind, number, transaction, body)]
            return
        error = rule.error if rule else ''
        link.pending[number] = (kind, transaction, body, error, time.monotonic_ns())
        if error and kind != xenstore.TRANSACTION_END:
            self._answer(link, number, transaction)
            return
        sent = b'F\0' if error else body  # a commit that fails leaves no open transaction
        self._send(link, link.server, xenstore.pack(kind, number, transaction, sent))

    def _answer(self, link, number, transaction):
        """Answers with the injected error."""
        error = link.pending[number][3]
        self._note(link, number, b'', error)
        self._send(link, link.client, xenstore.pack(xenstore.ERROR, number, transaction,
                                                    error.encode() + b'\0'))

    def _from_server(self, link):
        data = self._read(link, link.server)
        for kind, number, transaction, body in link.from_server.feed(data):
            if kind != xenstore.WATCH_EVENT:
                if link.pending[number][3]:
                    self._answer(link, number, transaction)
                    continue
                error = body.rstrip(b'\0').decode() if kind == xenstore.ERROR else ''
                self._note(link, number, body, error)
            self._deliver(link, xenstore.pack(kind, number, transaction, body))
        if link.deserted and not link.pending:
            self._drop(link)

    def _deliver(self, link, message):
        if link.withheld is None:
            self._send(link, link.client, message)
        else:
            link.withheld.append(message)

    def _note(self, link, number, answer, error):
        kind, transaction, body, _, sent = link.pending.pop(number)
        with self.lock:
            self.history.append(Request(link.number, kind, transaction, body, answer, error, sent,
                                        time.monotonic_ns()))

    # interference

    def inject(self, kind, error, path=None, count=None, connection=None):
        """Makes requests of a kind fail, the next count of them; path: only on this one; connection:
        only over this one."""
        with self.lock:
            self.rules.append(Rule(kind, path, count, error, connection))

    @contextlib.contextmanager
    def held(self, kind, trigger, path=None):
        """Runs trigger() and stops the next such request on its way while the body runs."""
        rule = Rule(kind, path, 1, None)
        with self.lock:
            self.rules.append(rule)
        try:
            trigger()
            if not rule.met.wait(BOUND):
                raise AssertionError(f'waited {BOUND} s in vain for a request of kind {kind}')
            yield
        finally:
            self.clear()
            self.control.send(b'r')

    @contextlib.contextmanager
    def held_at_step(self, root, number, trigger, is_over):
        """Runs trigger() and stops the number-th step, from 0 on, that changes the tree at root, while
        the body runs. Gives False when there are not so many: when is_over() comes first."""
        rule = StepRule(root, number)
        with self.lock:
            self.rules.append(rule)
        try:
            trigger()
            wait_until(lambda: rule.met.is_set() or is_over(), f'step {number} at {root}')
            yield rule.met.is_set()
        finally:
            self.clear()
            self.control.send(b'r')

    @contextlib.contextmanager
    def flooded(self, watched, path):
        """While the body runs, the client is told without end that something at a path changed that
        is below one it watches."""
        number, token = next((request.connection, request.value.rstrip('\0'))
                             for request in reversed(self.requests())
                             if request.kind == xenstore.WATCH and request.path == watched)
        event = xenstore.pack(xenstore.WATCH_EVENT, 0, 0, f'{path}\0{token}\0'.encode())

        def turn(flood):
            self.flood = flood
        self._order(lambda: turn((self._link(number), event * 200)))
        try:
            yield
        finally:
            self._order(lambda: turn(None))

    def cut(self):
        """Cuts every connection."""
        def drop():
            for link in list(self.links):
                self._drop(link)
        self._order(drop)

    def _order(self, function):
        """Has the thread run function()."""
        done = threading.Event()
        self.orders.append((function, done))
        self.control.send(b'o')
        if not done.wait(BOUND):
            raise AssertionError('the tap does not obey')

    def withhold(self, number):
        """From now on, what xenstored sends over a connection stays here, in order."""
        def begin():
            self._link(number).withheld = []
        self._order(begin)

    def withheld(self, number):
        """How many messages of a connection are here; None: nothing is withheld."""
        messages = self._link(number).withheld
        return None if messages is None else len(messages)

    def pass_on(self, number, count):
        """Gives the client the first ones."""
        def send():
            link = self._link(number)
            for message in link.withheld[:count]:
                self._send(link, link.client, message)
            del link.withheld[:count]
        self._order(send)

    def pass_on_all(self, number):
        """Gives the client everything, and withholds nothing from then on."""
        def send():
            link = self._link(number)
            messages, link.withheld = link.withheld, None
            for message in messages:
                self._send(link, link.client, message)
        self._order(send)

    def _link(self, number):
        return next(link for link in self.links if link.number == number)

    def clear(self):
        """Ends all interference."""
        with self.lock:
            self.rules.clear()

    def _rule(self, *request):
        with self.lock:
            for rule in self.rules:
                if rule.applies(*request):
                    return rule
        return None

    # what was done

    def wait_gone(self, pids):
        """Waits until all that these processes asked for before they ended is in the history."""
        wait_until(lambda: not any(link.pid in pids for link in list(self.links)),
                   'the answers to those that are gone')

    def requests(self):
        with self.lock:
            return list(self.history)

    def commits(self):
        """What took effect: a list of lists of Change, one for each transaction."""
        return [commit.changes for commit in commits_of(self.requests())]


def commits_of(requests):
    """What took effect of these requests: a Commit for each transaction that changed anything, and
    for each change outside of one."""
    done, inside = [], {}
    for position, request in enumerate(requests):
        key = (request.connection, request.transaction)
        changes = []
        if request.error:
            if request.kind == xenstore.TRANSACTION_END:
                inside.pop(key, None)
        elif request.kind == xenstore.TRANSACTION_START:
            inside[(request.connection, int(request.answer.rstrip(b'\0')))] = []
        elif request.kind == xenstore.TRANSACTION_END:
            ended = inside.pop(key)
            changes = ended if request.body.startswith(b'T') else []
        elif request.kind in CHANGES:
            change = Change(CHANGES[request.kind], request.path, request.value)
            (inside[key] if request.transaction else changes).append(change)
        if changes:
            done.append(Commit(request.connection, changes, request.sent, request.answered,
                               position))
    return done
