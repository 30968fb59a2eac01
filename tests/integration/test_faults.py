# SPDX-License-Identifier: MIT
"""Every call to the hypervisor fails once: the answer is unknown and keep, never a promise, and
never for longer than the fault lasts."""
from case import BEHIND_PORT, DISK, FUNCTIONS, NIC, NIC2, RigCase
from daemon import HOST_TREE
from waiting import wait_until

FIRST = '0000:00:00.0'
ERRORS = ('EPERM', 'EACCES', 'EIO', 'ENOMEM', 'ENOSYS', 'ESRCH', 'EFAULT')


class FaultCase(RigCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(1)
        for bdf in (NIC, NIC2):
            self.toolstack.assignable_add(bdf).finish()
        self.toolstack.attach(1, NIC).finish()

    def check_right(self):
        """Everything is as it is without faults."""
        self.wait_host(NIC, state='protected', owner='1')
        self.wait_record(1, FIRST, state='protected', swiotlb='keep')
        self.wait_host(NIC2, state='quarantined')
        for bdf in (DISK, BEHIND_PORT):
            self.wait_host(bdf, state='relaxed', owner='0')
            self.wait_record(0, bdf, state='relaxed')
        wait_until(lambda: self.store.read(f'{HOST_TREE}/iommu') == 'enabled', 'iommu = enabled')

    def check_unknown(self, *functions):
        """As far as there is a record, it makes no promise of any sort."""
        for bdf in functions:
            for record in (self.host_record(bdf), self.record(0, bdf), self.record(1, FIRST)):
                self.assertIn(record.get('state'), (None, 'unknown'), bdf)
                self.assertIn(record.get('swiotlb'), (None, 'keep'), bdf)

    def was_injected(self, call):
        return any(c.injected for c in self.hypervisor.calls(call))


class AtTheStart(FaultCase):
    """The fault is there when the daemon comes, and goes while it runs."""

    def check(self, call, error, on=None, functions=FUNCTIONS):
        with self.subTest(call=call, error=error, on=on):
            self.hypervisor.inject(call, error, on=on)
            self.daemon.launch()
            wait_until(lambda: self.was_injected(call), f'{call} to fail')
            wait_until(lambda: self.daemon.notify.has('READY=1') or self.daemon.log_lines(
                'warning'), 'the daemon to go on')
            self.check_unknown(*functions)
            self.hypervisor.clear()
            self.check_right()
            self.daemon.wait_ready()
            self.daemon.stop()

    def test_physinfo(self):
        for error in ERRORS:
            self.check('xc_physinfo', error)

    def test_command_line(self):
        """Dom0's devices depend on it; a guest's do not."""
        self.hypervisor.inject('xc_version', 'EPERM', on='commandline')
        self.daemon.start()
        for bdf in (DISK, BEHIND_PORT):
            self.assertEqual(self.host_record(bdf)['state'], 'unknown')
            self.assertEqual(self.record(0, bdf)['swiotlb'], 'keep')
        self.hypervisor.clear()
        self.check_right()

    def test_domains(self):
        for error in ('EPERM', 'EIO'):
            self.check('xc_domain_getinfolist', error)

    def test_oracle(self):
        for error in ERRORS:
            self.check('xc_test_assign_device', error)

    def test_group(self):
        """Who shares the requester ID is not known."""
        for error in ERRORS:
            self.check('xc_get_device_group', error)

    def test_interface(self):
        """Without the hypervisor there is nothing to say, and nothing is ready."""
        for error in ('ENOENT', 'EACCES', 'EPERM'):
            self.hypervisor.inject('xc_interface_open', error)
            done = self.daemon.run()
            self.assertEqual(done.returncode, 1)
            self.assertIn('hypervisor', done.stderr.lower())
            self.assertFalse(self.daemon.notify.has('READY=1'))
            self.assertNotEqual(self.status(), 'ready')
            self.hypervisor.clear()


class WhileItRuns(FaultCase):
    def setUp(self):
        super().setUp()
        self.daemon.start()
        self.check_right()

    def check(self, call, error, on=None, functions=FUNCTIONS):
        """The fault comes when everything is asked again."""
        with self.subTest(call=call, error=error, on=on):
            seen = len([c for c in self.hypervisor.calls(call) if c.injected])
            self.hypervisor.inject(call, error, on=on)
            self.daemon.reload()
            wait_until(lambda: len([c for c in self.hypervisor.calls(call) if c.injected]) > seen,
                       f'{call} to fail')
            for bdf in functions:
                self.wait_host(bdf, state='unknown', swiotlb='keep')
            self.check_unknown(*functions)
            self.hypervisor.clear()
            self.check_right()

    def test_physinfo(self):
        self.check('xc_physinfo', 'EPERM')

    def test_domains(self):
        self.check('xc_domain_getinfolist', 'EIO')

    def test_oracle(self):
        self.check('xc_test_assign_device', 'EIO')

    def test_group(self):
        self.check('xc_get_device_group', 'EIO')

    def test_oracle_of_one_device(self):
        """The others keep their word."""
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=NIC)
        self.daemon.reload()
        self.wait_downgraded(NIC, 1, FIRST)
        self.wait_host(NIC2, state='quarantined')
        self.wait_host(DISK, state='relaxed')
        self.hypervisor.clear()
        self.check_right()

    def test_once(self):
        """A single failure heals by itself."""
        for call in ('xc_test_assign_device', 'xc_get_device_group', 'xc_physinfo',
                     'xc_domain_getinfolist'):
            with self.subTest(call):
                self.hypervisor.inject(call, 'EIO', count=1)
                self.daemon.reload()
                wait_until(lambda call=call: self.was_injected(call)
                           and not self.hypervisor.calls(call)[-1].injected, f'{call} to work')
                self.check_right()

    def test_attached_while_the_oracle_fails(self):
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=NIC2)
        self.toolstack.attach(1, NIC2).finish()
        self.wait_downgraded(NIC2, 1, '0000:00:01.0')
        self.hypervisor.clear()
        self.wait_host(NIC2, state='protected', owner='1')
        self.wait_record(1, '0000:00:01.0', state='protected')

    def test_oracle_contradicts(self):
        """A device of dom0's that Xen calls taken."""
        self.hypervisor.assign(DISK, 7)
        self.daemon.reload()
        self.wait_host(DISK, state='unknown', swiotlb='keep')
        wait_until(lambda: self.record(0, DISK).get('state') in (None, 'unknown'), "dom0's tree")
        self.hypervisor.assign(DISK, 0)
        self.daemon.reload()
        self.check_right()

    def test_it_says_so(self):
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=NIC)
        self.daemon.reload()
        wait_until(lambda: self.daemon.log_lines('warning', '0000-00-04-0'), 'a warning')
        for _ in range(3):
            self.wait_oracle(NIC, lambda: None)
        self.assertEqual(len(self.daemon.log_lines('warning', '0000-00-04-0')), 1)
