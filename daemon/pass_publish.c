/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "log.h"
#include "pass.h"
#include "view.h"

static int write_tree(struct reconciler *reconciler, const struct incarnation *who,
                      struct tree *tree, int rc)
{
    if (rc == 0)
        rc = publisher_publish(reconciler->parts.publisher, who, tree);
    tree_clear(tree);
    return rc < 0 ? rc : 0;
}

static int publish_domain(struct reconciler *reconciler, const struct view_source *source,
                          const struct domain *domain, bool whole)
{
    struct tree tree = {NULL, 0, 0}, witnesses = {NULL, 0, 0};
    struct incarnation who = {domain->domid, domain->domid ? domain->handle : NULL, &witnesses};
    int rc = view_of_domain(source, domain->domid, &tree);

    if (rc == 0)
        rc = view_of_witnesses(source, domain->domid, &witnesses);
    if (rc == 0 && !whole)
        publisher_cut(reconciler->parts.publisher, domain->domid, &tree);
    rc = write_tree(reconciler, &who, &tree, rc);
    tree_clear(&witnesses);
    if (rc != -ENOENT)
        return rc;
    publisher_forget(reconciler->parts.publisher, domain->domid);
    reconciler->homeless = reconciler->homeless || domain->alive;
    return 0;
}

static int publish_host(struct reconciler *reconciler, const struct view_source *source, bool whole)
{
    struct incarnation host = {.domid = PUBLISHER_HOST};
    struct tree tree = {NULL, 0, 0};
    int rc = view_of_host(source, &tree);

    if (rc == 0 && !whole)
        publisher_cut(reconciler->parts.publisher, PUBLISHER_HOST, &tree);
    return write_tree(reconciler, &host, &tree, rc);
}

/* For the next run; nothing is begun where there is nothing to remember, and nothing replaced that
 * was not taken in yet. */
static int remember(struct reconciler *reconciler, const struct view_source *source)
{
    struct incarnation seen = {.domid = PUBLISHER_SEEN};
    struct tree tree = {NULL, 0, 0};
    int rc;

    if (!reconciler->looked)
        return 0;
    rc = view_of_seen(source, &tree);
    if (rc == 0 && !tree.count && publisher_is_new(reconciler->parts.publisher, PUBLISHER_SEEN))
        return 0;
    return write_tree(reconciler, &seen, &tree, rc);
}

/* What was not written is not to be written later on an answer that is old by then, nor elsewhere:
 * the domain may be another one. */
static void distrust(struct reconciler *reconciler, struct device *device)
{
    evidence_changed(&device->evidence, reconciler->pass + 1);
    if (policy_is_claim(&device->verdict))
        device->verdict = policy_unknown("assignment-incomplete");
}

static void distrust_devices_of(struct reconciler *reconciler, uint32_t domid)
{
    reconciler->unwritten = true;
    for (size_t i = 0; i < reconciler->inventory.count; i++) {
        struct device *device = &reconciler->inventory.devices[i];

        if (domid == PUBLISHER_HOST ||
            (device->owner.kind == OWNER_GUEST ? device->owner.domid == domid : domid == 0))
            distrust(reconciler, device);
    }
}

static void tell_unwritten(uint32_t domid, int rc)
{
    if (rc == -ESTALE)
        log_debug("domain %u is another one by now", domid);
    else
        log_warning("publishing for domain %u: %s", domid, strerror(-rc));
}

/* Every tree is tried, so that one domain's trouble is not another's; what looks like a lost
 * connection may be the trouble of one tree as well. */
static int publish_domains(struct reconciler *reconciler, const struct view_source *source,
                           bool whole)
{
    int lost = 0;

    for (size_t i = 0; i < reconciler->domains.count; i++) {
        const struct domain *domain = &reconciler->domains.domains[i];
        int rc;

        /* What stands there is not known, and may be more than holds. */
        if (!whole && publisher_is_new(reconciler->parts.publisher, domain->domid))
            rc = publisher_withdraw_from(reconciler->parts.publisher, domain->domid, "starting");
        else
            rc = publish_domain(reconciler, source, domain, whole);
        if (rc == 0)
            continue;
        if (rc == -ENOMEM)
            return rc;
        if (!lost)
            tell_unwritten(domain->domid, rc);
        if (store_is_lost(rc))
            lost = rc;
        /* That is over at once; what else went wrong is given time to end. */
        if (rc == -ESTALE)
            reconciler->stale = reconciler->overtaken = true;
        distrust_devices_of(reconciler, domain->domid);
    }
    return lost;
}

static int publish_or_withdraw_host(struct reconciler *reconciler, const struct view_source *source,
                                    bool whole)
{
    if (!whole && publisher_is_new(reconciler->parts.publisher, PUBLISHER_HOST))
        return publisher_withdraw_from(reconciler->parts.publisher, PUBLISHER_HOST, "starting");
    return publish_host(reconciler, source, whole);
}

static const char *told(const void *arg, uint32_t domid, const char *path)
{
    return publisher_told(arg, domid, path);
}

int pass_publish(struct reconciler *reconciler, bool whole)
{
    struct view_source source = {
        .inventory = &reconciler->inventory,
        .assignment = assignment_observer_get(reconciler->parts.assignment),
        .dt_records = toolstack_observer_get(reconciler->parts.toolstack),
        .domains = &reconciler->domains,
        .iommu = reconciler->iommu,
        .status = reconciler->parts.status,
        .remembered = reconciler->remembered,
        .remembered_count = reconciler->remembered_count,
        .confirm_ms = reconciler->parts.confirm_ms,
        .gone = &reconciler->gone,
        .lock_file = reconciler->parts.lock_file,
        .told = told,
        .told_arg = reconciler->parts.publisher,
    };
    int rc, host;

    reconciler->homeless = false;
    reconciler->unwritten = false;
    reconciler->stale = false;
    rc = publish_domains(reconciler, &source, whole);
    if (rc == -ENOMEM)
        return rc;
    /* The host's tree comes last: drivers act on the others. */
    host = publish_or_withdraw_host(reconciler, &source, whole);
    if (host < 0)
        distrust_devices_of(reconciler, PUBLISHER_HOST);
    rc = rc < 0 ? rc : host;
    return rc == 0 && whole ? remember(reconciler, &source) : rc;
}
