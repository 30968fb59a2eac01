/* SPDX-License-Identifier: MIT */
#include "api.h"
#include "cache.h"
#include "changes.h"
#include "owner.h"
#include "store.h"
#include "tree.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHED XENIOMMU_DIR "/generation"

/* Lock order: dispatch_lock, then lock. */
struct xeniommu {
    struct owner owner;            /* who opened it */
    pthread_mutex_t dispatch_lock; /* held while a callback runs; guards known and callback* */
    pthread_mutex_t lock; /* guards store, tree, cache, holds; never held while a callback runs */
    struct store store;
    struct tree tree;
    struct cache cache;
    struct device_set *known; /* what the callback was told last; NULL: nothing */
    xeniommu_change_fn *callback;
    void *callback_arg;
    bool callback_is_new; /* it has been told nothing yet */
};

/* A child must not even touch the locks: another thread of the parent may have held them. */
static bool is_inherited(const struct xeniommu *xi)
{
    return !owner_is_here(&xi->owner);
}

static int init_locks(struct xeniommu *xi)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return -error;
    /* So that a callback that dispatches gets an error, not a deadlock. */
    error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0)
        error = pthread_mutex_init(&xi->dispatch_lock, &attributes);
    if (error == 0)
        error = pthread_mutex_init(&xi->lock, NULL);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

int xeniommu_open(struct xeniommu **xi, unsigned int flags)
{
    struct xeniommu *handle;
    int rc;

    *xi = NULL;
    if (flags != 0)
        return -EINVAL;
    handle = calloc(1, sizeof(*handle));
    if (handle == NULL)
        return -ENOMEM;
    store_init(&handle->store);
    store_watch(&handle->store, WATCHED);
    tree_init(&handle->tree, &handle->store, XENIOMMU_DIR);
    cache_init(&handle->cache);
    rc = init_locks(handle);
    if (rc == 0)
        rc = store_connect(&handle->store);
    if (rc != 0) {
        store_close(&handle->store);
        free(handle);
        return rc;
    }
    owner_init(&handle->owner);
    *xi = handle;
    return 0;
}

void xeniommu_close(struct xeniommu *xi)
{
    if (xi == NULL)
        return;
    if (is_inherited(xi)) {
        /* The lists stay: another thread of the parent may have been at them. */
        store_abandon(&xi->store);
    } else {
        store_close(&xi->store);
        pthread_mutex_destroy(&xi->dispatch_lock);
        pthread_mutex_destroy(&xi->lock);
        cache_clear(&xi->cache);
        device_set_put(xi->known);
    }
    owner_free(&xi->owner);
    free(xi);
}

/* Brings the cache up to date with all events that have arrived. */
static void catch_up(struct xeniommu *xi)
{
    store_take_events(&xi->store);
    cache_enter(&xi->cache, xi->store.epoch);
}

/* Whether the daemon is ready: from memory, or read and remembered. What was said by a xenstored
 * that cannot be reached any more does not count. */
static int read_head(struct xeniommu *xi)
{
    int rc = store_connect(&xi->store);

    if (rc != 0)
        return rc;
    cache_enter(&xi->cache, xi->store.epoch);
    if (xi->cache.head <= 0)
        return xi->cache.head;
    rc = tree_refresh(&xi->tree);
    cache_see(&xi->cache, xi->tree.generation);
    if (rc == 0 || rc == -EAGAIN || rc == -EPROTO)
        xi->cache.head = rc;
    return rc;
}

/* After reading: what is remembered must be of the generation that was read last, for an answer can
 * overtake the event of a change. */
static void keep_pace(struct xeniommu *xi, int rc)
{
    if (rc != 0 && rc != -ENOENT)
        cache_clear(&xi->cache);
    cache_see(&xi->cache, xi->tree.generation);
}

/* Reads what is not remembered. */
static int read_one(struct xeniommu *xi, void *arg)
{
    struct tree_record *record = arg;
    const struct xeniommu_device device = record->device;
    int rc = read_head(xi);

    if (rc != 0)
        return rc;
    rc = tree_read(&xi->tree, &device, record);
    keep_pace(xi, rc);
    record->absent = rc == -ENOENT;
    if ((rc == 0 || rc == -ENOENT) && xi->cache.epoch == xi->store.epoch)
        cache_add(&xi->cache, record);
    return rc;
}

