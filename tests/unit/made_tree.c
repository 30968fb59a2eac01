/* SPDX-License-Identifier: MIT */
#include "made_tree.h"
#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

char tree_root[64];
struct fake_driver fake_driver;

static void full_path(char full[PATH_MAX], const char *path)
{
    assert_in_range(snprintf(full, PATH_MAX, "%s%s", tree_root, path), 1, PATH_MAX - 1);
}

void tree_folder(const char *path)
{
    char full[PATH_MAX], *slash;

    full_path(full, path);
    for (slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(full, 0755);
        *slash = '/';
    }
    assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

/* Makes the folders above a path, and removes what is there. */
static void make_room(char full[PATH_MAX], const char *path)
{
    char above[PATH_MAX];

    snprintf(above, sizeof(above), "%s", path);
    *strrchr(above, '/') = '\0';
    tree_folder(above);
    full_path(full, path);
    (void)unlink(full);
}

void tree_put(const char *path, const char *text)
{
    char full[PATH_MAX];
    FILE *file;

    make_room(full, path);
    file = fopen(full, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void tree_link(const char *path, const char *target)
{
    char full[PATH_MAX];

    make_room(full, path);
    assert_int_equal(symlink(target, full), 0);
}

void tree_device(const char *path, const char *subsystem)
{
    char below[PATH_MAX], target[PATH_MAX];

    tree_folder(path);
    snprintf(below, sizeof(below), "%s/subsystem", path);
    snprintf(target, sizeof(target), "/sys/class/%s", subsystem);
    tree_link(below, target);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status, (void)kind, (void)ftw;
    return remove(path);
}

void tree_drop(const char *path)
{
    char full[PATH_MAX];

    full_path(full, path);
    assert_int_equal(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_process(const char *pid, const char *target)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "/proc/%s/map_files", pid);
    tree_folder(path);
    snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
    tree_put(path, "22 1 0:20 / /proc rw,nosuid shared:1 - proc proc rw\n"
                   "23 1 0:21 / /sys rw - sysfs sysfs rw\n");
    snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
    tree_link(path, "mnt:[4026531840]");
    snprintf(path, sizeof(path), "/proc/%s/task/%s/fd/3", pid, pid);
    tree_link(path, target);
}

static void make_disk(void)
{
    tree_device(VIRTIO_DEVICE, "platform");
    tree_put(VIRTIO_DEVICE "/uevent", "DRIVER=virtio-mmio\nOF_NAME=virtio_mmio\n"
                                      "OF_FULLNAME=/virtio_mmio@a003800\n");
    tree_link(VIRTIO_DEVICE "/driver", "../../../bus/platform/drivers/virtio-mmio");
    tree_link("/sys/bus/platform/devices/a003800.virtio_mmio",
              "../../../devices/platform/a003800.virtio_mmio");
    tree_put("/sys/bus/platform/drivers/virtio-mmio/bind", "");
    tree_put("/sys/bus/platform/drivers/virtio-mmio/unbind", "");
    tree_device(VIRTIO_DEVICE "/virtio1", "virtio");
    tree_device(VIRTIO_DISK, "block");
    tree_put(VIRTIO_DISK "/dev", "254:0\n");
    tree_put(VIRTIO_DISK "/hidden", "0\n");
    tree_folder(VIRTIO_DISK "/holders");
    tree_device(VIRTIO_DISK "/vda1", "block");
    tree_put(VIRTIO_DISK "/vda1/dev", "254:1\n");
    tree_put(VIRTIO_DISK "/vda1/partition", "1\n");
    tree_folder(VIRTIO_DISK "/vda1/holders");
}

static void make_nic(void)
{
    tree_device(NIC_DEVICE, "pci");
    tree_put(NIC_DEVICE "/class", "0x020000\n");
    tree_put(NIC_DEVICE "/sriov_numvfs", "0\n");
    tree_link(NIC_DEVICE "/driver", "../../../bus/pci/drivers/e1000e");
    tree_link("/sys/bus/pci/devices/0000:00:04.0", "../../../devices/pci0000:00/0000:00:04.0");
    tree_put("/sys/bus/pci/drivers/e1000e/bind", "");
    tree_put("/sys/bus/pci/drivers/e1000e/unbind", "");
    tree_device(NIC_INTERFACE, "net");
    tree_put(NIC_INTERFACE "/flags", "0x1002\n");
    tree_device(NIC_DEVICE "/ptp/ptp0", "ptp");
    tree_put(NIC_DEVICE "/ptp/ptp0/dev", "248:0\n");
}

void tree_make(void)
{
    strcpy(tree_root, "/tmp/xen-iommu-tree-XXXXXX");
    assert_non_null(mkdtemp(tree_root));
    fake_driver = (struct fake_driver){0};
    make_disk();
    make_nic();
    tree_put("/sys/kernel/debug/xeniommu/devices",
             "platform a003800.virtio_mmio - kept bound-before\n"
             "pci 0000:00:04.0 - kept not-ready\n");
    tree_put("/sys/module/xeniommu/parameters/observe", "N\n");
    tree_put("/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    tree_put("/proc/consoles", "tty0                 -WU (EC  p  )    4:7\n"
                               "hvc0                 -W- (EC  p  )  229:0\nramoops-1 -W-\n");
    tree_put("/sys/class/tty/console/active", "tty0 hvc0\n");
    tree_process("1", "/dev/null");
    tree_process("17", "socket:[17]");
}

void tree_remove(void)
{
    tree_drop("");
}

/* ---- the kernel ---- */

static void note_call(const char *call, const char *name)
{
    size_t len = strlen(fake_driver.calls);

    assert_in_range(
        snprintf(fake_driver.calls + len, sizeof(fake_driver.calls) - len, "%s %s; ", call, name),
        1, sizeof(fake_driver.calls) - len - 1);
}

static void show_taken(void)
{
    tree_put("/sys/kernel/debug/xeniommu/devices",
             fake_driver.takes_nothing ? "platform a003800.virtio_mmio - kept xenstore-slow\n"
                                         "pci 0000:00:04.0 - kept xenstore-slow\n"
                                       : "platform a003800.virtio_mmio protected/skip taken "
                                         "published-skip\n"
                                         "pci 0000:00:04.0 protected/skip taken published-skip\n");
}

static void set_driver(const char *name, bool bound)
{
    bool is_disk = strcmp(name, "a003800.virtio_mmio") == 0;

    if (!bound)
        tree_drop(is_disk ? VIRTIO_DEVICE "/driver" : NIC_DEVICE "/driver");
    else if (is_disk)
        tree_link(VIRTIO_DEVICE "/driver", "../../../bus/platform/drivers/virtio-mmio");
    else
        tree_link(NIC_DEVICE "/driver", "../../../bus/pci/drivers/e1000e");
    if (bound)
        show_taken();
}

/* Answers a bind or an unbind: 0 or an errno. */
static int answer(const char *call, const char *name)
{
    bool is_bind = strcmp(call, "bind") == 0;

    note_call(call, name);
    if (!is_bind && fake_driver.unbind_error != 0)
        return fake_driver.unbind_error;
    if (is_bind && fake_driver.bind_failures != 0) {
        fake_driver.bind_failures--;
        return fake_driver.bind_error;
    }
    set_driver(name, is_bind);
    return 0;
}

ssize_t __wrap_write(int file, const void *data, size_t size)
{
    char link[64], path[PATH_MAX], name[64];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    if (tree_root[0] == '\0' || strncmp(path, tree_root, strlen(tree_root)) != 0 ||
        strstr(path, "/drivers/") == NULL)
        return __real_write(file, data, size);
    snprintf(name, sizeof(name), "%.*s", (int)size, (const char *)data);
    errno = answer(strrchr(path, '/') + 1, name);
    return errno == 0 ? (ssize_t)size : -1;
}

/* Whoever waits, waits no time. */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    (void)wanted, (void)left;
    if (fake_driver.binds_late)
        set_driver("a003800.virtio_mmio", true);
    return 0;
}
