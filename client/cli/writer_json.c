/* SPDX-License-Identifier: MIT */
#include "apply.h"
#include "device.h"
#include "explain.h"
#include "fields.h"
#include "json_text.h"
#include "verdict.h"
#include "writer.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes over value, which is NULL where an allocation failed. 0 or -ENOMEM. */
static int add(struct json_object *object, const char *key, struct json_object *value)
{
    if (value != NULL && json_object_object_add(object, key, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int add_string(struct json_object *object, const char *key, const char *text)
{
    return add(object, key, json_object_new_string(text));
}

/* "" and NULL are null: not published, or not known. */
static int add_optional(struct json_object *object, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return json_object_object_add(object, key, NULL) == 0 ? 0 : -ENOMEM;
    return add_string(object, key, text);
}

/* What is published as an INTEGER, null where it is not one. */
static int add_integer(struct json_object *object, const char *key, const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (text[0] == '\0' || *end != '\0')
        return add_optional(object, key, "");
    return add(object, key, json_object_new_int64(value));
}

static int add_group(struct json_object *object, int32_t group)
{
    if (group < 0)
        return add_optional(object, "group", "");
    return add(object, "group", json_object_new_int(group));
}

/* Takes over value, which is NULL where an allocation failed. 0 or -ENOMEM. */
static int append(struct json_object *array, struct json_object *value)
{
    if (value != NULL && json_object_array_add(array, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int add_limits(struct json_object *object, const char *limits)
{
    struct json_object *array = json_object_new_array();
    char token[LIMIT_TOKEN_SIZE];
    int rc = add(object, "limits", array);

    while (rc == 0 && next_limit(&limits, token))
        rc = append(array, json_object_new_string(token));
    return rc;
}

static int add_device_text(struct json_object *object, const char *key,
                           const struct xeniommu_device *device)
{
    char *text = device_printable(device);
    int rc = text != NULL ? add_string(object, key, text) : -ENOMEM;

    free(text);
    return rc;
}

/* A number where it is a domain, else the word. */
static int add_owner(struct json_object *object, const char *owner)
{
    int32_t domid;

    return owner_is_domain(owner, &domid) ? add(object, "owner", json_object_new_int(domid))
                                          : add_optional(object, "owner", owner);
}

/* What the other side calls the device; null where that is not known. */
static int add_counterpart(struct json_object *object, enum view_kind kind,
                           const struct device_report *device)
{
    const char *key = kind == VIEW_HOST ? "guest_device" : "host_device";

    if (kind == VIEW_OWN)
        return 0;
    if (device->counterpart == NULL)
        return add_optional(object, key, "");
    return add_device_text(object, key, device->counterpart);
}

/* Fills object with one device; 0 or -ENOMEM. */
static int fill_device(struct json_object *object, const struct view *view,
                       const struct device_report *device)
{
    const struct tree_record *record = device->record;
    const struct xeniommu_info *info = &record->info;
    const char *bus = record->device.bus == XENIOMMU_BUS_PCI ? "pci" : "dt";
    int rc;

    rc = add_string(object, "bus", bus);
    rc = rc != 0 ? rc : add_device_text(object, "device", &record->device);
    rc = rc != 0 ? rc : add_string(object, "state", xeniommu_state_name(info->state));
    rc = rc != 0 ? rc : add_string(object, "swiotlb", info->skip_swiotlb ? "skip" : "keep");
    rc = rc != 0 ? rc : add_optional(object, "reason", info->reason);
    rc = rc != 0 ? rc : add_group(object, info->group);
    rc = rc != 0 ? rc : add_limits(object, record->details->limits);
    if (view->kind == VIEW_HOST) {
        rc = rc != 0 ? rc : add_owner(object, record->details->owner);
        rc = rc != 0 ? rc : add_optional(object, "owner_name", device->owner_name);
        rc = rc != 0 ? rc : add_optional(object, "iommu", record->details->iommu);
    }
    rc = rc != 0 ? rc : add_counterpart(object, view->kind, device);
    rc = rc != 0 ? rc : add_optional(object, "class", device->class_name);
    return rc != 0 ? rc : add_optional(object, "name", device->name);
}

/* Fills object with what tells the view; 0 or -ENOMEM. */
static int fill_view(struct json_object *object, const struct view *view)
{
    int rc = add_string(object, "view", view_name(view));

    if (rc == 0 && view->kind == VIEW_DOMAIN)
        rc = add(object, "domain", json_object_new_int(view->domid));
    return rc;
}

/* Prints object, if rc says that it is complete, and frees it. */
static int finish_as(struct json_object *object, int rc, bool pretty)
{
    if (rc == 0)
        json_text_put(stdout, object, pretty);
    json_object_put(object);
    return rc;
}

static int finish(struct json_object *object, int rc)
{
    return finish_as(object, rc, true);
}

static int add_device(struct json_object *array, const struct view *view,
                      const struct device_report *device)
{
    struct json_object *object = json_object_new_object();

    int rc = append(array, object);

    return rc != 0 ? rc : fill_device(object, view, device);
}

static int write_list(const struct view *view, const struct device_report *devices, size_t count,
                      const struct list_request *request)
{
    struct json_object *object = json_object_new_object();
    struct json_object *array = json_object_new_array();
    size_t i;
    int rc;

    (void)request; /* programs get all there is */
    rc = object != NULL ? fill_view(object, view) : -ENOMEM;
    if (rc == 0)
        rc = add(object, "devices", array);
    else
        json_object_put(array);
    for (i = 0; rc == 0 && i < count; i++)
        rc = add_device(array, view, &devices[i]);
    return finish(object, rc);
}

static int write_show(const struct view *view, const struct device_report *device)
{
    struct json_object *object = json_object_new_object();
    int rc = object != NULL ? fill_view(object, view) : -ENOMEM;

    if (rc == 0)
        rc = fill_device(object, view, device);
    return finish(object, rc);
}

static int add_fact(struct json_object *array, const struct explained_fact *fact)
{
    struct json_object *object = json_object_new_object();
    int rc = append(array, object);

    rc = rc != 0 ? rc : add_string(object, "name", fact->name);
    rc = rc != 0 ? rc : add_string(object, "value", fact->value);
    rc = rc != 0 ? rc : add_optional(object, "source", fact->source);
    return rc != 0 ? rc : add_optional(object, "text", fact->text);
}

static int add_facts(struct json_object *object, const struct explanation *explanation)
{
    struct json_object *array;
    size_t i;
    int rc;

    if (explanation->text == NULL)
        return add_optional(object, "facts", "");
    array = json_object_new_array();
    rc = add(object, "facts", array);
    for (i = 0; rc == 0 && i < explanation->fact_count; i++)
        rc = add_fact(array, &explanation->facts[i]);
    return rc;
}

static int add_limit(struct json_object *array, const struct view *view, const char *token)
{
    const struct limit_words *words = words_of_limit(token);
    struct json_object *object = json_object_new_object();
    bool change = words != NULL && view->kind != VIEW_OWN; /* it is not for a guest to end */
    int rc = append(array, object);

    rc = rc != 0 ? rc : add_string(object, "limit", token);
    rc = rc != 0 ? rc : add_optional(object, "text", words != NULL ? words->text : NULL);
    return rc != 0 ? rc : add_optional(object, "change", change ? words->change : NULL);
}

static int add_leaves_out(struct json_object *object, const struct view *view, const char *limits)
{
    struct json_object *array = json_object_new_array();
    char token[LIMIT_TOKEN_SIZE];
    int rc = add(object, "leaves_out", array);

    while (rc == 0 && next_limit(&limits, token))
        rc = add_limit(array, view, token);
    return rc;
}

static int add_claim(struct json_object *object, const struct explained_claim *claim)
{
    struct json_object *inner;
    int rc;

    if (claim->binding == NULL)
        return add_optional(object, "claim", "");
    inner = json_object_new_object();
    rc = add(object, "claim", inner);
    rc = rc != 0 ? rc : add_string(inner, "binding", claim->binding);
    rc = rc != 0 ? rc : add_string(inner, "outcome", claim->outcome);
    return rc != 0 ? rc : add_string(inner, "text", claim->text);
}

static int write_explain(const struct view *view, const struct explanation *explanation)
{
    struct json_object *object = json_object_new_object();
    int rc = object != NULL ? fill_view(object, view) : -ENOMEM;

    rc = rc != 0 ? rc : fill_device(object, view, explanation->device);
    rc = rc != 0 ? rc : add_string(object, "answer", explanation->answer);
    rc = rc != 0 ? rc : add_string(object, "meaning", explanation->meaning);
    rc = rc != 0 ? rc : add_leaves_out(object, view, explanation->device->record->details->limits);
    rc = rc != 0 ? rc : add_facts(object, explanation);
    rc = rc != 0 ? rc : add_claim(object, &explanation->claim);
    rc = rc != 0 ? rc : add_optional(object, "why", explanation->why);
    rc = rc != 0 ? rc : add_optional(object, "change", explanation->change);
    rc = rc != 0 ? rc : add_optional(object, "note", explanation->note);
    return finish(object, rc);
}

static int add_counts(struct json_object *object, const struct status_report *report)
{
    struct json_object *counts = json_object_new_object();
    size_t i;
    int rc = add(object, "devices", counts);

    for (i = 0; rc == 0 && i <= XENIOMMU_QUARANTINED; i++)
        rc = add(counts, xeniommu_state_name((enum xeniommu_state)i),
                 json_object_new_uint64(report->states[i]));
    return rc;
}

/* As published; left out where it is not known. */
static int add_confirm_interval(struct json_object *object, const char *seconds)
{
    if (seconds[0] == '\0')
        return 0;
    return add(object, "confirm_interval_s", json_object_new_double(atof(seconds)));
}

/* NULL: nobody stands by what is published. */
static int add_verdict(struct json_object *object, const struct verdict *verdict)
{
    struct json_object *inner;
    int rc;

    if (verdict == NULL)
        return add_optional(object, "verdict", "");
    inner = json_object_new_object();
    rc = add(object, "verdict", inner);
    rc = rc != 0 ? rc : add(inner, "fine", json_object_new_boolean(verdict->count == 0));
    rc = rc != 0 ? rc : add(inner, "findings", json_object_new_uint64(verdict->count));
    rc = rc != 0 ? rc : add(inner, "guests_devices", json_object_new_uint64(verdict->guests));
    return rc != 0 ? rc : add_string(inner, "text", verdict->text);
}

static int write_status(const struct view *view, const struct status_report *report)
{
    struct json_object *object = json_object_new_object();
    int rc = object != NULL ? fill_view(object, view) : -ENOMEM;

    rc = rc != 0 ? rc : add_optional(object, "status", view_status(view));
    rc = rc != 0 ? rc : add_optional(object, "version", view->tree.version);
    rc = rc != 0 ? rc : add_integer(object, "generation", view->tree.generation);
    if (view->kind == VIEW_HOST)
        rc = rc != 0 ? rc : add_optional(object, "iommu", view->tree.iommu);
    rc = rc != 0 ? rc : add_confirm_interval(object, report->confirm_interval);
    rc = rc != 0 ? rc : add_counts(object, report);
    rc = rc != 0 ? rc : add_verdict(object, report->verdict);
    return finish(object, rc);
}

static int add_finding(struct json_object *array, const struct finding *finding)
{
    const struct tree_record *record = finding->record;
    struct json_object *object = json_object_new_object();
    int rc = append(array, object);

    rc = rc != 0 ? rc : add_string(object, "finding", finding_name(finding->kind));
    rc = rc != 0 ? rc : add_device_text(object, "device", &record->device);
    rc = rc != 0 ? rc : add_string(object, "state", xeniommu_state_name(record->info.state));
    rc = rc != 0 ? rc : add_optional(object, "reason", record->info.reason);
    rc = rc != 0 ? rc : add_owner(object, record->details->owner);
    rc = rc != 0 ? rc : add_optional(object, "why", finding->why);
    return rc != 0 ? rc : add_optional(object, "change", finding->change);
}

static int write_check(const struct view *view, const struct verdict *verdict)
{
    struct json_object *object = json_object_new_object(), *array = json_object_new_array();
    size_t i;
    int rc = object != NULL ? fill_view(object, view) : -ENOMEM;

    rc = rc != 0 ? rc : add_verdict(object, verdict);
    if (rc == 0)
        rc = add(object, "findings", array);
    else
        json_object_put(array);
    for (i = 0; rc == 0 && i < verdict->count; i++)
        rc = add_finding(array, &verdict->findings[i]);
    return finish(object, rc);
}

static int add_apply_device(struct json_object *array, const struct apply_device *device)
{
    struct json_object *object = json_object_new_object();
    int rc = append(array, object);

    rc = rc != 0 ? rc : add_string(object, "bus", device->bus);
    rc = rc != 0 ? rc : add_string(object, "name", device->name);
    rc = rc != 0 ? rc : add_device_text(object, "device", &device->device);
    rc = rc != 0 ? rc : add_optional(object, "driver", device->driver);
    rc = rc != 0 ? rc : add_string(object, "outcome", apply_outcome_name(device->outcome));
    rc = rc != 0 ? rc : add_optional(object, "reason", device->reason);
    return rc != 0 ? rc : add_optional(object, "detail", device->detail);
}

static int write_apply(const struct apply_report *report)
{
    struct json_object *object = json_object_new_object(), *array = json_object_new_array();
    size_t i;
    int rc = -ENOMEM;

    if (object != NULL)
        rc = add(object, "now", json_object_new_boolean(report->now));
    if (rc == 0)
        rc = add(object, "devices", array);
    else
        json_object_put(array);
    for (i = 0; rc == 0 && i < report->count; i++)
        rc = add_apply_device(array, &report->devices[i]);
    return finish(object, rc);
}

/* RFC 3339, in UTC and with milliseconds. */
static int add_time(struct json_object *object, const struct timespec *time)
{
    char date[32], text[48];
    struct tm parts;

    if (gmtime_r(&time->tv_sec, &parts) == NULL ||
        strftime(date, sizeof(date), "%FT%T", &parts) == 0)
        return -EOVERFLOW;
    snprintf(text, sizeof(text), "%s.%03ldZ", date, time->tv_nsec / 1000000);
    return add_string(object, "time", text);
}

static int write_watch(const struct view *view, const struct watch_event *event)
{
    static const char *const kinds[] = {"status", "present", "added", "changed", "removed"};
    struct json_object *object = json_object_new_object();
    int rc = object != NULL ? add_time(object, &event->time) : -ENOMEM;

    rc = rc != 0 ? rc : add_string(object, "event", kinds[event->kind]);
    rc = rc != 0 ? rc : fill_view(object, view);
    if (event->kind == WATCH_STATUS) {
        rc = rc != 0 ? rc : add_optional(object, "status", event->status);
        rc = rc != 0 ? rc : add_optional(object, "obstacle", event->obstacle);
    } else {
        rc = rc != 0 ? rc : fill_device(object, view, event->device);
    }
    return finish_as(object, rc, false);
}

const struct writer writer_json = {
    .list = write_list,
    .show = write_show,
    .explain = write_explain,
    .status = write_status,
    .check = write_check,
    .apply = write_apply,
    .watch = write_watch,
};
