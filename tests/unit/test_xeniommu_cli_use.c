/* SPDX-License-Identifier: MIT */
/* "xen-iommu apply": what it takes for in use. */
#include "claim.h"
#include "cli_run.h"
#include "fake_store.h"
#include "made_tree.h"

#include <xeniommu.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OWN XENIOMMU_DIR

int claim_disk(const char *root, const struct use_node *disk)
{
    (void)root, (void)disk;
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(OWN);
    fake_store_device(OWN, "dt/virtio_mmio@a003800", "protected", "skip", "behind-iommu");
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "assigned");
    tree_make();
    run_root = tree_root;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_root = "";
    tree_remove();
    fake_store_reset();
    return 0;
}

/* Refused, with and without --now, for that reason, with words that begin so. */
static void refused(const char *reason, const char *detail)
{
    static const char *const lines[] = {"apply --json", "apply --json --now"};
    char expected[512];
    size_t i;

    snprintf(expected, sizeof(expected),
             "\"outcome\":\"refused\",\n      \"reason\":\"%s\",\n      \"detail\":\"%s", reason,
             detail);
    for (i = 0; i < 2; i++) {
        assert_int_equal(run(lines[i]), i == 0 ? 0 : 3);
        if (strstr(output, expected) == NULL)
            fail_msg("not refused as %s: %s", expected, output);
        assert_string_equal(errors, "");
        assert_string_equal(fake_driver.calls, "");
    }
}

static void disk_is(const char *reason, const char *detail)
{
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n");
    refused(reason, detail);
}

static void nic_is(const char *reason, const char *detail)
{
    tree_put("/sys/kernel/debug/xeniommu/devices", "pci 0000:00:04.0 - kept bound-before\n");
    refused(reason, detail);
}

/* In any namespace of mounts, by the number or by the source's name. */
static void a_mounted_disk_is_refused(void **state)
{
    (void)state;
    tree_process("20", "/dev/null");
    tree_link("/proc/20/ns/mnt", "mnt:[4026531999]");
    tree_put("/proc/20/mountinfo", "30 1 254:1 / /srv rw shared:1 master:2 - ext4 /dev/root rw\n");
    disk_is("mounted", "vda1 on /srv");
    tree_put("/proc/20/mountinfo", "30 1 0:40 /sub /srv rw - btrfs /dev/vda rw\n");
    disk_is("mounted", "vda on /srv");
    tree_put("/proc/20/mountinfo", "30 1 254:2 / /srv rw - ext4 /dev/vda2 rw\n");
    assert_int_equal(run("apply"), 0);
    assert_non_null(strstr(output, "would-rebind"));
    tree_put("/sys/fs/btrfs/1234/devices/vda1", "");
    disk_is("mounted", "vda1, in the btrfs 1234");
}

static void mounts_that_cannot_be_read_are_a_doubt(void **state)
{
    (void)state;
    tree_process("20", "/dev/null");
    tree_link("/proc/20/ns/mnt", "mnt:[4026531999]");
    tree_put("/proc/20/mountinfo", "gibberish\n");
    disk_is("in-use-unknown", "mountinfo has a line that is not known");
}

static void swap_is_refused(void **state)
{
    (void)state;
    tree_put("/proc/swaps",
             "Filename\tType\n/swapfile   file 1 2 3\n/dev/vda1   partition 1 2 3\n");
    disk_is("swap", "vda1");
}

static void what_the_kernel_holds_is_refused(void **state)
{
    (void)state;
    tree_put(VIRTIO_DISK "/vda1/holders/dm-0", "");
    disk_is("held", "by dm-0");
    tree_drop(VIRTIO_DISK "/vda1/holders/dm-0");
    tree_drop(VIRTIO_DISK "/holders");
    disk_is("in-use-unknown", "");
}

static void what_is_handed_out_is_refused(void **state)
{
    (void)state;
    tree_put("/sys/bus/xen-backend/devices/vbd-1-2/physical_device", "fe:1\n");
    disk_is("exported", "vda1 to a guest, by vbd-1-2");
    tree_put("/sys/bus/xen-backend/devices/vbd-1-2/physical_device", "fe:2\n");
    tree_put("/sys/block/loop0/loop/backing_file", "/dev/vda\n");
    disk_is("exported", "vda is behind loop0");
    tree_put("/sys/block/loop0/loop/backing_file", "/srv/image (deleted)\n");
    disk_is("in-use-unknown", "what loop0 stands for cannot be told");
    tree_put("/sys/block/loop0/loop/backing_file", "/proc/swaps\n");
    tree_put("/sys/kernel/config/nvmet/subsystems/a/namespaces/1/device_path", "/dev/vda1\n");
    disk_is("exported", "vda1 over NVMe");
}

static void an_open_node_is_refused(void **state)
{
    (void)state;
    tree_process("20", "/dev/vda");
    disk_is("open", "vda by process 20");
    tree_process("20", "/dev/vdb");
    tree_link("/proc/20/task/21/fd/9", "/dev/vda1"); /* a thread with files of its own */
    disk_is("open", "vda1 by process 20");
    tree_drop("/proc/20/task/21");
    tree_link("/proc/20/map_files/1000-2000", "/dev/vda");
    disk_is("open", "vda by process 20");
}

static void what_cannot_be_seen_is_refused(void **state)
{
    (void)state;
    tree_process("20", "/dev/null");
    tree_drop("/proc/20/task");
    tree_put("/proc/20/task", "no folder");
    disk_is("in-use-unknown", tree_root);
}

