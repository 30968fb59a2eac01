/* SPDX-License-Identifier: MIT */
#include "publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "log.h"
#include "transaction.h"

/* XenStore's own limit for an absolute path. */
#define PATH_SIZE 3072

/* What one tree holds, as far as we know. */
struct mirror {
    uint32_t domid;
    bool known;          /* have and generation are what the store holds */
    bool rebuild;        /* it has nodes or permissions that are not ours: write it all anew */
    struct tree have;    /* without "generation" */
    uint64_t generation; /* 0: there is no tree */
};

struct publisher {
    struct store *store;
    struct mirror **mirrors; /* sorted by domid */
    size_t count, capacity;
};

int publisher_new(struct publisher **out, struct store *store)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->store = store;
    return 0;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    publisher_forget_all(publisher);
    free(publisher->mirrors);
    free(publisher);
}

static size_t position(const struct publisher *publisher, uint32_t domid)
{
    size_t low = 0, high = publisher->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (publisher->mirrors[middle]->domid < domid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct mirror *find(const struct publisher *publisher, uint32_t domid)
{
    size_t at = position(publisher, domid);

    if (at < publisher->count && publisher->mirrors[at]->domid == domid)
        return publisher->mirrors[at];
    return NULL;
}

static struct mirror *find_or_add(struct publisher *publisher, uint32_t domid)
{
    struct mirror *mirror = find(publisher, domid);
    size_t at = position(publisher, domid);

    if (mirror)
        return mirror;
    if (publisher->count == publisher->capacity) {
        size_t capacity = publisher->capacity ? 2 * publisher->capacity : 16;
        void *grown = reallocarray(publisher->mirrors, capacity, sizeof(*publisher->mirrors));

        if (!grown)
            return NULL;
        publisher->mirrors = grown;
        publisher->capacity = capacity;
    }
    mirror = calloc(1, sizeof(*mirror));
    if (!mirror)
        return NULL;
    mirror->domid = domid;
    memmove(&publisher->mirrors[at + 1], &publisher->mirrors[at],
            (publisher->count - at) * sizeof(*publisher->mirrors));
    publisher->mirrors[at] = mirror;
    publisher->count++;
    return mirror;
}

static void free_mirror(struct mirror *mirror)
{
    tree_clear(&mirror->have);
    free(mirror);
}

void publisher_forget(struct publisher *publisher, uint32_t domid)
{
    size_t at = position(publisher, domid);

    if (at == publisher->count || publisher->mirrors[at]->domid != domid)
        return;
    free_mirror(publisher->mirrors[at]);
    publisher->count--;
    memmove(&publisher->mirrors[at], &publisher->mirrors[at + 1],
            (publisher->count - at) * sizeof(*publisher->mirrors));
}

void publisher_forget_all(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->count; i++)
        free_mirror(publisher->mirrors[i]);
    publisher->count = 0;
}

const struct tree *publisher_published(const struct publisher *publisher, uint32_t domid)
{
    const struct mirror *mirror = find(publisher, domid);

    return mirror && mirror->known ? &mirror->have : NULL;
}

/* ------------------------------------------------------------- paths and permissions */

static int home_path(uint32_t domid, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "/local/domain/%" PRIu32, domid);
}

