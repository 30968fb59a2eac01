# SPDX-License-Identifier: MIT
"""--early: what the Linux driver is told before there is a XenStore."""
import os

from case import DISK, NIC, NIC2, RigCase
from devicetree import ASIDE, BEHIND, BESIDE, CLAIMS, DeviceTreeCase

FILE = 'sys/kernel/xeniommu/early'


class Early:
    """For a RigCase: a plain file in the driver's place takes whatever is written."""

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.daemon.sysroot, FILE)
        os.makedirs(os.path.dirname(self.file))
        with open(self.file, 'w', encoding='ascii'):
            pass
        # Nobody listens there, and nobody may try.
        self.daemon.extra_env['XENSTORED_PATH'] = os.path.join(self.daemon.sysroot, 'no-xenstored')

    def told(self):
        with open(self.file, encoding='ascii') as file:
            text = file.read()
        self.assertTrue(not text or text.endswith('\n'), text)
        return text.splitlines()

    def early(self, *options, lines=1):
        """What the driver is told, and the lines that are said."""
        with open(self.file, 'w', encoding='ascii'):
            pass
        done = self.daemon.run('--early', *options)
        self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        self.assertEqual(done.stderr.count('\n'), lines, done.stderr)
        self.assertEqual(self.daemon.tap.requests(), [])
        self.assertFalse(os.path.exists(self.daemon.config['lock-file']))
        return self.told(), done.stderr

    def check_silent(self, why, *options):
        told, said = self.early(*options)
        self.assertEqual(told, [])
        self.assertIn(why, said)
        self.assertIn('nothing is told', said)


class OfPci(Early, RigCase):
    def setUp(self):
        super().setUp()
        self.hypervisor.set_domain(0, 'hvm')

    def about(self, bdf):
        name = 'pci/' + bdf.replace(':', '-').replace('.', '-')
        told, _ = self.early()
        return [line.partition(' ')[2] for line in told if line.startswith(name + ' ')]

    def test_dom0s(self):
        self.assertEqual(self.about(NIC), ['protected skip'])
        self.hypervisor.set_domain(0)
        self.assertEqual(self.about(NIC), ['relaxed keep'])
        self.hypervisor.set_iommu(False)
        self.assertEqual(self.about(NIC), ['unprotected keep'])

    def test_a_hidden_one_is_not_dom0s(self):
        """xen-pciback.hide= in the initramfs; its group mate shares what it may have."""
        self.host.unbind(NIC)
        self.host.bind(NIC, 'pciback')
        self.assertEqual(self.about(NIC), [])
        self.assertEqual(self.about(DISK), ['protected skip'])
        self.hypervisor.set_group(1, NIC, NIC2)
        self.assertEqual(self.about(NIC2), [])

    def test_without_tables(self):
        self.daemon.set_tables()
        self.assertEqual(self.early()[0], [])

    def test_what_xen_does_not_answer(self):
        self.hypervisor.inject('xc_test_assign_device', 'EIO', on=NIC)
        told, said = self.early(lines=2)
        self.assertIn('asking Xen about 0000-00-04-0', said)
        self.assertIn('pci/0000-00-02-0 protected skip', told)
        self.assertEqual([line for line in told if '00-04-0' in line], [])

    def test_other_domains(self):
        for flags in ((), ('paused',), ('dying',), ('shutdown',)):
            self.hypervisor.set_domain(5, *flags)
            self.check_silent('other domains')
        self.hypervisor.remove_domain(5)
        self.assertIn('protected skip', '\n'.join(self.early()[0]))

    def test_domains_that_are_not_listed(self):
        self.hypervisor.inject('xc_domain_getinfolist', 'EPERM')
        self.check_silent('listing the domains')

    def test_without_the_driver(self):
        os.unlink(self.file)
        done = self.daemon.run('--early')
        self.assertEqual(done.returncode, 0)
        self.assertIn('No such file', done.stderr)
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual(self.hypervisor.calls('xc_test_assign_device'), [])

    def test_a_driver_that_takes_nothing(self):
        os.unlink(self.file)
        os.symlink('/dev/full', self.file)
        done = self.daemon.run('--early')
        self.assertEqual(done.returncode, 0)
        self.assertIn('telling the driver: No space left', done.stderr)

    def test_a_configuration_with_an_error(self):
        self.daemon.config['user'] = ''
        done = self.daemon.run('--early')
        self.assertEqual((done.returncode, self.told()), (0, []))
        self.assertIn('user', done.stderr)

    def test_two_modes(self):
        self.assertEqual(self.daemon.run('--early', '--once').returncode, 2)

    def test_many_are_told_in_whole_lines(self):
        for slot in range(6, 29):
            for function in range(8):
                self.host.add(f'0000:00:{slot:02x}.{function}', 0x020000, 'e1000e')
        told, _ = self.early()
        self.assertEqual(len(told), len(set(told)))
        self.assertGreater(len('\n'.join(told)), 4096)
        for line in told:
            self.assertRegex(line, '^pci/0000-[0-9a-f]{2}-[0-9a-f]{2}-[0-7] protected skip$')


class OfTheDeviceTree(Early, DeviceTreeCase):
    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.toolstack.destroy_domain(1)
        self.seen = len(self.daemon.tap.requests())

    def test_dom0s(self):
        done = self.daemon.run('--early')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.told(), [f'dt{BEHIND} protected skip', f'dt{BESIDE} unprotected keep',
                                       f'dt{CLAIMS} unprotected keep'])
        self.assertNotIn(ASIDE, done.stderr)
        self.assertIn('told 1 to skip and 2 to keep', done.stderr)
        self.assertEqual(len(self.daemon.tap.requests()), self.seen)

    def test_a_host_tree_that_cannot_be_read(self):
        done = self.daemon.run('--early', '--host-dtb', '/nowhere/host.dtb')
        self.assertEqual((done.returncode, self.told()), (0, []))
        self.assertIn('device tree', done.stderr)
