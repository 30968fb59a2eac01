# SPDX-License-Identifier: MIT
"""Events that leave the records as they were, and events without end."""
import contextlib
import threading

from case import DISK, NIC, PASSING, RigCase
from hostpci import PCIBACK

FIRST = '0000:00:00.0'
ROUNDS = 3


class EventsCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        self.toolstack.create(2)
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.wait_host(NIC, state='quarantined')

    def attach(self, domid=1):
        self.toolstack.attach(domid, NIC).finish()
        self.wait_host(NIC, state='protected', owner=str(domid))
        self.wait_record(domid, FIRST, state='protected')
        self.sync()

    def check_fallen(self):
        self.wait_downgraded(NIC, 1, FIRST)
        self.sync()
        self.assert_no_promise(NIC, 1, FIRST)
        self.assert_no_promise(NIC, 2, FIRST)


class Merged(EventsCase):
    """The daemon is stopped for a while, and then finds the records as it knew them."""

    def test_leaked_attach(self):
        """The guest keeps what the toolstack gave up to give it."""
        with self.daemon.paused():
            self.toolstack.attach_in_vain(1, NIC).finish()
        self.wait_host(NIC, state='unknown', reason='hypervisor-disagrees')
        self.sync()
        self.assertEqual(self.host_record(NIC)['state'], 'unknown')

    def test_given_back_and_taken_again(self):
        self.attach()
        with self.daemon.paused():
            self.toolstack.detach(1, NIC).finish()
            self.toolstack.attach(1, NIC).finish()
            self.hypervisor.assign(NIC, 'io')
        self.check_fallen()

    def test_only_a_state_that_came_and_went(self):
        self.attach()
        with self.daemon.paused():
            slot = self.toolstack.slot(1, NIC)
            self.toolstack.close(1, slot)
            self.hypervisor.assign(NIC, 'io')
            self.toolstack.export(1, slot)
            self.toolstack.connect(1)
        self.check_fallen()

    def test_bound_and_unbound(self):
        """The same for uevents: Xen is asked again."""
        with self.daemon.paused():
            self.host.unbind(NIC)
            self.hypervisor.assign(NIC, 2)
            self.host.bind(NIC, PCIBACK)
        self.wait_host(NIC, state='unknown')
        self.sync_uevents()
        self.assertEqual(self.host_record(NIC)['state'], 'unknown')

    def test_dom0s_own(self):
        with self.daemon.paused():
            self.host.unbind(DISK)
            self.hypervisor.assign(DISK, 2)
            self.host.bind(DISK, 'nvme')
        self.wait_host(DISK, state='unknown')
        self.wait_record(0, DISK, state='unknown')

    def test_while_a_question_is_on_its_way(self):
        """The answer is older than the events that came after it."""
        def attach():
            self.toolstack.attach(1, NIC).finish()
        with self.hypervisor.held('xc_test_assign_device', attach, on=NIC):
            self.toolstack.detach(1, NIC).finish()
            self.toolstack.attach(1, NIC).finish()
        self.wait_host(NIC, state='protected', owner='1')
        self.hypervisor.assign(NIC, 'io')
        self.store.write(self.toolstack.info(NIC, 'name'), 'touched')
        self.check_fallen()


class Endless(EventsCase):
    """A pass is not put off by events that never end."""

    def check_words(self):
        """The word comes and goes as it should."""
        for _ in range(ROUNDS):
            self.toolstack.attach(1, NIC).finish()
            self.wait_host(NIC, state='protected', owner='1')
            self.wait_record(1, FIRST, state='protected')
            self.toolstack.detach(1, NIC).finish()
            self.wait_host(NIC, state='quarantined', owner='none')
            self.wait_record(1, FIRST)

    def test_xenstore(self):
        """More than the daemon can take in."""
        with self.daemon.tap.flooded('/libxl/pci', '/libxl/pci/0000-00-1c-0/name'):
            self.check_words()

    def test_backends(self):
        with self.daemon.tap.flooded('/local/domain/0/backend/pci',
                                     '/local/domain/0/backend/pci/2/0/state'):
            self.check_words()

    def test_uevents(self):
        self.host.add(PASSING)
        self.wait_host(PASSING, owner='0')
        with self.endless_uevents(PASSING):
            self.check_words()

    @contextlib.contextmanager
    def endless_uevents(self, bdf):
        stop = threading.Event()

        def send():
            while not stop.is_set():
                self.host.uevent('change', bdf)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            stop.set()
            sender.join()
