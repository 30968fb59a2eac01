/* SPDX-License-Identifier: MIT */
#include "changes.h"
#include "command.h"
#include "reports.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A positive result of what follows: nobody reads any more. */
#define NO_READER 1

/* What is followed, and what was told of it. */
struct watch {
    const struct writer *writer;
    struct view view;
    struct store host; /* in dom0 before the daemon's first start: tells of the host's tree */
    struct report_maker maker;
    struct tree_list known; /* the devices as they were told last; none unless ready */
    bool told;              /* the two that follow were */
    int rc;
    char status[sizeof(((struct tree *)0)->status)];
};

static void end_at_once(int number)
{
    (void)number;
    /* Every line is out, and the kernel closes the rest. Whatever this process waits for, a reader
     * that is slow or a xenstored that is gone, it can end. */
    _exit(EXIT_FINE);
}

static const int signals[] = {SIGINT, SIGTERM, SIGPIPE};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static void catch_signals(struct sigaction old[SIGNAL_COUNT])
{
    size_t i;

    for (i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction action = {.sa_handler = signals[i] == SIGPIPE ? SIG_IGN : end_at_once};

        sigaction(signals[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

static void restore_signals(const struct sigaction old[SIGNAL_COUNT])
{
    size_t i;

    for (i = 0; i < SIGNAL_COUNT; i++)
        sigaction(signals[i], &old[i], NULL);
}

/* Puts a line out. 0, -EIO, NO_READER, or what the writer returned. */
static int tell(struct watch *watch, struct watch_event *event)
{
    int rc;

    clock_gettime(CLOCK_REALTIME, &event->time);
    rc = watch->writer->watch(&watch->view, event);
    if (rc != 0 || (fflush(stdout) == 0 && !ferror(stdout)))
        return rc;
    if (errno != EPIPE)
        return -EIO;
    __fpurge(stdout);
    clearerr(stdout);
    return NO_READER;
}

/* A device's own record is told in any case: what else there is to read of it can be lost. */
static int tell_device(struct watch *watch, enum watch_event_kind kind,
                       const struct tree_record *record)
{
    struct device_report report;
    struct watch_event event = {.kind = kind, .device = &report};
    int rc = report_make(&report, &watch->maker, record);

    if (rc == -ENOMEM)
        return rc;
    if (rc != 0)
        report.record = record;
    rc = tell(watch, &event);
    report_free(&report);
    return rc;
}

/* A device that is gone is told as what a driver has to take it for. */
static int tell_removed(struct watch *watch, const struct xeniommu_device *device)
{
    struct device_details details = {0};
    struct tree_record record = {.device = *device, .details = &details};

    tree_clear_info(&record.info);
    return tell_device(watch, WATCH_REMOVED, &record);
}

struct difference {
    struct watch *watch;
    enum watch_event_kind new_kind; /* what to call a device that was not there before */
};

static int tell_difference(const struct tree_record *before, const struct tree_record *after,
                           void *arg)
{
    struct difference *difference = arg;

    if (after == NULL)
        return tell_removed(difference->watch, &before->device);
    return tell_device(difference->watch, before == NULL ? difference->new_kind : WATCH_CHANGED,
                       after);
}

/* What keeps the daemon's word from being known; NULL: it is known. */
static const char *obstacle(int rc, const char *status)
{
    switch (rc) {
    case 0:
        return NULL;
    case -EAGAIN:
        return strcmp(status, "ready") == 0 ? "what is published changes faster than it can be read"
                                            : NULL;
    case -EPROTO:
        return "the published version is not known";
    case -E2BIG:
        return "more devices than this xenstored can list";
    case -EACCES:
        return "permission denied";
    default:
        return "XenStore cannot be reached";
    }
}

/* rc: what reading the tree came to. Tells it if it is new. */
static int tell_status(struct watch *watch, int rc)
{
    const char *status = rc == -ENOTCONN ? "" : watch->view.tree.status;
    struct watch_event event = {.kind = WATCH_STATUS, .obstacle = obstacle(rc, status)};

    if (watch->told && rc == watch->rc && strcmp(status, watch->status) == 0)
        return 0;
    watch->told = true;
    watch->rc = rc;
    snprintf(watch->status, sizeof(watch->status), "%s", status);
    event.status = event.obstacle != NULL ? "" : watch->status;
    return tell(watch, &event);
}

/* Whether the reading says something of the tree, and is not a failure of this program. */
static bool is_about_tree(int rc)
{
    return rc == 0 || rc == -EAGAIN || rc == -EPROTO || rc == -E2BIG || rc == -EACCES ||
           rc == -ENOTCONN;
}

/* Reads the tree, and tells what is new. */
static int look(struct watch *watch)
{
    struct difference difference = {.watch = watch};
    struct tree_list now = {0};
    int told, rc = -ENOTCONN;

    if (watch->view.store.xs != NULL)
        rc = tree_load(&watch->view.tree, &now);
    if (!is_about_tree(rc))
        return rc;
    /* After a time without the daemon's word, every device is told anew. */
    difference.new_kind = watch->told && watch->rc == 0 ? WATCH_ADDED : WATCH_PRESENT;
    report_maker_forget(&watch->maker);
    told = tell_status(watch, rc);
    if (told == 0 && rc == 0)
        told = changes_walk(&watch->known, &now, tell_difference, &difference);
    tree_list_free(&watch->known);
    watch->known = now;
    return told;
}

/* Follows another tree from the start. */
static void begin(struct watch *watch, enum view_kind kind, int32_t domid)
{
    view_close(&watch->view);
    view_follow(&watch->view, kind, domid);
    tree_list_free(&watch->known);
    watch->told = false;
}

static int look_for_host(struct watch *watch)
{
    bool changed = false;
    int rc;

    if (watch->view.kind == VIEW_OWN)
        (void)store_take_changes(&watch->host,
                                 &changed); /* where it fails, it tells when to retry */
    if (!changed)
        return 0;
    rc = view_host_is_readable(&watch->host);
    if (rc == 1) {
        store_close(&watch->host);
        begin(watch, VIEW_HOST, -1);
    }
    return rc == -ENOMEM ? rc : 0;
}

/* Waits until there is something to do, which at first there is. 0, NO_READER or a negative errno.
 */
static int wait_for_work(struct watch *watch)
{
    int store = store_fd(&watch->view.store);
    int host = watch->view.kind == VIEW_OWN ? store_fd(&watch->host) : -1;
    /* Without events the output is only watched for its reader to go. */
    struct pollfd fds[] = {
        {.fd = STDOUT_FILENO}, {.fd = store, .events = POLLIN}, {.fd = host, .events = POLLIN}};

    if (store < 0)
        return store;
    if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
        return errno == EINTR ? 0 : -errno;
    return (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? NO_READER : 0;
}

static int follow(struct watch *watch)
{
    bool changed;
    int rc = 0;

    while (rc == 0) {
        rc = wait_for_work(watch);
        if (rc == 0)
            rc = look_for_host(watch);
        if (rc != 0)
            break;
        (void)store_take_changes(&watch->view.store, &changed); /* look() says what is wrong */
        if (changed)
            rc = look(watch);
    }
    return rc;
}

static int run_watch(const struct request *request, struct watch *watch)
{
    struct sigaction old[SIGNAL_COUNT];
    int rc;

    watch->writer = request->writer;
    report_maker_open(&watch->maker, &watch->view);
    store_init(&watch->host);
    store_watch(&watch->host, XENIOMMU_HOST_DIR "/generation");
    begin(watch, watch->view.kind, request->domid);
    catch_signals(old);
    rc = follow(watch);
    restore_signals(old);
    store_close(&watch->host);
    tree_list_free(&watch->known);
    report_maker_close(&watch->maker);
    return rc;
}

int command_watch(const struct request *request)
{
    struct watch watch = {0};
    int code, rc;

    rc = view_open(&watch.view, request->domid);
    if (rc == -ENOTCONN)
        code = EXIT_FINE; /* it waits for xenstored, as it does where that goes away later */
    else
        code = rc == 0 ? view_check_domain(&watch.view) : view_complain(&watch.view, rc);
    if (code == EXIT_FINE) {
        rc = run_watch(request, &watch);
        if (rc == -EIO)
            code = EXIT_FAILED; /* the output's error is said at the end of every command */
        else if (rc != NO_READER)
            code = view_complain(&watch.view, rc);
    }
    view_close(&watch.view);
    return code;
}
