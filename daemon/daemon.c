/* SPDX-License-Identifier: MIT */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "downgrade.h"
#include "heartbeat.h"
#include "keeper.h"
#include "loop.h"
#include "observe/acpi_files.h"
#include "options.h"
#include "reconcile.h"
#include "rights.h"

/* Waits between tries grow from the first to the second. */
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 5000u

/* Of an idle daemon; its keeper looks once a second. */
#define HEARTBEAT_MS 500u

struct daemon {
    const struct settings *options;
    const struct keeper_link *keeper; /* NULL: there is none, in what runs once */
    struct loop *loop;
    struct store *store;
    struct rights rights;
    struct hypervisor *hypervisor;
    struct acpi_reading acpi;
    struct pci_observer *pci;
    struct dt_observer *dt;
    struct toolstack_observer *toolstack;
    struct assignment_observer *assignment;
    struct publisher *publisher;
    struct reconciler *reconciler;
    struct loop_source *on_keeper, *on_store, *on_lifeline, *on_pci, *on_dt, *on_toolstack,
        *on_opener;
    struct loop_source *on_signal[3];
    struct loop_source *pass, *reconnect, *recheck, *confirm, *heart, *bound;
    unsigned int backoff_ms;
    char summary[160]; /* what the service manager was told last */
    char *lock_file;   /* for readers: as an absolute path, NULL where that is not known */
    bool ready;        /* READY=1 was sent */
    bool failed;
    int exit_status; /* of a failure */
};

/* ------------------------------------------------------------- when things go wrong */

static void give_up(struct daemon *daemon, const char *what, int error)
{
    log_error("%s: %s", what, strerror(-error));
    daemon->failed = true;
    loop_stop(daemon->loop);
}

static unsigned int next_backoff(struct daemon *daemon)
{
    unsigned int now = daemon->backoff_ms;

    daemon->backoff_ms = 2 * now < BACKOFF_MAX_MS ? 2 * now : BACKOFF_MAX_MS;
    return now;
}

static void arm(struct daemon *daemon, struct loop_source *timer, unsigned int milliseconds)
{
    if (!loop_timer_arm(timer, milliseconds))
        give_up(daemon, "arming a timer", -ENOMEM);
}

static void disconnect(struct daemon *daemon)
{
    loop_source_free(daemon->on_store);
    loop_source_free(daemon->on_lifeline);
    daemon->on_store = daemon->on_lifeline = NULL;
    store_disconnect(daemon->store);
    publisher_forget_all(daemon->publisher);
}

static bool is_connected(const struct daemon *daemon)
{
    return daemon->on_store != NULL;
}

/* Nothing can be said, and nothing taken back, until xenstored is there again. */
static void lose_store(struct daemon *daemon, int error)
{
    log_warning("the connection to xenstored is %s: %s", error == -ECANCELED ? "given up" : "lost",
                strerror(-error));
    disconnect(daemon);
    loop_timer_disarm(daemon->pass);
    loop_timer_disarm(daemon->recheck);
    daemon->backoff_ms = BACKOFF_MIN_MS;
    arm(daemon, daemon->reconnect, next_backoff(daemon));
}

/* ------------------------------------------------------------- what cannot be taken back */

/* Whether a claim stands that may not hold, for want of a way to write; where xenstored is gone
 * nobody reads it. The bound counts from the first failure. */
static void note_overstated(struct daemon *daemon, bool overstated)
{
    overstated = overstated && !store_is_cut(daemon->store);
    if (daemon->bound && !overstated)
        loop_timer_disarm(daemon->bound);
    else if (daemon->bound && !loop_timer_pending(daemon->bound))
        arm(daemon, daemon->bound, DOWNGRADE_BOUND_MS);
}

static void reach_bound(void *arg)
{
    give_up(arg, "what no longer holds cannot be taken back: ending, so that another process does",
            -ETIMEDOUT);
}

/* ------------------------------------------------------------- passes */

static void want_pass(struct daemon *daemon)
{
    /* At once, but after all that is pending was read: a burst of events is one pass. */
    arm(daemon, daemon->pass, 0);
}

/* Only what is new, and again what the keeper could not take. */
static void report_ready(struct daemon *daemon)
{
    char summary[sizeof(daemon->summary)] = "", lines[sizeof(daemon->summary) + 32];

    reconciler_summary(daemon->reconciler, summary, sizeof(summary));
    if (daemon->ready && strcmp(summary, daemon->summary) == 0)
        return;
    /* The manager waits for READY=1, and gets it once. */
    snprintf(lines, sizeof(lines), "%sSTATUS=%s", daemon->ready ? "" : "READY=1\n", summary);
    if (keeper_notify(daemon->keeper, lines) < 0) {
        arm(daemon, daemon->recheck, daemon->options->recheck_ms);
        return;
    }
    memcpy(daemon->summary, summary, sizeof(summary));
    if (!daemon->ready)
        log_notice("published: %s", summary);
    daemon->ready = true;
}

