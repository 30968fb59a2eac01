/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "downgrade.h"
#include "log.h"

void serve_disconnect(struct daemon *daemon)
{
    loop_source_free(daemon->on_store);
    loop_source_free(daemon->on_lifeline);
    daemon->on_store = daemon->on_lifeline = NULL;
    store_disconnect(daemon->store);
    publisher_forget_all(daemon->publisher);
}

bool serve_is_connected(const struct daemon *daemon)
{
    return daemon->on_store != NULL;
}

void serve_lose_store(struct daemon *daemon, int error)
{
    log_warning("the connection to xenstored is %s: %s", error == -ECANCELED ? "given up" : "lost",
                strerror(-error));
    serve_disconnect(daemon);
    loop_timer_disarm(daemon->pass);
    loop_timer_disarm(daemon->recheck);
    daemon->backoff_ms = BACKOFF_MIN_MS;
    serve_arm(daemon, daemon->reconnect, serve_next_backoff(daemon));
}

void serve_note_overstated(struct daemon *daemon, bool overstated)
{
    overstated = overstated && !store_is_cut(daemon->store);
    if (daemon->bound && !overstated)
        loop_timer_disarm(daemon->bound);
    else if (daemon->bound && !loop_timer_pending(daemon->bound))
        serve_arm(daemon, daemon->bound, DOWNGRADE_BOUND_MS);
}

void serve_reach_bound(void *arg)
{
    serve_give_up(arg,
                  "what no longer holds cannot be taken back: ending, so that another process does",
                  -ETIMEDOUT);
}

static void read_store(void *arg)
{
    struct daemon *daemon = arg;
    int rc = reconciler_take_events(daemon->reconciler);

    if (rc < 0)
        serve_lose_store(daemon, rc);
    else if (rc > 0)
        serve_want_pass(daemon);
}

/* Nobody writes to it: it is readable when the other end is closed. */
static void read_lifeline(void *arg)
{
    struct daemon *daemon = arg;
    char byte;

    if (read(store_lifeline_fd(daemon->store), &byte, 1) < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    serve_lose_store(daemon, -ECONNRESET);
}

int serve_listen(struct daemon *daemon)
{
    int lifeline = store_lifeline_fd(daemon->store), rc = reconciler_watch(daemon->reconciler);

    if (rc < 0)
        return rc;
    daemon->on_store = loop_add_reader(daemon->loop, store_fd(daemon->store), read_store, daemon);
    if (lifeline >= 0)
        daemon->on_lifeline = loop_add_reader(daemon->loop, lifeline, read_lifeline, daemon);
    if (!daemon->on_store || (lifeline >= 0 && !daemon->on_lifeline))
        return -ENOMEM;
    return 0;
}

/* On a new connection, as at the start: first what stands goes. */
static int begin_anew(struct daemon *daemon)
{
    int rc = publisher_withdraw(daemon->publisher, "starting");

    serve_note_overstated(daemon, rc < 0);
    if (rc == 0)
        rc = serve_listen(daemon);
    if (rc < 0)
        serve_disconnect(daemon);
    return rc;
}

void serve_try_reconnect(void *arg)
{
    struct daemon *daemon = arg;
    int rc = store_connect(daemon->store);

    if (rc == -ECONNREFUSED || rc == -ENOENT)
        serve_note_overstated(daemon, false);

    /* Its socket is root's: whoever starts us can connect again. */
    if ((rc == -EACCES || rc == -EPERM) && daemon->rights.privileges.drop) {
        daemon->exit_status = DAEMON_EXIT_AGAIN;
        serve_give_up(daemon, "connecting to xenstored, which needs another start", rc);
        return;
    }
    if (rc == 0)
        rc = begin_anew(daemon);
    if (rc == -ENOMEM) {
        serve_give_up(daemon, "connecting to xenstored", rc);
        return;
    }
    if (rc < 0) {
        log_debug("connecting to xenstored: %s", strerror(-rc));
        serve_arm(daemon, daemon->reconnect,
                  loop_timer_pending(daemon->bound) ? BACKOFF_MIN_MS : serve_next_backoff(daemon));
        return;
    }
    log_notice("connected to xenstored again");
    daemon->backoff_ms = BACKOFF_MIN_MS;
    reconciler_forget(daemon->reconciler);
    serve_want_pass(daemon);
}
