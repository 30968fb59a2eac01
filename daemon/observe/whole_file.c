/* SPDX-License-Identifier: MIT */
#include "observe/whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "heartbeat.h"

/* size bytes, or fewer where the file ends. How many, or a negative errno. */
static ssize_t read_bytes(int fd, char *bytes, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t got = read(fd, bytes + used, size - used);

        if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)used;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int read_open(int fd, size_t limit, char **text, size_t *size, struct stat *st)
{
    struct stat after;
    ssize_t got;

    if (fstat(fd, st))
        return -errno;
    if (!S_ISREG(st->st_mode) || st->st_size < 0 || (size_t)st->st_size > limit)
        return -EFBIG;
    *text = malloc((size_t)st->st_size + 1);
    if (!*text)
        return -ENOMEM;
    got = read_bytes(fd, *text, (size_t)st->st_size);
    if (got < 0)
        return (int)got;
    if (fstat(fd, &after))
        return -errno;
    if (got != st->st_size || after.st_size != st->st_size ||
        !same_time(&after.st_mtim, &st->st_mtim))
        return -EAGAIN;
    (*text)[got] = '\0';
    *size = (size_t)got;
    return 0;
}

int whole_file_take(int fd, size_t limit, char **text, size_t *size, struct stat *st)
{
    int rc;

    heartbeat();
    *text = NULL;
    rc = read_open(fd, limit, text, size, st);
    if (rc < 0) {
        free(*text);
        *text = NULL;
    }
    return rc;
}
