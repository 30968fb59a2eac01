# SPDX-License-Identifier: MIT
"""Under which path a guest finds its device tree devices: as its partial device tree tells, if that
tells for certain."""
import os
import time

from devicetree import ASIDE, BESIDE, GUESTS, DeviceTreeCase
from toolstack import handle_of, vm_path
from waiting import wait_until


def node(name, host=ASIDE, below='passthrough'):
    return f'{below} {{ {name} {{ xen,path = "{host}"; }}; }};'


class GuestPath(DeviceTreeCase):
    def write_partial(self, text):
        self.compile(f'/dts-v1/; / {{ {text} }};',
                     os.path.join(self.daemon.sysroot, 'partial.dtb'))

    def create(self, name='/partial.dtb', *paths, by='libxl'):
        """The guest is made: the devices are assigned, and the record comes last. libxl has written
        before when it began."""
        for path in paths or (ASIDE,):
            self.hypervisor.assign(path, 1)
        if by == 'libxl' and self.store.read(self.birth()) is None:
            self.store.write(self.birth(), self.next_hundredth())
        return self.write_record(1, *(paths or (ASIDE,)), b_info={'device_tree': name})

    @staticmethod
    def next_hundredth():
        """As libxl writes a time, rounded down; later than all that was done until now."""
        begin = int(time.time() * 100)
        wait_until(lambda: int(time.time() * 100) > begin, 'the next hundredth of a second')
        return f'{(begin + 1) / 100:.2f}'

    def birth(self):
        return vm_path(handle_of(self.hypervisor.domains[1])) + '/start_time'

    def seen(self):
        """The device tree devices in the guest's own tree."""
        return sorted('/' + path[:-len('/state')]
                      for path in self.store.tree(self.home(1) + '/dt') if path.endswith('/state'))

    def expect_nothing(self):
        """The guest is known to have it, and told nothing of it. The host's tree is written after
        the guest's."""
        self.wait_dt(None, ASIDE, owner='1')
        self.assertEqual(self.seen(), [])

    def test_told(self):
        self.write_partial(node('mine@0'))
        self.create()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.assertEqual(self.seen(), ['/passthrough/mine@0'])
        self.restart()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.assertEqual(self.seen(), ['/passthrough/mine@0'])

    def test_no_partial_tree(self):
        self.hypervisor.assign(ASIDE, 1)
        self.write_record(1, ASIDE, b_info={'type': 'pvh'})
        self.wait_dt(1, ASIDE, **GUESTS)
        self.assertEqual(self.seen(), [ASIDE])

    def test_two_devices(self):
        self.write_partial('passthrough { a { xen,path = "%s"; }; bus { b { xen,path = "%s"; }; '
                           '}; };' % (ASIDE, BESIDE))
        self.create('/partial.dtb', ASIDE, BESIDE)
        self.wait_dt(1, '/passthrough/a', **GUESTS)
        self.wait_dt(1, '/passthrough/bus/b', **GUESTS)
        self.assertEqual(self.seen(), ['/passthrough/a', '/passthrough/bus/b'])

    def test_only_one_of_two_is_told(self):
        self.write_partial(node('a'))
        self.create('/partial.dtb', ASIDE, BESIDE)
        self.wait_dt(None, BESIDE, owner='1')
        self.wait_dt(1, '/passthrough/a', **GUESTS)
        self.assertEqual(self.seen(), ['/passthrough/a'])

    def test_the_same_name_is_no_word(self):
        self.write_partial('passthrough { aside@4000 { compatible = "test,dma"; }; };')
        self.create()
        self.expect_nothing()

    def test_no_match(self):
        self.write_partial(node('mine@0', BESIDE))
        record = self.create()
        self.expect_nothing()
        self.assertTrue(self.daemon.log_lines('warning', record, ASIDE))

    def test_what_libxl_does_not_copy(self):
        self.write_partial(node('mine@0', below='soc'))
        self.create()
        self.expect_nothing()

    def test_two_nodes_say_so(self):
        self.write_partial('passthrough { a { xen,path = "%s"; }; b { xen,path = "%s"; }; };' %
                           (ASIDE, ASIDE))
        self.create()
        self.expect_nothing()

    def test_a_relative_name(self):
        self.write_partial(node('mine@0'))
        self.create('partial.dtb')
        self.expect_nothing()

    def test_a_file_that_is_gone(self):
        record = self.create()
        self.expect_nothing()
        self.assertEqual(len(self.daemon.log_lines('warning', record, '/partial.dtb')), 1)

    def test_a_file_that_is_no_tree(self):
        with open(os.path.join(self.daemon.sysroot, 'partial.dtb'), 'w', encoding='ascii') as file:
            file.write('no tree')
        self.create()
        self.expect_nothing()

    def test_rewritten_while_the_guest_runs(self):
        self.write_partial(node('mine@0'))
        record = self.create()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.write_partial(node('mine@1'))
        # libxl writes its record anew with any change of the configuration
        self.create('/partial.dtb', ASIDE, BESIDE)
        self.wait_dt(None, BESIDE, owner='1')
        self.assertEqual(self.seen(), ['/passthrough/mine@0'])
        # a daemon that starts now cannot know what it was
        past = time.time() - 100
        os.utime(record, (past, past))
        self.restart()
        self.expect_nothing()

    def test_rewritten_before_a_start(self):
        """libxl's record is as new as the last change, but libxl has told when it began."""
        self.write_partial(node('mine@0'))
        self.create()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.daemon.stop()
        self.write_partial(node('mine@1'))
        self.create('/partial.dtb', ASIDE, BESIDE)
        self.daemon.start()
        self.wait_dt(None, BESIDE, owner='1')
        self.expect_nothing()

    def test_nobody_tells_when_it_was_made(self):
        """The record's own time has to do then."""
        self.write_partial(node('mine@0'))
        self.create(by='another')
        self.restart()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        self.daemon.stop()
        self.write_partial(node('mine@1'))
        self.daemon.start()
        self.expect_nothing()

    def test_no_time_that_is_one(self):
        self.write_partial(node('mine@0'))
        self.daemon.stop()
        self.create()
        self.store.write(self.birth(), '12.5x')
        self.daemon.start()
        self.expect_nothing()

    def test_made_anew(self):
        """The next domain of that number gets what its own tree tells."""
        self.write_partial(node('mine@0'))
        record = self.create()
        self.wait_dt(1, '/passthrough/mine@0', **GUESTS)
        os.unlink(record)
        self.store.remove(self.birth())
        self.write_partial(node('mine@1'))
        self.create()
        self.wait_dt(1, '/passthrough/mine@1', **GUESTS)
        self.assertEqual(self.seen(), ['/passthrough/mine@1'])