/* Something of the outside could not be read, and no event need tell when it can. */
static bool anything_is_unread(const struct daemon *daemon)
{
    return toolstack_observer_wants_refresh(daemon->toolstack) ||
           dt_observer_entries(daemon->dt)->incomplete ||
           pci_observer_topology(daemon->pci)->incomplete ||
           pci_observer_topology(daemon->pci)->partial || daemon->acpi.unread;
}

static void run_pass(void *arg)
{
    struct daemon *daemon = arg;
    int rc;

    /* Where the timer could not be taken back. */
    if (!is_connected(daemon))
        return;
    rc = reconciler_run(daemon->reconciler);
    if (rc == -ENOMEM) {
        give_up(daemon, "a pass", rc);
        return;
    }
    note_overstated(daemon, publisher_overstates(daemon->publisher));
    if (store_is_lost(rc) || publisher_overstates(daemon->publisher)) {
        lose_store(daemon, store_is_lost(rc) ? rc : -ECANCELED);
        return;
    }
    if (rc < 0)
        log_warning("a pass is incomplete: %s", strerror(-rc));
    else
        report_ready(daemon);
    if (rc < 0 || reconciler_wants_retry(daemon->reconciler))
        arm(daemon, daemon->pass, next_backoff(daemon));
    else
        daemon->backoff_ms = BACKOFF_MIN_MS;
    if (rc == 0 && reconciler_wants_pass(daemon->reconciler))
        want_pass(daemon);
    /* One that is pending keeps its time: events that come without end must not put it off. */
    if ((reconciler_wants_recheck(daemon->reconciler) || anything_is_unread(daemon)) &&
        !loop_timer_pending(daemon->recheck))
        arm(daemon, daemon->recheck, daemon->options->recheck_ms);
}

static int read_tables(struct daemon *daemon)
{
    const struct settings *options = daemon->options;
    int rc = acpi_files_read(options->sysroot, options->acpi_tables, &daemon->acpi);

    if (rc == 0)
        reconciler_set_tables(daemon->reconciler, daemon->acpi.tables);
    return rc;
}

static int read_the_unread(struct daemon *daemon)
{
    int rc = 0;

    if (toolstack_observer_wants_refresh(daemon->toolstack)) {
        rc = toolstack_observer_refresh(daemon->toolstack);
        reconciler_records_changed(daemon->reconciler);
    }
    if (rc == 0 && dt_observer_entries(daemon->dt)->incomplete)
        rc = dt_observer_rescan(daemon->dt);
    if (rc == 0 && (pci_observer_topology(daemon->pci)->incomplete ||
                    pci_observer_topology(daemon->pci)->partial))
        rc = pci_observer_rescan(daemon->pci, false);
    if (rc == 0 && daemon->acpi.unread)
        rc = read_tables(daemon);
    reconciler_devices_changed(daemon->reconciler);
    return rc;
}

static void run_recheck(void *arg)
{
    struct daemon *daemon = arg;
    int rc = anything_is_unread(daemon) ? read_the_unread(daemon) : 0;

    if (rc < 0) {
        give_up(daemon, "reading again what could not be read", rc);
        return;
    }
    reconciler_suspect(daemon->reconciler);
    want_pass(daemon);
}

/* Its fruit is a pass only where Xen's word is another one by now. */
static void run_confirm(void *arg)
{
    struct daemon *daemon = arg;
    int rc = is_connected(daemon) ? reconciler_confirm(daemon->reconciler) : 0;

    if (rc < 0)
        give_up(daemon, "confirming", rc);
    else if (rc > 0)
        want_pass(daemon);
    arm(daemon, daemon->confirm, daemon->options->confirm_ms / RECONCILER_CONFIRM_TICKS);
}

/* ------------------------------------------------------------- events */

static void read_store(void *arg)
{
    struct daemon *daemon = arg;
    int rc = reconciler_take_events(daemon->reconciler);

    if (rc < 0)
        lose_store(daemon, rc);
    else if (rc > 0)
        want_pass(daemon);
}

