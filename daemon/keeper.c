/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#include "keeper_manager.h"
#include "keeper_wire.h"
#include "keeper_withdraw.h"
#include "log.h"

#define TICK_MS 1000 /* how often the daemon's heart is looked at */
/* So often it stood while xenstored answered: within 10 s of the last beat. */
#define STUCK_TICKS 8
#define IDLE_TICKS  20   /* where nothing is claimed: a start on a busy machine may take its time */
#define STOP_MS     8000 /* for a daemon that was asked to end */
#define DEATH_MS    2000 /* for one that was killed: the kernel may be slow to let it go */
#define RETRY_MS    200
#define GONE_MS     10000 /* without a xenstored there is nobody who claims anything */
#define HUNG_UP_MAX 5     /* connections that xenstored took, and closed at once */
#define BACKOFF_MAX 5000

struct keeper {
    struct keeper_page *page;
    struct manager manager;
    struct wire wire;
    bool met;             /* there was a xenstored once */
    int signals, link;    /* signalfd; the daemon's notifications */
    pid_t daemon;         /* 0: none */
    int status;           /* of the daemon, as waitpid() gives it */
    uint64_t beats;       /* the last that were seen */
    unsigned int stood;   /* ticks in a row without a beat, in which xenstored answered */
    int64_t tick, killed; /* when the next tick is due; when it was killed, 0: not */
    int64_t stop;         /* until when it may take to end; 0: nobody asked it to */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void our_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
}

