/* SPDX-License-Identifier: MIT */
#include "cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program that asks for ever more addresses, absent ones included, is not to grow for ever. */
#define DEVICES_MAX 8192

void cache_init(struct cache *cache)
{
    *cache = (struct cache){.head = 1};
}

void cache_clear(struct cache *cache)
{
    device_set_put(cache->devices);
    cache->devices = NULL;
    cache->head = 1;
}

void cache_enter(struct cache *cache, uint64_t epoch)
{
    if (cache->epoch == epoch)
        return;
    cache_clear(cache);
    cache->epoch = epoch;
}

void cache_see(struct cache *cache, const char *generation)
{
    if (strcmp(cache->generation, generation) == 0)
        return;
    cache_clear(cache);
    snprintf(cache->generation, sizeof(cache->generation), "%s", generation);
}

int cache_find(const struct cache *cache, const struct xeniommu_device *device,
               struct xeniommu_info *info)
{
    const struct tree_record *record;

    if (cache->devices == NULL)
        return 1;
    record = tree_list_find(&cache->devices->list, device);
    if (record == NULL)
        return cache->devices->complete ? -ENOENT : 1;
    if (record->absent)
        return -ENOENT;
    *info = record->info;
    return 0;
}

void cache_add(struct cache *cache, const struct tree_record *record)
{
    if (cache->devices != NULL &&
        (cache->devices->complete || cache->devices->list.count >= DEVICES_MAX)) {
        device_set_put(cache->devices);
        cache->devices = NULL;
    }
    if (cache->devices == NULL) {
        cache->devices = calloc(1, sizeof(*cache->devices));
        if (cache->devices == NULL)
            return;
        cache->devices->refs = 1;
    }
    (void)tree_list_add(&cache->devices->list, record); /* or it is read again */
}

void cache_fill(struct cache *cache, struct device_set *set)
{
    device_set_put(cache->devices);
    cache->devices = device_set_get(set);
}

struct device_set *device_set_new(struct tree_list *list)
{
    struct device_set *set = calloc(1, sizeof(*set));

    if (set == NULL) {
        tree_list_free(list);
        return NULL;
    }
    *set = (struct device_set){.refs = 1, .complete = true, .list = *list};
    *list = (struct tree_list){0};
    return set;
}

struct device_set *device_set_get(struct device_set *set)
{
    if (set != NULL)
        set->refs++;
    return set;
}

void device_set_put(struct device_set *set)
{
    if (set == NULL || --set->refs > 0)
        return;
    tree_list_free(&set->list);
    free(set);
}
