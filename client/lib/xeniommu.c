/* SPDX-License-Identifier: MIT */
#include "api.h"
#include "changes.h"
#include "store.h"
#include "tree.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WATCHED XENIOMMU_DIR "/generation"

/* Lock order: dispatch_lock, then lock. */
struct xeniommu {
    pid_t pid;                     /* who opened it */
    pthread_mutex_t dispatch_lock; /* held while a callback runs; guards known and callback* */
    pthread_mutex_t lock;          /* guards store; never held while a callback runs */
    struct store store;
    struct tree_list known; /* what the callback was told last */
    xeniommu_change_fn *callback;
    void *callback_arg;
    bool callback_is_new; /* it has been told nothing yet */
};

/* A child must not even touch the locks: another thread of the parent may have held them. */
static bool is_inherited(const struct xeniommu *xi)
{
    return xi->pid != getpid();
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
    handle->pid = getpid();
    store_init(&handle->store);
    rc = init_locks(handle);
    if (rc == 0)
        rc = store_connect(&handle->store);
    if (rc != 0)
        free(handle);
    else
        *xi = handle;
    return rc;
}

void xeniommu_close(struct xeniommu *xi)
{
    if (xi == NULL)
        return;
    if (is_inherited(xi)) {
        store_abandon(&xi->store);
    } else {
        store_close(&xi->store);
        pthread_mutex_destroy(&xi->dispatch_lock);
        pthread_mutex_destroy(&xi->lock);
    }
    tree_list_free(&xi->known);
    free(xi);
}

typedef int tree_action(struct tree *tree, void *arg);

/* Does something with the domain's tree. A connection that turns out to be dead may have died long
 * ago, and xenstored may be back: one more attempt. */
static int with_tree(struct xeniommu *xi, tree_action *action, void *arg)
{
    struct tree tree;
    int attempt, rc = -ENOTCONN;

    pthread_mutex_lock(&xi->lock);
    tree_init(&tree, &xi->store, XENIOMMU_DIR);
    for (attempt = 0; rc == -ENOTCONN && attempt < 2; attempt++) {
        rc = store_connect(&xi->store);
        if (rc == 0)
            rc = action(&tree, arg);
    }
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

static int read_one(struct tree *tree, void *arg)
{
    struct tree_record *record = arg;
    const struct xeniommu_device device = record->device;
    int rc = tree_refresh(tree);

    return rc == 0 ? tree_read(tree, &device, record) : rc;
}

static int read_all(struct tree *tree, void *arg)
{
    return tree_load(tree, arg);
}

static int query(struct xeniommu *xi, const struct xeniommu_device *device,
                 struct xeniommu_info *info)
{
    struct tree_record record = {.device = *device};
    int rc;

    tree_clear_info(info);
    if (is_inherited(xi))
        return -ECHILD;
    rc = with_tree(xi, read_one, &record);
    if (rc == 0)
        *info = record.info;
    return rc;
}

int xeniommu_query_pci(struct xeniommu *xi, uint32_t sbdf, struct xeniommu_info *info)
{
    const struct xeniommu_device device = {.bus = XENIOMMU_BUS_PCI, .sbdf = sbdf};

    return query(xi, &device, info);
}

int xeniommu_query_dt(struct xeniommu *xi, const char *path, struct xeniommu_info *info)
{
    const struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT, .path = path};
    char key[XENIOMMU_KEY_SIZE];

    /* Before any request: a malformed path is the caller's error even if the daemon is away. */
    tree_clear_info(info);
    if (xeniommu_dt_key(path, "swiotlb", key, sizeof(key)) < 0)
        return -EINVAL;
    return query(xi, &device, info);
}

int xeniommu_foreach(struct xeniommu *xi, xeniommu_device_fn *fn, void *arg)
{
    struct tree_list list = {0};
    size_t i;
    int rc;

    if (is_inherited(xi))
        return -ECHILD;
    rc = with_tree(xi, read_all, &list);
    for (i = 0; rc == 0 && i < list.count; i++)
        rc = fn(&list.records[i].device, &list.records[i].info, arg);
    tree_list_free(&list);
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
    struct pollfd pollfd = {.fd = store_fd(store), .events = POLLIN};
    int64_t left = deadline - now_ms();
    int ready;

    if (deadline < 0)
        left = -1;
    else if (left < 0)
        left = 0;
    ready = poll(&pollfd, 1, (int)left);
    if (ready < 0)
        return -errno;
    return ready == 0 ? -ETIMEDOUT : 0;
}

static int wait_in(struct store *store, int64_t deadline)
{
    struct tree tree;
    int rc = store_watch(store, WATCHED);

    tree_init(&tree, store, XENIOMMU_DIR);
    while (rc == 0) {
        store_take_changes(store);
        rc = store_connect(store);
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
    rc = wait_in(&store, timeout_ms < 0 ? -1 : now_ms() + timeout_ms);
    store_close(&store);
    return rc;
}

int xeniommu_fd(struct xeniommu *xi)
{
    int rc;

    if (is_inherited(xi))
        return -ECHILD;
    pthread_mutex_lock(&xi->lock);
    rc = store_watch(&xi->store, WATCHED);
    if (rc == 0)
        rc = store_fd(&xi->store);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

/* Takes the pending events and, where that matters, reads what is published now. */
static int take_changes(struct xeniommu *xi, struct tree_list *list, bool *changed)
{
    struct tree tree;
    int rc = 0;

    pthread_mutex_lock(&xi->lock);
    *changed = store_take_changes(&xi->store);
    if (xi->store.xs == NULL) {
        rc = -ENOTCONN;
    } else if (*changed && xi->callback != NULL) {
        tree_init(&tree, &xi->store, XENIOMMU_DIR);
        rc = tree_load(&tree, list);
    }
    if (rc == -EAGAIN || rc == -EPROTO || rc == -EACCES || rc == -E2BIG)
        rc = 0; /* whoever queries is told; here it means that nothing is known of any device */
    else if (rc != 0 && rc != -ENOTCONN)
        store_mark_changed(&xi->store, 1000);
    pthread_mutex_unlock(&xi->lock);
    return rc;
}

/* A callback may set another one, which is then told everything by the next dispatch. */
static void call_back(const struct xeniommu_device *device, const struct xeniommu_info *info,
                      void *arg)
{
    struct xeniommu *xi = arg;

    if (!xi->callback_is_new)
        xi->callback(device, info, xi->callback_arg);
}

static int dispatch(struct xeniommu *xi)
{
    struct tree_list before = xi->known, after = {0};
    bool changed;
    int rc;

    if (xi->callback_is_new)
        tree_list_free(&before);
    xi->callback_is_new = false;
    rc = take_changes(xi, &after, &changed);
    if (changed && xi->callback != NULL) {
        changes_report(&before, &after, call_back, xi);
        tree_list_free(&before);
        xi->known = after;
    } else {
        xi->known = before;
    }
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
    int error, rc;

    if (is_inherited(xi))
        return -ECHILD;
    error = pthread_mutex_lock(&xi->dispatch_lock);
    if (error != 0 && error != EDEADLK)
        return -error;
    pthread_mutex_lock(&xi->lock);
    rc = store_watch(&xi->store, WATCHED);
    if (rc == 0) {
        xi->callback = fn;
        xi->callback_arg = arg;
        xi->callback_is_new = true;
        store_mark_changed(&xi->store, 0);
    }
    pthread_mutex_unlock(&xi->lock);
    if (error == 0)
        pthread_mutex_unlock(&xi->dispatch_lock);
    return rc;
}
