/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "counters.h"
#include "heartbeat.h"
#include "log.h"

/* Of an idle daemon; its keeper looks once a second. */
#define HEARTBEAT_MS 500u

void serve_want_pass(struct daemon *daemon)
{
    /* At once, but after all that is pending was read: a burst of events is one pass. */
    serve_arm(daemon, daemon->pass, 0);
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
        serve_arm(daemon, daemon->recheck, daemon->options->recheck_ms);
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

void serve_run_pass(void *arg)
{
    struct daemon *daemon = arg;
    int rc;

    /* Where the timer could not be taken back. */
    if (!serve_is_connected(daemon))
        return;
    rc = reconciler_run(daemon->reconciler);
    if (rc == -ENOMEM) {
        serve_give_up(daemon, "a pass", rc);
        return;
    }
    serve_note_overstated(daemon, publisher_overstates(daemon->publisher));
    if (store_is_lost(rc) || publisher_overstates(daemon->publisher)) {
        serve_lose_store(daemon, store_is_lost(rc) ? rc : -ECANCELED);
        return;
    }
    if (rc < 0)
        log_warning("a pass is incomplete: %s", strerror(-rc));
    else
        report_ready(daemon);
    if (rc < 0 || reconciler_wants_retry(daemon->reconciler))
        serve_arm(daemon, daemon->pass, serve_next_backoff(daemon));
    else
        daemon->backoff_ms = BACKOFF_MIN_MS;
    if (rc == 0 && reconciler_wants_pass(daemon->reconciler))
        serve_want_pass(daemon);
    /* One that is pending keeps its time: events that come without end must not put it off. */
    if ((reconciler_wants_recheck(daemon->reconciler) || anything_is_unread(daemon)) &&
        !loop_timer_pending(daemon->recheck))
        serve_arm(daemon, daemon->recheck, daemon->options->recheck_ms);
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

void serve_run_recheck(void *arg)
{
    struct daemon *daemon = arg;
    int rc = anything_is_unread(daemon) ? read_the_unread(daemon) : 0;

    if (rc < 0) {
        serve_give_up(daemon, "reading again what could not be read", rc);
        return;
    }
    reconciler_suspect(daemon->reconciler);
    serve_want_pass(daemon);
}

/* Its fruit is a pass only where Xen's word is another one by now. */
void serve_run_confirm(void *arg)
{
    struct daemon *daemon = arg;
    int rc = serve_is_connected(daemon) ? reconciler_confirm(daemon->reconciler) : 0;

    if (rc < 0)
        serve_give_up(daemon, "confirming", rc);
    else if (rc > 0)
        serve_want_pass(daemon);
    else if (serve_is_connected(daemon))
        counter_set_now(COUNTER_CONFIRMED);
    serve_arm(daemon, daemon->confirm, daemon->options->confirm_ms / RECONCILER_CONFIRM_TICKS);
}

static void devices_changed(struct daemon *daemon)
{
    reconciler_devices_changed(daemon->reconciler);
    if (serve_is_connected(daemon))
        serve_want_pass(daemon);
}

void serve_read_pci(void *arg)
{
    struct daemon *daemon = arg;
    int rc = reconciler_take_uevents(daemon->reconciler);

    if (rc < 0)
        serve_give_up(daemon, "reading the PCI functions", rc);
    if (rc > 0 && serve_is_connected(daemon))
        serve_want_pass(daemon);
}

void serve_read_dt(void *arg)
{
    struct daemon *daemon = arg;
    int rc = dt_observer_dispatch(daemon->dt);

    if (rc < 0)
        serve_give_up(daemon, "reading the device tree devices", rc);
    if (rc > 0)
        devices_changed(daemon);
}

void serve_read_toolstack(void *arg)
{
    struct daemon *daemon = arg;
    int rc;

    if (!toolstack_observer_dispatch(daemon->toolstack))
        return;
    rc = toolstack_observer_refresh(daemon->toolstack);
    if (rc < 0)
        serve_give_up(daemon, "reading libxl's records", rc);
    else
        reconciler_records_changed(daemon->reconciler);
    if (rc == 0 && serve_is_connected(daemon))
        serve_want_pass(daemon);
}

/* It says nothing by itself: it has ended. */
void serve_lose_opener(void *arg)
{
    serve_give_up(arg, "the process that opens files for this one has ended", -EPIPE);
}

void serve_take_stop(void *arg)
{
    loop_stop(((struct daemon *)arg)->loop);
}

void serve_take_hangup(void *arg)
{
    struct daemon *daemon = arg;
    int rc = pci_observer_rescan(daemon->pci, false);

    if (rc == 0)
        rc = dt_observer_rescan(daemon->dt);
    if (rc == 0)
        rc = toolstack_observer_refresh(daemon->toolstack);
    log_notice("SIGHUP: asking everything again");
    if (rc < 0) {
        serve_give_up(daemon, "reading the devices", rc);
        return;
    }
    assignment_observer_touch(daemon->assignment);
    reconciler_distrust(daemon->reconciler);
    if (serve_is_connected(daemon))
        serve_want_pass(daemon);
}

void serve_beat(void *arg)
{
    struct daemon *daemon = arg;

    heartbeat();
    serve_arm(daemon, daemon->heart, HEARTBEAT_MS);
}

/* Nobody would take back what is published if this process died too. */
void serve_read_keeper(void *arg)
{
    struct daemon *daemon = arg;

    serve_give_up(daemon, "the keeper is gone", -ECONNRESET);
}