static int read_all(struct xeniommu *xi, void *arg)
{
    struct device_set **set = arg;
    struct tree_list list;
    bool is_one;
    int rc = read_head(xi);

    if (rc == 0 && xi->cache.devices != NULL && xi->cache.devices->complete) {
        *set = device_set_get(xi->cache.devices);
        return 0;
    }
    if (rc != 0)
        return rc;
    rc = tree_load(&xi->tree, &list);
    is_one = strcmp(xi->cache.generation, xi->tree.generation) == 0;
    keep_pace(xi, rc);
    if (rc != 0)
        return rc;
    *set = device_set_new(&list);
    if (*set == NULL)
        return -ENOMEM;
    if (is_one && xi->cache.epoch == xi->store.epoch)
        cache_fill(&xi->cache, *set);
    return 0;
}

/* Reads something. A connection that turns out to be dead may have died long ago, and xenstored may
 * be back: one more attempt. */
static int with_tree(struct xeniommu *xi, int (*action)(struct xeniommu *xi, void *arg), void *arg)
{
    int rc = action(xi, arg);

    return rc == -ENOTCONN ? action(xi, arg) : rc;
}

/* A malformed path is the caller's error even if the daemon is away. */
static bool is_malformed(const struct xeniommu_device *device)
{
    char key[XENIOMMU_KEY_SIZE];

    return device->bus == XENIOMMU_BUS_DT &&
           xeniommu_dt_key(device->path, "swiotlb", key, sizeof(key)) < 0;
}

static int ask(struct xeniommu *xi, const struct xeniommu_device *device,
               struct xeniommu_info *info)
{
    struct tree_record record = {.device = *device};
    int rc = with_tree(xi, read_one, &record);

    if (rc == 0)
        *info = record.info;
    return rc;
}

static int query(struct xeniommu *xi, const struct xeniommu_device *device,
                 struct xeniommu_info *info)
{
    int rc;

    tree_clear_info(info);
    if (is_inherited(xi))
        return -ECHILD;
    pthread_mutex_lock(&xi->lock);
    catch_up(xi);
    rc = cache_find(&xi->cache, device, info);
    if (rc != 0)
        rc = is_malformed(device) ? -EINVAL : rc < 0 ? rc : ask(xi, device, info);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

int xeniommu_query_pci(struct xeniommu *xi, uint32_t sbdf, struct xeniommu_info *info)
{
    const struct xeniommu_device device = {.bus = XENIOMMU_BUS_PCI, .sbdf = sbdf};

    return query(xi, &device, info);
}

int xeniommu_query_dt(struct xeniommu *xi, const char *path, struct xeniommu_info *info)
{
    const struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT,
                                           .path = path != NULL ? path : ""};

    return query(xi, &device, info);
}

static void put_set(struct xeniommu *xi, struct device_set *set)
{
    pthread_mutex_lock(&xi->lock);
    device_set_put(set);
    pthread_mutex_unlock(&xi->lock);
}

