/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

/* libxenstore composes the socket's path in a static buffer: only one thread may be at it. */
static pthread_mutex_t path_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t path_lock_once = PTHREAD_ONCE_INIT;

/* Whoever held it at a fork is not in the child. */
static void free_path_lock(void)
{
    pthread_mutex_init(&path_lock, NULL);
}

static void prepare_for_forks(void)
{
    (void)pthread_atfork(NULL, NULL, free_path_lock); /* without memory: as if it were not there */
}

static void lock_path(void)
{
    pthread_once(&path_lock_once, prepare_for_forks);
    pthread_mutex_lock(&path_lock);
}

static bool copy_socket_path(char *copy, size_t size)
{
    const char *path;
    size_t len;

    lock_path();
    path = xs_daemon_socket();
    len = path != NULL ? strlen(path) : size;
    if (len < size)
        memcpy(copy, path, len + 1);
    pthread_mutex_unlock(&path_lock);
    return len < size;
}

int request_probe(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    int error, fd;

    if (!copy_socket_path(address.sun_path, sizeof(address.sun_path)) ||
        stat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return -ENOENT;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    /* A socket that vanished was xenstored's. */
    error = errno == ENOENT ? ECONNREFUSED : errno;
    close(fd);
    return -error;
}

/* xs_close() ends libxenstore's thread by pthread_cancel(), for which glibc loads a library then,
 * and aborts where memory is too short for that. This makes it load it now, or say that it cannot.
 */
static bool load_unwinder(void)
{
#ifdef __GLIBC__
    void *frame;

    return backtrace(&frame, 1) > 0;
#else
    return true;
#endif
}

struct xs_handle *request_open(void)
{
    struct xs_handle *xs;
    int error;

    if (!load_unwinder()) {
        errno = ENOMEM;
        return NULL;
    }
    lock_path();
    xs = xs_open(0);
    error = errno;
    pthread_mutex_unlock(&path_lock);
    errno = error;
    return xs;
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