/* The directory of a tree, and with a name a node in it. -ENAMETOOLONG when that cannot be. */
static int node_path(uint32_t domid, const char *name, char path[PATH_SIZE])
{
    int used = 0;

    if (domid == PUBLISHER_HOST)
        used = snprintf(path, PATH_SIZE, "%s", XENIOMMU_HOST_DIR);
    else
        used = snprintf(path, PATH_SIZE, "/local/domain/%" PRIu32 "/%s", domid, XENIOMMU_DIR);
    if (name)
        used += snprintf(path + used, PATH_SIZE - (size_t)used, "/%s", name);
    return used < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

/* n0 for the host's tree, n0,r<domid> for a domain's. */
static unsigned int permissions_of(uint32_t domid, struct xs_permissions permissions[2])
{
    permissions[0] = (struct xs_permissions){.id = 0, .perms = XS_PERM_NONE};
    permissions[1] = (struct xs_permissions){.id = domid, .perms = XS_PERM_READ};
    return domid == PUBLISHER_HOST ? 1 : 2;
}

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

/* 1 when the node has exactly the permissions of this tree, 0 when not. */
static int check_permissions(struct store *store, xs_transaction_t t, uint32_t domid,
                             const char *path)
{
    struct xs_permissions wanted[2], *found;
    unsigned int count = permissions_of(domid, wanted), n = 0;
    int same;

    errno = 0;
    found = xs_get_permissions(store_handle(store), t, path, &n);
    if (!found)
        return last_error();
    same = n == count;
    for (unsigned int i = 0; same && i < n; i++)
        same = found[i].id == wanted[i].id && found[i].perms == wanted[i].perms;
    free(found);
    return same;
}

/* ------------------------------------------------------------- what is there */

/* How deep and how large a tree we are ready to take over; beyond it is written anew. */
#define LOAD_DEPTH 64
#define LOAD_NODES 65536

static int load_node(struct store *store, xs_transaction_t t, struct mirror *mirror,
                     const char *name)
{
    char path[PATH_SIZE], *value;
    size_t length;
    int rc = node_path(mirror->domid, name, path);

    if (rc == 0)
        rc = store_read(store, t, path, &value, &length);
    if (rc < 0)
        return rc;
    if (strlen(value) != length)
        mirror->rebuild = true;
    if (length && strcmp(name, "generation") != 0)
        rc = tree_add(&mirror->have, name, value);
    free(value);
    return rc;
}

/* name: relative to the tree's directory, "" for that itself. */
static int load_below(struct store *store, xs_transaction_t t, struct mirror *mirror,
                      const char *name, int depth)
{
    char path[PATH_SIZE], child[PATH_SIZE], **names;
    size_t count;
    int rc = node_path(mirror->domid, *name ? name : NULL, path);

    if (rc == 0)
        rc = check_permissions(store, t, mirror->domid, path);
    if (rc < 0)
        return rc;
    if (rc == 0 || depth > LOAD_DEPTH || mirror->have.count > LOAD_NODES)
        mirror->rebuild = true;
    if (mirror->rebuild)
        return 0;
    rc = store_list(store, t, path, &names, &count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (snprintf(child, sizeof(child), "%s%s%s", name, *name ? "/" : "", names[i]) >=
            (int)sizeof(child))
            rc = -ENAMETOOLONG;
        else
            rc = load_below(store, t, mirror, child, depth + 1);
    }
    if (rc == 0 && count == 0 && *name)
        rc = load_node(store, t, mirror, name);
    free(names);
    return rc;
}

static void unknow(struct mirror *mirror)
{
    tree_clear(&mirror->have);
    mirror->known = false;
    mirror->rebuild = false;
    mirror->generation = 0;
}

/* Reads the whole tree; one that does not exist is an empty one of generation 0. */
static int load(struct store *store, xs_transaction_t t, struct mirror *mirror)
{
    char path[PATH_SIZE];
    int rc;

    unknow(mirror);
    rc = load_below(store, t, mirror, "", 0);
    if (rc == -ENOENT)
        rc = 0;
    if (rc < 0)
        goto out;
    tree_sort(&mirror->have);
    rc = node_path(mirror->domid, "generation", path);
    if (rc == 0)
        rc = store_read_number(store, t, path, &mirror->generation);
    if (rc == -ENOENT || rc == -EINVAL) {
        mirror->generation = 0;
        mirror->rebuild = mirror->rebuild || mirror->have.count;
        rc = 0;
    }
out:
    mirror->known = rc == 0;
    if (rc < 0)
        unknow(mirror);
    return rc;
}

/* Nobody but us writes there, but a domain may have been replaced by another of the same number. */
static int refresh(struct store *store, xs_transaction_t t, struct mirror *mirror)
{
    char path[PATH_SIZE];
    uint64_t generation = 0;
    int rc = node_path(mirror->domid, "generation", path);

    if (rc == 0 && mirror->known && mirror->generation)
        rc = store_read_number(store, t, path, &generation);
    if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
        return rc;
    if (mirror->known && mirror->generation && generation == mirror->generation)
        return 0;
    return load(store, t, mirror);
}

int publisher_verify(struct publisher *publisher, uint32_t domid)
{
    struct mirror *mirror = find(publisher, domid);
    uint64_t generation = 0;
    char path[PATH_SIZE];
    int rc;

    if (!mirror || !mirror->known)
        return 0;
    rc = node_path(domid, "generation", path);
    if (rc == 0)
        rc = store_read_number(publisher->store, XBT_NULL, path, &generation);
    if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
        return rc;
    if (rc < 0 || generation != mirror->generation)
        unknow(mirror);
    return 0;
}

/* ------------------------------------------------------------- the difference */

struct change {
    struct mirror *mirror;
    const struct tree *wanted;
};

static int write_node(struct store *store, xs_transaction_t t, uint32_t domid, const char *name,
                      const char *value)
{
    char path[PATH_SIZE];
    int rc = node_path(domid, name, path);

    if (rc < 0)
        return rc;
    errno = 0;
    return xs_write(store_handle(store), t, path, value, (unsigned int)strlen(value))
               ? 0
               : last_error();
}

static int remove_node(struct store *store, xs_transaction_t t, uint32_t domid, const char *name)
{
    char path[PATH_SIZE];
    int rc = node_path(domid, name, path);

    if (rc < 0)
        return rc;
    errno = 0;
    if (xs_rm(store_handle(store), t, path) || errno == ENOENT)
        return 0;
    return last_error();
}

/* Removes a node that is not wanted, from the highest directory that nothing wanted is in. */
static int remove_unwanted(struct store *store, xs_transaction_t t, const struct change *change,
                           const char *path, char removed[PATH_SIZE])
{
    size_t length = strlen(path), known = strlen(removed);

    if (known && strncmp(path, removed, known) == 0 && path[known] == '/')
        return 0;
    for (size_t i = 0; path[i]; i++) {
        if (path[i] == '/' && !tree_has_below(change->wanted, path, i)) {
            length = i;
            break;
        }
    }
    if (length >= PATH_SIZE)
        return -ENAMETOOLONG;
    memcpy(removed, path, length);
    removed[length] = '\0';
    return remove_node(store, t, change->mirror->domid, removed);
}

static int apply(struct store *store, xs_transaction_t t, const struct change *change)
{
    const struct tree *have = &change->mirror->have, *wanted = change->wanted;
    char removed[PATH_SIZE] = "";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < have->count; i++)
        if (!tree_get(wanted, have->nodes[i].path))
            rc = remove_unwanted(store, t, change, have->nodes[i].path, removed);
    for (size_t i = 0; rc == 0 && i < wanted->count; i++) {
        const struct tree_node *node = &wanted->nodes[i];
        const char *old = tree_get(have, node->path);

        if (!old || strcmp(old, node->value) != 0)
            rc = write_node(store, t, change->mirror->domid, node->path, node->value);
    }
    return rc;
}

