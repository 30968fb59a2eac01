/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
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

/* libxenstore composes the socket's path in a static buffer: only one thread may be at it. */
static pthread_mutex_t socket_path_lock = PTHREAD_MUTEX_INITIALIZER;

/* xs_open() tries the socket, then the device, and reports the second: say what the first said if
 * it is there. */
static int open_error(int error)
{
    const char *path = xs_daemon_socket();

    return path != NULL && access(path, F_OK) == 0 && access(path, W_OK) != 0 ? EACCES : error;
}

static struct xs_handle *open_handle(void)
{
    struct xs_handle *xs;
    int error;

    pthread_mutex_lock(&socket_path_lock);
    xs = xs_open(0);
    error = xs == NULL ? open_error(errno) : 0;
    pthread_mutex_unlock(&socket_path_lock);
    errno = error;
    return xs;
}

static bool socket_address(struct sockaddr_un *address)
{
    const char *path;
    size_t len;

    pthread_mutex_lock(&socket_path_lock);
    path = xs_daemon_socket();
    len = path != NULL ? strlen(path) : sizeof(address->sun_path);
    if (len < sizeof(address->sun_path))
        memcpy(address->sun_path, path, len + 1);
    pthread_mutex_unlock(&socket_path_lock);
    return len < sizeof(address->sun_path);
}

static int connect_error(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return -EACCES;
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

static int add_to_epoll(struct store *store, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.fd = fd}};

    return epoll_ctl(store->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* Best effort: where it fails, a vanished xenstored is noticed by the next request. */
static void watch_for_hangup(struct store *store)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (!socket_address(&address))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        add_to_epoll(store, fd, EPOLLRDHUP) == 0)
        store->hangup = fd;
    else
        close(fd);
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
    close_fd(&store->hangup);
    xs_close(store->xs);
    store->xs = NULL;
}

static void lose(struct store *store)
{
    disconnect(store);
    store->backoff_ms = BACKOFF_MIN_MS;
    store_mark_changed(store, 0);
}

/* Sets the watch on the present connection. */
static int attach_watch(struct store *store)
{
    int fd, rc;

    if (!xs_watch(store->xs, store->watched, store->watched) && errno != EEXIST)
        return connect_error(errno);
    fd = xs_fileno(store->xs);
    if (fd < 0)
        return -EMFILE;
    rc = add_to_epoll(store, fd, EPOLLIN);
    if (rc == 0)
        watch_for_hangup(store);
    return rc;
}

int store_connect(struct store *store)
{
    int rc = 0;

    if (store->xs != NULL)
        return 0;
    store->xs = open_handle();
    if (store->xs == NULL)
        return connect_error(errno);
    if (store->watched != NULL)
        rc = attach_watch(store);
    if (rc != 0) {
        disconnect(store);
        return rc;
    }
    store->backoff_ms = BACKOFF_MIN_MS;
    store->changed = true;
    return 0;
}

static void close_watch(struct store *store)
{
    close_fd(&store->timer);
    close_fd(&store->epoll);
    store->watched = NULL;
}

void store_close(struct store *store)
{
    disconnect(store);
    close_watch(store);
}

void store_abandon(struct store *store)
{
    if (store->xs != NULL)
        xs_daemon_destroy_postfork(store->xs);
    if (store->lister != NULL)
        xs_daemon_destroy_postfork(store->lister);
    store->xs = store->lister = NULL;
    close_fd(&store->hangup);
    close_watch(store);
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
    value->data = xs_read(store->xs, XBT_NULL, path, &len);
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
    int rc;

    *names = NULL;
    *count = 0;
    if (store->xs == NULL)
        return -ENOTCONN;
    if (store->lister == NULL)
        store->lister = open_handle();
    if (store->lister == NULL)
        return connect_error(errno);
    *names = xs_directory(store->lister, XBT_NULL, path, count);
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
        close_watch(store);
    return rc;
}

int store_watch(struct store *store, const char *path)
{
    int rc = 0;

    if (store->watched != NULL)
        return 0;
    rc = create_descriptors(store);
    if (rc != 0)
        return rc;
    store->watched = path;
    if (store->xs != NULL && attach_watch(store) != 0)
        disconnect(store);
    store_mark_changed(store, 0);
    return 0;
}

int store_fd(const struct store *store)
{
    return store->epoll;
}

static void drain_events(struct store *store)
{
    char **event;

    for (;;) {
        event = xs_check_watch(store->xs);
        if (event == NULL && errno != ENOMEM)
            break;
        /* Out of memory it has dropped the event all the same. */
        store->changed = true;
        free(event);
    }
    if (errno != EAGAIN || hung_up(store))
        lose(store);
}

bool store_take_changes(struct store *store)
{
    uint64_t expirations;
    bool changed;

    if (store->timer >= 0 && read(store->timer, &expirations, sizeof(expirations)) < 0 &&
        errno != EAGAIN)
        store->changed = true;
    if (store->xs != NULL)
        drain_events(store);
    if (store_connect(store) != 0) {
        set_timer(store, store->backoff_ms);
        store->backoff_ms *= 2;
        if (store->backoff_ms > BACKOFF_MAX_MS)
            store->backoff_ms = BACKOFF_MAX_MS;
    }
    changed = store->changed;
    store->changed = false;
    return changed;
}

void store_mark_changed(struct store *store, unsigned int delay_ms)
{
    store->changed = true;
    set_timer(store, delay_ms);
}
