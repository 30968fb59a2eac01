/* SPDX-License-Identifier: MIT */
#include "liveness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xeniommu-schema.h>

/* Opening waits for nothing, whatever the name stands for. */
static bool is_free(const char *path)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool free_lock;

    if (fd < 0)
        return false;
    /* Asked through another open file, which holds nothing: closing it loses nobody's lock. */
    free_lock = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
    close(fd);
    return free_lock;
}

int liveness_check(struct store *store)
{
    struct store_value value;
    int rc = store_read(store, XENIOMMU_HOST_DIR "/" XENIOMMU_LOCK_NODE, &value);
    bool gone;

    if (rc != 0)
        return rc == -ENOENT || rc == -EACCES ? 0 : rc;
    gone = value.data[0] == '/' && strlen(value.data) == value.len && is_free(value.data);
    free(value.data);
    return gone ? -EAGAIN : 0;
}