/* Nobody writes to it: it is readable when the other end is closed. */
static void read_lifeline(void *arg)
{
    struct daemon *daemon = arg;
    char byte;

    if (read(store_lifeline_fd(daemon->store), &byte, 1) < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    lose_store(daemon, -ECONNRESET);
}

static void devices_changed(struct daemon *daemon)
{
    reconciler_devices_changed(daemon->reconciler);
    if (is_connected(daemon))
        want_pass(daemon);
}

static void read_pci(void *arg)
{
    struct daemon *daemon = arg;
    int rc = reconciler_take_uevents(daemon->reconciler);

    if (rc < 0)
        give_up(daemon, "reading the PCI functions", rc);
    if (rc > 0 && is_connected(daemon))
        want_pass(daemon);
}

static void read_dt(void *arg)
{
    struct daemon *daemon = arg;
    int rc = dt_observer_dispatch(daemon->dt);

    if (rc < 0)
        give_up(daemon, "reading the device tree devices", rc);
    if (rc > 0)
        devices_changed(daemon);
}

static void read_toolstack(void *arg)
{
    struct daemon *daemon = arg;
    int rc;

    if (!toolstack_observer_dispatch(daemon->toolstack))
        return;
    rc = toolstack_observer_refresh(daemon->toolstack);
    if (rc < 0)
        give_up(daemon, "reading libxl's records", rc);
    else
        reconciler_records_changed(daemon->reconciler);
    if (rc == 0 && is_connected(daemon))
        want_pass(daemon);
}

/* It says nothing by itself: it has ended. */
static void lose_opener(void *arg)
{
    give_up(arg, "the process that opens files for this one has ended", -EPIPE);
}

static void take_stop(void *arg)
{
    loop_stop(((struct daemon *)arg)->loop);
}

static void take_hangup(void *arg)
{
    struct daemon *daemon = arg;
    int rc = pci_observer_rescan(daemon->pci, false);

    if (rc == 0)
        rc = dt_observer_rescan(daemon->dt);
    if (rc == 0)
        rc = toolstack_observer_refresh(daemon->toolstack);
    log_notice("SIGHUP: asking everything again");
    if (rc < 0) {
        give_up(daemon, "reading the devices", rc);
        return;
    }
    assignment_observer_touch(daemon->assignment);
    reconciler_distrust(daemon->reconciler);
    if (is_connected(daemon))
        want_pass(daemon);
}

static void beat(void *arg)
{
    struct daemon *daemon = arg;

    heartbeat();
    arm(daemon, daemon->heart, HEARTBEAT_MS);
}

/* Nobody would take back what is published if this process died too. */
static void read_keeper(void *arg)
{
    struct daemon *daemon = arg;

    give_up(daemon, "the keeper is gone", -ECONNRESET);
}

/* ------------------------------------------------------------- connecting */

static int listen_to_store(struct daemon *daemon)
{
    int lifeline = store_lifeline_fd(daemon->store);

    daemon->on_store = loop_add_reader(daemon->loop, store_fd(daemon->store), read_store, daemon);
    if (lifeline >= 0)
        daemon->on_lifeline = loop_add_reader(daemon->loop, lifeline, read_lifeline, daemon);
    if (!daemon->on_store || (lifeline >= 0 && !daemon->on_lifeline))
        return -ENOMEM;
    return 0;
}

/* What an earlier run left is taken back before anything slower is done. */
static int begin_store(struct daemon *daemon)
{
    int rc;

    heartbeat();
    rc = publisher_withdraw(daemon->publisher, "starting");
    note_overstated(daemon, rc < 0);
    if (rc == 0)
        rc = reconciler_watch(daemon->reconciler);
    if (rc < 0)
        disconnect(daemon);
    return rc;
}

static void try_reconnect(void *arg)
{
    struct daemon *daemon = arg;
    int rc = store_connect(daemon->store);

    /* Its socket is root's: whoever starts us can connect again. */
    if ((rc == -EACCES || rc == -EPERM) && daemon->rights.privileges.drop) {
        daemon->exit_status = DAEMON_EXIT_AGAIN;
        give_up(daemon, "connecting to xenstored, which needs another start", rc);
        return;
    }
    if (rc == 0)
        rc = begin_store(daemon);
    if (rc == 0)
        rc = listen_to_store(daemon);
    if (rc == -ENOMEM) {
        give_up(daemon, "connecting to xenstored", rc);
        return;
    }
    if (rc < 0) {
        log_debug("connecting to xenstored: %s", strerror(-rc));
        arm(daemon, daemon->reconnect,
            loop_timer_pending(daemon->bound) ? BACKOFF_MIN_MS : next_backoff(daemon));
        return;
    }
    log_notice("connected to xenstored again");
    daemon->backoff_ms = BACKOFF_MIN_MS;
    reconciler_forget(daemon->reconciler);
    want_pass(daemon);
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
    rc = toolstack_observer_open(&daemon->toolstack, options->sysroot, daemon->rights.opener);
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
    } signals[] = {{SIGTERM, take_stop}, {SIGINT, take_stop}, {SIGHUP, take_hangup}};

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
    daemon->on_pci = loop_add_reader(daemon->loop, pci_observer_fd(daemon->pci), read_pci, daemon);
    daemon->on_dt = loop_add_reader(daemon->loop, dt_observer_fd(daemon->dt), read_dt, daemon);
    if (watched >= 0)
        daemon->on_toolstack = loop_add_reader(daemon->loop, watched, read_toolstack, daemon);
    if (daemon->rights.opener)
        daemon->on_opener =
            loop_add_reader(daemon->loop, opener_fd(daemon->rights.opener), lose_opener, daemon);
    daemon->pass = loop_add_timer(daemon->loop, run_pass, daemon);
    daemon->reconnect = loop_add_timer(daemon->loop, try_reconnect, daemon);
    daemon->recheck = loop_add_timer(daemon->loop, run_recheck, daemon);
    daemon->confirm = loop_add_timer(daemon->loop, run_confirm, daemon);
    daemon->heart = loop_add_timer(daemon->loop, beat, daemon);
    daemon->bound = loop_add_timer(daemon->loop, reach_bound, daemon);
    daemon->on_keeper = loop_add_reader(daemon->loop, daemon->keeper->fd, read_keeper, daemon);
    if (!daemon->on_keeper || !daemon->on_pci || !daemon->on_dt ||
        (watched >= 0 && !daemon->on_toolstack) || (daemon->rights.opener && !daemon->on_opener) ||
        !daemon->pass || !daemon->reconnect || !daemon->recheck || !daemon->confirm ||
        !daemon->heart || !daemon->bound)
        return -ENOMEM;
    return open_signals(daemon);
}

