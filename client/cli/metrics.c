/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "daemon_numbers.h"
#include "explain_words.h"
#include "fields.h"
#include "metrics_text.h"
#include "replace.h"
#include "status.h"
#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Who has a device, as a label. */
enum owner_class { OWNED_BY_DOM0, OWNED_BY_GUEST, OWNED_BY_NONE, OWNER_UNCERTAIN, OWNER_CLASSES };

static const char *const owner_classes[OWNER_CLASSES] = {
    [OWNED_BY_DOM0] = "dom0",
    [OWNED_BY_GUEST] = "guest",
    [OWNED_BY_NONE] = "none",
    [OWNER_UNCERTAIN] = "unknown",
};

/* In a guest every device is its own. */
static enum owner_class classify(const struct view *view, const char *owner)
{
    int32_t domid;

    if (view->kind != VIEW_HOST)
        return OWNED_BY_GUEST;
    if (strcmp(owner, "none") == 0)
        return OWNED_BY_NONE;
    if (!owner_is_domain(owner, &domid))
        return OWNER_UNCERTAIN;
    return domid == 0 ? OWNED_BY_DOM0 : OWNED_BY_GUEST;
}

static void put_devices(const struct metrics_text *text, const struct view *view,
                        const struct tree_list *list)
{
    size_t counts[XENIOMMU_QUARANTINED + 1][OWNER_CLASSES] = {{0}};
    char labels[64];
    size_t i;
    int state, owner;

    for (i = 0; i < list->count; i++)
        counts[list->records[i].info.state][classify(view, list->records[i].details->owner)]++;
    metric_begin(text, "xen_iommu_devices", METRIC_GAUGE, "Devices by protection state and owner.");
    for (state = 0; state <= XENIOMMU_QUARANTINED; state++)
        for (owner = 0; owner < OWNER_CLASSES; owner++) {
            snprintf(labels, sizeof(labels), "state=\"%s\",owner=\"%s\"",
                     xeniommu_state_name((enum xeniommu_state)state), owner_classes[owner]);
            metric_put(text, "xen_iommu_devices", METRIC_GAUGE, labels,
                       (double)counts[state][owner]);
        }
}

/* How many groups are split between domains: a group's number is the same for all its devices. */
static size_t count_split(const struct tree_list *list)
{
    size_t count = 0, i, j;

    for (i = 0; i < list->count; i++) {
        const struct xeniommu_info *info = &list->records[i].info;

        if (strcmp(info->reason, "group-split") != 0)
            continue;
        for (j = 0; j < i; j++)
            if (info->group >= 0 && list->records[j].info.group == info->group &&
                strcmp(list->records[j].info.reason, "group-split") == 0 &&
                list->records[j].device.bus == list->records[i].device.bus)
                break;
        count += j == i;
    }
    return count;
}

static void put_limits(const struct metrics_text *text, const struct tree_list *list)
{
    char labels[64];
    unsigned int limit;
    size_t i;

    metric_begin(text, "xen_iommu_limited_devices", METRIC_GAUGE,
                 "Protected and relaxed devices by what that leaves out.");
    for (limit = 1; xeniommu_limit_name(limit) != NULL; limit <<= 1) {
        size_t count = 0;

        for (i = 0; i < list->count; i++) {
            const char *limits = list->records[i].details->limits;

            count += (xeniommu_parse_limits(limits, strlen(limits)) & limit) != 0;
        }
        snprintf(labels, sizeof(labels), "limit=\"%s\"", xeniommu_limit_name(limit));
        metric_put(text, "xen_iommu_limited_devices", METRIC_GAUGE, labels, (double)count);
    }
}

static void put_verdict(const struct metrics_text *text, const struct view *view,
                        const struct verdict *verdict)
{
    char labels[64];
    int kind;

    put_devices(text, view, &verdict->list);
    put_limits(text, &verdict->list);
    metric_only(text, "xen_iommu_split_groups", METRIC_GAUGE,
                "Groups of devices that are split between domains.",
                (double)count_split(&verdict->list));
    metric_begin(text, "xen_iommu_findings", METRIC_GAUGE, "What xen-iommu check finds, by kind.");
    for (kind = 0; kind < FINDING_KINDS; kind++) {
        snprintf(labels, sizeof(labels), "finding=\"%s\"", finding_name((enum finding_kind)kind));
        metric_put(text, "xen_iommu_findings", METRIC_GAUGE, labels, (double)verdict->kinds[kind]);
    }
}

/* What the daemon counts. */
static const struct {
    const char *number; /* its own name for it */
    const char *name, *help;
} counters[] = {
    {"passes", "xen_iommud_passes", "Passes over all devices."},
    {"oracle-questions", "xen_iommud_oracle_questions", "Questions to Xen about a device."},
    {"oracle-errors", "xen_iommud_oracle_errors", "Those of them that got no answer."},
    {"group-questions", "xen_iommud_group_questions", "Questions to Xen about a group's members."},
    {"transactions", "xen_iommud_transactions", "Transactions in XenStore."},
    {"transaction-retries", "xen_iommud_transaction_retries",
     "Times that a transaction was begun again after a conflict."},
    {"owner-changes", "xen_iommud_owner_changes",
     "Times that a device's owner became another one, or uncertain."},
    {"verdict-changes", "xen_iommud_verdict_changes", "Times that a device's verdict changed."},
};

static const struct {
    const char *number;
    const char *name, *help;
} ages[] = {
    {"started-ms", "xen_iommud_uptime_seconds", "Since the daemon started."},
    {"answered-ms", "xen_iommud_last_answer_age_seconds",
     "Since Xen last answered a question about a device."},
    {"confirmed-ms", "xen_iommud_last_confirmation_age_seconds",
     "Since the last round of confirmations by Xen was done."},
};

