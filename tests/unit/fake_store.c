/* SPDX-License-Identifier: MIT */
#include "fake_store.h"
#include "store.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NODES_MAX  512
#define PLANS_MAX  16
#define STORES_MAX 8

struct node {
    char *path;
    char *data;
    size_t len;
};

static struct {
    struct node nodes[NODES_MAX];
    size_t count;
    struct {
        unsigned int at;
        void (*action)(void);
    } plans[PLANS_MAX];
    size_t plan_count;
    void (*always)(void);
    void (*idle)(void);
    unsigned int fail_at, requests, connections;
    int fail_error, refuse_error;
    struct store *open[STORES_MAX]; /* those that watch */
    bool hold;                      /* events are on their way */
    unsigned int held;
} fake;

/* An event for whoever watches. */
static void wake(void)
{
    size_t i;

    fake.held += fake.hold;
    for (i = 0; i < STORES_MAX; i++)
        if (fake.open[i] != NULL && !fake.hold) {
            fake.open[i]->epoch++;
            store_mark_changed(fake.open[i], 0);
        }
}

void fake_store_hold_events(bool hold)
{
    bool is_late = fake.held > 0;

    fake.hold = hold;
    fake.held = 0;
    if (!hold && is_late)
        wake();
}

static void free_node(size_t i)
{
    free(fake.nodes[i].path);
    free(fake.nodes[i].data);
    fake.nodes[i] = fake.nodes[--fake.count];
}

void fake_store_reset(void)
{
    while (fake.count > 0)
        free_node(fake.count - 1);
    memset(&fake, 0, sizeof(fake));
}

static struct node *find(const char *path)
{
    size_t i;

    for (i = 0; i < fake.count; i++)
        if (strcmp(fake.nodes[i].path, path) == 0)
            return &fake.nodes[i];
    return NULL;
}

void fake_store_set_bytes(const char *path, const void *data, size_t len)
{
    struct node *node = find(path);

    if (node == NULL) {
        if (fake.count == NODES_MAX)
            abort();
        node = &fake.nodes[fake.count++];
        *node = (struct node){.path = strdup(path)};
    }
    free(node->data);
    node->data = malloc(len + 1);
    if (node->path == NULL || node->data == NULL)
        abort();
    memcpy(node->data, data, len);
    node->data[len] = '\0';
    node->len = len;
}

void fake_store_set(const char *path, const char *value)
{
    fake_store_set_bytes(path, value, strlen(value));
}

static int is_below(const char *path, const char *top)
{
    size_t len = strlen(top);

    return strncmp(path, top, len) == 0 && path[len] == '/';
}

void fake_store_remove(const char *path)
{
    size_t i = 0;

    while (i < fake.count) {
        if (strcmp(fake.nodes[i].path, path) == 0 || is_below(fake.nodes[i].path, path))
            free_node(i);
        else
            i++;
    }
}

void fake_store_bump(const char *root)
{
    char path[256], value[24];
    struct node *node;

    snprintf(path, sizeof(path), "%s/generation", root);
    node = find(path);
    snprintf(value, sizeof(value), "%ld", node == NULL ? 1 : atol(node->data) + 1);
    fake_store_set(path, value);
    wake();
}

static void set_below(const char *top, const char *name, const char *value)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", top, name);
    fake_store_set(path, value);
}

void fake_store_publish(const char *root)
{
    set_below(root, "version", "1");
    set_below(root, "status", "ready");
    fake_store_bump(root);
}

void fake_store_device(const char *root, const char *device, const char *state, const char *swiotlb,
                       const char *reason)
{
    char path[2048];

    snprintf(path, sizeof(path), "%s/%s", root, device);
    set_below(path, "state", state);
    set_below(path, "swiotlb", swiotlb);
    set_below(path, "reason", reason);
}

void fake_store_field(const char *root, const char *device, const char *field, const char *value)
{
    char path[2048];

    snprintf(path, sizeof(path), "%s/%s", root, device);
    if (value != NULL)
        set_below(path, field, value);
}

void fake_store_plan(unsigned int n, void (*action)(void))
{
    if (fake.plan_count == PLANS_MAX)
        abort();
    fake.plans[fake.plan_count].at = n;
    fake.plans[fake.plan_count++].action = action;
}

void fake_store_plan_always(void (*action)(void))
{
    fake.always = action;
}

void fake_store_plan_idle(void (*action)(void))
{
    fake.idle = action;
}

void fake_store_fail(unsigned int n, int error)
{
    fake.fail_at = n;
    fake.fail_error = error;
}

void fake_store_refuse(int error)
{
    size_t i;

    fake.refuse_error = error;
    for (i = 0; i < STORES_MAX; i++)
        if (fake.open[i] != NULL)
            fake.open[i]->xs = NULL;
    wake();
}

unsigned int fake_store_requests(void)
{
    return fake.requests;
}

unsigned int fake_store_connections(void)
{
    return fake.connections;
}

/* The store's interface. xs is only ever compared with NULL. */

