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

/* What one tree holds. */
struct mirror {
    uint32_t domid;
    bool known;       /* we wrote it; else it is written whole, whatever is there */
    struct tree have; /* without "generation" */
    uint64_t generation;
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

/* ------------------------------------------------------------- what is there */

static void unknow(struct mirror *mirror)
{
    tree_clear(&mirror->have);
    mirror->known = false;
}

/* What the tree in the store counts itself as; 0 when there is none, or none with a count. */
static int read_generation(struct store *store, xs_transaction_t t, uint32_t domid,
                           uint64_t *generation)
{
    char path[PATH_SIZE];
    int rc = node_path(domid, "generation", path);

    *generation = 0;
    if (rc == 0)
        rc = store_read_number(store, t, path, generation);
    return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

int publisher_verify(struct publisher *publisher, uint32_t domid)
{
    struct mirror *mirror = find(publisher, domid);
    uint64_t generation;
    int rc;

    if (!mirror || !mirror->known)
        return 0;
    rc = read_generation(publisher->store, XBT_NULL, domid, &generation);
    if (rc == 0 && generation != mirror->generation)
        unknow(mirror);
    return rc;
}

/* ------------------------------------------------------------- the difference */

struct change {
    struct mirror *mirror;
    const struct tree *wanted;
    uint64_t generation;
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

/* A new directory gets its permissions before its first child, which inherits them. What an earlier
 * run left is removed unread: oxenstored cannot list a directory of more than 4096 bytes. */
static int start_anew(struct store *store, xs_transaction_t t, uint32_t domid)
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
        rc = read_generation(store, t, mirror->domid, &change->generation);
    if (rc < 0)
        return rc;
    /* Nobody else writes there, but the domain may be another one of the same number by now. */
    if (mirror->known && change->generation != mirror->generation)
        unknow(mirror);
    if (!mirror->known)
        rc = start_anew(store, t, mirror->domid);
    if (rc == 0)
        rc = apply(store, t, change);
    change->generation++;
    snprintf(generation, sizeof(generation), "%" PRIu64, change->generation);
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
    int rc;

    if (!mirror)
        return -ENOMEM;
    if (mirror->known && tree_equal(&mirror->have, wanted))
        return 0;
    change.mirror = mirror;
    rc = transaction_run(publisher->store, publish_in, &change);
    if (rc == 0)
        rc = copy_tree(&mirror->have, wanted);
    if (rc < 0) {
        /* What is there now is not certain. */
        unknow(mirror);
        return rc;
    }
    mirror->generation = change.generation;
    mirror->known = true;
    return 1;
}

/* ------------------------------------------------------------- taking everything back */

int publisher_withdraw_from(struct publisher *publisher, uint32_t domid, const char *status)
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

/* The same, with a word about what went wrong; first keeps the first error. */
static void try_withdraw(struct publisher *publisher, uint32_t domid, const char *status,
                         int *first)
{
    int rc = publisher_withdraw_from(publisher, domid, status);
    char path[PATH_SIZE];

    if (rc == 0)
        return;
    if (node_path(domid, NULL, path) == 0)
        log_error("%s: withdrawing: %s", path, strerror(-rc));
    if (*first == 0)
        *first = rc;
}

/* DOMID_FIRST_RESERVED of xen/xen.h: no domain has this number or a higher one. */
#define DOMID_END 0x7ff0u

/* Looks for every domain there could be. */
static int withdraw_by_number(struct publisher *publisher, const char *status)
{
    int first = store_connect(publisher->store);

    for (uint32_t domid = 0; first == 0 && domid < DOMID_END; domid++)
        try_withdraw(publisher, domid, status, &first);
    return first;
}

int publisher_withdraw(struct publisher *publisher, const char *status)
{
    char **names = NULL;
    size_t count = 0;
    int first = 0, rc;

    try_withdraw(publisher, PUBLISHER_HOST, status, &first);
    rc = store_list(publisher->store, XBT_NULL, "/local/domain", &names, &count);
    /* oxenstored drops who lists more than 4096 bytes: some 800 domains. */
    if (store_is_lost(rc) && first == 0)
        return withdraw_by_number(publisher, status);
    if (rc < 0 && rc != -ENOENT && first == 0)
        first = rc;
    for (size_t i = 0; i < count; i++) {
        uint64_t domid;

        if (parse_number(names[i], &domid) && domid < DOMID_END)
            try_withdraw(publisher, (uint32_t)domid, status, &first);
    }
    free(names);
    return first;
}
