/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <errno.h>
#include <execinfo.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "heartbeat.h"

struct store {
    struct xs_handle *xs;
    int lifeline;
    bool by_socket; /* it was there once, so a missing one means a dead xenstored */
};

static int last_error(void)
{
    return errno ? -errno : -EIO;
}

/* xs_close() ends libxenstore's thread by pthread_cancel(), for which glibc loads a library then,
 * and aborts where memory is too short for that. This makes it load it now, or say that it cannot.
 */
static bool load_unwinder(void)
{
    void *frame;

    return backtrace(&frame, 1) > 0;
}

int store_new(struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));

    *out = store;
    if (!store)
        return -ENOMEM;
    if (!load_unwinder()) {
        free(store);
        *out = NULL;
        return -ENOMEM;
    }
    store->lifeline = -1;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_disconnect(store);
    free(store);
}

/* poll() on xs_fileno() does not wake when xenstored dies; a bare connection does. */
static int open_lifeline(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return last_error();
    if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
        rc = last_error();
        close(fd);
        return rc;
    }
    return fd;
}

bool store_is_cut(const struct store *store)
{
    struct pollfd poll_fd = {.fd = store->lifeline, .events = POLLIN};

    return store->lifeline >= 0 && poll(&poll_fd, 1, 0) != 0;
}

int store_connect(struct store *store)
{
    const char *path = xs_daemon_socket();
    struct stat st;
    int rc;

    store_disconnect(store);
    if (path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        store->by_socket = true;
    if (store->by_socket) {
        store->lifeline = open_lifeline(path);
        if (store->lifeline < 0) {
            rc = store->lifeline;
            store->lifeline = -1;
            return rc;
        }
    }
    errno = 0;
    /* Some libxenstore goes to the kernel all the same when xenstored dies right now, and there a
     * request waits for ever; so the lifeline is looked at behind it. */
    store->xs = xs_open(store->by_socket ? XS_OPEN_SOCKETONLY : 0);
    if (!store->xs)
        rc = last_error();
    else
        rc = store_is_cut(store) ? -ECONNRESET : 0;
    if (rc < 0)
        store_disconnect(store);
    return rc;
}

void store_disconnect(struct store *store)
{
    if (store->xs)
        xs_close(store->xs);
    store->xs = NULL;
    if (store->lifeline >= 0)
        close(store->lifeline);
    store->lifeline = -1;
}

int store_sync(struct store *store)
{
    char *value;
    int rc = store_read(store, XBT_NULL, "/", &value, NULL);

    if (rc == 0)
        free(value);
    return rc == -ENOENT ? 0 : rc;
}

bool store_is_lost(int error)
{
    switch (-error) {
    case EPIPE:
    case EBADF:
    case ECONNRESET:
    case ENOTCONN:
    case EIO:
        return true;
    default:
        return false;
    }
}

int store_fd(struct store *store)
{
    return xs_fileno(store->xs);
}

int store_lifeline_fd(const struct store *store)
{
    return store->lifeline;
}

int store_watch(struct store *store, const char *path, const char *token)
{
    return xs_watch(store->xs, path, token) ? 0 : last_error();
}

int store_unwatch(struct store *store, const char *path, const char *token)
{
    return xs_unwatch(store->xs, path, token) ? 0 : last_error();
}

int store_next_event(struct store *store, char ***event)
{
    errno = 0;
    *event = xs_check_watch(store->xs);
    if (*event)
        return 1;
    /* libxenstore's word for an xenstored that is gone. */
    if (errno == EINVAL)
        return -ECONNRESET;
    return errno == EAGAIN ? 0 : last_error();
}

int store_read(struct store *store, xs_transaction_t t, const char *path, char **value,
               size_t *length)
{
    unsigned int bytes = 0;

    *value = NULL;
    if (!store->xs)
        return -ENOTCONN;
    errno = 0;
    *value = xs_read(store->xs, t, path, &bytes);
    heartbeat();
    if (!*value)
        return last_error();
    if (length)
        *length = bytes;
    return 0;
}

bool parse_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned int digit = (unsigned int)(*text - '0');

        if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

int store_read_number(struct store *store, xs_transaction_t t, const char *path, uint64_t *number)
{
    size_t length = 0;
    char *text;
    int rc = store_read(store, t, path, &text, &length);

    if (rc < 0)
        return rc;
    if (strlen(text) != length || !parse_number(text, number))
        rc = -EINVAL;
    free(text);
    return rc;
}

int store_list(struct store *store, xs_transaction_t t, const char *path, char ***names,
               size_t *count)
{
    unsigned int entries = 0;

    *names = NULL;
    if (!store->xs)
        return -ENOTCONN;
    errno = 0;
    *names = xs_directory(store->xs, t, path, &entries);
    heartbeat();
    if (!*names)
        return last_error();
    *count = entries;
    return 0;
}

struct xs_handle *store_handle(struct store *store)
{
    return store->xs;
}
