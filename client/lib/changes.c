/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include <string.h>

static bool is_same_info(const struct xeniommu_info *a, const struct xeniommu_info *b)
{
    return a->state == b->state && a->skip_swiotlb == b->skip_swiotlb && a->group == b->group &&
           a->limits == b->limits && strcmp(a->reason, b->reason) == 0;
}

static bool has_same_guest(const struct device_details *a, const struct device_details *b)
{
    if (!a->has_guest || !b->has_guest)
        return a->has_guest == b->has_guest;
    return tree_compare(&a->guest, &b->guest) == 0;
}

static bool are_same_details(const struct device_details *a, const struct device_details *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a->limits, b->limits) == 0 && strcmp(a->owner, b->owner) == 0 &&
           strcmp(a->iommu, b->iommu) == 0 && has_same_guest(a, b);
}

static bool is_same(const struct tree_record *a, const struct tree_record *b)
{
    return is_same_info(&a->info, &b->info) && are_same_details(a->details, b->details);
}

int changes_walk(const struct tree_list *before, const struct tree_list *after, change_fn *fn,
                 void *arg)
{
    size_t i = 0, j = 0;
    int rc = 0;

    while (rc == 0 && (i < before->count || j < after->count)) {
        const struct tree_record *old = i < before->count ? &before->records[i] : NULL;
        const struct tree_record *new = j < after->count ? &after->records[j] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : tree_compare(&old->device, &new->device);

        i += order <= 0;
        j += order >= 0;
        if (order != 0)
            rc = fn(order < 0 ? old : NULL, order > 0 ? new : NULL, arg);
        else if (!is_same(old, new))
            rc = fn(old, new, arg);
    }
    return rc;
}
