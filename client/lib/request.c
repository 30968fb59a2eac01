/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

/* libxenstore composes the socket's path in a static buffer: only one thread may be at it. */
static pthread_mutex_t socket_path_lock = PTHREAD_MUTEX_INITIALIZER;

/* xs_open() tries the socket, then the device, and reports the second: say what the first said if
 * it is there. */
static int open_error(int error)
{
    const char *path = xs_daemon_socket();

    return path != NULL && access(path, F_OK) == 0 && access(path, W_OK) != 0 ? EACCES : error;
}

struct xs_handle *request_open(void)
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

bool request_socket_address(struct sockaddr_un *address)
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

/* libxenstore ignores SIGPIPE for the whole process during a request, and puts back what it found:
 * with two requests at once, one may be left without. So it is held back in this thread. */
struct sigpipe {
    sigset_t mask; /* before */
};

static void hold_sigpipe(struct sigpipe *held)
{
    sigset_t sigpipe;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &held->mask);
}

/* After a request; may one have been raised, it is taken back. Leaves errno. */
static void release_sigpipe(const struct sigpipe *held, bool may_be_raised)
{
    const struct timespec now = {0};
    int error = errno;
    sigset_t sigpipe;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    if (may_be_raised && !sigismember(&held->mask, SIGPIPE))
        while (sigtimedwait(&sigpipe, NULL, &now) < 0 && errno == EINTR)
            continue;
    pthread_sigmask(SIG_SETMASK, &held->mask, NULL);
    errno = error;
}

char *request_read(struct xs_handle *xs, const char *path, unsigned int *len)
{
    struct sigpipe held;
    char *value;

    hold_sigpipe(&held);
    value = xs_read(xs, XBT_NULL, path, len);
    release_sigpipe(&held, value == NULL && errno != ENOENT);
    return value;
}

char **request_list(struct xs_handle *xs, const char *path, unsigned int *count)
{
    struct sigpipe held;
    char **names;

    hold_sigpipe(&held);
    names = xs_directory(xs, XBT_NULL, path, count);
    release_sigpipe(&held, names == NULL && errno != ENOENT);
    return names;
}

bool request_watch(struct xs_handle *xs, const char *path)
{
    struct sigpipe held;
    bool done;

    hold_sigpipe(&held);
    done = xs_watch(xs, path, path);
    release_sigpipe(&held, !done);
    return done;
}
