/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

int request_probe(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = xs_daemon_socket();
    struct stat status;
    int error, fd;

    if (path == NULL || stat(path, &status) != 0)
        return -ENOENT;
    if (!S_ISSOCK(status.st_mode) || strlen(path) >= sizeof(address.sun_path))
        return -ENOENT;
    strcpy(address.sun_path, path);
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
