/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters.h"
#include "heartbeat.h"
#include "options.h"
#include "serve.h"

/* ------------------------------------------------------------- when things go wrong */

void serve_give_up(struct daemon *daemon, const char *what, int error)
{
    log_error("%s: %s", what, strerror(-error));
    daemon->failed = true;
    loop_stop(daemon->loop);
}

unsigned int serve_next_backoff(struct daemon *daemon)
{
    unsigned int now = daemon->backoff_ms;

    daemon->backoff_ms = 2 * now < BACKOFF_MAX_MS ? 2 * now : BACKOFF_MAX_MS;
    return now;
}

void serve_arm(struct daemon *daemon, struct loop_source *timer, unsigned int milliseconds)
{
    if (!loop_timer_arm(timer, milliseconds))
        serve_give_up(daemon, "arming a timer", -ENOMEM);
}

/* ------------------------------------------------------------- life */

static int fail(const char *what, int error)
{
    log_error("%s: %s", what, strerror(-error));
    return error;
}

static int open_parts(struct daemon *daemon)
{
    const struct settings *options = daemon->options;
    int rc = acpi_files_read(options->sysroot, options->acpi_tables, &daemon->acpi);

    if (rc < 0)
        return fail("reading the ACPI tables", rc);
    rc = pci_observer_open(&daemon->pci, daemon->rights.opener);
    if (rc < 0)
        return fail("reading the PCI functions", rc);
    rc = dt_observer_open(&daemon->dt, options->host_dtb, options->sysroot);
    if (rc < 0)
        return fail("reading the device tree devices", rc);
    rc = toolstack_observer_open(&daemon->toolstack, options->sysroot, daemon->rights.opener,
                                 birth_by_libxl, daemon->store);
    if (rc < 0)
        return fail("reading libxl's records", rc);
    rc = assignment_observer_open(&daemon->assignment, daemon->store);
    if (rc == 0) {
        struct reconcile_parts parts = {
            .store = daemon->store,
            .hypervisor = daemon->hypervisor,
            .pci = daemon->pci,
            .dt = daemon->dt,
            .toolstack = daemon->toolstack,
            .grant_dma_stub = options->grant_dma_stub,
            .builtin_cmdline = options->xen_builtin_cmdline,
            .assignment = daemon->assignment,
            .publisher = daemon->publisher,
            .tables = daemon->acpi.tables,
            .confirm_ms = options->confirm_ms,
            .lock_file = daemon->lock_file,
            .status = options->mode == MODE_ONCE ? "stopped" : "ready",
        };
        rc = reconciler_new(&daemon->reconciler, &parts);
    }
    return rc < 0 ? fail("starting", rc) : 0;
}

static int open_signals(struct daemon *daemon)
{
    static const struct {
        int number;
        loop_fn *fn;
    } signals[] = {
        {SIGTERM, serve_take_stop}, {SIGINT, serve_take_stop}, {SIGHUP, serve_take_hangup}};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        daemon->on_signal[i] =
            loop_add_signal(daemon->loop, signals[i].number, signals[i].fn, daemon);
        if (!daemon->on_signal[i])
            return -ENOMEM;
    }
    keeper_let_signals(true);
    return 0;
}

