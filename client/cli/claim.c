/* SPDX-License-Identifier: MIT */
#include "claim.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 or a negative errno. */
static int check_disk(int file, const struct use_node *disk)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return -errno;
    if (!S_ISBLK(status.st_mode) || status.st_rdev != disk->dev)
        return -ENODEV;
    /* -EROFS, -EINVAL: a disk without anything to write out */
    if (fsync(file) != 0 && errno != EROFS && errno != EINVAL)
        return -errno;
    return 0;
}

int claim_disk(const char *root, const struct use_node *disk)
{
    char path[PATH_MAX];
    int file, rc = files_path(path, "%s/dev/%s", root, disk->name);

    if (rc != 0)
        return rc;
    file = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return -errno;
    rc = check_disk(file, disk);
    if (rc == 0)
        return file;
    close(file);
    return rc;
}
