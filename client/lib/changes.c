/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "tree.h"

#include <string.h>

static bool is_same(const struct xeniommu_info *a, const struct xeniommu_info *b)
{
    return a->state == b->state && a->skip_swiotlb == b->skip_swiotlb && a->group == b->group &&
           strcmp(a->reason, b->reason) == 0;
}

static void report_gone(const struct xeniommu_device *device, xeniommu_change_fn *fn, void *arg)
{
    struct xeniommu_info info;

    tree_clear_info(&info);
    fn(device, &info, arg);
}

void changes_report(const struct tree_list *before, const struct tree_list *after,
                    xeniommu_change_fn *fn, void *arg)
{
    size_t i = 0, j = 0;

    while (i < before->count || j < after->count) {
        const struct tree_record *old = i < before->count ? &before->records[i] : NULL;
        const struct tree_record *new = j < after->count ? &after->records[j] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : tree_compare(&old->device, &new->device);

        if (order < 0)
            report_gone(&old->device, fn, arg);
        else if (order > 0 || !is_same(&old->info, &new->info))
            fn(&new->device, &new->info, arg);
        i += order <= 0;
        j += order >= 0;
    }
}
