/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct loop {
    struct event_base *base;
};

struct loop_source {
    struct event *event;
    loop_fn *fn;
    void *arg;
};

int loop_new(struct loop **loop)
{
    struct loop *l = calloc(1, sizeof(*l));

    *loop = NULL;
    if (!l)
        return -ENOMEM;
    l->base = event_base_new();
    if (!l->base) {
        free(l);
        return -ENOMEM;
    }
    *loop = l;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    event_base_free(loop->base);
    free(loop);
}

int loop_run(struct loop *loop)
{
    return event_base_dispatch(loop->base) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
    event_base_loopbreak(loop->base);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_source *source = arg;

    (void)fd;
    (void)what;
    source->fn(source->arg);
}

static struct loop_source *add(struct loop *loop, int fd, short what, loop_fn *fn, void *arg)
{
    struct loop_source *source = calloc(1, sizeof(*source));

    if (!source)
        return NULL;
    source->fn = fn;
    source->arg = arg;
    source->event = event_new(loop->base, fd, what, on_event, source);
    /* A timer waits for loop_timer_arm(). */
    if (source->event && (what == 0 || event_add(source->event, NULL) == 0))
        return source;
    loop_source_free(source);
    return NULL;
}

struct loop_source *loop_add_reader(struct loop *loop, int fd, loop_fn *fn, void *arg)
{
    return add(loop, fd, EV_READ | EV_PERSIST, fn, arg);
}

struct loop_source *loop_add_signal(struct loop *loop, int signum, loop_fn *fn, void *arg)
{
    return add(loop, signum, EV_SIGNAL | EV_PERSIST, fn, arg);
}

struct loop_source *loop_add_timer(struct loop *loop, loop_fn *fn, void *arg)
{
    return add(loop, -1, 0, fn, arg);
}

void loop_source_free(struct loop_source *source)
{
    if (!source)
        return;
    if (source->event)
        event_free(source->event);
    free(source);
}

bool loop_timer_arm(struct loop_source *timer, unsigned int milliseconds)
{
    struct timeval tv = {milliseconds / 1000, (suseconds_t)(milliseconds % 1000) * 1000};

    return event_add(timer->event, &tv) == 0;
}

bool loop_timer_pending(const struct loop_source *timer)
{
    return event_pending(timer->event, EV_TIMEOUT, NULL) != 0;
}

void loop_timer_disarm(struct loop_source *timer)
{
    event_del(timer->event);
}
