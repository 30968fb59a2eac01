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

static void the_daemon_stops(void)
{
    fake_store_set(OWN "/status", "stopped");
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
    when_claimed = the_daemon_stops;
    assert_int_equal(run("apply --now"), 4);
    assert_non_null(strstr(output, "not-published"));
    assert_string_equal(fake_driver.calls, "");
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
    sigset_t none, after;

    (void)state;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    assert_int_equal(run("apply --now"), 0);
    sigprocmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
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
