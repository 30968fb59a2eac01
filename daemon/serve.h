/* SPDX-License-Identifier: MIT */
/* What the parts of a serving daemon share. Private to daemon.c and serve_*.c: the callbacks that
 * take a void * take the daemon. */
#ifndef XI_SERVE_H
#define XI_SERVE_H

#include <stdbool.h>

#include "keeper.h"
#include "loop.h"
#include "observe/acpi_files.h"
#include "reconcile.h"
#include "rights.h"
#include "settings.h"

/* Waits between tries grow from the first to the second. */
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 5000u

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

/* daemon.c: logs what failed, and ends the loop. */
void serve_give_up(struct daemon *daemon, const char *what, int error);

/* Milliseconds to wait before the next try, growing. */
unsigned int serve_next_backoff(struct daemon *daemon);
void serve_arm(struct daemon *daemon, struct loop_source *timer, unsigned int milliseconds);

/* serve_store.c: the connection to xenstored. */
void serve_disconnect(struct daemon *daemon);
bool serve_is_connected(const struct daemon *daemon);

/* Nothing can be said, and nothing taken back, until xenstored is there again. */
void serve_lose_store(struct daemon *daemon, int error);

/* Whether a claim stands that may not hold, for want of a way to write; where xenstored is gone
 * nobody reads it. The bound counts from the first failure. */
void serve_note_overstated(struct daemon *daemon, bool overstated);
void serve_reach_bound(void *arg);

/* Sets the watches, and adds the connection to the loop. 0 or a negative errno. */
int serve_listen(struct daemon *daemon);
void serve_try_reconnect(void *arg);

/* serve_events.c: a pass, and what leads to one. */
void serve_want_pass(struct daemon *daemon);
void serve_run_pass(void *arg);
void serve_run_recheck(void *arg);
void serve_run_confirm(void *arg);
void serve_read_pci(void *arg);
void serve_read_dt(void *arg);
void serve_read_toolstack(void *arg);
void serve_lose_opener(void *arg);
void serve_take_stop(void *arg);
void serve_take_hangup(void *arg);
void serve_beat(void *arg);
void serve_read_keeper(void *arg);

#endif
