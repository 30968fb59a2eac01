# SPDX-License-Identifier: MIT
"""IOMMU units that Xen leaves untranslated while it assigns behind them all the same: whoever has
the device, its DMA passes."""
import acpi
from case import NIC, NIC2, RigCase

GRAPHICS, SOUND = '0000:00:02.0', '0000:00:03.0'
DISPLAY, AUDIO = 0x030000, 0x040300
GUEST, TRANSLATED = 1, 2
OWN = {GUEST: '0000:00:00.0', TRANSLATED: '0000:00:05.0'}
REST = acpi.drhd(flags=acpi.INCLUDE_PCI_ALL, base=0xfed91000)


class UnitCase(RigCase):
    def make_machine(self):
        self.host.add('0000:00:00.0', 0x060000)
        self.host.add(GRAPHICS, DISPLAY, 'i915')
        self.host.add(SOUND, AUDIO, 'snd_hda_intel')
        self.host.add(NIC, 0x020000, 'e1000e')
        self.host.add(NIC2, 0x020000, 'e1000e')

    def setUp(self):
        super().setUp()
        self.toolstack.create(GUEST)
        self.toolstack.create(TRANSLATED, 'hvm')

    def start(self, device, *units, cmdline='placeholder'):
        """With units for some devices, and the rest behind another one."""
        self.hypervisor.set_cmdline(cmdline)
        self.daemon.set_tables(RMAD=acpi.dmar(*units, REST))
        self.toolstack.assignable_add(device).finish()
        self.daemon.start()

    def check_for_guests(self, device, state):
        """The same for a guest of either kind, over an attach and a restart."""
        for domid in (GUEST, TRANSLATED):
            with self.subTest(domid=domid):
                self.toolstack.attach(domid, device, vdevfn=0x28).finish()
                self.wait_host(device, owner=str(domid))
                self.sync_others()
                self.check_word(domid, device, state)
                self.daemon.stop()
                self.daemon.start()
                self.check_word(domid, device, state)
                self.toolstack.detach(domid, device).finish()
                self.wait_host(device, owner='none')

    def sync_others(self):
        self.host.add('0000:00:1c.0')
        self.wait_host('0000:00:1c.0', owner='0')
        self.host.remove('0000:00:1c.0')
        self.wait_host('0000:00:1c.0')

    def check_word(self, domid, device, state):
        said = self.host_record(device), self.record(domid, OWN[domid])
        for record in said:
            self.assertEqual(record['state'], state, said)
            skips = state == 'protected' and domid == TRANSLATED
            self.assertEqual(record['swiotlb'], 'skip' if skips else 'keep', said)


class Graphics(UnitCase):
    UNIT = acpi.drhd(acpi.scope(GRAPHICS))

    def test_no_igfx(self):
        self.start(GRAPHICS, self.UNIT, cmdline='placeholder iommu=no-igfx')
        self.check_for_guests(GRAPHICS, 'unprotected')

    def test_no_igfx_and_nobodys(self):
        self.start(GRAPHICS, self.UNIT, cmdline='placeholder iommu=no-igfx')
        self.sync_others()
        self.assertNotEqual(self.host_record(GRAPHICS)['state'], 'quarantined')

    def test_with_igfx(self):
        self.start(GRAPHICS, self.UNIT, cmdline='placeholder iommu=no-igfx,igfx')
        self.check_for_guests(GRAPHICS, 'protected')

    def test_others_do_not_care(self):
        self.start(NIC, self.UNIT, cmdline='placeholder iommu=no-igfx')
        self.check_for_guests(NIC, 'protected')

    def test_option_that_may_say_so(self):
        self.start(GRAPHICS, self.UNIT, cmdline='placeholder iommu=frobnicate')
        self.check_for_guests(GRAPHICS, 'unknown')

    def test_unit_that_serves_more(self):
        """Xen leaves out a unit for graphics alone."""
        self.start(GRAPHICS, acpi.drhd(acpi.scope(GRAPHICS), acpi.scope(NIC)),
                   cmdline='placeholder iommu=no-igfx')
        self.check_for_guests(GRAPHICS, 'protected')


class Ironlake(UnitCase):
    """There Xen may leave the unit off without a word."""

    def make_machine(self):
        super().make_machine()
        self.host.set_id('0000:00:00.0', 0x0044)

    def test_graphics(self):
        self.start(GRAPHICS, acpi.drhd(acpi.scope(GRAPHICS)))
        self.check_for_guests(GRAPHICS, 'unknown')

    def test_others_do_not_care(self):
        self.start(NIC, acpi.drhd(acpi.scope(GRAPHICS)))
        self.check_for_guests(NIC, 'protected')


class Sound(UnitCase):
    """A unit for sound alone: the firmware may have given it no TLB entries, and Xen leaves it."""

    def test_alone(self):
        self.start(SOUND, acpi.drhd(acpi.scope(SOUND)))
        self.check_for_guests(SOUND, 'unknown')

    def test_with_others(self):
        self.start(SOUND, acpi.drhd(acpi.scope(SOUND), acpi.scope(NIC)))
        self.check_for_guests(SOUND, 'protected')

    def test_dom0s(self):
        self.start(NIC, acpi.drhd(acpi.scope(SOUND)))
        self.assertEqual(self.host_record(SOUND)['state'], 'unknown')