static int open_loop(struct daemon *daemon)
{
    int watched = toolstack_observer_fd(daemon->toolstack);
    int rc = loop_new(&daemon->loop);

    if (rc < 0)
        return rc;
    daemon->on_pci =
        loop_add_reader(daemon->loop, pci_observer_fd(daemon->pci), serve_read_pci, daemon);
    daemon->on_dt =
        loop_add_reader(daemon->loop, dt_observer_fd(daemon->dt), serve_read_dt, daemon);
    if (watched >= 0)
        daemon->on_toolstack = loop_add_reader(daemon->loop, watched, serve_read_toolstack, daemon);
    if (daemon->rights.opener)
        daemon->on_opener = loop_add_reader(daemon->loop, opener_fd(daemon->rights.opener),
                                            serve_lose_opener, daemon);
    daemon->pass = loop_add_timer(daemon->loop, serve_run_pass, daemon);
    daemon->reconnect = loop_add_timer(daemon->loop, serve_try_reconnect, daemon);
    daemon->recheck = loop_add_timer(daemon->loop, serve_run_recheck, daemon);
    daemon->confirm = loop_add_timer(daemon->loop, serve_run_confirm, daemon);
    daemon->heart = loop_add_timer(daemon->loop, serve_beat, daemon);
    daemon->bound = loop_add_timer(daemon->loop, serve_reach_bound, daemon);
    daemon->on_keeper =
        loop_add_reader(daemon->loop, daemon->keeper->fd, serve_read_keeper, daemon);
    if (!daemon->on_keeper || !daemon->on_pci || !daemon->on_dt ||
        (watched >= 0 && !daemon->on_toolstack) || (daemon->rights.opener && !daemon->on_opener) ||
        !daemon->pass || !daemon->reconnect || !daemon->recheck || !daemon->confirm ||
        !daemon->heart || !daemon->bound)
        return -ENOMEM;
    return open_signals(daemon);
}

static void close_all(struct daemon *daemon)
{
    serve_disconnect(daemon);
    loop_source_free(daemon->on_pci);
    loop_source_free(daemon->on_dt);
    loop_source_free(daemon->on_toolstack);
    loop_source_free(daemon->on_opener);
    for (size_t i = 0; i < sizeof(daemon->on_signal) / sizeof(daemon->on_signal[0]); i++)
        loop_source_free(daemon->on_signal[i]);
    loop_source_free(daemon->pass);
    loop_source_free(daemon->reconnect);
    loop_source_free(daemon->recheck);
    loop_source_free(daemon->confirm);
    loop_source_free(daemon->heart);
    loop_source_free(daemon->bound);
    loop_source_free(daemon->on_keeper);
    loop_free(daemon->loop);
    reconciler_free(daemon->reconciler);
    assignment_observer_close(daemon->assignment);
    toolstack_observer_close(daemon->toolstack);
    dt_observer_close(daemon->dt);
    pci_observer_close(daemon->pci);
    rights_end(&daemon->rights);
    acpi_tables_free(daemon->acpi.tables);
}

static int serve(struct daemon *daemon)
{
    int rc = open_loop(daemon);

    if (rc < 0)
        return fail("setting up the event loop", rc);
    rc = serve_listen(daemon);
    if (rc < 0)
        return fail("connecting to xenstored", rc);
    serve_beat(daemon);
    if (daemon->options->confirm_ms)
        serve_arm(daemon, daemon->confirm, daemon->options->confirm_ms / RECONCILER_CONFIRM_TICKS);
    serve_want_pass(daemon);
    rc = loop_run(daemon->loop);
    if (rc < 0) {
        fail("the event loop", rc);
        daemon->failed = true;
    }
    /* To be asked twice is nothing else. */
    keeper_let_signals(false);
    (void)keeper_notify(daemon->keeper, "STOPPING=1");
    if (serve_is_connected(daemon)) {
        rc = publisher_withdraw(daemon->publisher, "stopped");
        if (rc < 0)
            return fail("withdrawing", rc);
    }
    return daemon->failed ? -EIO : 0;
}

/* Passes that were overtaken by events, with which a host that is never at rest has to do. */
#define ONCE_PASSES 16

/* Everything but READY and the loop. */
static int publish_once(struct daemon *daemon)
{
    int rc = reconciler_watch(daemon->reconciler);

    if (rc < 0)
        return fail("connecting to xenstored", rc);
    for (int i = 0; rc == 0 && i < ONCE_PASSES; i++) {
        rc = reconciler_run(daemon->reconciler);
        if (!reconciler_wants_pass(daemon->reconciler))
            break;
    }
    if (rc < 0)
        return fail("publishing", rc);
    if (reconciler_is_complete(daemon->reconciler))
        return 0;
    log_error("published, but not all that was asked got an answer");
    return -EIO;
}

