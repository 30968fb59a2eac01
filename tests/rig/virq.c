/* SPDX-License-Identifier: MIT */
/* Turns changes of the domains file into VIRQ_DOM_EXC. */
#include "evtchn.h"
#include "fake.h"
#include "textfile.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <xenctrl.h>

#define INTERVAL_MS 100

struct watcher {
    struct xenevtchn_handle *handle;
    struct textfile file;
    struct domain *domains;
    size_t count;
    int inotify;
};

/* Whether a domain went away, or began to die or shut down. */
static bool has_ended(const struct watcher *old, const struct domain *now, size_t count)
{
    const uint32_t endings = XEN_DOMINF_dying | XEN_DOMINF_shutdown;

    for (size_t i = 0; i < old->count; i++)
        if (!domains_find(now, count, old->domains[i].domid))
            return true;
    for (size_t i = 0; i < count; i++) {
        const struct domain *before = domains_find(old->domains, old->count, now[i].domid);

        if (now[i].flags & endings & ~(before ? before->flags : 0))
            return true;
    }
    return false;
}

/* Takes in what the file says now. Returns whether a domain has ended. */
static bool take_in(struct watcher *watcher)
{
    struct domain *now;
    size_t count;
    bool ended;

    now = domains_parse(watcher->file.text, &count);
    if (!now) {
        fprintf(stderr, "fakexen: no memory for the domains\n");
        return false;
    }
    ended = has_ended(watcher, now, count);
    free(watcher->domains);
    watcher->domains = now;
    watcher->count = count;
    return ended;
}

/* A domain that came and went since the last look is known by its channel only. */
static void look(struct watcher *watcher)
{
    bool ended = textfile_refresh(&watcher->file) && take_in(watcher);

    if (ended || evtchn_bound_to_others(watcher->domains, watcher->count))
        state_raise(&watcher->handle->state->virq_pending, watcher->handle->fd, VIRQ_PORT);
}

/* Looks after every change in the folder, and now and then all the same. */
static void *watch(void *arg)
{
    struct watcher *watcher = arg;
    struct pollfd pollfd = {.fd = watcher->inotify, .events = POLLIN};
    char events[4096] __attribute__((aligned(8)));

    while (poll(&pollfd, 1, INTERVAL_MS) >= 0) {
        if (pollfd.revents && read(watcher->inotify, events, sizeof(events)) < 0)
            break;
        look(watcher);
    }
    fprintf(stderr, "fakexen: the domains are not watched any more: %s\n", strerror(errno));
    return NULL;
}

static struct watcher *watcher_new(struct xenevtchn_handle *handle)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));

    if (!watcher)
        return NULL;
    watcher->handle = handle;
    watcher->file.name = "domains";
    watcher->inotify = inotify_init1(IN_CLOEXEC);
    if (watcher->inotify >= 0 &&
        inotify_add_watch(watcher->inotify, state_dir(), IN_CLOSE_WRITE | IN_MOVED_TO) >= 0) {
        textfile_refresh(&watcher->file);
        watcher->domains = domains_parse(watcher->file.text, &watcher->count);
        if (watcher->domains)
            return watcher;
    }
    if (watcher->inotify >= 0)
        close(watcher->inotify);
    free(watcher->file.text);
    free(watcher);
    return NULL;
}

int virq_start(struct xenevtchn_handle *handle)
{
    struct watcher *watcher = watcher_new(handle);
    sigset_t all, old;
    pthread_t thread;
    int error;

    if (!watcher)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are xenstored's */
    error = pthread_create(&thread, NULL, watch, watcher);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        errno = error;
        return -1;
    }
    pthread_detach(thread);
    return 0;
}
