# SPDX-License-Identifier: MIT
"""What the hypervisor's mode and the firmware's tables make of dom0's devices."""
import os
import shutil

import acpi
from case import BEHIND_PORT, DISK, FUNCTIONS, NIC, NIC2, ROOT_PORT, RigCase
from daemon import HOST_TREE

FIRST = '0000:00:00.0'
GRAPHICS = '0000:00:0a.0'
VIRTUAL = '0000:01:10.1'

RELAXED = ('relaxed', 'keep', 'dom0-relaxed')
STRICT = ('protected', 'keep', 'dom0-strict')
PASSTHROUGH = ('unprotected', 'keep', 'dom0-passthrough')
PVH = ('protected', 'skip', 'dom0-pvh')
UNKNOWN_MODE = ('unknown', 'keep', 'dom0-mode-unknown')
DISABLED = ('unprotected', 'keep', 'iommu-disabled')
NOT_COVERED = ('unprotected', 'keep', 'not-covered')


class ModeCase(RigCase):
    def word(self, bdf, domid=None):
        record = self.host_record(bdf) if domid is None else self.record(domid, bdf)
        return record.get('state'), record.get('swiotlb'), record.get('reason')

    def check_all(self, word, functions=FUNCTIONS):
        for bdf in functions:
            self.assertEqual(self.word(bdf), word, bdf)
            self.assertEqual(self.word(bdf, 0), word, bdf)

    def check_unknown(self, functions=FUNCTIONS):
        for bdf in functions:
            self.assertEqual(self.word(bdf)[:2], ('unknown', 'keep'), bdf)
            self.assertEqual(self.word(bdf, 0)[:2], ('unknown', 'keep'), bdf)

    def iommu(self):
        return self.store.read(f'{HOST_TREE}/iommu')

    def give_nic_to_guest(self):
        self.toolstack.create(1)
        self.toolstack.assignable_add(NIC).finish()
        self.toolstack.attach(1, NIC).finish()


