/* SPDX-License-Identifier: MIT */
/* libudev reads attributes too, but tells one that is not there and one that could not be read
 * with the same NULL. */
#include "observe/pci_function.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heartbeat.h"

bool pci_function_parse_name(const char *name, uint32_t *sbdf)
{
    unsigned int segment, bus, device, function;
    char again[32];

    if (sscanf(name, "%4x:%2x:%2x.%1x", &segment, &bus, &device, &function) != 4 || device > 31 ||
        function > 7)
        return false;
    /* Numbers that are shorter, or have a sign or a blank in front, are none of the kernel's. */
    snprintf(again, sizeof(again), "%04x:%02x:%02x.%x", segment, bus, device, function);
    if (strcasecmp(name, again) != 0)
        return false;
    *sbdf = segment << 16 | bus << 8 | device << 3 | function;
    return true;
}

const char *pci_function_name(const char *syspath)
{
    const char *slash = strrchr(syspath, '/');

    return slash ? slash + 1 : syspath;
}

/* How many bytes, or a negative errno. */
static ssize_t read_attribute(int directory, const char *name, void *buffer, size_t size)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t rc = 0;
    size_t length = 0;

    if (fd < 0)
        return -errno;
    while (length < size) {
        rc = read(fd, (char *)buffer + length, size - length);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            break;
        length += (size_t)rc;
    }
    rc = rc < 0 ? -errno : (ssize_t)length;
    close(fd);
    return rc;
}

static int read_number(int directory, const char *name, unsigned long *value)
{
    char text[64], *end;
    ssize_t length = read_attribute(directory, name, text, sizeof(text) - 1);

    if (length < 0)
        return (int)length;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    errno = 0;
    *value = strtoul(text, &end, 0);
    return errno || end == text || *end ? -EINVAL : 0;
}

/* The last component of what a link names. */
static int read_link(int directory, const char *name, char target[PATH_MAX])
{
    ssize_t length = readlinkat(directory, name, target, PATH_MAX - 1);

    if (length < 0)
        return -errno;
    target[length] = '\0';
    memmove(target, pci_function_name(target), strlen(pci_function_name(target)) + 1);
    return 0;
}

/* What tells a node of sysfs from every other that was or will be in its place, links themselves
 * included; "" where nobody tells, or it is not there any more. 0 or a negative errno. sysfs has no
 * time of birth, and does not need one. Since Linux 5.5 a node's inode number is its 64-bit ID: a
 * counter's value, and above it how often that began anew (fs/kernfs/dir.c, __kernfs_new_node();
 * include/linux/kernfs.h, kernfs_id_ino()). Older kernels and those with 32-bit inode numbers show
 * the counter alone, which gives no number twice in some two thousand million nodes. Either lasts
 * until the kernel is booted anew, and XenStore with it. The link "driver" is a new node each time
 * that a driver is bound (drivers/base/dd.c, driver_sysfs_add()), and goes when it is unbound.
 * Other file systems give the number of what was removed to the next one, but know when that was
 * made. */
static int read_node(int directory, const char *name, char text[PCI_IDENTITY_SIZE])
{
    const unsigned int wanted = STATX_INO | STATX_BTIME;
    struct statx st;

    if (statx(directory, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, wanted, &st) < 0)
        return errno == ENOSYS || errno == ENOENT ? 0 : -errno;
    if (!(st.stx_mask & STATX_INO))
        return 0;
    if (st.stx_mask & STATX_BTIME)
        snprintf(text, PCI_IDENTITY_SIZE, "%" PRIu64 "-%" PRId64 ".%09" PRIu32,
                 (uint64_t)st.stx_ino, (int64_t)st.stx_btime.tv_sec,
                 (uint32_t)st.stx_btime.tv_nsec);
    else
        snprintf(text, PCI_IDENTITY_SIZE, "%" PRIu64, (uint64_t)st.stx_ino);
    return 0;
}

static int read_id(int directory, struct pci_function *function)
{
    unsigned long vendor, device;
    int rc = read_number(directory, "vendor", &vendor);

    if (rc == 0)
        rc = read_number(directory, "device", &device);
    if (rc == 0)
        function->id = (uint32_t)(device << 16 | (vendor & 0xffff));
    return rc == -ENOENT ? 0 : rc;
}

/* The kernel gives this attribute to functions with a bridge's header only. */
static int read_secondary_bus(int directory, struct pci_function *function)
{
    unsigned long value;
    int rc = read_number(directory, "secondary_bus_number", &value);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc;
    function->is_bridge = true;
    function->secondary_bus = (uint8_t)value;
    return 0;
}

