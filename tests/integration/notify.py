# SPDX-License-Identifier: MIT
"""The service manager's end of sd_notify()."""
import socket
import threading


class NotifySocket(threading.Thread):
    """Always reads, so that nobody who notifies has to wait."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.lock = threading.Lock()
        self.lines = []
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.start()

    def run(self):
        while True:
            message = self.socket.recv(4096).decode()
            if message == 'close':
                return
            with self.lock:
                self.lines += message.splitlines()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b'close', self.path)
        self.join()
        self.socket.close()

    def forget(self):
        """What was said before does not count any more."""
        with self.lock:
            self.lines.clear()

    def has(self, line):
        with self.lock:
            return line in self.lines
