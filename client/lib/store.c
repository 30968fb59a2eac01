/* SPDX-License-Identifier: MIT */
#include "store.h"

#include "request.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <xenstore.h>

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000

void store_init(struct store *store)
{
    *store = (struct store){.epoll = -1, .timer = -1, .hangup = -1, .backoff_ms = BACKOFF_MIN_MS};
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int connect_error(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return -EACCES;
    case E2BIG: /* xenstored's word for a quota */
    case ENOSPC:
        return -ENOSPC;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return -error;
    default:
        return -ENOTCONN;
    }
}

static void set_timer(struct store *store, unsigned int delay_ms)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000L}};

    if (store->timer < 0)
        return;
    if (delay_ms == 0)
        when.it_value.tv_nsec = 1; /* all zero would disarm it */
    timerfd_settime(store->timer, 0, &when, NULL);
}

static void stop_timer(struct store *store)
{
    const struct itimerspec never = {0};

    if (store->timer >= 0)
        timerfd_settime(store->timer, 0, &never, NULL);
}

static int add_to_epoll(struct store *store, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    return epoll_ctl(store->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static void close_hangup(struct store *store)
{
    /* A child of a fork may have it too, and then closing it does not take it out. */
    if (store->hangup >= 0)
        epoll_ctl(store->epoll, EPOLL_CTL_DEL, store->hangup, NULL);
    close_fd(&store->hangup);
}

static bool hung_up(const struct store *store)
{
    struct pollfd pollfd = {.fd = store->hangup, .events = POLLRDHUP};

    return store->hangup >= 0 && poll(&pollfd, 1, 0) > 0;
}

static void close_lister(struct store *store)
{
    xs_close(store->lister);
    store->lister = NULL;
}

static void disconnect(struct store *store)
{
    close_lister(store);
    if (store->xs == NULL)
        return;
    if (store->epoll >= 0)
        epoll_ctl(store->epoll, EPOLL_CTL_DEL, xs_fileno(store->xs), NULL);
    close_hangup(store);
    xs_close(store->xs);
    store->xs = NULL;
}

static void lose(struct store *store)
{
    disconnect(store);
    store->epoch++;
    store->backoff_ms = BACKOFF_MIN_MS;
    store_mark_changed(store, 0);
}

/* Makes the descriptor readable by what comes over the present connection, and by its end. */
static int attach_to_epoll(struct store *store)
{
    int fd = xs_fileno(store->xs);
    int rc = fd < 0 ? -EMFILE : add_to_epoll(store, fd, EPOLLIN);

    if (rc != 0 || !store->over_socket)
        return rc;
    fd = request_probe();
    if (fd < 0)
        return connect_error(-fd);
    rc = add_to_epoll(store, fd, EPOLLRDHUP);
    if (rc == 0)
        store->hangup = fd;
    else
        close(fd);
    return rc;
}

/* Makes sure that everything which was changed until now is known. Over a socket its events were
 * sent before the answer to a request that is made now; over the kernel's device an answer can
 * overtake them, but what is watched has another value then. */
static void settle(struct store *store)
{
    unsigned int len = 0;
    char *value = request_read(store->xs, store->watched, &len);
    bool is_known = value == NULL ? store->seen[0] == '\0'
                                  : len < sizeof(store->seen) && strcmp(value, store->seen) == 0;

    if (!is_known) {
        store->epoch++;
        store->changed = true;
        snprintf(store->seen, sizeof(store->seen), "%s", value != NULL ? value : "");
    }
    free(value);
    store_take_events(store);
}

static int attach_watch(struct store *store)
{
    int rc = 0;

    if (!request_watch(store->xs, store->watched))
        return connect_error(errno);
    if (store->epoll >= 0)
        rc = attach_to_epoll(store);
    if (rc == 0)
        settle(store); /* a new watch fires at once: that is no change */
    return rc == 0 && store->xs == NULL ? -ENOTCONN : rc;
}

/* 0 and store->xs, or an error of store_connect(). */
static int open_xs(struct store *store, struct xs_handle **xs)
{
    int error, fd = request_probe();

    if (fd < 0 && (fd != -ENOENT || store->over_socket))
        return connect_error(-fd);
    *xs = request_open();
    error = *xs == NULL ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (error != 0)
        return connect_error(error);
    store->over_socket = fd >= 0;
    return 0;
}

int store_connect(struct store *store)
{
    int rc;

    if (store->xs != NULL)
        return 0;
    rc = open_xs(store, &store->xs);
    if (rc == 0 && store->watched != NULL)
        rc = attach_watch(store);
    if (rc != 0) {
        disconnect(store);
        return rc;
    }
    store->backoff_ms = BACKOFF_MIN_MS;
    store_mark_changed(store, 0);
    store->epoch++;
    return 0;
}

static void close_descriptors(struct store *store)
{
    close_fd(&store->timer);
    close_fd(&store->epoll);
}

void store_close(struct store *store)
{
    disconnect(store);
    close_descriptors(store);
}

void store_abandon(struct store *store)
{
    if (store->xs != NULL)
        xs_daemon_destroy_postfork(store->xs);
    if (store->lister != NULL)
        xs_daemon_destroy_postfork(store->lister);
    store->xs = store->lister = NULL;
    close_fd(&store->hangup);
    close_descriptors(store);
}

/* libxenstore reports a lost connection in many ways, EINVAL among them; what xenstored itself
 * can say to a well-formed read is only this. 0: the connection is lost. */
static int answered_error(int error)
{
    return error == ENOENT || error == EACCES || error == ENOMEM ? -error : 0;
}

int store_read(struct store *store, const char *path, struct store_value *value)
{
    unsigned int len = 0;
    int rc;

    *value = (struct store_value){0};
    if (store->xs == NULL)
        return -ENOTCONN;
    value->data = request_read(store->xs, path, &len);
    value->len = len;
    if (value->data != NULL)
        return 0;
    rc = answered_error(errno);
    if (rc == 0)
        lose(store);
    return rc != 0 ? rc : -ENOTCONN;
}

/* The lister's connection ended with a request. libxenstore does not say why; if the other one
 * still works, xenstored is there, and its answer was the cause. */
static int lister_error(struct store *store, const char *path)
{
    struct store_value value;
    int rc;

    close_lister(store);
    rc = store_read(store, path, &value);
    free(value.data);
    return rc == -ENOTCONN ? rc : -E2BIG;
}

int store_list(struct store *store, const char *path, char ***names, unsigned int *count)
{
    int rc = 0;

    *names = NULL;
    *count = 0;
    if (store->xs == NULL)
        return -ENOTCONN;
    if (store->lister == NULL)
        rc = open_xs(store, &store->lister);
    if (rc != 0)
        return rc;
    *names = request_list(store->lister, path, count);
    if (*names != NULL)
        return 0;
    rc = answered_error(errno);
    return rc != 0 ? rc : lister_error(store, path);
}

static int create_descriptors(struct store *store)
{
    int rc = 0;

    store->epoll = epoll_create1(EPOLL_CLOEXEC);
    store->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (store->epoll < 0 || store->timer < 0)
        rc = -errno;
    if (rc == 0)
        rc = add_to_epoll(store, store->timer, EPOLLIN);
    if (rc != 0)
        close_descriptors(store);
    return rc;
}

void store_watch(struct store *store, const char *path)
{
    store->watched = path;
}

int store_fd(struct store *store)
{
    int rc;

    if (store->epoll >= 0)
        return store->epoll;
    rc = create_descriptors(store);
    if (rc == 0 && store->xs != NULL)
        rc = attach_to_epoll(store);
    if (rc == -ENOTCONN) {
        lose(store);
        rc = 0;
    }
    if (rc != 0) {
        close_hangup(store);
        close_descriptors(store);
        return rc;
    }
    store_mark_changed(store, 0);
    return store->epoll;
}

void store_take_events(struct store *store)
{
    char **event;

    if (store->xs == NULL)
        return;
    while ((event = xs_check_watch(store->xs)) != NULL || errno == ENOMEM) {
        /* Out of memory it has dropped the event all the same. */
        free(event);
        store->epoch++;
        store_mark_changed(store, 0);
    }
    if (errno != EAGAIN)
        lose(store);
}

int store_take_changes(struct store *store, bool *changed)
{
    int rc;

    if (hung_up(store))
        lose(store);
    if (store->xs != NULL)
        settle(store);
    rc = store_connect(store);
    stop_timer(store);
    if (rc != 0) {
        set_timer(store, store->backoff_ms);
        store->backoff_ms *= 2;
        if (store->backoff_ms > BACKOFF_MAX_MS)
            store->backoff_ms = BACKOFF_MAX_MS;
    }
    *changed = store->changed;
    store->changed = false;
    return rc;
}

void store_mark_changed(struct store *store, unsigned int delay_ms)
{
    store->changed = true;
    set_timer(store, delay_ms);
}
