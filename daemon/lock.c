/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory;
    int rc = 0;

    if (!slash || slash == path)
        return 0;
    directory = strndup(path, (size_t)(slash - path));
    if (!directory)
        return -ENOMEM;
    if (mkdir(directory, 0755) && errno != EEXIST)
        rc = -errno;
    free(directory);
    return rc;
}

int lock_take(const char *path)
{
    /* Of the open file: the children of this process hold it too, and F_GETLK tells others. */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd, rc = make_parent(path);

    if (rc < 0)
        return rc;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    /* Who may open it may also lock it, and keep us out: that is root's. */
    if (fcntl(fd, F_OFD_SETLK, &whole) || fchmod(fd, 0600)) {
        rc = errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
        close(fd);
        return rc;
    }
    return fd;
}
