/* SPDX-License-Identifier: MIT */
#include "observe/backend_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for any path below a backend directory, whose own length is bounded by the caller. */
#define PATH_SIZE 512
/* A domain may have this many functions; more is nonsense. */
#define DEVICES_MAX 4096

/* What one reading collects. */
struct reading {
    struct store *store;
    xs_transaction_t t;
    const struct backend_dir *dir;
    struct backend_dir *result;
    uint64_t num_devs;
    unsigned int backend;
    uint32_t serves;
    bool nonsense;
};

/* Notes a complaint, and gives up on the whole directory: none of its claims can be trusted. */
#define NONSENSE(reading, ...)                                                                     \
    do {                                                                                           \
        complaint_note(&(reading)->result->complaints, __VA_ARGS__);                               \
        (reading)->nonsense = true;                                                                \
    } while (0)

static int child_path(const struct reading *reading, const char *name, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "%s/%s", reading->dir->path, name) < PATH_SIZE ? 0
                                                                                    : -ENAMETOOLONG;
}

/* A number in the directory. 0, -ENOENT, another error of XenStore; *number is as it was when the
 * value is nonsense, and the complaint was made. */
static int read_child_number(struct reading *reading, const char *name, uint64_t max,
                             uint64_t *number)
{
    char path[PATH_SIZE];
    uint64_t value = 0;
    int rc = child_path(reading, name, path);

    if (rc == 0)
        rc = store_read_number(reading->store, reading->t, path, &value);
    if (rc == -EINVAL || (rc == 0 && value > max)) {
        NONSENSE(reading, "%s: not a number up to %llu, the directory is not believed", path,
                 (unsigned long long)max);
        return 0;
    }
    if (rc == 0)
        *number = value;
    return rc;
}

/* "0000:00:04.0", and "0000:00:00.00" as pciback writes it. */
static bool parse_bdf(const char *text, uint32_t *sbdf)
{
    unsigned int segment, bus, device, function;
    int end = 0;

    if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text) ||
        sscanf(text, "%4x:%2x:%2x.%2x%n", &segment, &bus, &device, &function, &end) != 4 ||
        text[end] || device > 31 || function > 7)
        return false;
    *sbdf = segment << 16 | bus << 8 | device << 3 | function;
    return true;
}

/* 1 when read, 0 when there is none or it makes no sense. */
static int read_child_bdf(struct reading *reading, const char *name, uint32_t *sbdf)
{
    char path[PATH_SIZE], *value;
    size_t length;
    int rc = child_path(reading, name, path);

    if (rc == 0)
        rc = store_read(reading->store, reading->t, path, &value, &length);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    rc = strlen(value) == length && parse_bdf(value, sbdf);
    if (!rc)
        NONSENSE(reading, "%s: \"%.40s\" is not a PCI address, the directory is not believed", path,
                 value);
    free(value);
    return rc;
}

static int read_vdevfn(struct reading *reading, const char *name, struct pci_claim *claim)
{
    char path[PATH_SIZE], *value;
    size_t length;
    int rc = child_path(reading, name, path);

    if (rc == 0)
        rc = store_read(reading->store, reading->t, path, &value, &length);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    claim->has_vdevfn =
        (length == 1 || length == 2) && strspn(value, "0123456789abcdefABCDEF") == length;
    claim->vdevfn = claim->has_vdevfn ? (uint8_t)strtoul(value, NULL, 16) : 0;
    if (!claim->has_vdevfn)
        NONSENSE(reading,
                 "%s: \"%.40s\" is not a device and function, the directory is not believed", path,
                 value);
    free(value);
    return 0;
}

static int read_claim(struct reading *reading, uint64_t index)
{
    struct pci_claim claim = {
        .domid = reading->dir->domid, .serves = reading->serves, .backend = reading->backend};
    char name[32];
    uint64_t state = 0;
    int rc;

    snprintf(name, sizeof(name), "dev-%llu", (unsigned long long)index);
    rc = read_child_bdf(reading, name, &claim.sbdf);
    if (rc == 0 && !reading->nonsense)
        NONSENSE(reading, "%s/num_devs: %llu, but there is no %s, the directory is not believed",
                 reading->dir->path, (unsigned long long)reading->num_devs, name);
    if (rc <= 0)
        return rc;
    snprintf(name, sizeof(name), "state-%llu", (unsigned long long)index);
    rc = read_child_number(reading, name, 255, &state);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    claim.state = (unsigned int)state;
    snprintf(name, sizeof(name), "vdev-%llu", (unsigned long long)index);
    rc = read_child_bdf(reading, name, &claim.vdev);
    if (rc < 0)
        return rc;
    claim.has_vdev = rc > 0;
    snprintf(name, sizeof(name), "vdevfn-%llu", (unsigned long long)index);
    rc = read_vdevfn(reading, name, &claim);
    if (rc == 0)
        reading->result->claims[reading->result->count++] = claim;
    return rc;
}

