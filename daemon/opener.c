/* SPDX-License-Identifier: MIT */
#include "opener.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privileges.h"

/* One answer takes well below a millisecond. */
#define ANSWER_SECONDS 5

struct opener {
    int fd;
};

struct answer {
    int32_t result; /* a negative errno, 0 with a descriptor, or a watch's number */
    struct stat link;
};

/* One descriptor beside a message. */
union ancillary {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static ssize_t send_with(int fd, const void *data, size_t size, int passed)
{
    struct iovec iov = {(void *)data, size};
    union ancillary ancillary = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    struct cmsghdr *header;
    ssize_t sent;

    if (passed >= 0) {
        message.msg_control = &ancillary;
        message.msg_controllen = sizeof(ancillary);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &passed, sizeof(passed));
    }
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* *passed is -1 where no descriptor came; else the caller's. */
static ssize_t receive_with(int fd, void *data, size_t size, int *passed)
{
    struct iovec iov = {data, size};
    union ancillary ancillary;
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &ancillary,
                             .msg_controllen = sizeof(ancillary)};
    const struct cmsghdr *header;
    ssize_t got;

    *passed = -1;
    do
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(passed, CMSG_DATA(header), sizeof(*passed));
    /* Without MSG_TRUNC a descriptor that is missing is one for which there was no number left. */
    return message.msg_flags & MSG_TRUNC ? -1 : got;
}

/* ------------------------------------------------------------- its process */

static bool answer_one(int fd, const char *root)
{
    struct opener_request request;
    struct answer answer;
    int passed, opened = -1;
    ssize_t got = receive_with(fd, &request, sizeof(request), &passed);

    memset(&answer, 0, sizeof(answer));
    if (got != (ssize_t)sizeof(request))
        answer.result = -EINVAL;
    else if (request.kind == OPENER_WATCH)
        answer.result = opener_file_watch(root, &request, passed);
    else
        answer.result = opened = opener_file_open(root, &request, &answer.link);
    if (opened >= 0)
        answer.result = 0;
    if (passed >= 0)
        close(passed);
    /* Nobody is there any more, or whoever it is does not speak our language. */
    got = got > 0 ? send_with(fd, &answer, sizeof(answer), opened) : 0;
    if (opened >= 0)
        close(opened);
    return got == (ssize_t)sizeof(answer);
}

/* The lock above all must not outlive the daemon here. */
static void keep_only(int *fd)
{
    if (*fd != STDERR_FILENO + 1) {
        if (dup2(*fd, STDERR_FILENO + 1) < 0)
            _exit(EXIT_FAILURE);
        *fd = STDERR_FILENO + 1;
    }
    if (close_range(STDERR_FILENO + 2, ~0u, 0))
        _exit(EXIT_FAILURE);
}

/* It ends when the daemon does, in whatever way: a signal to the whole group, as service managers
 * and terminals send it, would take it away from one who may need it until then. */
static void serve(int fd, const char *root)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    (void)prctl(PR_SET_NAME, "xen-iommud-open");
    keep_only(&fd);
    if (privileges_keep_opening() < 0)
        _exit(EXIT_FAILURE);
    while (answer_one(fd, root))
        ;
    _exit(EXIT_SUCCESS);
}

/* ------------------------------------------------------------- the daemon's side */

int opener_start(struct opener **out, const char *root)
{
    static const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct opener *opener = malloc(sizeof(*opener));
    int pair[2], rc;
    pid_t child;

    *out = NULL;
    if (!opener)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        rc = -errno;
        free(opener);
        return rc;
    }
    *opener = (struct opener){.fd = pair[0]};
    child = -1;
    rc = setsockopt(opener->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ? -errno : 0;
    if (rc == 0) {
        child = fork();
        rc = child < 0 ? -errno : 0;
    }
    if (child == 0)
        serve(pair[1], root);
    close(pair[1]);
    if (rc < 0)
        opener_stop(opener);
    else
        *out = opener;
    return rc;
}

void opener_stop(struct opener *opener)
{
    if (!opener)
        return;
    close(opener->fd);
    free(opener);
}

int opener_fd(const struct opener *opener)
{
    return opener->fd;
}

/* An answer that comes late would be taken for the next one's. */
static int lose(struct opener *opener, int error)
{
    (void)shutdown(opener->fd, SHUT_RDWR);
    return error;
}

/* The result; *received is a descriptor or -1. */
static int ask(struct opener *opener, const struct opener_request *what, int passed,
               struct answer *answer, int *received)
{
    ssize_t got;

    *received = -1;
    if (send_with(opener->fd, what, sizeof(*what), passed) != (ssize_t)sizeof(*what))
        return lose(opener, -EPIPE);
    errno = 0;
    got = receive_with(opener->fd, answer, sizeof(*answer), received);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return lose(opener, -ETIMEDOUT);
    if (got != (ssize_t)sizeof(*answer)) {
        if (*received >= 0)
            close(*received);
        return lose(opener, -EPIPE);
    }
    return answer->result;
}

int opener_open(struct opener *opener, const char *root, const struct opener_request *what,
                struct stat *link)
{
    struct answer answer = {.result = 0};
    int received, rc;

    if (!opener) {
        rc = opener_file_open(root, what, &answer.link);
    } else {
        rc = ask(opener, what, -1, &answer, &received);
        if (rc == 0)
            rc = received >= 0 ? received : -EMFILE;
        else if (received >= 0)
            close(received);
    }
    if (link)
        *link = answer.link;
    return rc;
}

int opener_watch(struct opener *opener, const char *root, const struct opener_request *what,
                 int inotify)
{
    struct answer answer = {.result = 0};
    int received, rc;

    if (!opener)
        return opener_file_watch(root, what, inotify);
    rc = ask(opener, what, inotify, &answer, &received);
    if (received >= 0)
        close(received);
    return rc;
}