class CommandLine(ModeCase):
    def test_modes_of_a_pv_dom0(self):
        for cmdline, word in (
                ('placeholder dom0_mem=4G', RELAXED),
                ('placeholder dom0-iommu=strict', STRICT),
                ('placeholder dom0-iommu=passthrough', PASSTHROUGH),
                ('placeholder iommu=dom0-passthrough', PASSTHROUGH),
                ('placeholder iommu=verbose,dom0-strict', STRICT),
                ('placeholder dom0-iommu=no-strict', RELAXED),
                ('', RELAXED)):
            with self.subTest(cmdline):
                self.hypervisor.set_cmdline(cmdline)
                self.daemon.start()
                self.check_all(word)
                self.assertEqual(self.iommu(), 'enabled')
                self.daemon.stop()

    def test_guests_device_is_confined_in_every_mode(self):
        self.give_nic_to_guest()
        for option in ('strict', 'passthrough', 'no-strict'):
            with self.subTest(option):
                self.hypervisor.set_cmdline(f'placeholder dom0-iommu={option}')
                self.daemon.start()
                self.assertEqual(self.word(NIC), ('protected', 'keep', 'assigned-pv'))
                self.assertEqual(self.word(FIRST, 1), ('protected', 'keep', 'assigned-pv'))
                self.daemon.stop()

    def test_cut_command_line(self):
        """What may have stood behind its end is not known."""
        self.hypervisor.set_cmdline('placeholder ' + 'x' * 2000)
        self.daemon.start()
        self.check_unknown()

    def test_strict_drops_passthrough(self):
        for cmdline in ('dom0-iommu=passthrough,strict', 'iommu=dom0-strict,dom0-passthrough'):
            with self.subTest(cmdline):
                self.hypervisor.set_cmdline(cmdline)
                self.daemon.start()
                self.check_all(STRICT)
                self.daemon.stop()

    def test_longest_option(self):
        """Of one with 128 characters Xen reads all but the last."""
        words = 'iommu=' + 'verbose,' * 10
        for length, word in ((127, STRICT), (128, UNKNOWN_MODE)):
            with self.subTest(length):
                option = words + ',' * (length - len(words + 'dom0-strict')) + 'dom0-strict'
                self.assertEqual(len(option), length)
                self.hypervisor.set_cmdline(option)
                self.daemon.start()
                self.check_all(word)
                self.daemon.stop()

    def test_option_that_is_not_understood(self):
        self.hypervisor.set_cmdline('placeholder dom0-iommu=frobnicate')
        self.daemon.start()
        self.check_unknown()

    def test_pvh_dom0(self):
        """It does not see the tables: an administrator has saved them."""
        self.hypervisor.set_domain(0, 'hvm')
        self.daemon.set_tables()
        self.daemon.start()
        self.check_unknown()
        self.daemon.stop()
        saved = os.path.join(self.rig.folder, 'saved')
        self.daemon.save_tables(saved, RMAD=acpi.DMAR_ALL)
        self.daemon.options += ['--acpi-tables', saved]
        self.daemon.start()
        self.check_all(PVH)

    def test_saved_tables_of_another_firmware(self):
        """They count while what was saved beside them is what dom0 sees."""
        self.hypervisor.set_domain(0, 'hvm')
        self.daemon.set_tables(FACP=b'fixed', DSDT=b'version 2')
        saved = os.path.join(self.rig.folder, 'saved')
        self.daemon.options += ['--acpi-tables', saved]
        for beside, word in (({}, None), ({'DSDT': b'version 1'}, None),
                             ({'DSDT': b'version 2'}, PVH),
                             ({'DSDT': b'version 2', 'FACP': b'else'}, None),
                             ({'bios_version': b'2\n'}, None)):
            with self.subTest(beside):
                shutil.rmtree(saved, ignore_errors=True)
                self.daemon.save_tables(saved, DMAR=acpi.DMAR_ALL, **beside)
                self.daemon.start()
                if word:
                    self.check_all(word)
                else:
                    self.check_unknown()
                    self.assertTrue(self.daemon.log_lines('warning', 'saved: not used'))
                self.daemon.stop()

    def test_pvh_dom0_and_its_options(self):
        self.hypervisor.set_domain(0, 'hvm')
        saved = os.path.join(self.rig.folder, 'saved')
        self.daemon.set_tables()
        self.daemon.save_tables(saved, RMAD=acpi.DMAR_ALL)
        self.daemon.options += ['--acpi-tables', saved]
        for cmdline, word in (('dom0-iommu=passthrough', PVH),
                              ('dom0-iommu=none,strict', PVH),
                              ('dom0-iommu=none', UNKNOWN_MODE),
                              ('dom0-iommu=frobnicate', UNKNOWN_MODE),
                              ('dom0-iommu=none,passthrough', PASSTHROUGH)):
            with self.subTest(cmdline):
                self.hypervisor.set_cmdline(cmdline)
                self.daemon.start()
                self.check_all(word)
                self.daemon.stop()

    def test_iommu_off(self):
        self.hypervisor.set_iommu(False)
        self.hypervisor.set_cmdline('placeholder iommu=off')
        self.daemon.start()
        self.check_all(DISABLED)
        self.assertEqual(self.iommu(), 'disabled')

    def test_iommu_off_and_a_guest(self):
        """Other toolstacks let a PV guest have a device all the same."""
        self.hypervisor.set_iommu(False)
        self.give_nic_to_guest()
        self.daemon.start()
        self.assertEqual(self.word(NIC), DISABLED)
        self.assertEqual(self.word(FIRST, 1), DISABLED)
        self.toolstack.assignable_add(NIC2).finish()
        self.sync_disabled()
        self.assertEqual(self.word(NIC2), DISABLED)

    def sync_disabled(self):
        """sync() needs quarantine; this does not."""
        self.host.add('0000:00:1c.0')
        self.wait_host('0000:00:1c.0', state='unprotected')


VERSION = '(XEN) Xen version 4.17.7 (Debian 4.17.7) (x86_64-linux-gnu-gcc) debug=n\n'
MODE = '(XEN) I/O virtualisation enabled\n(XEN)  - Dom0 mode: {}\n'


