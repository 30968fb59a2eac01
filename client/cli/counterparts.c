/* SPDX-License-Identifier: MIT */
#include "counterparts.h"

#include <errno.h>
#include <stdio.h>

int counterparts_load(struct counterparts *counterparts, struct view *view)
{
    struct tree host;
    int rc;

    *counterparts = (struct counterparts){.kind = view->kind};
    if (view->kind != VIEW_DOMAIN)
        return 0;
    counterparts->is_host = view->domid == 0;
    if (counterparts->is_host)
        return 0;
    tree_init(&host, &view->store, XENIOMMU_HOST_DIR);
    host.detailed = true;
    snprintf(host.only_owner, sizeof(host.only_owner), "%d", view->domid);
    rc = tree_load(&host, &counterparts->host);
    /* Without the host's word a device has the one name; that is no failure. */
    return rc == -EAGAIN || rc == -EPROTO || rc == -EACCES || rc == -E2BIG ? 0 : rc;
}

void counterparts_free(struct counterparts *counterparts)
{
    tree_list_free(&counterparts->host);
}

/* The guest's name for a device of the host's tree, or NULL. */
static const struct xeniommu_device *guest_device(const struct tree_record *record)
{
    return record->details->has_guest ? &record->details->guest : NULL;
}

/* NULL too where several devices of the host's are said to be this one. */
static const struct xeniommu_device *host_device(const struct tree_list *host,
                                                 const struct xeniommu_device *device)
{
    const struct xeniommu_device *found = NULL;
    size_t i;

    for (i = 0; i < host->count; i++) {
        const struct xeniommu_device *guest = guest_device(&host->records[i]);

        if (guest == NULL || tree_compare(guest, device) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = &host->records[i].device;
    }
    return found;
}

const struct xeniommu_device *counterpart_of(const struct counterparts *counterparts,
                                             const struct tree_record *record)
{
    switch (counterparts->kind) {
    case VIEW_HOST:
        return guest_device(record);
    case VIEW_DOMAIN:
        return counterparts->is_host ? &record->device
                                     : host_device(&counterparts->host, &record->device);
    case VIEW_OWN:
        break;
    }
    return NULL;
}
