/* SPDX-License-Identifier: MIT */
#include "rebind.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_MS 20
#define LOOK_TIMES    500 /* a bind that the kernel puts off may need something that comes */

int rebind_driver(const struct rebind *rebind, char *driver, unsigned int size)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s/sys/bus/%s/devices/%s/driver", rebind->root, rebind->bus,
                        rebind->name);

    driver[0] = '\0';
    rc = rc != 0 ? rc : files_link(path, driver, size);
    return rc == -ENOENT ? 0 : rc;
}

static int knob(const struct rebind *rebind, const char *what, char path[PATH_MAX])
{
    return files_path(path, "%s/sys/bus/%s/drivers/%s/%s", rebind->root, rebind->bus,
                      rebind->driver, what);
}

int rebind_possible(const struct rebind *rebind)
{
    static const char *const knobs[] = {"unbind", "bind"};
    char path[PATH_MAX];
    int i, rc;

    for (i = 0; i < 2; i++) {
        rc = knob(rebind, knobs[i], path);
        if (rc == 0 && access(path, W_OK) != 0)
            rc = -errno;
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int turn(const struct rebind *rebind, const char *what)
{
    char path[PATH_MAX];
    ssize_t len = (ssize_t)strlen(rebind->name);
    int file, rc = knob(rebind, what, path);

    if (rc != 0)
        return rc;
    file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    rc = write(file, rebind->name, (size_t)len) == len ? 0 : -errno;
    close(file);
    return rc;
}

static int wait_until(const struct rebind *rebind, bool bound)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    char driver[64];
    int i, rc;

    for (i = 0; i < LOOK_TIMES; i++) {
        rc = rebind_driver(rebind, driver, sizeof(driver));
        if (rc != 0)
            return rc;
        if (strcmp(driver, bound ? rebind->driver : "") == 0)
            return 0;
        if (bound && driver[0] != '\0')
            return -EBUSY; /* another one's */
        (void)nanosleep(&pause, NULL);
    }
    return -ETIMEDOUT;
}

int rebind_unbind(const struct rebind *rebind)
{
    int rc = turn(rebind, "unbind");

    return rc != 0 ? rc : wait_until(rebind, false);
}

int rebind_bind(const struct rebind *rebind)
{
    int rc = turn(rebind, "bind");

    /* Put off: the kernel binds it by itself when what it waits for has come. */
    return rc != 0 && rc != -EAGAIN ? rc : wait_until(rebind, true);
}