class BuiltInLine(ModeCase):
    """CONFIG_CMDLINE: Xen obeys it and does not tell it with its command line."""

    def check_start(self, word):
        self.daemon.start()
        self.check_all(word)
        self.daemon.stop()

    def test_build_configuration(self):
        for line, word in (('', RELAXED), ('dom0-iommu=strict', STRICT),
                           ('dom0-iommu=passthrough', PASSTHROUGH)):
            with self.subTest(line):
                self.hypervisor.set_config('CONFIG_X86=y', f'CONFIG_CMDLINE="{line}"')
                self.check_start(word)

    def test_the_boot_loaders_line_comes_after_it(self):
        self.hypervisor.set_config('CONFIG_CMDLINE="dom0-iommu=passthrough iommu=dom0-strict"')
        self.hypervisor.set_cmdline('placeholder dom0-iommu=no-strict')
        self.check_start(PASSTHROUGH)

    def test_boot_messages(self):
        for ring, word in (
                (VERSION + MODE.format('Relaxed'), RELAXED),
                ('(XEN) Built-in command line: dom0-iommu=strict\n' + VERSION
                 + MODE.format('Strict'), STRICT),
                (VERSION + MODE.format('Passthrough'), PASSTHROUGH),
                (VERSION + MODE.format('Strict'), UNKNOWN_MODE)):
            with self.subTest(ring):
                self.hypervisor.set_console(ring)
                self.check_start(word)

    def test_ring_that_has_lost_its_beginning(self):
        self.hypervisor.set_console('e\n' + MODE.format('Passthrough'), lost=20000)
        self.check_start(PASSTHROUGH)
        self.hypervisor.set_console(
            '(XEN) Built-in command line: dom0-iommu=strict\n' + VERSION, lost=20000)
        self.check_start(RELAXED)

    def test_what_a_guest_printed(self):
        """In a ring that has lost its beginning, "(d1) " perhaps, and anywhere else."""
        self.hypervisor.set_console(MODE.format('Passthrough').split('\n', 1)[1], lost=20000)
        self.check_start(RELAXED)
        self.hypervisor.set_console(VERSION + '(d1) (XEN)  - Dom0 mode: Passthrough\n')
        self.check_start(RELAXED)

    def test_large_ring(self):
        text = VERSION + MODE.format('Passthrough') + '(XEN) more\n' * 20000
        self.hypervisor.set_console('(XEN) more\n' * 20000 + text)
        self.check_start(PASSTHROUGH)

    def test_configured(self):
        self.daemon.config['xen-builtin-cmdline'] = 'console=none dom0-iommu=passthrough'
        self.check_start(PASSTHROUGH)
        self.hypervisor.set_config('CONFIG_CMDLINE=""')
        self.check_start(UNKNOWN_MODE)
        self.daemon.config['xen-builtin-cmdline'] = ''
        self.check_start(RELAXED)

    def test_no_witness_answers(self):
        for call in ('xc_readconsolering', 'xenhypfs_open', 'xenhypfs_read'):
            self.hypervisor.inject(call, 'EPERM')
        self.hypervisor.set_cmdline('dom0-iommu=strict')
        self.check_start(STRICT)

    def test_quarantine_left_out_of_the_build(self):
        self.hypervisor.set_config('CONFIG_IOMMU_QUARANTINE_NONE=y')
        self.toolstack.assignable_add(NIC).finish()
        self.daemon.start()
        self.assertEqual(self.word(NIC), ('unknown', 'keep', 'quarantine-off'))

    def test_asked_once(self):
        self.daemon.start()
        self.host.add('0000:00:0b.0')
        self.wait_host('0000:00:0b.0', owner='0')
        self.assertEqual(len(self.hypervisor.calls('xc_readconsolering')), 1)
        self.assertEqual(len(self.hypervisor.calls('xenhypfs_read')), 1)


