/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *state_dir(void)
{
    const char *dir = getenv("FAKEXEN_DIR");

    return dir && *dir ? dir : NULL;
}

int state_path(char *path, size_t size, const char *name)
{
    const char *dir = state_dir();
    int length;

    if (!dir) {
        errno = ENOENT;
        return -1;
    }
    length = snprintf(path, size, "%s/%s", dir, name);
    if (length < 0 || (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

void *state_map(const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    void *page = MAP_FAILED;
    int fd;

    if (state_path(path, sizeof(path), name))
        return NULL;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && (st.st_size >= STATE_PAGE || ftruncate(fd, STATE_PAGE) == 0))
        page = mmap(NULL, STATE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

void *state_map_domain(const char *prefix, uint32_t domid)
{
    char name[64];

    snprintf(name, sizeof(name), "%s-%u", prefix, domid);
    return state_map(name);
}

int state_fifo(const char *name, bool cloexec)
{
    char path[PATH_MAX];

    if (state_path(path, sizeof(path), name))
        return -1;
    if (mkfifo(path, 0600) && errno != EEXIST)
        return -1;
    /* for reading and writing: then there is never ENXIO nor end of file */
    return open(path, O_RDWR | O_NONBLOCK | (cloexec ? O_CLOEXEC : 0));
}

int state_fifo_domain(uint32_t domid)
{
    char name[64];

    snprintf(name, sizeof(name), "chan-%u.fifo", domid);
    return state_fifo(name, true);
}

void state_raise(_Atomic uint32_t *flag, int fifo, uint32_t value)
{
    if (atomic_exchange(flag, 1) != 0)
        return;
    while (write(fifo, &value, sizeof(value)) < 0 && errno == EINTR)
        ;
}