static void put_numbers(const struct metrics_text *text, const struct daemon_numbers *numbers)
{
    struct timespec now;
    uint64_t value;
    size_t i;

    clock_gettime(CLOCK_BOOTTIME, &now);
    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (daemon_number(numbers, counters[i].number, &value))
            metric_only(text, counters[i].name, METRIC_COUNTER, counters[i].help, (double)value);
    for (i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        double age;

        if (!daemon_number(numbers, ages[i].number, &value) || value == 0)
            continue;
        age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)value / 1e3;
        metric_only(text, ages[i].name, METRIC_GAUGE, ages[i].help, age > 0 ? age : 0);
    }
}

static void put_head(const struct metrics_text *text, const struct view *view, int rc)
{
    static const char *const known[] = {"ready", "starting", "stopped", "gone", "unreachable"};
    const char *status = rc == -ENOTCONN ? "unreachable"
                         : rc == -EPROTO ? "unknown"
                                         : view_status(view);
    char labels[160];
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(status, known[i]) == 0)
            break;
    if (i == sizeof(known) / sizeof(known[0]))
        status = status[0] == '\0' ? "absent" : "unknown";
    metric_only(text, "xen_iommu_ready", METRIC_GAUGE,
                "1: xen-iommud stands by what it has published.", rc == 0);
    snprintf(labels, sizeof(labels), "version=\"%s\",abi=\"%s\",view=\"%s\",status=\"%s\"",
             XI_VERSION, XENIOMMU_ABI_VERSION, view_name(view), status);
    metric_begin(
        text, "xen_iommu_info", METRIC_GAUGE,
        "What tells: version of this command, of the ABI that it knows, whose view, status.");
    metric_put(text, "xen_iommu_info", METRIC_GAUGE, labels, 1);
}

static int put_tree(const struct metrics_text *text, struct view *view)
{
    const char *generation = view->tree.generation;
    struct status_report report = {0};
    int rc = status_read_confirm_interval(view, &report);

    if (rc != 0)
        return rc;
    if (generation[0] != '\0' && strspn(generation, "0123456789") == strlen(generation))
        metric_only(text, "xen_iommu_generation", METRIC_GAUGE,
                    "Grows with each change that is published.", strtod(generation, NULL));
    if (view->kind == VIEW_HOST)
        metric_only(text, "xen_iommu_enabled", METRIC_GAUGE, "1: Xen drives an IOMMU.",
                    strcmp(view->tree.iommu, "enabled") == 0);
    if (report.confirm_interval[0] != '\0' && atof(report.confirm_interval) > 0)
        metric_only(text, "xen_iommu_confirm_interval_seconds", METRIC_GAUGE,
                    "Within which Xen confirms every claim.", atof(report.confirm_interval));
    return 0;
}

/* Not ready, or not to be reached, is told like the rest: a collector must not keep an old file. */
static bool is_told(int rc)
{
    return rc == 0 || rc == -EAGAIN || rc == -EPROTO;
}

/* What the daemon counts itself, while it lives. */
static int put_daemon(const struct metrics_text *text, struct view *view)
{
    struct daemon_numbers numbers;
    int rc;

    if (view->kind != VIEW_HOST || strcmp(view_status(view), "gone") == 0)
        return 0;
    rc = daemon_numbers_read(&view->store, &numbers);
    if (rc == 0)
        put_numbers(text, &numbers);
    return rc;
}

/* opened: what opening the view came to. 0 or a negative errno; -ENOTCONN: nothing half-told. */
static int put_all(const struct metrics_text *text, struct view *view, int opened)
{
    struct verdict verdict = {0};
    int made = opened == 0 ? verdict_make(&verdict, view) : opened;
    int rc = is_told(made) ? 0 : made;

    if (rc == 0) {
        put_head(text, view, made);
        if (made == 0) {
            put_verdict(text, view, &verdict);
            rc = put_tree(text, view);
        }
        if (rc == 0)
            rc = put_daemon(text, view);
        metrics_end(text);
    }
    verdict_free(&verdict);
    return rc;
}

static int put_unreachable(const struct metrics_text *text, struct view *view, int error)
{
    put_head(text, view, error);
    metrics_end(text);
    return 0;
}

typedef int put_fn(const struct metrics_text *text, struct view *view, int opened);

/* What fn puts, in *data, which the caller frees. What fn returned, or -ENOMEM. */
static int make_text(bool open, put_fn *fn, struct view *view, int opened, char **data,
                     size_t *size)
{
    struct metrics_text text = {.open = open};
    int rc;

    *data = NULL;
    text.stream = open_memstream(data, size);
    if (text.stream == NULL)
        return -ENOMEM;
    rc = fn(&text, view, opened);
    if (fclose(text.stream) != 0 && rc == 0)
        rc = -ENOMEM;
    return rc;
}

/* Returns the exit code. */
static int put_out(const struct request *request, const char *data, size_t size)
{
    int rc;

    if (request->output == NULL) {
        (void)fwrite(data, 1, size, stdout); /* whoever called looks after stdout */
        return EXIT_FINE;
    }
    rc = replace_file(request->output, data, size);
    if (rc == 0)
        return EXIT_FINE;
    complain("%s: %s", request->output, strerror(-rc));
    return EXIT_FAILED;
}

int command_metrics(const struct request *request)
{
    char *data;
    size_t size;
    struct view view;
    int code, rc = view_open(&view, -1);

    rc = make_text(request->open, put_all, &view, rc, &data, &size);
    if (rc == -ENOTCONN) {
        free(data);
        rc = make_text(request->open, put_unreachable, &view, rc, &data, &size);
    }
    code = rc == 0 ? put_out(request, data, size) : view_complain(&view, rc);
    free(data);
    view_close(&view);
    return code;
}