/* A new directory gets its permissions before its first child, which inherits them. */
static int create(struct store *store, xs_transaction_t t, uint32_t domid)
{
    struct xs_permissions permissions[2];
    unsigned int count = permissions_of(domid, permissions);
    struct xs_handle *xs = store_handle(store);
    char path[PATH_SIZE];
    int rc = node_path(domid, NULL, path);

    if (rc < 0)
        return rc;
    errno = 0;
    if (!xs_rm(xs, t, path) && errno != ENOENT)
        return last_error();
    errno = 0;
    if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, permissions, count))
        return last_error();
    return 0;
}

/* A domain's home is read in the transaction that writes below it: if it goes in between, the
 * commit conflicts, and the next try finds it gone. */
static int check_home(struct store *store, xs_transaction_t t, uint32_t domid)
{
    char path[PATH_SIZE], *value;
    int rc;

    if (domid == PUBLISHER_HOST)
        return 0;
    home_path(domid, path);
    rc = store_read(store, t, path, &value, NULL);
    if (rc == 0)
        free(value);
    return rc;
}

static int publish_in(struct store *store, xs_transaction_t t, void *arg)
{
    struct change *change = arg;
    struct mirror *mirror = change->mirror;
    char generation[24];
    int rc = check_home(store, t, mirror->domid);

    if (rc == 0)
        rc = refresh(store, t, mirror);
    if (rc < 0)
        return rc;
    if (mirror->generation && !mirror->rebuild && tree_equal(&mirror->have, change->wanted))
        return 1;
    if (mirror->rebuild || !mirror->generation) {
        tree_clear(&mirror->have);
        rc = create(store, t, mirror->domid);
    }
    if (rc == 0)
        rc = apply(store, t, change);
    snprintf(generation, sizeof(generation), "%" PRIu64, mirror->generation + 1);
    if (rc == 0)
        rc = write_node(store, t, mirror->domid, "generation", generation);
    return rc;
}

