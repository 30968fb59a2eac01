# SPDX-License-Identifier: MIT
"""Runs xen-iommud on a rig."""
import contextlib
import os
import shutil
import signal
import subprocess

import acpi
import rig
from notify import NotifySocket
from tap import StoreTap
from waiting import BOUND, wait_until

HOST_TREE = '/tool/xen-iommud'
RECHECK = 0.1  # seconds


class Daemon:
    """One installation of the daemon: started, ended and started again as a service would be."""

    def __init__(self, machine, host, tapped=True):
        """tapped: everything between it and xenstored is kept in self.tap."""
        self.rig = machine
        self.host = host
        self.process = None
        self.config = {'lock-file': os.path.join(machine.folder, 'lock'),
                       'recheck-interval': RECHECK}
        self.config_file = os.path.join(machine.folder, 'xen-iommud.conf')
        self.sysroot = os.path.join(machine.folder, 'root')
        self.options = []
        self.extra_env = {}
        self.notify = NotifySocket(os.path.join(machine.folder, 'notify'))
        self.tap = None
        if tapped:
            self.tap = StoreTap(os.path.join(machine.folder, 'tap'), machine.socket())
        self.set_tables(RMAD=acpi.DMAR_ALL)

    def set_tables(self, **tables):
        """The ACPI tables that dom0 sees, by name."""
        folder = os.path.join(self.sysroot, 'sys/firmware/acpi/tables')
        shutil.rmtree(folder, ignore_errors=True)
        self.save_tables(folder, **tables)

    @staticmethod
    def save_tables(folder, **tables):
        os.makedirs(folder)
        for name, content in tables.items():
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(content)

    # programs

    def env(self):
        env = {**self.rig.env(), **self.host.env(), 'LD_LIBRARY_PATH': rig.built('lib'),
               'NOTIFY_SOCKET': self.notify.path}
        if self.tap:
            env['XENSTORED_PATH'] = self.tap.path
        # umockdev's library comes before the sanitizer's, which is harmless
        options = [env.get('ASAN_OPTIONS', ''), 'verify_asan_link_order=0']
        env['ASAN_OPTIONS'] = ':'.join(filter(None, options))
        return {**env, **self.extra_env}

    def command(self, *options):
        with open(self.config_file, 'w', encoding='ascii') as file:
            for name, value in self.config.items():
                file.write(f'{name} = {value}\n')
        return [os.environ['XI_DAEMON'], '--config', self.config_file, '--sysroot', self.sysroot,
                *self.options, *options]

    def run(self, *options):
        """Runs it to its end with these options. Returns the finished process with its output."""
        return self.run_bare(*self.command(*options))

    def run_bare(self, *command):
        return subprocess.run(command, env=self.env(), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              check=False)

    # the service

    def launch(self, *options):
        """Starts it without waiting."""
        self.notify.forget()
        self.process = rig.spawn(self.command(*options), env=self.env(), stderr=self.rig.log('daemon'),
                                 stdout=self.rig.log('daemon'))

    def start(self):
        """Starts it and waits until it says READY=1."""
        self.launch()
        self.wait_ready()

    def wait_ready(self):
        """Waits for READY=1."""
        def told():
            self.check_alive()
            return self.notify.has('READY=1')
        wait_until(told, 'READY=1 from the daemon')

    def check_alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f'the daemon ended: {self.process.returncode}\n{self.log()}')

    def stop(self, bound=BOUND):
        """As a service manager does. Returns the exit status."""
        return rig.end(self.process, bound=bound)

    def child(self):
        """The number of the daemon itself, below its keeper; None when there is none."""
        pid = self.process.pid
        with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{pid}/children',
                                                encoding='ascii') as file:
            return next((int(word) for word in file.read().split()), None)
        return None

    def signal(self, number):
        """To the daemon itself, not to its keeper."""
        os.kill(self.child(), number)

    @contextlib.contextmanager
    def paused(self):
        """It does nothing while the body runs."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def pause(self):
        """However long it takes: its keeper must not take it for stuck."""
        self.process.send_signal(signal.SIGSTOP)
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """It and its keeper end at once, so that nobody withdraws."""
        child = self.child()
        self.process.send_signal(signal.SIGSTOP)
        if child is not None:
            os.kill(child, signal.SIGKILL)
            wait_until(lambda: self._is_dead(child), 'the daemon to let go of the lock')
        rig.end(self.process, signal.SIGKILL)
        if self.tap:
            self.tap.wait_gone({self.process.pid, child})

    @staticmethod
    def _is_dead(pid):
        """A process whose parent is stopped stays, as a zombie that holds nothing once its other
        threads are gone."""
        try:
            with open(f'/proc/{pid}/stat', encoding='latin-1') as file:
                state = file.read().rpartition(')')[2].split()[0]
            return state in 'ZX' and len(os.listdir(f'/proc/{pid}/task')) == 1
        except OSError:
            return True

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        if self.is_running():
            self.stop()
        if self.tap:
            self.tap.stop()
        self.notify.close()

    def log(self):
        """What it wrote to stderr."""
        with open(self.rig.log_path('daemon'), encoding='utf-8', errors='replace') as file:
            return file.read()

    def log_lines(self, *words):
        """The lines that hold all these words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]
