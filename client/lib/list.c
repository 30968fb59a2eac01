/* SPDX-License-Identifier: MIT */
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 8

int tree_compare(const struct xeniommu_device *a, const struct xeniommu_device *b)
{
    if (a->bus != b->bus)
        return a->bus < b->bus ? -1 : 1;
    if (a->bus == XENIOMMU_BUS_DT)
        return strcmp(a->path, b->path);
    return a->sbdf < b->sbdf ? -1 : a->sbdf > b->sbdf;
}

/* Where the device is, or would be: the first that does not come before it. */
static size_t position(const struct tree_list *list, const struct xeniommu_device *device)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tree_compare(&list->records[middle].device, device) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct tree_list *list, size_t i, const struct xeniommu_device *device)
{
    return i < list->count && tree_compare(&list->records[i].device, device) == 0;
}

const struct tree_record *tree_list_find(const struct tree_list *list,
                                         const struct xeniommu_device *device)
{
    size_t i = position(list, device);

    return is_at(list, i, device) ? &list->records[i] : NULL;
}

static void free_details(struct device_details *details)
{
    if (details != NULL)
        free((char *)details->guest.path);
    free(details);
}

static void free_record(struct tree_record *record)
{
    free((char *)record->device.path);
    free_details(record->details);
}

/* On an error there is nothing to free. */
static int copy_path(struct xeniommu_device *copy, const struct xeniommu_device *device)
{
    *copy = *device;
    if (device->path == NULL)
        return 0;
    copy->path = strdup(device->path);
    return copy->path != NULL ? 0 : -ENOMEM;
}

/* NULL: out of memory. */
static struct device_details *copy_details(const struct device_details *details)
{
    struct device_details *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return NULL;
    *copy = *details;
    if (copy_path(&copy->guest, &details->guest) == 0)
        return copy;
    free(copy);
    return NULL;
}

/* On an error there is nothing to free. */
static int copy_record(struct tree_record *copy, const struct tree_record *record)
{
    *copy = *record;
    if (copy_path(&copy->device, &record->device) != 0)
        return -ENOMEM;
    if (record->details == NULL)
        return 0;
    copy->details = copy_details(record->details);
    if (copy->details != NULL)
        return 0;
    free((char *)copy->device.path);
    return -ENOMEM;
}

static int resize(struct tree_list *list, size_t capacity)
{
    struct tree_record *records = reallocarray(list->records, capacity, sizeof(*records));

    if (records == NULL)
        return -ENOMEM;
    list->records = records;
    list->capacity = capacity;
    return 0;
}

int tree_list_add(struct tree_list *list, const struct tree_record *record)
{
    size_t i = position(list, &record->device);
    struct tree_record copy;

    if (list->count == list->capacity &&
        resize(list, list->capacity < CAPACITY_MIN ? CAPACITY_MIN : list->capacity * 2) != 0)
        return -ENOMEM;
    if (copy_record(&copy, record) != 0)
        return -ENOMEM;
    if (is_at(list, i, &record->device)) {
        free_record(&list->records[i]);
    } else {
        memmove(&list->records[i + 1], &list->records[i],
                (list->count - i) * sizeof(*list->records));
        list->count++;
    }
    list->records[i] = copy;
    return 0;
}

void tree_list_trim(struct tree_list *list)
{
    if (list->count > 0 && list->count < list->capacity)
        (void)resize(list, list->count); /* where it fails, nothing is lost */
}

void tree_list_free(struct tree_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        free_record(&list->records[i]);
    free(list->records);
    *list = (struct tree_list){0};
}