static int identify(void *arg, uint32_t domid, uint8_t handle[16])
{
    return hypervisor_identify(arg, domid, handle);
}

/* What an earlier run left goes before anything slower is done: from when the lock is taken until
 * then somebody seems to keep it true. */
static int withdraw_leftovers(struct daemon *daemon)
{
    int rc = store_connect(daemon->store);

    if (rc == 0)
        rc = publisher_withdraw(daemon->publisher, "starting");
    if (rc < 0)
        return fail("connecting to xenstored", rc);
    if (daemon->keeper)
        atomic_store(&daemon->keeper->page->everything, false);
    return 0;
}

/* Everything that is root's to open; libxenstore's thread comes with the first watch. */
static int open_all(struct daemon *daemon)
{
    int rc = hypervisor_open(&daemon->hypervisor);

    if (rc < 0)
        return fail("opening the hypervisor interface (is this dom0, and are we root?)", rc);
    publisher_set_identify(daemon->publisher, identify, daemon->hypervisor);
    rc = open_parts(daemon);
    return rc == 0 ? rights_give_up(&daemon->rights) : rc;
}

/* The lock as others find it, whose node tells them whether a daemon lives: without it the word of
 * one that is gone would pass for a living one's. The keeper holds it, so it is there. */
static int name_lock_file(struct daemon *daemon)
{
    int rc;

    if (!daemon->keeper)
        return 0;
    daemon->lock_file = realpath(daemon->options->lock_file, NULL);
    if (daemon->lock_file)
        return 0;
    rc = -errno;
    log_error("%s: its real name: %s", daemon->options->lock_file, strerror(-rc));
    return rc;
}

/* For who watches from outside: without it everything else goes on. */
static void share_counters(const struct daemon *daemon)
{
    char *path;
    int rc;

    if (!daemon->lock_file)
        return;
    rc = counters_path(daemon->lock_file, &path);
    if (rc == 0) {
        rc = counters_share(path);
        free(path);
    }
    if (rc < 0)
        log_warning(
            "%s.counters: %s: \"xen-iommu metrics\" will not have this daemon's own numbers",
            daemon->lock_file, strerror(-rc));
}

static int run_daemon(struct daemon *daemon)
{
    int rc = rights_prepare(&daemon->rights, daemon->options->user, daemon->options->sysroot);

    if (rc < 0) {
        daemon->exit_status = rc == -ENOENT ? EXIT_USAGE : EXIT_FAILURE;
        return rc;
    }
    rc = withdraw_leftovers(daemon);
    if (rc == 0)
        rc = name_lock_file(daemon);
    if (rc == 0) {
        share_counters(daemon);
        rc = open_all(daemon);
    }
    if (rc == 0)
        rc = daemon->options->mode == MODE_ONCE ? publish_once(daemon) : serve(daemon);
    close_all(daemon);
    hypervisor_close(daemon->hypervisor);
    return rc;
}

static int withdraw(struct daemon *daemon)
{
    int rc = store_connect(daemon->store);

    if (rc < 0)
        return fail("connecting to xenstored", rc);
    rc = publisher_withdraw(daemon->publisher, "stopped");
    return rc < 0 ? fail("withdrawing", rc) : 0;
}

int daemon_run(const struct settings *options, const struct keeper_link *keeper)
{
    struct daemon daemon = {.options = options,
                            .keeper = keeper,
                            .backoff_ms = BACKOFF_MIN_MS,
                            .exit_status = EXIT_FAILURE};
    int rc = store_new(&daemon.store);

    if (rc == 0)
        rc = publisher_new(&daemon.publisher, daemon.store);
    if (rc < 0) {
        (void)fail("starting", rc);
    } else {
        publisher_set_page(daemon.publisher, keeper ? keeper->page : NULL);
        rc = options->mode == MODE_WITHDRAW ? withdraw(&daemon) : run_daemon(&daemon);
    }
    publisher_free(daemon.publisher);
    store_free(daemon.store);
    free(daemon.lock_file);
    return rc < 0 ? daemon.exit_status : EXIT_SUCCESS;
}