void store_init(struct store *store)
{
    *store = (struct store){.epoll = -1, .timer = -1, .hangup = -1};
}

int store_connect(struct store *store)
{
    if (store->xs != NULL && fake.refuse_error == 0)
        return 0;
    store->xs = NULL;
    if (fake.refuse_error != 0)
        return fake.refuse_error;
    store->xs = (struct xs_handle *)&fake;
    store->changed = true;
    store->epoch++;
    fake.connections++;
    return 0;
}

/* Where an open store is, or where the first free place is for one. */
static size_t place_of(const struct store *store)
{
    size_t i = 0;

    while (i < STORES_MAX && fake.open[i] != store)
        i++;
    return i;
}

void store_close(struct store *store)
{
    size_t place = place_of(store);

    if (store->epoll >= 0)
        close(store->epoll);
    if (place < STORES_MAX)
        fake.open[place] = NULL;
    store_init(store);
}

void store_abandon(struct store *store)
{
    store_close(store);
}

static int begin_request(struct store *store)
{
    size_t i;

    if (store->xs == NULL)
        return -ENOTCONN;
    fake.requests++;
    if (fake.always != NULL)
        fake.always();
    for (i = 0; i < fake.plan_count; i++)
        if (fake.plans[i].at == fake.requests)
            fake.plans[i].action();
    if (fake.requests != fake.fail_at)
        return 0;
    if (fake.fail_error == -ENOTCONN) {
        store->xs = NULL;
        store->epoch++;
    }
    return fake.fail_error;
}

int store_read(struct store *store, const char *path, struct store_value *value)
{
    int rc = begin_request(store);
    const struct node *node;
    size_t i;

    *value = (struct store_value){0};
    if (rc != 0)
        return rc;
    node = find(path);
    if (node != NULL) {
        value->data = malloc(node->len + 1);
        if (value->data == NULL)
            return -ENOMEM;
        memcpy(value->data, node->data, node->len + 1);
        value->len = node->len;
        return 0;
    }
    for (i = 0; i < fake.count; i++)
        if (is_below(fake.nodes[i].path, path))
            break;
    if (i == fake.count)
        return -ENOENT;
    value->data = calloc(1, 1); /* a directory holds nothing */
    return value->data != NULL ? 0 : -ENOMEM;
}

/* The first component of path below top, or NULL. */
static char *child_of(const char *path, const char *top)
{
    const char *child = path + strlen(top) + 1;

    return is_below(path, top) ? strndup(child, strcspn(child, "/")) : NULL;
}

int store_list(struct store *store, const char *path, char ***names, unsigned int *count)
{
    static char *found[NODES_MAX];
    size_t i, j, total = 0, bytes = 0;
    int rc = begin_request(store);
    char *text;

    *names = NULL;
    *count = 0;
    for (i = 0; rc == 0 && i < fake.count; i++) {
        char *child = child_of(fake.nodes[i].path, path);

        for (j = 0; child != NULL && j < total && strcmp(found[j], child) != 0; j++)
            continue;
        if (child == NULL || j < total) {
            free(child);
            continue;
        }
        found[total++] = child;
        bytes += strlen(child) + 1;
    }
    if (rc == 0 && total == 0)
        rc = find(path) != NULL ? 0 : -ENOENT;
    if (rc == 0)
        *names = malloc((total + 1) * sizeof(**names) + bytes);
    if (*names == NULL)
        return rc != 0 ? rc : -ENOMEM;
    text = (char *)(*names + total + 1);
    for (i = 0; i < total; i++) {
        (*names)[i] = text;
        text = stpcpy(text, found[i]) + 1;
        free(found[i]);
    }
    *count = (unsigned int)total;
    return 0;
}

void store_watch(struct store *store, const char *path)
{
    size_t place = place_of(NULL);

    if (place == STORES_MAX)
        abort();
    store->watched = path;
    fake.open[place] = store;
}

int store_fd(struct store *store)
{
    if (store->epoll >= 0) {
        if (fake.idle != NULL && !store->changed)
            fake.idle();
        return store->epoll;
    }
    store->epoll = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->epoll < 0)
        return -errno;
    store->changed = true;
    return store->epoll;
}

void store_take_events(struct store *store)
{
    (void)store; /* wake() has shown them in epoch already */
}

int store_take_changes(struct store *store, bool *changed)
{
    uint64_t events;
    int rc;

    if (store->epoll >= 0 && read(store->epoll, &events, sizeof(events)) < 0 && errno != EAGAIN)
        abort();
    if (fake.held > 0) { /* what is watched tells without its event */
        store->epoch++;
        store->changed = true;
    }
    rc = store_connect(store);
    *changed = store->changed;
    store->changed = false;
    return rc;
}

void store_mark_changed(struct store *store, unsigned int delay_ms)
{
    uint64_t one = 1;

    (void)delay_ms;
    store->changed = true;
    if (store->epoll >= 0 && write(store->epoll, &one, sizeof(one)) < 0)
        abort();
}
