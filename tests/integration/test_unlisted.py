# SPDX-License-Identifier: MIT
"""A mate that the host does not list any more, while Xen still does and a guest has it."""
from case import DISK
from test_groups import BRIDGE, FIRST, LEFT, RIGHT, GroupCase
from waiting import wait_until

ADDRESS = '0000:00:05.0'


class UnlistedCase(GroupCase):
    def lose_right(self):
        """It left sysfs, and Xen goes on to have it for guest 2."""
        self.host.remove(RIGHT)
        self.wait_host(RIGHT)
        self.assertEqual(self.hypervisor.owner(RIGHT), 2)

    def give_left(self):
        self.toolstack.assignable_add(LEFT).finish()
        self.toolstack.attach(3, LEFT, vdevfn=0x28).finish()

    def check_doubt(self):
        self.wait_host(LEFT, owner='3', swiotlb='keep')
        self.sync()
        self.sync_uevents()
        self.assertIn(self.host_record(LEFT)['state'], ('unknown', 'unprotected'))
        self.assert_no_promise(LEFT, 3, ADDRESS)


class Unlisted(UnlistedCase):
    def setUp(self):
        super().setUp()
        self.toolstack.create(3, 'hvm')
        self.give(2, RIGHT)
        self.wait_host(RIGHT, owner='2')

    def test_lost_before(self):
        self.lose_right()
        self.give_left()
        self.check_doubt()

    def test_lost_after(self):
        self.give_left()
        self.wait_host(LEFT, owner='3', state='unprotected', reason='group-split')
        self.lose_right()
        self.check_doubt()

    def test_over_a_reload(self):
        self.lose_right()
        self.give_left()
        self.check_doubt()
        self.wait_oracle(LEFT, self.daemon.reload)
        self.check_doubt()

    def test_over_a_restart(self):
        self.lose_right()
        self.give_left()
        self.check_doubt()
        self.daemon.stop()
        self.daemon.start()
        self.wait_host(LEFT, owner='3', swiotlb='keep')
        self.sync_uevents()
        self.assert_no_promise(LEFT, 3, ADDRESS)

    def test_dom0s_mate(self):
        """The other is dom0's, and its word falls as well."""
        self.lose_right()
        self.sync_uevents()
        self.assertIn(self.host_record(LEFT)['state'], ('unknown', 'unprotected'))
        self.assertEqual(self.host_record(DISK)['state'], 'relaxed')

    def test_quarantined_mate(self):
        """What a mate of a guest's may reach, it may."""
        self.lose_right()
        self.toolstack.assignable_add(LEFT).finish()
        self.wait_host(LEFT, owner='none')
        self.sync()
        self.assertEqual(self.host_record(LEFT)['state'], 'unknown')

    def test_comes_back(self):
        self.lose_right()
        self.give_left()
        self.check_doubt()
        self.host.add(RIGHT, 0x020000, 'pciback', below=BRIDGE)
        self.check_doubt()
        self.toolstack.destroy(2).finish()
        self.wait_host(LEFT, owner='3', state='protected')
        self.wait_record(3, ADDRESS, state='protected', swiotlb='skip')

    def test_its_guest_ends(self):
        """Then Xen does not list it any more, and nothing speaks against the word."""
        self.lose_right()
        self.give_left()
        self.check_doubt()
        self.toolstack.destroy(2).finish()
        self.hypervisor.assign(RIGHT, 'none')
        self.wait_host(LEFT, owner='3', state='protected')
        self.wait_record(3, ADDRESS, state='protected', swiotlb='skip')

    def test_same_guest(self):
        """Both the first guest's: where the mate is not listed, it cannot be told."""
        self.give(1, LEFT)
        self.toolstack.destroy(2).finish()
        self.wait_host(RIGHT, owner='none')
        self.toolstack.attach(1, RIGHT).finish()
        self.wait_record(1, FIRST, state='protected')
        self.host.remove(RIGHT)
        self.wait_host(RIGHT)
        wait_until(lambda: not self.promises(LEFT, 1, FIRST), 'the word to fall')


class Leaked(UnlistedCase):
    """No record says any more that guest 2 has it."""

    def setUp(self):
        super().setUp()
        self.toolstack.create(3, 'hvm')
        self.toolstack.assignable_add(RIGHT).finish()
        self.toolstack.attach_in_vain(2, RIGHT).finish()
        self.wait_host(RIGHT, state='unknown')

    def test_lost(self):
        self.lose_right()
        self.give_left()
        self.check_doubt()

    def test_lost_before_a_start(self):
        self.daemon.stop()
        self.host.remove(RIGHT)
        self.give_left()
        self.daemon.start()
        self.wait_host(LEFT, owner='3', swiotlb='keep')
        self.assert_no_promise(LEFT, 3, ADDRESS)
