# SPDX-License-Identifier: MIT
"""libxl's sequences, with what Xen and pciback do in between, one step after the other.

Every operation is a Steps object: to() runs it up to and with a named step, finish() to its end.
"""
import contextlib
import functools
import struct
import uuid

from hostpci import PCIBACK
from waiting import wait_until

# what a domain finds in its home: dom0's, or its own
DOM0_NODES = ('', '/cpu', '/memory', '/device', '/control')
OWN_NODES = ('/device/suspend', '/control/shutdown', '/control/feature-poweroff', '/data',
             '/drivers', '/feature', '/attr', '/error')
POWEROFF, REBOOT, SUSPEND, CRASH = range(4)
CONNECTED, CLOSING, CLOSED, RECONFIGURING, RECONFIGURED = 4, 5, 6, 7, 8
INITIALISING, INIT_WAIT = 1, 3
DEVICE_NODES = ('dev', 'state', 'key', 'vdev', 'opts', 'vdevfn', 'name')


def vm_path(handle):
    """'/vm/UUID' of the domain that the simulated hypervisor knows by this handle."""
    return f'/vm/{uuid.UUID(bytes=struct.pack("<I12x", handle))}'


def handle_of(flags):
    """The handle among a domain's flags."""
    return next((int(flag.partition('=')[2]) for flag in flags if flag.startswith('handle=')), 0)


def node_name(bdf):
    """'0000:00:04.0' -> '0000-00-04-0'"""
    return bdf.replace(':', '-').replace('.', '-')


class Steps:
    def __init__(self, generator):
        self.generator = generator

    def to(self, name):
        """Runs up to and with the step of this name."""
        for step in self.generator:
            if step == name:
                return
        raise AssertionError(f'there is no step {name!r}')

    def finish(self):
        for _ in self.generator:
            pass

    def __iter__(self):
        return self.generator