void keeper_let_signals(bool come)
{
    sigset_t set;

    our_signals(&set);
    sigprocmask(come ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

int keeper_notify(const struct keeper_link *link, const char *lines)
{
    return send(link->fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ------------------------------------------------------------- while it lives */

static void take_signals(struct keeper *keeper)
{
    struct signalfd_siginfo info;

    while (read(keeper->signals, &info, sizeof(info)) == sizeof(info)) {
        int number = (int)info.ssi_signo;

        if (number == SIGCHLD)
            continue;
        if (number != SIGHUP && !keeper->stop)
            keeper->stop = now_ms() + STOP_MS;
        if (keeper->daemon)
            kill(keeper->daemon, number);
    }
}

/* Before it is waited for its number is nobody else's. */
static void kill_daemon(struct keeper *keeper, const char *why)
{
    if (keeper->killed)
        return;
    log_error("the daemon %s: killing it", why);
    kill(keeper->daemon, SIGKILL);
    keeper->killed = now_ms();
}

/* So often its heart may stand. */
static unsigned int ticks_allowed(const struct keeper_page *page)
{
    bool claims = atomic_load(&page->everything) || atomic_load(&page->claims);

    return claims ? STUCK_TICKS : IDLE_TICKS;
}

/* It stands still for longer than its steps take, while xenstored does not. */
static void look_at_heart(struct keeper *keeper)
{
    uint64_t beats = atomic_load(&keeper->page->beats);

    if (beats == 0 || beats != keeper->beats) {
        keeper->stood = 0;
    } else {
        bool answered = wire_ping(&keeper->wire);

        /* The first time the answer may be to a question of long ago. */
        keeper->stood = answered || keeper->stood == 0 ? keeper->stood + 1 : 0;
    }
    if (keeper->stood > ticks_allowed(keeper->page))
        kill_daemon(keeper, "gives no sign of life");
    keeper->beats = beats;
}

static void tick(struct keeper *keeper)
{
    int64_t now = now_ms();

    manager_feed(&keeper->manager, now);
    if (keeper->daemon && keeper->stop && now >= keeper->stop)
        kill_daemon(keeper, "does not end");
    if (now < keeper->tick)
        return;
    keeper->tick = now + TICK_MS;
    if (keeper->daemon && !keeper->killed)
        look_at_heart(keeper);
}

/* Until something happens, this long at most. */
static void wait_for_news(struct keeper *keeper, int milliseconds)
{
    struct pollfd fds[] = {
        {.fd = keeper->signals, .events = POLLIN},
        {.fd = manager_is_full(&keeper->manager) ? -1 : keeper->link, .events = POLLIN}};
    int feed = manager_wait_ms(&keeper->manager, now_ms());

    if (poll(fds, 2, feed < milliseconds ? feed : milliseconds) < 0)
        return;
    take_signals(keeper);
    if (manager_relay(&keeper->manager, keeper->link) == 0) {
        close(keeper->link);
        keeper->link = -1;
    }
}

/* The daemon, until it is dead or as good as that. */
static void keep(struct keeper *keeper)
{
    while (keeper->daemon) {
        wait_for_news(keeper, keeper->killed ? RETRY_MS : TICK_MS);
        tick(keeper);
        if (waitpid(keeper->daemon, &keeper->status, WNOHANG) == keeper->daemon)
            keeper->daemon = 0;
        /* A process that waits in the kernel for ever runs no more all the same. */
        else if (keeper->killed && now_ms() > keeper->killed + DEATH_MS)
            break;
    }
    (void)manager_relay(&keeper->manager, keeper->link);
}

/* ------------------------------------------------------------- when it is dead */

static void name_the_rest(const struct keeper *keeper, int error)
{
    char list[200] = "";
    size_t used = 0;

    for (uint32_t domid = 0; domid < KEEPER_DOMIDS && used < sizeof(list) - 16; domid++)
        if (keeper_is_marked(keeper->page, domid))
            used += (size_t)snprintf(list + used, sizeof(list) - used, " %" PRIu32, domid);
    log_error("%s: what was published could not be withdrawn, and still stands%s%s%s",
              error == -ETIMEDOUT || error == -EAGAIN ? "xenstored does not answer"
                                                      : strerror(-error),
              *list ? ": domains" : "", list, keeper->page->host ? ", the host's tree" : "");
}

/* There is no xenstored, so nothing is claimed either. */
static bool is_gone(int error)
{
    return error == -ECONNREFUSED || error == -ENOENT || error == -ENOTCONN;
}

/* One that stands still may go on, one that refuses may change its mind, and one that hung up may
 * take another connection. */
static bool is_in_vain(const struct keeper *keeper, int error, int hung_up, int64_t gone)
{
    if (is_gone(error) && (!keeper->met || now_ms() > gone))
        return true;
    return keeper->stop && (error != -ENOTCONN || hung_up > HUNG_UP_MAX);
}

static int withdraw(struct keeper *keeper)
{
    struct withdrawal at = {0};
    int64_t gone = now_ms() + GONE_MS;
    int rc, hung_up = 0;

    while ((rc = keeper_withdraw(&keeper->wire, keeper->page, &at)) != 0) {
        hung_up += rc == -ENOTCONN;
        take_signals(keeper);
        if (rc < 0 && is_in_vain(keeper, rc, hung_up, gone))
            break;
        wait_for_news(keeper, rc > 0 ? 0 : RETRY_MS);
        tick(keeper);
    }
    return rc;
}

static bool has_marks(const struct keeper_page *page)
{
    bool any = atomic_load(&page->everything) || atomic_load(&page->host);

    for (size_t i = 0; i < sizeof(page->domains) / sizeof(page->domains[0]); i++)
        any = any || atomic_load(&page->domains[i]);
    return any;
}

/* 0, or an exit status. */
static int clean_up(struct keeper *keeper)
{
    int rc;

    if (WIFSIGNALED(keeper->status))
        log_error("the daemon was ended by signal %d%s", WTERMSIG(keeper->status),
                  WCOREDUMP(keeper->status) ? " (core dumped)" : "");
    if (!has_marks(keeper->page))
        return 0;
    rc = withdraw(keeper);
    if (rc == 0)
        log_notice("the keeper has withdrawn what was published");
    else if (is_gone(rc))
        log_notice("xenstored is gone, and what was published with it");
    else
        name_the_rest(keeper, rc);
    return rc == 0 || is_gone(rc) ? 0 : EXIT_FAILURE;
}

/* ------------------------------------------------------------- life */

static void run_daemon(int fd, struct keeper *keeper, keeper_daemon_fn *fn, void *arg)
{
    struct keeper_link link = {.page = keeper->page, .fd = fd};

    close(keeper->link);
    close(keeper->signals);
    wire_close(&keeper->wire);
    manager_yield_memory();
    exit(fn(arg, &link));
}

static int start(struct keeper *keeper, keeper_daemon_fn *fn, void *arg)
{
    int ends[2];

    memset(keeper->page, 0, sizeof(*keeper->page));
    keeper->status = 0;
    keeper->killed = keeper->stop = 0;
    keeper->stood = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return -errno;
    keeper->link = ends[0];
    keeper->daemon = fork();
    if (keeper->daemon == 0)
        run_daemon(ends[1], keeper, fn, arg);
    close(ends[1]);
    if (keeper->daemon > 0)
        return 0;
    keeper->daemon = 0;
    return -errno;
}

/* Opens what it needs, so that it needs nothing later. */
static int open_keeper(struct keeper *keeper)
{
    const char *socket = xs_daemon_socket();
    sigset_t set;

    our_signals(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -errno;
    keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    keeper->page = mmap(NULL, sizeof(*keeper->page), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (keeper->signals < 0 || keeper->page == MAP_FAILED)
        return -errno;
    manager_init(&keeper->manager);
    wire_init(&keeper->wire, socket ? socket : "", "/dev/xen/xenbus");
    keeper->met = wire_connect(&keeper->wire) == 0; /* tried again when it is needed */
    return 0;
}

static int one_life(struct keeper *keeper, keeper_daemon_fn *fn, void *arg)
{
    int rc = start(keeper, fn, arg), failed;

    if (rc < 0) {
        log_error("starting the daemon: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    keep(keeper);
    failed = clean_up(keeper);
    if (keeper->link >= 0)
        close(keeper->link);
    if (failed || keeper->daemon)
        return EXIT_FAILURE;
    if (WIFEXITED(keeper->status))
        return WEXITSTATUS(keeper->status);
    /* Asked to end it was ended, and nothing of it is left. */
    return keeper->stop ? EXIT_SUCCESS : EXIT_FAILURE;
}

int keeper_run(keeper_daemon_fn *fn, void *arg)
{
    struct keeper keeper = {.link = -1};
    int rc = open_keeper(&keeper), status, backoff = 100;

    if (rc < 0) {
        log_error("starting the keeper: %s", strerror(-rc));
        return EXIT_FAILURE;
    }
    while ((status = one_life(&keeper, fn, arg)) == DAEMON_EXIT_AGAIN && !keeper.stop) {
        poll(NULL, 0, backoff);
        backoff = 2 * backoff < BACKOFF_MAX ? 2 * backoff : BACKOFF_MAX;
        take_signals(&keeper);
        if (keeper.stop)
            break;
    }
    wire_close(&keeper.wire);
    munmap(keeper.page, sizeof(*keeper.page));
    close(keeper.signals);
    return status == DAEMON_EXIT_AGAIN ? EXIT_SUCCESS : status;
}