/* libxl numbers the entries from 0 to num_devs-1, without a gap and with none beyond. They are not
 * listed: oxenstored cannot list a directory of more than 4096 bytes. */
static int check_end(struct reading *reading)
{
    char name[32], path[PATH_SIZE], *value;
    int rc;

    snprintf(name, sizeof(name), "dev-%llu", (unsigned long long)reading->num_devs);
    rc = child_path(reading, name, path);
    if (rc == 0)
        rc = store_read(reading->store, reading->t, path, &value, NULL);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    free(value);
    NONSENSE(reading, "%s: not below num_devs, the directory is not believed", path);
    return 0;
}

/* Only a target that no guest could have written counts. */
static int written_by_dom0(struct reading *reading, const char *path)
{
    struct xs_permissions *permissions;
    unsigned int count = 0;
    int safe;

    errno = 0;
    permissions = xs_get_permissions(store_handle(reading->store), reading->t, path, &count);
    if (!permissions)
        return errno ? -errno : -EIO;
    safe = count && permissions[0].id == 0;
    for (unsigned int i = 0; i < count; i++)
        safe = safe && !(permissions[i].perms & XS_PERM_WRITE);
    free(permissions);
    return safe;
}

/* A stub domain holds devices for the domain that its target names. */
static int read_target(struct reading *reading)
{
    char path[PATH_SIZE];
    uint64_t target;
    int rc;

    reading->serves = reading->dir->domid;
    snprintf(path, sizeof(path), "/local/domain/%u/target", reading->dir->domid);
    rc = store_read_number(reading->store, reading->t, path, &target);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0 && rc != -EINVAL)
        return rc;
    if (rc == 0) {
        rc = written_by_dom0(reading, path);
        if (rc < 0)
            return rc;
    }
    if (rc <= 0 || target >= UINT32_MAX) {
        NONSENSE(reading, "%s: not a domid that dom0 wrote, the directory is not believed", path);
        return 0;
    }
    reading->serves = (uint32_t)target;
    return 0;
}

static int read_numbers(struct reading *reading)
{
    uint64_t state = 0;
    int rc = read_child_number(reading, "state", 255, &state);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    reading->backend = (unsigned int)state;
    rc = read_child_number(reading, "num_devs", DEVICES_MAX, &reading->num_devs);
    if (rc == -ENOENT) {
        NONSENSE(reading, "%s/num_devs: missing, the directory is not believed",
                 reading->dir->path);
        rc = 0;
    }
    return rc;
}

static int read_all(struct reading *reading)
{
    int rc = read_numbers(reading);

    if (rc == 0 && !reading->nonsense)
        rc = check_end(reading);
    if (rc == 0 && !reading->nonsense)
        rc = read_target(reading);
    if (rc < 0 || reading->nonsense || !reading->num_devs)
        return rc;
    reading->result->claims = calloc(reading->num_devs, sizeof(*reading->result->claims));
    if (!reading->result->claims)
        return -ENOMEM;
    for (uint64_t i = 0; rc >= 0 && i < reading->num_devs && !reading->nonsense; i++)
        rc = read_claim(reading, i);
    return rc < 0 ? rc : 0;
}

/* 1 when there is anything to read: an empty directory is what remains between libxl's removals. */
static int is_in_use(struct store *store, xs_transaction_t t, const char *directory)
{
    static const char *const names[] = {"frontend", "state", "num_devs", "dev-0"};
    int rc = -ENOENT;

    for (size_t i = 0; rc == -ENOENT && i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_SIZE], *value;

        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        rc = store_read(store, t, path, &value, NULL);
        if (rc == 0)
            free(value);
    }
    return rc == 0 ? 1 : rc == -ENOENT ? 0 : rc;
}

int backend_dir_read(struct backend_dir *dir, struct store *store, xs_transaction_t t)
{
    struct backend_dir result = {
        .path = dir->path, .domid = dir->domid, .dirty = dir->dirty, .said = dir->said};
    struct reading reading = {.store = store, .t = t, .dir = dir, .result = &result};
    int rc = is_in_use(store, t, dir->path);

    if (rc > 0)
        rc = read_all(&reading);
    if (rc < 0 || reading.nonsense) {
        free(result.claims);
        result.claims = NULL;
        result.count = 0;
    }
    if (rc < 0) {
        complaints_clear(&result.complaints);
        return rc;
    }
    free(dir->claims);
    complaints_clear(&dir->complaints);
    *dir = result;
    return 0;
}

void backend_dir_settle(struct backend_dir *dir)
{
    complaints_tell(&dir->complaints, &dir->said);
    dir->dirty = false;
}

void backend_dir_clear(struct backend_dir *dir)
{
    free(dir->path);
    free(dir->claims);
    complaints_clear(&dir->complaints);
    complaints_clear(&dir->said);
    *dir = (struct backend_dir){0};
}
