# SPDX-License-Identifier: MIT
"""A private xenstored on a simulated Xen: everything of it lives in one folder of its own."""
import os
import shutil
import signal
import subprocess
import tempfile

import xenstore
from hypervisor import Hypervisor
from waiting import BOUND, wait_until

KINDS = ('c', 'ocaml')
XENSTORED = {'c': '/usr/lib/xen-4.17/bin/xenstored', 'ocaml': '/usr/lib/xen-4.17/bin/oxenstored'}
GUEST_PORT = 1

OXENSTORED_CONF = '''pid-file = {run}/xenstored.pid
persistent = false
xenstored-kva = {state}/ring-0
xenstored-port = {state}/xsd_port
xenstored-log-file = {run}/oxenstored.log
xenstored-log-level = warn
quota-maxwatchevents = 1024
quota-maxsize = 4096
'''


def built(name):
    """The path of something that the rig's CMakeLists.txt builds."""
    return os.path.join(os.environ['RIG_BUILD'], name)


def spawn(command, **options):
    """Starts a process that does not outlive this one."""
    return subprocess.Popen(['setpriv', '--pdeathsig', 'KILL', *command],
                            stdin=options.pop('stdin', subprocess.DEVNULL), **options)


def end(process, number=signal.SIGTERM, bound=BOUND):
    """Ends a process and waits for it, so many seconds at most."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(bound)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Guest:
    """What runs inside a domain."""

    def __init__(self, rig, domid):
        self.rig = rig
        self.domid = domid
        self.socket = os.path.join(rig.state, f'guest-{domid}.sock')
        self.proxy = spawn([built('guestproxy'), str(domid), self.socket], env=rig.env(),
                           stderr=rig.log('guestproxy'))
        self.stores = []
        wait_until(self._is_there, f'the proxy of domain {domid}')

    def _is_there(self):
        try:
            xenstore.Store(self.socket).close()
        except OSError:
            return False
        return True

    def store(self, timeout=BOUND):
        """A connection to XenStore with this domain's identity."""
        store = xenstore.Store(self.socket, timeout)
        self.stores.append(store)
        return store

    def env(self):
        """The environment for programs inside."""
        return dict(self.rig.env(), XENSTORED_PATH=self.socket)

    def stop(self):
        for store in self.stores:
            store.close()
        end(self.proxy, signal.SIGKILL)
        os.unlink(self.socket)


class Rig:
    def __init__(self, kind):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix='xi-')
        self.state = os.path.join(self.folder, 'fx')
        self.rundir = os.path.join(self.folder, 'xs')
        self.hypervisor = Hypervisor(self.state)
        self.process = None
        self.guests = {}
        self.stores = []
        self.logs = {}
        os.makedirs(os.path.join(self.folder, 'lib'))

    def log(self, name):
        """The file, opened for writing, that takes a program's messages."""
        if name not in self.logs:
            self.logs[name] = open(self.log_path(name), 'ab', buffering=0)
        return self.logs[name]

    def log_path(self, name):
        return os.path.join(self.folder, name + '.log')

    def env(self):
        """The environment of programs in dom0, xenstored apart."""
        env = {name: value for name, value in os.environ.items()
               if name not in ('LD_PRELOAD', 'LD_LIBRARY_PATH', 'XENSTORED_PATH')}
        env.update(FAKEXEN_DIR=self.state, XENSTORED_RUNDIR=self.rundir,
                   XENSTORED_ROOTDIR=os.path.join(self.folder, 'lib'))
        return env

    def socket(self):
        return os.path.join(self.rundir, 'socket')

    # xenstored

    def start(self):
        """Starts xenstored and waits until it answers."""
        os.makedirs(self.rundir, exist_ok=True)
        if os.path.exists(self.socket()):
            os.unlink(self.socket())
        with open(os.path.join(self.state, 'xsd_port'), 'w', encoding='ascii') as file:
            file.write('1')  # no newline: oxenstored takes the whole file for a number
        self.make_channel(0)
        self.process = spawn(self._command(), env=dict(self.env(), LD_PRELOAD=built('fakexen.so')),
                             stdout=self.log('xenstored'), stderr=self.log('xenstored'))
        wait_until(self._answers, 'xenstored to answer')

    def _command(self):
        if self.kind == 'c':
            return [XENSTORED['c'], '-N', '-F', os.path.join(self.folder, 'xenstored.pid')]
        conf = os.path.join(self.folder, 'oxenstored.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write(OXENSTORED_CONF.format(run=self.folder, state=self.state))
        return [XENSTORED['ocaml'], '--no-fork', '--no-access-log', '--config-file', conf]

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'xenstored ended: {self.process.returncode}')
        try:
            with xenstore.Store(self.socket()) as store:
                return store.list('/')
        except OSError:
            return False

    def kill(self):
        """xenstored dies; the domains stay."""
        end(self.process, signal.SIGKILL)

    def restart(self):
        """A new xenstored, with an empty store, that knows no domain."""
        for domid in list(self.guests):
            self.guests.pop(domid).stop()
        for store in self.stores:
            store.close()
        self.stores.clear()
        if self.process.poll() is None:
            self.kill()
        self.start()

    def stop(self):
        """Ends everything and removes the folder."""
        for guest in self.guests.values():
            guest.stop()
        for store in self.stores:
            store.close()
        if self.process:
            end(self.process, signal.SIGKILL)  # oxenstored may sleep on with a SIGTERM pending
        for log in self.logs.values():
            log.close()
        self.hypervisor.close()
        shutil.rmtree(self.folder)

    def store(self):
        """A connection of dom0's."""
        store = xenstore.Store(self.socket())
        self.stores.append(store)
        return store

    # domains

    def make_channel(self, domid):
        """A fresh ring page and event channel."""
        for name in (f'ring-{domid}', f'chan-{domid}'):
            path = os.path.join(self.state, name)
            if os.path.exists(path):
                os.unlink(path)
            with open(path, 'wb') as file:
                file.truncate(4096)

    def introduce(self, store, domid):
        """Tells xenstored of a domain."""
        store.introduce(domid, 1000 + domid, GUEST_PORT)

    def guest(self, domid):
        """The inside of a domain that xenstored was told of."""
        if domid not in self.guests:
            self.guests[domid] = Guest(self, domid)
        return self.guests[domid]

    def drop_guest(self, domid):
        """The domain stops running."""
        if domid in self.guests:
            self.guests.pop(domid).stop()