class Tables(ModeCase):
    def start_with(self, **tables):
        self.daemon.set_tables(**tables)
        self.daemon.start()

    def test_no_table(self):
        self.start_with()
        self.check_unknown()

    def test_both_names_of_a_dmar(self):
        for name in ('DMAR', 'RMAD'):
            self.start_with(**{name: acpi.dmar(acpi.drhd(flags=acpi.INCLUDE_PCI_ALL),
                                               signature=name)})
            self.check_all(RELAXED)
            self.daemon.stop()

    def test_units_for_some(self):
        """A unit for one function and one for a hierarchy; nothing for the others."""
        self.start_with(RMAD=acpi.dmar(
            acpi.rmrr(acpi.scope(NIC2)),
            acpi.drhd(acpi.scope(NIC)),
            acpi.atsr(acpi.scope(ROOT_PORT, acpi.SUB_HIERARCHY)),
            acpi.drhd(acpi.scope('0000:f0:1f.0', acpi.IOAPIC),
                      acpi.scope(ROOT_PORT, acpi.SUB_HIERARCHY), base=0xfed91000)))
        self.check_all(RELAXED, (NIC, ROOT_PORT, BEHIND_PORT))
        self.check_all(NOT_COVERED, (NIC2, DISK))
        self.assertNotEqual(self.host_record(NIC)['iommu'], self.host_record(BEHIND_PORT)['iommu'])
        self.assertEqual(self.host_record(ROOT_PORT)['iommu'],
                         self.host_record(BEHIND_PORT)['iommu'])
        self.assertNotIn('iommu', self.host_record(NIC2))

    def test_path_through_a_bridge(self):
        self.start_with(RMAD=acpi.dmar(acpi.drhd(acpi.scope(ROOT_PORT, path=[(1, 0), (0, 0)]))))
        self.check_all(RELAXED, (BEHIND_PORT,))
        self.check_all(NOT_COVERED, (ROOT_PORT, NIC, NIC2, DISK))

    def test_other_segment(self):
        self.start_with(RMAD=acpi.dmar(acpi.drhd(flags=acpi.INCLUDE_PCI_ALL, segment=1)))
        for bdf in FUNCTIONS:
            self.assertIn(self.word(bdf)[0], ('unprotected', 'unknown'))

    def test_not_covered_is_never_a_guests(self):
        """Xen refuses to assign such a device, so one that a guest seems to have is a
        contradiction."""
        self.give_nic_to_guest()
        self.start_with(RMAD=acpi.dmar(acpi.drhd(acpi.scope(DISK))))
        self.assertEqual(self.word(NIC)[:2], ('unknown', 'keep'))
        self.assertNotIn(self.word(FIRST, 1)[0], ('protected', 'relaxed'))

    def test_not_covered_is_not_quarantined(self):
        self.toolstack.assignable_add(NIC).finish()
        self.start_with(RMAD=acpi.dmar(acpi.drhd(acpi.scope(DISK))))
        self.assertEqual(self.word(NIC), NOT_COVERED)

    def test_virtual_function(self):
        """It is covered as its physical function is."""
        self.host.add(VIRTUAL, below=ROOT_PORT, physfn=BEHIND_PORT)
        self.start_with(RMAD=acpi.dmar(
            acpi.drhd(acpi.scope(ROOT_PORT, path=[(1, 0), (0, 0)]))))
        self.check_all(RELAXED, (BEHIND_PORT, VIRTUAL))

    def test_hot_plugged_below_a_hierarchy(self):
        self.start_with(RMAD=acpi.dmar(acpi.drhd(acpi.scope(ROOT_PORT, acpi.SUB_HIERARCHY))))
        self.host.add('0000:01:00.1', below=ROOT_PORT)
        self.wait_host('0000:01:00.1', state='relaxed', owner='0')
        self.host.add('0000:00:0b.0')
        self.wait_host('0000:00:0b.0', state='unprotected', reason='not-covered')

    def test_graphics_left_out(self):
        """iommu=no-igfx: the unit of the graphics device alone is not used."""
        self.host.add(GRAPHICS, 0x030000)
        table = acpi.dmar(acpi.drhd(acpi.scope(GRAPHICS)),
                          acpi.drhd(flags=acpi.INCLUDE_PCI_ALL, base=0xfed91000))
        self.start_with(RMAD=table)
        self.check_all(RELAXED, (GRAPHICS, NIC))
        self.daemon.stop()
        self.hypervisor.set_cmdline('placeholder iommu=no-igfx')
        self.daemon.start()
        self.check_all(('unprotected', 'keep', 'no-igfx'), (GRAPHICS,))
        self.check_all(RELAXED, (NIC,))

    def test_broken_tables(self):
        good = acpi.DMAR_ALL
        unit = 36 + 12  # where the first structure begins
        wrong = {
            'checksum': good[:9] + bytes([good[9] ^ 1]) + good[10:],
            'cut': good[:-1],
            'header only': good[:36],
            'empty': b'',
            'no unit': acpi.dmar(),
            'length of a structure 0': acpi.table('RMAD', good[36:unit + 2] + b'\0\0'
                                                  + good[unit + 4:]),
            'structure longer than the table': acpi.table('RMAD', good[36:unit + 2] + b'\xff\xff'
                                                          + good[unit + 4:]),
            'another table': acpi.table('APIC', good[36:]),
        }
        for name, content in wrong.items():
            with self.subTest(name):
                self.start_with(RMAD=content)
                for bdf in FUNCTIONS:
                    self.assertIn(self.word(bdf)[0], ('unknown', 'unprotected'))
                    self.assertEqual(self.word(bdf)[1], 'keep')
                self.daemon.stop()

    def test_broken_table_is_said(self):
        self.start_with(RMAD=acpi.DMAR_ALL[:-1])
        self.assertTrue(self.daemon.log_lines('warning', 'acpi/tables'))