static int read_class(int directory, struct pci_function *function)
{
    unsigned long value = 0;
    int rc = read_number(directory, "class", &value);

    function->class_code = (uint32_t)value;
    return rc;
}

static int read_physfn(int directory, struct pci_function *function)
{
    char target[PATH_MAX];
    int rc = read_link(directory, "physfn", target);

    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    return pci_function_parse_name(target, &function->physfn) ? 0 : -EINVAL;
}

static int read_driver(int directory, struct pci_function *function)
{
    char target[PATH_MAX];
    int rc = read_link(directory, "driver", target);

    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    snprintf(function->driver, sizeof(function->driver), "%.*s", (int)sizeof(function->driver) - 1,
             target);
    return read_node(directory, "driver", function->binding);
}

struct config {
    int fd;
    bool failed; /* at least once, so what was found may be less than there is */
};

/* Registers are numbers of little-endian bytes. Short: there is no such register, or it may not be
 * seen. */
static bool read_register(void *arg, unsigned int offset, uint32_t *value)
{
    struct config *config = arg;
    uint8_t bytes[4];
    ssize_t got;

    do
        got = pread(config->fd, bytes, sizeof(bytes), (off_t)offset);
    while (got < 0 && errno == EINTR);
    config->failed = config->failed || got < 0;
    if (got != sizeof(bytes))
        return false;
    *value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
             (uint32_t)bytes[3] << 24;
    return true;
}

/* The opener finds it by its address, where another function may stand by now. */
static int open_config(int directory, struct opener *opener, uint32_t sbdf)
{
    const struct opener_request request = {.kind = OPENER_PCI_CONFIG, .sbdf = sbdf};
    struct stat own, opened;
    int fd;

    if (!opener) {
        fd = openat(directory, "config", O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    fd = opener_open(opener, "", &request, NULL);
    if (fd < 0)
        return fd;
    if (fstat(fd, &opened) == 0 && fstatat(directory, "config", &own, 0) == 0 &&
        own.st_dev == opened.st_dev && own.st_ino == opened.st_ino)
        return fd;
    close(fd);
    return -ESTALE;
}

/* Of use where it can be read, and no loss else: no claim rests on it. */
static void read_caps(int directory, struct opener *opener, struct pci_function *function)
{
    struct config config = {.fd = open_config(directory, opener, function->sbdf)};

    if (config.fd < 0) {
        function->caps_unread = config.fd != -ENOENT && config.fd != -EACCES && config.fd != -EPERM;
        return;
    }
    pci_config_parse(read_register, &config, &function->caps);
    function->caps_unread = config.failed;
    close(config.fd);
}

static int read_all(int directory, struct pci_function *function, const char **what)
{
    static const struct {
        const char *what;
        int (*read)(int directory, struct pci_function *function);
    } attributes[] = {{"class", read_class},
                      {"vendor or device", read_id},
                      {"secondary_bus_number", read_secondary_bus},
                      {"physfn", read_physfn},
                      {"driver", read_driver}};

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        int rc = attributes[i].read(directory, function);

        *what = attributes[i].what;
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The directories above it are those of the bridges above it. */
static uint32_t parent_of(const char *syspath)
{
    char path[PATH_MAX];
    uint32_t sbdf;

    snprintf(path, sizeof(path), "%s", syspath);
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        if (pci_function_parse_name(pci_function_name(path), &sbdf))
            return sbdf;
    }
    return PCI_NO_SBDF;
}

/* A directory without attributes is being made or taken down. The event that says which comes, but
 * until then the function is unread: what is taken for gone is not looked at again. */
static bool is_gone(const char *syspath)
{
    struct stat st;

    return stat(syspath, &st) < 0 && errno == ENOENT;
}

/* All is read below one descriptor, so that it is all of one function. */
int pci_function_read(const char *syspath, struct opener *opener, struct pci_function *function,
                      const char **what)
{
    int directory, rc = 0;

    heartbeat();
    memset(function, 0, sizeof(*function));
    function->physfn = PCI_NO_SBDF;
    *what = "its name";
    if (!pci_function_parse_name(pci_function_name(syspath), &function->sbdf))
        return -EINVAL;
    function->parent = parent_of(syspath);
    *what = "its directory";
    directory = open(syspath, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    *what = "its identity";
    rc = read_node(directory, "", function->identity);
    if (rc == 0) {
        read_caps(directory, opener, function);
        rc = read_all(directory, function, what);
    }
    close(directory);
    if (rc < 0 && is_gone(syspath))
        return -ENOENT;
    return rc == -ENOENT ? -ENODATA : rc;
}
