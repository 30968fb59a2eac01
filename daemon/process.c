/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "heartbeat.h"
#include "keeper.h"
#include "lock.h"

/* What runs without a keeper ends when nobody answers it for so long. */
#define PATIENCE_S 10u

static int run_kept(void *settings, const struct keeper_link *link)
{
    heartbeat_set(&link->page->beats);
    return daemon_run(settings, link);
}

static int run_alone(const struct settings *settings)
{
    const char *message =
        settings->mode == MODE_WITHDRAW
            ? "xen-iommud: error: xenstored does not answer: what was published may still stand\n"
            : "xen-iommud: error: xenstored or Xen does not answer: publishing is given up\n";
    int rc = heartbeat_demand(PATIENCE_S, message);

    if (rc < 0) {
        log_error("setting a bound: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    return daemon_run(settings, NULL);
}

int process_run(const struct settings *settings)
{
    int lock, code;

    log_set_level(settings->log_level);
    if (settings->mode == MODE_DONE || settings->mode == MODE_CHECK_CONFIG)
        return EXIT_SUCCESS;
    signal(SIGPIPE, SIG_IGN);
    lock = lock_take(settings->lock_file);
    if (lock < 0) {
        log_error("%s: %s", settings->lock_file,
                  lock == -EWOULDBLOCK ? "another xen-iommud is running" : strerror(-lock));
        return EXIT_FAILURE;
    }
    code = settings->mode == MODE_DAEMON ? keeper_run(run_kept, (void *)settings)
                                         : run_alone(settings);
    close(lock);
    return code;
}
