/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "heartbeat.h"
#include "publisher.h"

static int home_path(uint32_t domid, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "/local/domain/%" PRIu32, domid);
}

int place_path(uint32_t domid, const char *name, char path[PATH_SIZE])
{
    int used = 0;

    if (domid == PUBLISHER_HOST)
        used = snprintf(path, PATH_SIZE, "%s", XENIOMMU_HOST_DIR);
    else if (domid == PUBLISHER_SEEN)
        used = snprintf(path, PATH_SIZE, "%s", PUBLISHER_SEEN_DIR);
    else
        used = snprintf(path, PATH_SIZE, "/local/domain/%" PRIu32 "/%s", domid, XENIOMMU_DIR);
    if (name)
        used += snprintf(path + used, PATH_SIZE - (size_t)used, "/%s", name);
    return used < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

bool place_is_domain(uint32_t domid)
{
    return domid != PUBLISHER_HOST && domid != PUBLISHER_SEEN;
}

/* n0 for dom0's own trees, n0,r<domid> for a domain's. */
static unsigned int permissions_of(uint32_t domid, struct xs_permissions permissions[2])
{
    permissions[0] = (struct xs_permissions){.id = 0, .perms = XS_PERM_NONE};
    permissions[1] = (struct xs_permissions){.id = domid, .perms = XS_PERM_READ};
    return place_is_domain(domid) ? 2 : 1;
}

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

int place_read_generation(struct store *store, xs_transaction_t t, uint32_t domid,
                          uint64_t *generation)
{
    char path[PATH_SIZE];
    int rc = place_path(domid, "generation", path);

    *generation = 0;
    if (rc == 0)
        rc = store_read_number(store, t, path, generation);
    return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

int place_write(struct store *store, xs_transaction_t t, uint32_t domid, const char *name,
                const char *value)
{
    struct xs_handle *xs = store_handle(store);
    char path[PATH_SIZE];
    int rc = place_path(domid, name, path);

    if (rc < 0)
        return rc;
    if (!xs)
        return -ENOTCONN;
    heartbeat();
    errno = 0;
    return xs_write(xs, t, path, value, (unsigned int)strlen(value)) ? 0 : last_error();
}

int place_remove(struct store *store, xs_transaction_t t, uint32_t domid, const char *name)
{
    struct xs_handle *xs = store_handle(store);
    char path[PATH_SIZE];
    int rc = place_path(domid, name, path);

    if (rc < 0)
        return rc;
    if (!xs)
        return -ENOTCONN;
    heartbeat();
    errno = 0;
    if (xs_rm(xs, t, path) || errno == ENOENT)
        return 0;
    return last_error();
}

int place_hide(struct store *store, xs_transaction_t t, uint32_t domid, const char *name)
{
    struct xs_permissions nobody = {.id = 0, .perms = XS_PERM_NONE};
    struct xs_handle *xs = store_handle(store);
    char path[PATH_SIZE];
    int rc = place_path(domid, name, path);

    if (rc < 0)
        return rc;
    if (!xs)
        return -ENOTCONN;
    errno = 0;
    return xs_set_permissions(xs, t, path, &nobody, 1) ? 0 : last_error();
}

/* A new directory gets its permissions before its first child, which inherits them. What an earlier
 * run left is removed unread: oxenstored cannot list a directory of more than 4096 bytes. */
int place_start_anew(struct store *store, xs_transaction_t t, uint32_t domid)
{
    struct xs_permissions permissions[2];
    unsigned int count = permissions_of(domid, permissions);
    struct xs_handle *xs = store_handle(store);
    char path[PATH_SIZE];
    int rc = place_path(domid, NULL, path);

    if (rc == 0)
        rc = place_remove(store, t, domid, NULL);
    if (rc < 0)
        return rc;
    errno = 0;
    if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, permissions, count))
        return last_error();
    return 0;
}

static int check_node(struct store *store, xs_transaction_t t, const char *path)
{
    char *value;
    int rc = store_read(store, t, path, &value, NULL);

    if (rc == 0)
        free(value);
    return rc;
}

int place_check_home(struct store *store, xs_transaction_t t, uint32_t domid)
{
    char path[PATH_SIZE];

    if (!place_is_domain(domid))
        return 0;
    home_path(domid, path);
    return check_node(store, t, path);
}

int place_check_tree(struct store *store, xs_transaction_t t, uint32_t domid)
{
    char path[PATH_SIZE];
    int rc = place_path(domid, NULL, path);

    return rc == 0 ? check_node(store, t, path) : rc;
}
