/* SPDX-License-Identifier: MIT */
/* Xen, and the kernel's way to XenStore. */
#include "fake.h"

#define NODES_MAX 32
#define NODE_SIZE 4096 /* the longest that XenStore holds */

struct node {
    char *path; /* NULL: a free place */
    char value[NODE_SIZE];
    size_t len;
    bool is_absent;
    int error; /* of each read; 0: none */
};

static struct node nodes[NODES_MAX];
static struct notifier_block *waiting;

bool xen_domain(void)
{
    return !fake.not_xen;
}

bool xen_pv_domain(void)
{
    return fake.is_pv;
}

bool xen_initial_domain(void)
{
    return !fake.not_xen && !fake.is_guest;
}

static struct node *find(const char *path)
{
    size_t i;

    for (i = 0; i < NODES_MAX; i++)
        if (nodes[i].path != NULL && strcmp(nodes[i].path, path) == 0)
            return &nodes[i];
    return NULL;
}

static struct node *find_or_add(const char *path)
{
    struct node *node = find(path);
    size_t i;

    for (i = 0; node == NULL && i < NODES_MAX; i++)
        if (nodes[i].path == NULL) {
            nodes[i] = (struct node){.path = strdup(path), .is_absent = true};
            node = &nodes[i];
        }
    if (node == NULL || node->path == NULL)
        fake_bug("XenStore is full");
    return node;
}

void fake_store_set_bytes(const char *path, const char *value, size_t len)
{
    struct node *node = find_or_add(path);

    node->is_absent = value == NULL;
    node->len = len;
    if (len > sizeof(node->value))
        fake_bug("too long for %s", path);
    if (value != NULL)
        memcpy(node->value, value, len);
}

void fake_store_set(const char *path, const char *value)
{
    fake_store_set_bytes(path, value, value != NULL ? strlen(value) : 0);
}

void fake_store_fail(const char *path, int error)
{
    find_or_add(path)->error = error;
}

void fake_publish_tree(void)
{
    fake_store_set("iommu/version", "1");
    fake_store_set("iommu/status", "ready");
    fake_store_set("iommu/generation", "7");
}

static void set_field(const char *key, const char *field, const char *value)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", key, field);
    fake_store_set(path, value);
}

void fake_publish(const char *key, const char *state, const char *swiotlb)
{
    set_field(key, "state", state);
    set_field(key, "swiotlb", swiotlb);
}

/* Without a NUL, which the kernel's would have: nobody may need it. */
static void *copy_of(const struct node *node, unsigned int *len)
{
    void *copy = kmalloc(node->len > 0 ? node->len : 1, GFP_KERNEL);

    if (copy == NULL)
        return ERR_PTR(-ENOMEM);
    memcpy(copy, node->value, node->len);
    *len = (unsigned int)node->len;
    return copy;
}

void *xenbus_read(struct xenbus_transaction transaction, const char *directory, const char *node,
                  unsigned int *len)
{
    const struct node *found;

    fake_may_sleep("xenbus_read()");
    if (transaction.id != 0 || *node != '\0')
        fake_bug("xenbus_read(): in a transaction, or below %s", directory);
    if (!fake_is_worker())
        fake_bug("who asks reads %s without a worker", directory);
    fake.reads++;
    if (fake.before_read != NULL)
        fake.before_read(directory);
    found = find(directory);
    if (found != NULL && found->error != 0)
        return ERR_PTR(-found->error);
    if (found == NULL || found->is_absent)
        return ERR_PTR(-ENOENT);
    return copy_of(found, len);
}

char **xenbus_directory(struct xenbus_transaction transaction, const char *directory,
                        const char *node, unsigned int *count)
{
    const char *at = fake.domains;
    char **list, *names;

    fake_may_sleep("xenbus_directory()");
    if (transaction.id != 0 || *node != '\0' || strcmp(directory, "/local/domain") != 0)
        fake_bug("xenbus_directory(): of %s", directory);
    if (!fake_is_worker())
        fake_bug("who asks lists the domains without a worker");
    fake.reads++;
    if (fake.domains_error != 0)
        return ERR_PTR(-fake.domains_error);
    if (at == NULL)
        return ERR_PTR(-ENOENT);
    list = kzalloc(32 * sizeof(*list) + strlen(at) + 1, GFP_KERNEL);
    if (list == NULL)
        return ERR_PTR(-ENOMEM);
    names = strcpy((char *)(list + 32), at);
    for (*count = 0; *names != '\0' && *count < 32; ++*count) {
        list[*count] = names;
        names += strcspn(names, " ");
        if (*names != '\0')
            *names++ = '\0';
    }
    return list;
}

int register_xenstore_notifier(struct notifier_block *nb)
{
    if (fake.xenstore_is_up)
        return nb->notifier_call(nb, 0, NULL);
    if (waiting != NULL)
        fake_bug("registered twice for xenstored");
    waiting = nb;
    return 0;
}

void unregister_xenstore_notifier(struct notifier_block *nb)
{
    if (waiting == nb)
        waiting = NULL;
}

bool fake_is_waiting_for_xenstored(void)
{
    return waiting != NULL;
}

void fake_store_up(void)
{
    fake.xenstore_is_up = true;
    if (waiting != NULL)
        waiting->notifier_call(waiting, 0, NULL);
}

void fake_store_reset(void)
{
    size_t i;

    if (waiting != NULL)
        fake_bug("somebody still waits for xenstored");
    for (i = 0; i < NODES_MAX; i++) {
        free(nodes[i].path);
        nodes[i] = (struct node){0};
    }
}