int xeniommu_foreach(struct xeniommu *xi, xeniommu_device_fn *fn, void *arg)
{
    struct device_set *set = NULL;
    size_t i;
    int rc;

    if (is_inherited(xi))
        return -ECHILD;
    pthread_mutex_lock(&xi->lock);
    catch_up(xi);
    rc = with_tree(xi, read_all, &set);
    pthread_mutex_unlock(&xi->lock);
    for (i = 0; rc == 0 && i < set->list.count; i++)
        rc = fn(&set->list.records[i].device, &set->list.records[i].info, arg);
    put_set(xi, set);
    return rc;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until something happens in the store. 0, -ETIMEDOUT or -EINTR. */
static int wait_for_change(struct store *store, int64_t deadline)
{
    struct pollfd pollfd = {.fd = store->epoll, .events = POLLIN};
    int64_t left = deadline < 0 ? -1 : deadline - now_ms();
    int ready;

    if (deadline >= 0 && left <= 0)
        return -ETIMEDOUT;
    ready = poll(&pollfd, 1, (int)left);
    if (ready < 0)
        return -errno;
    return ready == 0 ? -ETIMEDOUT : 0;
}

static int wait_in(struct store *store, int64_t deadline)
{
    struct tree tree;
    bool changed;
    int rc = store_fd(store);

    tree_init(&tree, store, XENIOMMU_DIR);
    tree.doubts = true;
    while (rc >= 0) {
        rc = store_take_changes(store, &changed);
        if (rc == 0)
            rc = tree_refresh(&tree);
        if (rc != -EAGAIN && rc != -ENOTCONN)
            break;
        rc = wait_for_change(store, deadline);
    }
    return rc;
}

int xeniommu_wait_ready(struct xeniommu *xi, int timeout_ms)
{
    struct store store;
    int rc;

    if (is_inherited(xi))
        return -ECHILD;
    /* A connection of its own: on the handle's, another thread could take the event. */
    store_init(&store);
    store_watch(&store, WATCHED);
    rc = wait_in(&store, timeout_ms < 0 ? -1 : now_ms() + timeout_ms);
    store_close(&store);
    /* The handle may not have been told yet. */
    pthread_mutex_lock(&xi->lock);
    cache_clear(&xi->cache);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

int xeniommu_fd(struct xeniommu *xi)
{
    int rc;

    if (is_inherited(xi))
        return -ECHILD;
    pthread_mutex_lock(&xi->lock);
    rc = store_fd(&xi->store);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

/* What is published now; set stays NULL where nothing is known of any device. */
static int look(struct xeniommu *xi, struct device_set **set)
{
    int rc = with_tree(xi, read_all, set);

    if (rc == -EAGAIN || rc == -EPROTO || rc == -EACCES || rc == -E2BIG)
        return 0; /* whoever queries is told */
    if (rc != 0 && rc != -ENOTCONN)
        store_mark_changed(&xi->store, 1000);
    return rc;
}

static int take_changes(struct xeniommu *xi, struct device_set **set, bool *changed)
{
    int rc;

    pthread_mutex_lock(&xi->lock);
    rc = store_take_changes(&xi->store, changed);
    cache_enter(&xi->cache, xi->store.epoch);
    if (rc == 0 && *changed && xi->callback != NULL)
        rc = look(xi, set);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

/* A callback may set another one, which is then told everything by the next dispatch. */
static int call_back(const struct tree_record *before, const struct tree_record *after, void *arg)
{
    struct xeniommu *xi = arg;
    struct xeniommu_info gone;

    tree_clear_info(&gone);
    if (!xi->callback_is_new)
        xi->callback(after != NULL ? &after->device : &before->device,
                     after != NULL ? &after->info : &gone, xi->callback_arg);
    return 0;
}

static int dispatch(struct xeniommu *xi)
{
    static const struct tree_list none;
    struct device_set *before = xi->known, *after = NULL;
    bool changed, is_first = xi->callback_is_new;
    int rc;

    xi->callback_is_new = false;
    rc = take_changes(xi, &after, &changed);
    if (!changed || xi->callback == NULL)
        return rc;
    (void)changes_walk(before != NULL && !is_first ? &before->list : &none,
                       after != NULL ? &after->list : &none, call_back, xi);
    xi->known = after;
    put_set(xi, before);
    return rc;
}

int xeniommu_dispatch(struct xeniommu *xi)
{
    int error, rc;

    if (is_inherited(xi))
        return -ECHILD;
    error = pthread_mutex_lock(&xi->dispatch_lock);
    if (error != 0)
        return -error;
    rc = dispatch(xi);
    pthread_mutex_unlock(&xi->dispatch_lock);
    return rc;
}

int xeniommu_set_callback(struct xeniommu *xi, xeniommu_change_fn *fn, void *arg)
{
    int error;

    if (is_inherited(xi))
        return -ECHILD;
    error = pthread_mutex_lock(&xi->dispatch_lock);
    if (error != 0 && error != EDEADLK)
        return -error;
    pthread_mutex_lock(&xi->lock);
    xi->callback = fn;
    xi->callback_arg = arg;
    xi->callback_is_new = true;
    store_mark_changed(&xi->store, 0);
    pthread_mutex_unlock(&xi->lock);
    if (error == 0)
        pthread_mutex_unlock(&xi->dispatch_lock);
    return 0;
}