class AmdTables(ModeCase):
    def start_with(self, *blocks):
        self.daemon.set_tables(IVRS=acpi.ivrs(*blocks))
        self.daemon.start()

    def test_range_of_everything(self):
        for kind in (0x10, 0x11):
            self.start_with(acpi.ivhd(acpi.ivhd_special(),
                                      acpi.ivhd_range('0000:00:00.0', '0000:ff:1f.7'), kind=kind))
            self.check_all(RELAXED)
            self.daemon.stop()

    def test_block_that_xen_does_not_read(self):
        """Type 40h names devices in ways that Xen does not know."""
        self.start_with(acpi.ivhd(acpi.ivhd_all(), kind=0x40))
        self.check_unknown()

    def test_all(self):
        self.start_with(acpi.ivhd(acpi.ivhd_all()))
        self.check_all(RELAXED)

    def test_some(self):
        self.start_with(acpi.ivhd(acpi.ivhd_select(NIC), acpi.ivhd_range(BEHIND_PORT,
                                                                         '0000:01:1f.7')))
        self.check_all(RELAXED, (NIC, BEHIND_PORT))
        self.check_all(NOT_COVERED, (NIC2, DISK, ROOT_PORT))

    def test_aliases(self):
        self.start_with(acpi.ivhd(
            acpi.ivhd_alias_select(NIC, '0000:00:14.4'),
            acpi.ivhd_alias_range('0000:01:00.0', '0000:01:1f.7', ROOT_PORT),
            acpi.ivhd_special()))
        self.check_all(RELAXED, (NIC, BEHIND_PORT))
        self.check_all(NOT_COVERED, (NIC2, DISK))

    def test_two_units(self):
        self.start_with(acpi.ivhd(acpi.ivhd_select(NIC)),
                        acpi.ivhd(acpi.ivhd_select(NIC2), iommu='0000:40:00.2', base=0xfd000000))
        self.check_all(RELAXED, (NIC, NIC2))
        self.assertNotEqual(self.host_record(NIC)['iommu'], self.host_record(NIC2)['iommu'])

    def test_cut(self):
        content = acpi.ivrs(acpi.ivhd(acpi.ivhd_range('0000:00:00.0', '0000:ff:1f.7')))
        self.daemon.set_tables(IVRS=content[:-4])
        self.daemon.start()
        for bdf in FUNCTIONS:
            self.assertIn(self.word(bdf)[0], ('unknown', 'unprotected'))
