/* SPDX-License-Identifier: MIT */
#include "verdict.h"
#include "explain.h"
#include "fields.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *one, *several; /* of it, after a number */
} kinds[FINDING_KINDS] = {
    [FINDING_GUEST] = {"guest-not-protected", "device of a guest is not protected",
                       "devices of guests are not protected"},
    [FINDING_SPLIT] = {"group-split", "device shares its ID with another domain's",
                       "devices share their ID with another domain's"},
    [FINDING_OWNER] = {"owner-uncertain", "device has no certain owner",
                       "devices have no certain owner"},
    [FINDING_KEPT] = {"kept-not-blocked", "device kept for guests may not be blocked",
                      "devices kept for guests may not be blocked"},
};

const char *finding_name(enum finding_kind kind)
{
    return kinds[kind].name;
}

static bool is_reason(const struct tree_record *record, const char *reason)
{
    return strcmp(record->info.reason, reason) == 0;
}

/* dom0's own devices may be as dom0 is; only what a guest can reach by them counts. */
static bool is_dom0s(const struct view *view, const struct tree_record *record)
{
    return view->kind == VIEW_HOST ? strcmp(record->details->owner, "0") == 0
                                   : view->kind == VIEW_DOMAIN && view->domid == 0;
}

/* A node that is merely disabled counts as kept for a guest as well, so only one that some guest
 * has is wrong. */
static bool is_kept_well(const struct tree_record *record)
{
    return record->info.state == XENIOMMU_QUARANTINED ||
           (record->device.bus == XENIOMMU_BUS_DT && !is_reason(record, "no-record"));
}

/* Whether something is wrong with the device, and what; facts: known, or NULL. */
static bool judge(const struct view *view, const struct tree_record *record, const char *facts,
                  enum finding_kind *kind)
{
    const char *owner = record->details->owner;
    int32_t domid;

    *kind = FINDING_SPLIT;
    if (is_reason(record, "group-split"))
        return true;
    if (is_dom0s(view, record) || record->info.state == XENIOMMU_PROTECTED)
        return false;
    *kind = FINDING_GUEST;
    if (view->kind != VIEW_HOST)
        return true;
    if (strcmp(owner, "none") == 0) {
        *kind = FINDING_KEPT;
        return !is_kept_well(record);
    }
    if (owner_is_domain(owner, &domid))
        return true;
    *kind = FINDING_OWNER;
    /* An IOMMU shows up among dom0's devices, and Xen gives it to nobody. */
    return !facts_hold(facts, "class=0806* owner=dom0");
}

static bool is_a_guests(const struct view *view, const struct tree_record *record)
{
    int32_t domid;

    if (is_dom0s(view, record))
        return false;
    return view->kind != VIEW_HOST || owner_is_domain(record->details->owner, &domid);
}

static void note(struct verdict *verdict, const struct view *view, const struct tree_record *record,
                 enum finding_kind kind, const char *facts)
{
    const struct reason_words *words =
        words_of_reason(record->device.bus, record->info.reason, facts);
    struct finding *finding = &verdict->findings[verdict->count++];

    *finding = (struct finding){.kind = kind, .record = record};
    verdict->kinds[kind]++;
    if (words != NULL)
        finding->why = words->why;
    if (view->kind == VIEW_OWN)
        finding->change = "Ask the host's administrator: \"xen-iommu explain\" in dom0 tells more.";
    else if (words != NULL)
        finding->change = words->change;
}

/* The list may be of several moments: what seems wrong is read anew, with its facts. */
static int look_closer(struct verdict *verdict, struct view *view, struct tree_record *record)
{
    const struct xeniommu_device device = record->device;
    enum finding_kind kind;
    char *text, *facts;
    int rc = explain_read(view, &device, record, &text);

    if (rc == -ENOENT)
        return 0; /* it is gone */
    facts = explain_known_facts(record, text);
    if (rc == 0 && text != NULL && facts == NULL)
        rc = -ENOMEM;
    if (rc == 0 && judge(view, record, facts, &kind))
        note(verdict, view, record, kind, facts);
    free(facts);
    free(text);
    return rc;
}

static int look_at(struct verdict *verdict, struct view *view, struct tree_record *record)
{
    enum finding_kind kind;
    int rc = judge(view, record, NULL, &kind) ? look_closer(verdict, view, record) : 0;

    verdict->guests += is_a_guests(view, record);
    return rc;
}

static int look(struct verdict *verdict, struct view *view)
{
    int rc = tree_load(&view->tree, &verdict->list);
    size_t i;

    if (rc != 0)
        return rc;
    verdict->findings = calloc(verdict->list.count + 1, sizeof(*verdict->findings));
    if (verdict->findings == NULL)
        return -ENOMEM;
    for (i = 0; rc == 0 && i < verdict->list.count; i++)
        rc = look_at(verdict, view, &verdict->list.records[i]);
    return rc;
}

static void put_good(struct verdict *verdict, const struct view *view)
{
    const char *whose = view->kind == VIEW_HOST ? "every guest's device is protected"
                                                : "every device of the domain is protected";

    if (view->kind == VIEW_DOMAIN && view->domid == 0)
        whose = "none of dom0's devices shares its ID with a guest's";
    else if (verdict->guests == 0)
        whose = view->kind == VIEW_HOST ? "no guest has a device" : "the domain has no device";
    snprintf(verdict->text, sizeof(verdict->text), "%s", whose);
}

static void put_bad(struct verdict *verdict)
{
    const char *separator = "";
    size_t kind, used = 0;

    for (kind = 0; kind < FINDING_KINDS; kind++) {
        size_t count = verdict->kinds[kind];

        if (count == 0)
            continue;
        used +=
            (size_t)snprintf(verdict->text + used, sizeof(verdict->text) - used, "%s%zu %s",
                             separator, count, count == 1 ? kinds[kind].one : kinds[kind].several);
        separator = ", ";
    }
}

int verdict_make(struct verdict *verdict, struct view *view)
{
    int rc;

    *verdict = (struct verdict){0};
    rc = look(verdict, view);
    if (rc != 0)
        return rc;
    if (verdict->count == 0)
        put_good(verdict, view);
    else
        put_bad(verdict);
    return 0;
}

void verdict_free(struct verdict *verdict)
{
    free(verdict->findings);
    tree_list_free(&verdict->list);
    *verdict = (struct verdict){0};
}
