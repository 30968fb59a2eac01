/* SPDX-License-Identifier: MIT */
/* "xen-iommu apply": which devices it offers, which it refuses and why, and what it does to them.
 */
#include "claim.h"
#include "cli_run.h"
#include "fake_store.h"
#include "files.h"
#include "made_tree.h"

#include <xeniommu.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define OWN     XENIOMMU_DIR
#define DISK_ID "dt/virtio_mmio@a003800"
#define NIC_ID  "pci/0000-00-04-0"

void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *text);

static unsigned int failing; /* of the next allocations, from 1; 0: none */
static char claimed[128];    /* the disks, in their order */
static int claim_error;
static void (*when_claimed)(void); /* what others do just then */

static bool fails(void)
{
    return failing > 0 && --failing == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(memory, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

int claim_disk(const char *root, const struct use_node *disk)
{
    assert_string_equal(root, tree_root);
    assert_true(disk->is_block && disk->is_disk);
    strcat(claimed, disk->name);
    strcat(claimed, " ");
    if (when_claimed != NULL)
        when_claimed();
    return claim_error != 0 ? claim_error : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(OWN);
    fake_store_device(OWN, DISK_ID, "protected", "skip", "behind-iommu");
    fake_store_device(OWN, NIC_ID, "protected", "skip", "assigned");
    tree_make();
    run_root = tree_root;
    failing = 0;
    claim_error = 0;
    claimed[0] = '\0';
    when_claimed = NULL;
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

static void without_now_it_only_says(void **state)
{
    (void)state;
    assert_run("apply", 0,
               "DEVICE               NAME                DRIVER      OUTCOME      REASON DETAIL\n"
               "/virtio_mmio@a003800 a003800.virtio_mmio virtio-mmio would-rebind -      \n"
               "0000:00:04.0         0000:00:04.0        e1000e      would-rebind -      \n",
               "");
    assert_int_equal(run("apply --dry-run"), 0);
    assert_string_equal(fake_driver.calls, "");
    assert_string_equal(claimed, "");
    assert_run_json("apply --json", 0,
                    "{\"now\":false,\"devices\":[{\"bus\":\"platform\",\"name\":"
                    "\"a003800.virtio_mmio\",\"device\":\"/virtio_mmio@a003800\",\"driver\":"
                    "\"virtio-mmio\",\"outcome\":\"would-rebind\",\"reason\":null,\"detail\":null},"
                    "{\"bus\":\"pci\",\"name\":\"0000:00:04.0\",\"device\":\"0000:00:04.0\","
                    "\"driver\":\"e1000e\",\"outcome\":\"would-rebind\",\"reason\":null,"
                    "\"detail\":null}]}");
}

static void with_now_each_is_bound_again(void **state)
{
    (void)state;
    assert_run("apply --now", 0,
               "DEVICE               NAME                DRIVER      OUTCOME REASON DETAIL\n"
               "/virtio_mmio@a003800 a003800.virtio_mmio virtio-mmio rebound -      \n"
               "0000:00:04.0         0000:00:04.0        e1000e      rebound -      \n",
               "");
    assert_string_equal(fake_driver.calls, "unbind a003800.virtio_mmio; bind a003800.virtio_mmio; "
                                           "unbind 0000:00:04.0; bind 0000:00:04.0; ");
    assert_string_equal(claimed, "vda ");
    assert_run("apply --now", 0, "", ""); /* nothing is left to do */
}

static void only_what_may_skip_is_offered(void **state)
{
    static const char *const lines[] = {
        "platform a003800.virtio_mmio protected/skip taken published-skip\n",
        "platform a003800.virtio_mmio - kept dma-direct\n",
        "platform a003800.virtio_mmio - kept own-iommu\n",
        "platform a003800.virtio_mmio - kept other-dma-ops\n",
        "platform a003800.virtio_mmio - kept swiotlb-xen-global\n",
        "platform b003800.virtio_mmio - kept not-ready\n", /* nothing names it */
        "pci 10000:00:04.0 - kept no-address\n",
        "pci 0000:00:05.0 - kept no-record\n",
    };
    size_t i;

    (void)state;
    fake_store_device(OWN, NIC_ID, "protected", "keep", "pv-domain");
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tree_put("/sys/kernel/debug/xeniommu/devices", lines[i]);
        assert_run("apply --now", 0, "", "");
    }
    fake_store_device(OWN, DISK_ID, "relaxed", "skip", "");
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept not-ready\npci 0000:00:04.0 - kept not-ready\n");
    assert_run("apply --now", 0, "", "");
    assert_string_equal(fake_driver.calls, "");
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

static void somebody_mounts_it(void)
{
    tree_process("20", "/dev/null");
    tree_link("/proc/20/ns/mnt", "mnt:[4026531999]");
    tree_put("/proc/20/mountinfo", "30 1 254:1 / /srv rw - ext4 /dev/vda1 rw\n");
}

static void a_partition_comes(void)
{
    tree_device(VIRTIO_DISK "/vda2", "block");
    tree_put(VIRTIO_DISK "/vda2/dev", "254:2\n");
    tree_put(VIRTIO_DISK "/vda2/partition", "2\n");
    tree_folder(VIRTIO_DISK "/vda2/holders");
}

static void the_verdict_falls(void)
{
    fake_store_device(OWN, DISK_ID, "unknown", "keep", "timeout");
    fake_store_bump(OWN);
}

/* All is looked at again when the disk is held. */
static void what_changes_meanwhile_is_seen(void **state)
{
    void (*const changes[])(void) = {somebody_mounts_it, a_partition_comes, the_verdict_falls};
    static const char *const reasons[] = {"mounted", "in-use-unknown", "not-published"};
    size_t i;

    for (i = 0; i < 3; i++) {
        teardown(state);
        setup(state);
        tree_put("/sys/kernel/debug/xeniommu/devices",
                 "platform a003800.virtio_mmio - kept bound-before\n");
        when_claimed = changes[i];
        assert_int_equal(run("apply --now"), 3);
        assert_non_null(strstr(output, reasons[i]));
        assert_string_equal(fake_driver.calls, "");
        assert_string_equal(claimed, "vda ");
    }
}

static void a_disk_that_cannot_be_held_is_refused(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n");
    claim_error = -EBUSY;
    assert_int_equal(run("apply --now"), 3);
    assert_non_null(strstr(output, " refused held   vda: Device or resource busy\n"));
    claim_error = -ENODEV;
    assert_int_equal(run("apply --now"), 3);
    assert_non_null(strstr(output, "in-use-unknown vda: No such device\n"));
    assert_string_equal(fake_driver.calls, "");
}

static void a_daemon_that_stops_meanwhile_is_seen(void **state)
{
    (void)state;
    assert_int_equal(run("apply"), 0);
    fake_store_set(OWN "/status", "stopped");
    assert_int_equal(run("apply --now"), 4);
    assert_string_equal(fake_driver.calls, "");
    assert_string_equal(output, "");
}

static void a_device_that_does_not_come_back_is_given_once_more(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n");
    fake_driver.bind_error = EIO;
    fake_driver.bind_failures = 1;
    assert_int_equal(run("apply --now"), 0);
    assert_string_equal(fake_driver.calls, "unbind a003800.virtio_mmio; bind a003800.virtio_mmio; "
                                           "bind a003800.virtio_mmio; ");
    assert_string_equal(errors, "");
}

static void a_device_that_stays_away_is_a_failure(void **state)
{
    (void)state;
    fake_driver.bind_error = EIO;
    fake_driver.bind_failures = 2;
    assert_int_equal(run("apply --now"), 1);
    assert_non_null(strstr(output, "failed  not-bound virtio-mmio does not take it again: Inp"));
    assert_non_null(strstr(output, "0000:00:04.0        e1000e      rebound"));
    assert_string_equal(errors, "xen-iommu: a003800.virtio_mmio: virtio-mmio does not take it "
                                "again: Input/output error\n");
}

static void a_bind_that_is_put_off_is_waited_for(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n");
    fake_driver.bind_error = EAGAIN;
    fake_driver.bind_failures = -1;
    assert_int_equal(run("apply --now"), 1);
    assert_non_null(strstr(errors, "Connection timed out\n"));
    tree_link(VIRTIO_DEVICE "/driver", "../../../bus/platform/drivers/virtio-mmio");
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n");
    fake_driver.binds_late = true;
    assert_int_equal(run("apply --now"), 0);
}

static void a_driver_that_does_not_let_go_is_a_failure(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices", "pci 0000:00:04.0 - kept bound-before\n");
    fake_driver.unbind_error = ENODEV;
    assert_int_equal(run("apply --now"), 1);
    assert_non_null(strstr(output, "failed  not-unbound e1000e does not let go: No such device\n"));
    assert_string_equal(errors,
                        "xen-iommu: 0000:00:04.0: e1000e does not let go: No such device\n");
    assert_string_equal(fake_driver.calls, "unbind 0000:00:04.0; ");
}

static void a_device_that_keeps_it_is_a_failure(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices", "pci 0000:00:04.0 - kept bound-before\n");
    fake_driver.takes_nothing = true;
    assert_int_equal(run("apply --now"), 1);
    assert_non_null(strstr(output, "unchanged not-taken the Linux driver says: xenstore-slow\n"));
    assert_string_equal(errors, "xen-iommu: 0000:00:04.0: the Linux driver says: xenstore-slow\n");
}

static void without_the_driver_nothing_is_done(void **state)
{
    (void)state;
    tree_put("/sys/kernel/debug/xeniommu/devices", "pci 0000:00:04.0 -\n");
    assert_run("apply --now", 1, "",
               "xen-iommu: /sys/kernel/debug/xeniommu/devices has a line that this program does "
               "not know\n");
    tree_drop("/sys/kernel/debug/xeniommu/devices");
    assert_run("apply --now", 1, "",
               "xen-iommu: /sys/kernel/debug/xeniommu/devices is not there: is the module xeniommu "
               "loaded, and debugfs mounted?\n");
    assert_int_equal(run("apply"), 1);
}

static void two_at_a_time_are_one_too_many(void **state)
{
    char path[PATH_MAX];
    int file;

    (void)state;
    files_path(path, "%s/sys/kernel/debug/xeniommu/devices", tree_root);
    file = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(file, LOCK_EX), 0);
    assert_run("apply --now", 1, "", "xen-iommu: another xen-iommu apply is at work\n");
    assert_int_equal(run("apply"), 0);
    close(file);
    assert_int_equal(run("apply --now"), 0);
}

static void what_does_not_fit_is_usage(void **state)
{
    (void)state;
    assert_int_equal(run("apply --now --dry-run"), 2);
    assert_string_equal(errors, "xen-iommu: --now and --dry-run exclude each other\n"
                                "Try 'xen-iommu --help'.\n");
    assert_int_equal(run("apply --domain 1"), 2);
    assert_int_equal(run("list --now"), 2);
    assert_string_equal(fake_driver.calls, "");
}

static void signals_are_as_they_were(void **state)
{
    sigset_t before = {0}, after = {0};

    (void)state;
    sigprocmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(run("apply --now"), 0);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_memory_equal(&before, &after, sizeof(before));
}

/* No device is ever left without its driver. */
static void without_memory_nothing_is_half_done(void **state)
{
    unsigned int n = 0;
    int code;

    do {
        teardown(state);
        setup(state);
        failing = ++n;
        code = run("apply --now");
        if (strstr(fake_driver.calls, "unbind a003800.virtio_mmio") != NULL)
            assert_non_null(strstr(fake_driver.calls, "; bind a003800.virtio_mmio"));
        if (failing == 0)
            assert_true(code == 1);
    } while (failing == 0);
    assert_int_equal(code, 0);
    assert_in_range(n, 15, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_now_it_only_says),
        TEST(with_now_each_is_bound_again),
        TEST(only_what_may_skip_is_offered),
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
        TEST(what_changes_meanwhile_is_seen),
        TEST(a_disk_that_cannot_be_held_is_refused),
        TEST(a_daemon_that_stops_meanwhile_is_seen),
        TEST(a_device_that_does_not_come_back_is_given_once_more),
        TEST(a_device_that_stays_away_is_a_failure),
        TEST(a_bind_that_is_put_off_is_waited_for),
        TEST(a_driver_that_does_not_let_go_is_a_failure),
        TEST(a_device_that_keeps_it_is_a_failure),
        TEST(without_the_driver_nothing_is_done),
        TEST(two_at_a_time_are_one_too_many),
        TEST(what_does_not_fit_is_usage),
        TEST(signals_are_as_they_were),
        TEST(without_memory_nothing_is_half_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