static int copy_tree(struct tree *to, const struct tree *from)
{
    int rc = 0;

    tree_clear(to);
    for (size_t i = 0; rc == 0 && i < from->count; i++)
        rc = tree_add(to, from->nodes[i].path, from->nodes[i].value);
    return rc;
}

int publisher_publish(struct publisher *publisher, uint32_t domid, const struct tree *wanted)
{
    struct change change = {.wanted = wanted};
    struct mirror *mirror = find_or_add(publisher, domid);
    uint64_t generation;
    int rc;

    if (!mirror)
        return -ENOMEM;
    if (mirror->known && mirror->generation && tree_equal(&mirror->have, wanted))
        return 0;
    change.mirror = mirror;
    rc = transaction_run(publisher->store, publish_in, &change);
    if (rc == 1)
        return 0;
    generation = mirror->generation + 1;
    if (rc == 0)
        rc = copy_tree(&mirror->have, wanted);
    if (rc < 0) {
        /* What is there now is not certain; the next time it is read. */
        unknow(mirror);
        return rc;
    }
    mirror->generation = generation;
    mirror->rebuild = false;
    mirror->known = true;
    return 1;
}

/* ------------------------------------------------------------- taking everything back */

static int withdraw_tree(struct publisher *publisher, uint32_t domid, const char *status)
{
    struct tree wanted = {NULL, 0, 0};
    char path[PATH_SIZE], *value;
    int rc = node_path(domid, NULL, path);

    if (rc == 0)
        rc = store_read(publisher->store, XBT_NULL, path, &value, NULL);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    free(value);
    rc = tree_add(&wanted, "status", status);
    if (rc == 0)
        rc = tree_add(&wanted, "version", XENIOMMU_ABI_VERSION);
    if (rc == 0)
        rc = publisher_publish(publisher, domid, &wanted);
    tree_clear(&wanted);
    return rc == -ENOENT || rc > 0 ? 0 : rc;
}

int publisher_withdraw(struct publisher *publisher, const char *status)
{
    char **names = NULL;
    size_t count = 0;
    int first, rc;

    first = withdraw_tree(publisher, PUBLISHER_HOST, status);
    rc = store_list(publisher->store, XBT_NULL, "/local/domain", &names, &count);
    if (rc < 0 && rc != -ENOENT && first == 0)
        first = rc;
    for (size_t i = 0; i < count; i++) {
        uint64_t domid;

        if (!parse_number(names[i], &domid) || domid >= PUBLISHER_HOST)
            continue;
        rc = withdraw_tree(publisher, (uint32_t)domid, status);
        if (rc < 0) {
            log_error("/local/domain/%s/%s: withdrawing failed: %s", names[i], XENIOMMU_DIR,
                      strerror(-rc));
            if (first == 0)
                first = rc;
        }
    }
    free(names);
    return first;
}