static void an_interface_in_use_is_refused(void **state)
{
    (void)state;
    tree_put(NIC_INTERFACE "/flags", "0x1003\n");
    nic_is("interface-up", "eth0");
    tree_put(NIC_INTERFACE "/flags", "0x1002\n");
    tree_link(NIC_INTERFACE "/upper_xenbr0", "../xenbr0");
    nic_is("interface-joined", "xenbr0");
    tree_drop(NIC_INTERFACE "/upper_xenbr0");
    tree_link(NIC_INTERFACE "/master", "../bond0");
    nic_is("interface-joined", "master");
    tree_drop(NIC_INTERFACE "/master");
    tree_drop(NIC_INTERFACE "/flags");
    nic_is("in-use-unknown", "eth0 has no flags");
    tree_drop(NIC_INTERFACE);
    nic_is("in-use-unknown", "an interface in another namespace");
}

static void functions_in_use_are_refused(void **state)
{
    (void)state;
    tree_put(NIC_DEVICE "/sriov_numvfs", "4\n");
    nic_is("virtual-functions", "4");
    tree_put(NIC_DEVICE "/sriov_numvfs", "0\n");
    tree_put(NIC_DEVICE "/class", "0x030000\n");
    nic_is("display", "the firmware's console may be on it");
    tree_put(NIC_DEVICE "/class", "0x020000\n");
    tree_device(NIC_DEVICE "/drm/card0", "drm");
    nic_is("display", "card0");
    tree_drop(NIC_DEVICE "/drm");
    tree_device(NIC_DEVICE "/0000:01:00.0", "pci");
    nic_is("has-devices", "0000:01:00.0");
    tree_drop(NIC_DEVICE "/0000:01:00.0");
    tree_device(NIC_DEVICE "/usb1", "usb");
    tree_device(NIC_DEVICE "/usb1/1-0:1.0", "usb");
    assert_int_equal(run("apply"), 0);
    assert_null(strstr(output, "refused"));
    tree_device(NIC_DEVICE "/usb1/1-1", "usb");
    nic_is("has-devices", "USB: 1-1");
}

static void a_console_is_refused(void **state)
{
    (void)state;
    tree_device(NIC_DEVICE "/tty/ttyS4", "tty");
    tree_put(NIC_DEVICE "/tty/ttyS4/dev", "4:68\n");
    assert_int_equal(run("apply"), 0);
    assert_null(strstr(output, "refused"));
    tree_put("/proc/consoles", "ttyS4 -W- (EC p a) 4:68\n");
    nic_is("console", "ttyS4");
    tree_put("/proc/consoles", "");
    tree_link("/sys/class/tty/ttyS4", "../../devices/pci0000:00/0000:00:04.0/tty/ttyS4");
    tree_put("/sys/class/tty/console/active", "tty0 ttyS4\n");
    nic_is("console", "ttyS4");
}

static void what_others_need_is_refused(void **state)
{
    (void)state;
    tree_link(VIRTIO_DEVICE "/virtio1/consumer:platform:fe002000.audio", "../../../x");
    disk_is("has-consumers", "platform:fe002000.audio");
}

static void what_does_not_show_its_users_is_refused(void **state)
{
    (void)state;
    tree_device(VIRTIO_DEVICE "/virtio1/gadget", "udc");
    disk_is("in-use-unknown", "gadget, of the subsystem udc");
    tree_drop(VIRTIO_DEVICE "/virtio1");
    disk_is("in-use-unknown", "nothing below it shows who uses it");
    tree_device(VIRTIO_DEVICE "/virtio1", "virtio"); /* as of a random number generator */
    disk_is("in-use-unknown", "nothing below it shows who uses it");
    tree_device(VIRTIO_DISK, "block");
    tree_put(VIRTIO_DISK "/hidden", "1\n");
    disk_is("in-use-unknown", "vda is one path of several to a disk");
    tree_put(VIRTIO_DISK "/hidden", "0\n");
    tree_folder(VIRTIO_DISK "/holders");
    disk_is("in-use-unknown", "vda has no number");
}

static void a_driver_for_others_is_refused(void **state)
{
    (void)state;
    tree_link(NIC_DEVICE "/driver", "../../../bus/pci/drivers/vfio-pci");
    nic_is("user-space-driver", "vfio-pci");
    tree_link(NIC_DEVICE "/driver", "../../../bus/pci/drivers/pciback");
    nic_is("user-space-driver", "pciback");
    tree_drop(NIC_DEVICE "/driver");
    nic_is("no-driver", "nothing to give it to");
    tree_link(NIC_DEVICE "/driver", "../../../bus/pci/drivers/e1000e");
    tree_drop("/sys/bus/pci/drivers/e1000e/bind");
    nic_is("not-possible", "its driver cannot be unbound and bound");
    tree_put("/sys/bus/pci/drivers/e1000e/bind", "");
    tree_put("/sys/module/xeniommu/parameters/observe", "Y\n");
    nic_is("driver-observes", "the parameter observe of xeniommu is set");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mounted_disk_is_refused),
        TEST(mounts_that_cannot_be_read_are_a_doubt),
        TEST(swap_is_refused),
        TEST(what_the_kernel_holds_is_refused),
        TEST(what_is_handed_out_is_refused),
        TEST(an_open_node_is_refused),
        TEST(what_cannot_be_seen_is_refused),
        TEST(an_interface_in_use_is_refused),
        TEST(functions_in_use_are_refused),
        TEST(a_console_is_refused),
        TEST(what_others_need_is_refused),
        TEST(what_does_not_show_its_users_is_refused),
        TEST(a_driver_for_others_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
