/* SPDX-License-Identifier: MIT */
#include "replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 or a negative errno. */
static int fill(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        data += written;
        size -= (size_t)written;
    }
    return fchmod(fd, 0644) == 0 && fsync(fd) == 0 ? 0 : -errno;
}

int replace_file(const char *path, const char *data, size_t size)
{
    char *fresh;
    int fd, rc;

    /* The name ends as nothing that a collector looks for. */
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    fd = mkostemp(fresh, 0);
    rc = fd >= 0 ? fill(fd, data, size) : -errno;
    if (fd >= 0 && close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(fresh, path) != 0)
        rc = -errno;
    if (rc != 0 && fd >= 0)
        (void)unlink(fresh);
    free(fresh);
    return rc;
}