static void close_all(struct daemon *daemon)
{
    disconnect(daemon);
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
    /* What an earlier run left is in nobody's mind. */
    atomic_store(&daemon->keeper->page->everything, true);
    rc = begin_store(daemon);
    if (rc == 0)
        rc = listen_to_store(daemon);
    if (rc < 0)
        return fail("connecting to xenstored", rc);
    atomic_store(&daemon->keeper->page->everything, false);
    beat(daemon);
    if (daemon->options->confirm_ms)
        arm(daemon, daemon->confirm, daemon->options->confirm_ms / RECONCILER_CONFIRM_TICKS);
    want_pass(daemon);
    rc = loop_run(daemon->loop);
    if (rc < 0) {
        fail("the event loop", rc);
        daemon->failed = true;
    }
    /* To be asked twice is nothing else. */
    keeper_let_signals(false);
    (void)keeper_notify(daemon->keeper, "STOPPING=1");
    if (is_connected(daemon)) {
        rc = publisher_withdraw(daemon->publisher, "stopped");
        if (rc < 0)
            return fail("withdrawing", rc);
    }
    return daemon->failed ? -EIO : 0;
}

/* Everything but READY and the loop. */
static int publish_once(struct daemon *daemon)
{
    int rc = begin_store(daemon);

    if (rc < 0)
        return fail("connecting to xenstored", rc);
    rc = reconciler_run(daemon->reconciler);
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

/* The connection is root's to make; libxenstore's thread comes with the first watch. */
static int connect_and_give_up(struct daemon *daemon)
{
    int rc = store_connect(daemon->store);

    return rc < 0 ? fail("connecting to xenstored", rc) : rights_give_up(&daemon->rights);
}

static int run_daemon(struct daemon *daemon)
{
    int rc = rights_prepare(&daemon->rights, daemon->options->user, daemon->options->sysroot);

    if (rc < 0) {
        daemon->exit_status = rc == -ENOENT ? EXIT_USAGE : EXIT_FAILURE;
        return rc;
    }
    rc = hypervisor_open(&daemon->hypervisor);
    if (rc < 0)
        return fail("opening the hypervisor interface (is this dom0, and are we root?)", rc);
    publisher_set_identify(daemon->publisher, identify, daemon->hypervisor);
    rc = open_parts(daemon);
    if (rc == 0)
        rc = connect_and_give_up(daemon);
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
        daemon.lock_file = keeper ? realpath(options->lock_file, NULL) : NULL;
        rc = options->mode == MODE_WITHDRAW ? withdraw(&daemon) : run_daemon(&daemon);
    }
    publisher_free(daemon.publisher);
    store_free(daemon.store);
    free(daemon.lock_file);
    return rc < 0 ? daemon.exit_status : EXIT_SUCCESS;
}
