/* SPDX-License-Identifier: MIT */
#include "observe/directory_watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <unistd.h>

/* So that events that come without end do not keep the caller. */
#define READS_MAX 64

#define OWN_END (IN_DELETE_SELF | IN_MOVE_SELF)
#define GONE    (OWN_END | IN_IGNORED | IN_UNMOUNT)

static void drop(struct directory_watch *watch, int *which)
{
    if (*which >= 0)
        (void)inotify_rm_watch(watch->fd, *which);
    *which = -1;
}

/* Whether a directory may be watched is asked each time, not only when it is opened. */
static int add(const struct directory_watch *watch, uint32_t levels, uint32_t mask)
{
    const struct opener_request request = {
        .kind = OPENER_WATCH, .levels = levels, .mask = mask | OWN_END | IN_ONLYDIR};

    return opener_watch(watch->opener, watch->root, &request, watch->fd);
}

/* Watches the nearest directory above that is there. */
static int watch_above(struct directory_watch *watch)
{
    uint32_t levels = 1;
    int found;

    do
        found = add(watch, levels++, IN_CREATE | IN_MOVED_TO);
    while (found == -ENOENT);
    if (found < 0)
        return found;
    if (found != watch->above)
        drop(watch, &watch->above);
    watch->above = found;
    return 0;
}

static int watch_target(struct directory_watch *watch)
{
    int found = add(watch, 0, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);

    watch->target = found < 0 ? -1 : found;
    return found < 0 ? found : 1;
}

int directory_watch_aim(struct directory_watch *watch)
{
    int rc;

    if (watch->target >= 0)
        return 0;
    rc = watch_target(watch);
    if (rc == -ENOENT) {
        rc = watch_above(watch);
        /* It may have been made just before there was a watch that tells so. */
        if (rc == 0)
            rc = watch_target(watch);
    }
    if (rc == 1)
        drop(watch, &watch->above);
    return rc == -ENOENT ? 0 : rc;
}

int directory_watch_open(struct directory_watch *watch, struct opener *opener, const char *root,
                         directory_watch_fn *gone, void *arg)
{
    int rc;

    *watch = (struct directory_watch){
        .target = -1, .above = -1, .opener = opener, .root = root, .gone = gone, .arg = arg};
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0)
        return -errno;
    rc = directory_watch_aim(watch);
    if (rc < 0)
        directory_watch_close(watch);
    return rc < 0 ? rc : 0;
}

void directory_watch_close(struct directory_watch *watch)
{
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = -1;
}

/* True when it is about the directory's files. */
static bool take_event(struct directory_watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        watch->gone(watch->arg, NULL);
        return true;
    }
    if (watch->above >= 0 && event->wd == watch->above) {
        if (event->mask & GONE)
            drop(watch, &watch->above);
        return false;
    }
    if (watch->target < 0 || event->wd != watch->target)
        return false;
    if (event->mask & GONE)
        drop(watch, &watch->target);
    if (event->mask & (GONE | IN_DELETE | IN_MOVED_FROM))
        watch->gone(watch->arg, event->len ? event->name : NULL);
    return true;
}

bool directory_watch_dispatch(struct directory_watch *watch)
{
    union {
        struct inotify_event first; /* for its alignment */
        char bytes[4096];
    } events;
    bool changed = false;

    for (int i = 0; i < READS_MAX; i++) {
        ssize_t got = read(watch->fd, events.bytes, sizeof(events.bytes));

        if (got < (ssize_t)sizeof(events.first))
            break;
        for (const char *at = events.bytes; at < events.bytes + got;) {
            const struct inotify_event *event = (const void *)at;

            changed = take_event(watch, event) || changed;
            at += sizeof(*event) + event->len;
        }
    }
    /* Where that fails, whoever reads the directory next tries again, and can say so. */
    return directory_watch_aim(watch) > 0 || changed;
}
