/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon.h"
#include "early.h"
#include "heartbeat.h"
#include "keeper.h"
#include "lock.h"

/* What runs without a keeper ends when nobody answers it for so long. */
#define PATIENCE_S 10u

/* What was once in memory stays: who is to give signs of life, and who looks for them, must not
 * wait for a disk that is busy or gone. Where the limit cannot be lifted nothing is locked, or
 * memory would run out at the limit once the rights to pass it are given up. */
static void lock_memory(void)
{
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
        log_debug("memory is not locked: %s", strerror(errno));
}

static int run_kept(void *settings, const struct keeper_link *link)
{
    /* What an earlier run left is in nobody's mind, however this one ends. */
    atomic_store(&link->page->everything, true);
    heartbeat_set(&link->page->beats);
    heartbeat();
    lock_memory(); /* a child does not inherit it */
    return daemon_run(settings, link);
}

static int run_keeper(const struct settings *settings)
{
    lock_memory();
    return keeper_run(run_kept, (void *)settings);
}

static int run_alone(const struct settings *settings)
{
    const char *message =
        settings->mode == MODE_WITHDRAW
            ? "xen-iommud: error: xenstored does not answer: what was published may still stand\n"
            : "xen-iommud: error: xenstored or Xen does not answer: publishing is given up\n";
    int rc = heartbeat_demand(PATIENCE_S, EXIT_FAILURE, message);

    if (rc < 0) {
        log_error("setting a bound: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    return daemon_run(settings, NULL);
}

/* Where one was closed, what is opened next would be taken for it, by each process in its way. */
static int fill_standard(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int process_run(const struct settings *settings)
{
    int lock, code, rc;

    /* On a console early in a boot one line is enough, unless more is asked for. */
    log_set_level(settings->mode == MODE_EARLY && settings->log_level == LOG_LEVEL_INFO
                      ? LOG_LEVEL_NOTICE
                      : settings->log_level);
    if (settings->mode == MODE_DONE || settings->mode == MODE_CHECK_CONFIG)
        return EXIT_SUCCESS;
    signal(SIGPIPE, SIG_IGN);
    rc = fill_standard();
    if (rc < 0) {
        log_error("/dev/null: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    if (settings->mode == MODE_EARLY)
        return early_run(settings);
    lock = lock_take(settings->lock_file);
    if (lock < 0) {
        log_error("%s: %s", settings->lock_file,
                  lock == -EWOULDBLOCK ? "another xen-iommud is running" : strerror(-lock));
        return EXIT_FAILURE;
    }
    code = settings->mode == MODE_DAEMON ? run_keeper(settings) : run_alone(settings);
    close(lock);
    return code;
}