def steps(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return Steps(function(*args, **kwargs))
    return wrapper


class Toolstack:
    def __init__(self, rig, host):
        self.rig = rig
        self.host = host
        self.hypervisor = rig.hypervisor
        self.store = rig.store()
        self.kinds = {}
        self.created = 0
        self.names_vm = True  # whose home it is, as libxl does and other toolstacks do not
        self.init_dom0()

    def reconnect(self):
        """xenstored was restarted."""
        self.store = self.rig.store()
        self.init_dom0()

    def init_dom0(self):
        """What xen-init-dom0 does after every start of xenstored."""
        self.store.write('/local/domain/0/domid', 0)
        self.store.write('/local/domain/0/name', 'Domain-0')

    # paths

    @staticmethod
    def info(bdf, name):
        return f'/libxl/pci/{node_name(bdf)}/{name}'

    @staticmethod
    def backend(domid):
        return f'/local/domain/0/backend/pci/{domid}/0'

    def slot(self, domid, bdf):
        """The index of a device in its backend directory."""
        backend = self.backend(domid)
        for name in self.store.list(backend):
            if name.startswith('dev-') and self.store.read(f'{backend}/{name}') == bdf:
                return int(name[4:])
        raise AssertionError(f'{bdf} is not in {backend}')

    # domains

    def create(self, domid, kind='pv'):
        """kind: pv, hvm or pvh."""
        self.kinds[domid] = kind
        self.created += 1
        self.hypervisor.set_domain(domid, f'handle={self.created}',
                                   *([] if kind == 'pv' else ['hvm']))
        self.rig.make_channel(domid)
        self.make_home(domid)
        self.rig.introduce(self.store, domid)

    def make_home(self, domid):
        home = f'/local/domain/{domid}'

        def write(tx):
            tx.remove(home)
            for name in DOM0_NODES:
                tx.mkdir(home + name)
                tx.set_perms(home + name, f'n0,r{domid}')
            for name in OWN_NODES:
                tx.mkdir(home + name)
                tx.set_perms(home + name, f'n{domid}')
            tx.write(home + '/domid', domid)
            tx.write(home + '/name', f'guest{domid}')
            if self.names_vm:
                tx.write(home + '/vm', vm_path(handle_of(self.hypervisor.domains[domid])))
        self.store.atomically(write)

    def reintroduce(self, domid):
        """After xenstored was restarted."""
        self.rig.make_channel(domid)
        self.make_home(domid)
        self.rig.introduce(self.store, domid)

    def serve_by(self, stub, domid):
        """Makes one domain the stub domain of another."""
        self.store.write(f'/local/domain/{stub}/target', domid)

    def shut_down(self, domid, reason):
        """The guest itself, or its crash."""
        self.hypervisor.add_flags(domid, f'shutdown={reason}')

    def remove_home(self, domid):
        self.store.remove(f'/local/domain/{domid}')
        self.store.remove(f'/libxl/{domid}')

    def destroy_domain(self, domid):
        """The hypervisor's part. No domid is used again before xenstored knows that it is free."""
        self.rig.drop_guest(domid)
        self.hypervisor.remove_domain(domid)
        wait_until(lambda: not self.store.is_introduced(domid), 'xenstored to forget the domain')

    # xl pci-assignable-add, pci-assignable-remove -r

    @steps
    def assignable_add(self, bdf):
        """Of one that pciback has already only the last step is done."""
        driver = self.host.driver(bdf)
        if driver not in (None, PCIBACK):
            self.host.unbind(bdf)
            yield 'unbound'
            self.store.write(self.info(bdf, 'driver_path'), f'/sys/bus/pci/drivers/{driver}')
            yield 'noted'
        if driver != PCIBACK:
            self.hypervisor.note_adding(bdf, True)
            self.host.bind(bdf, PCIBACK)
            yield 'bound'
        self.store.remove(self.info(bdf, 'name'))
        self.hypervisor.assign(bdf, 'io')
        self.hypervisor.note_adding(bdf, False)
        yield 'quarantined'

    @steps
    def assignable_remove(self, bdf, rebind=True):
        """Only of one that Xen keeps for nobody. rebind: -r."""
        if self.hypervisor.owner(bdf) != 'io':
            raise AssertionError(f'failed to de-quarantine {bdf}')
        self.hypervisor.assign(bdf, 0)
        yield 'dom0 has it'
        self.host.unbind(bdf)
        yield 'unbound'
        path = self.store.read(self.info(bdf, 'driver_path'))
        if path and rebind:
            self.host.bind(bdf, path.rpartition('/')[2])
            yield 'bound'
            self.store.remove(self.info(bdf, 'driver_path'))
        self.store.remove(self.info(bdf, 'name'))
        yield 'forgotten'

    # xl pci-attach, or pci= at creation

    @steps
    def attach(self, domid, bdf, vdevfn=None, owner=None, starting=False):
        """Steps: claimed, assigned, announced, exported, connected (not HVM). owner: who gets the
        device where domid only serves it, as a stub domain does."""
        owner = domid if owner is None else owner
        self.store.write(self.info(bdf, 'domid'), owner)
        yield 'claimed'
        self.hypervisor.assign(bdf, owner)
        yield 'assigned'
        slot = self.announce(domid, bdf, vdevfn, starting)
        yield 'announced'
        self.export(domid, slot)
        yield 'exported'
        if self.kinds[domid] != 'hvm':
            self.connect(domid)
            yield 'connected'

    def announce(self, domid, bdf, vdevfn, starting):
        """libxl's transaction. Returns the device's index."""
        backend, frontend = self.backend(domid), f'/local/domain/{domid}/device/pci/0'

        def write(tx):
            count = tx.read(f'{backend}/num_devs')
            slot = int(count or 0)
            if count is None:
                self._make_backend(tx, domid, backend, frontend)
            tx.write(f'{backend}/key-{slot}', bdf)
            tx.write(f'{backend}/dev-{slot}', bdf)
            if vdevfn is not None:
                tx.write(f'{backend}/vdevfn-{slot}', f'{vdevfn:x}')
            tx.write(f'{backend}/opts-{slot}',
                     'msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict')
            tx.write(f'{backend}/state-{slot}', INITIALISING)
            tx.write(f'{backend}/num_devs', slot + 1)
            if slot and not starting:
                tx.write(f'{backend}/state', RECONFIGURING)
            return slot
        return self.store.atomically(write)

    @staticmethod
    def _make_backend(tx, domid, backend, frontend):
        tx.remove(backend)
        tx.mkdir(backend)
        tx.set_perms(backend, f'n0,r{domid}')
        for name, value in (('frontend', frontend), ('frontend-id', domid), ('online', 1),
                            ('state', INITIALISING), ('domain', f'guest{domid}')):
            tx.write(f'{backend}/{name}', value)
        tx.remove(frontend)
        tx.mkdir(frontend)
        tx.set_perms(frontend, f'n{domid},r0')
        for name, value in (('backend', backend), ('backend-id', 0), ('state', INITIALISING)):
            tx.write(f'{frontend}/{name}', value)

    def export(self, domid, slot):
        """pciback's part: the address that a PV guest sees."""
        backend = self.backend(domid)
        self.store.write(f'{backend}/vdev-{slot}', f'0000:00:{slot:02x}.00')
        self.store.write(f'{backend}/root-0', '0000:00')
        self.store.write(f'{backend}/root_num', 1)
        self.store.write(f'{backend}/state-{slot}', INIT_WAIT)
        reconfigured = self.store.read(f'{backend}/state') == str(RECONFIGURING)
        self.store.write(f'{backend}/state', RECONFIGURED if reconfigured else INIT_WAIT)

    def connect(self, domid):
        """The frontend came up, and pciback with it."""
        self.store.write(f'{self.backend(domid)}/state', CONNECTED)

    @steps
    def attach_in_vain(self, domid, bdf):
        """A second device while the backend is not in state 4: it ends assigned, without a
        record."""
        self.store.write(self.info(bdf, 'domid'), domid)
        yield 'claimed'
        self.hypervisor.assign(bdf, domid)
        yield 'assigned'
        self.store.remove(self.info(bdf, 'domid'))
        yield 'given up'

    # xl pci-detach, xl destroy

    @steps
    def detach(self, domid, bdf):
        """The guest answers. Steps: deassigned, closing, removed, released."""
        self.hypervisor.assign(bdf, 'io')
        yield 'deassigned'
        slot = self.slot(domid, bdf)
        self.close(domid, slot)
        yield 'closing'
        self.renumber(domid, slot)
        yield 'removed'
        self.store.remove(self.info(bdf, 'domid'))
        yield 'released'

    def close(self, domid, slot):
        backend = self.backend(domid)

        def write(tx):
            tx.write(f'{backend}/state-{slot}', CLOSING)
            tx.write(f'{backend}/state', RECONFIGURING)
        self.store.atomically(write)

    def renumber(self, domid, slot):
        backend = self.backend(domid)

        def write(tx):
            count = int(tx.read(f'{backend}/num_devs'))
            for name in DEVICE_NODES:
                tx.remove(f'{backend}/{name}-{slot}')
            tx.write(f'{backend}/num_devs', count - 1)
            for later in range(slot + 1, count):
                for name in DEVICE_NODES:
                    value = tx.read(f'{backend}/{name}-{later}')
                    if value is not None:
                        tx.write(f'{backend}/{name}-{later - 1}', value)
                        tx.remove(f'{backend}/{name}-{later}')
            return count
        if self.store.atomically(write) == 1:
            self.store.remove(backend)
            self.store.remove(f'/local/domain/{domid}/device/pci/0')

    @steps
    def destroy(self, domid):
        """xl destroy, or xl shutdown once the guest is down, of a guest that answers."""
        for bdf in self.devices(domid):
            for step in self.detach(domid, bdf):
                yield f'{bdf} {step}'
        self.hypervisor.add_flags(domid, 'paused')
        yield 'paused'
        self.remove_home(domid)
        yield 'home removed'
        self.destroy_domain(domid)
        yield 'destroyed'

    @steps
    def bury(self, domid, reason):
        """A guest that ended by itself, or cannot answer (reason None: paused). The long wait is
        between deassigned and released; the backend directory stays for ever."""
        if reason is None:
            self.hypervisor.add_flags(domid, 'paused')
        else:
            self.shut_down(domid, reason)
        yield 'down'
        backend = self.backend(domid)
        devices = self.devices(domid)
        for bdf in devices:
            self.hypervisor.assign(bdf, 'io')
            yield 'deassigned'
            if self.store.read(f'{backend}/state') == str(CONNECTED):
                self.close(domid, self.slot(domid, bdf))
                yield 'closing'
            self.store.remove(self.info(bdf, 'domid'))
            yield 'released'
        if devices:
            self.store.write(f'{backend}/state', CLOSED)
        self.remove_home(domid)
        yield 'home removed'
        self.destroy_domain(domid)
        yield 'destroyed'

    def devices(self, domid):
        backend = self.backend(domid)
        return [self.store.read(f'{backend}/{name}') for name in self.store.list(backend)
                if name.startswith('dev-')]

    @contextlib.contextmanager
    def nonsense(self, path, value):
        """Puts a value where it does not belong, and what was there before back afterwards."""
        before = self.store.read(path)
        self.store.write(path, value)
        try:
            yield
        finally:
            if before is None:
                self.store.remove(path)
            else:
                self.store.write(path, before)
