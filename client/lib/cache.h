/* SPDX-License-Identifier: MIT */
/* What was read of the own tree and still holds. Not thread-safe: its owner locks. */
#ifndef XI_CLIENT_LIB_CACHE_H
#define XI_CLIENT_LIB_CACHE_H

#include "list.h"

#include <stdint.h>

/* Devices that several hold. Does not change once it is complete. */
struct device_set {
    unsigned int refs;
    bool complete; /* holds every device that is published */
    struct tree_list list;
};

struct cache {
    uint64_t epoch;             /* the store's: what is here holds in this one only */
    char generation[24];        /* the tree's: and at this one only */
    int head;                   /* 1: not known; 0: ready; or what holds for every device */
    struct device_set *devices; /* NULL: none */
};

/* Sets a cache to "nothing known". */
void cache_init(struct cache *cache);

/* Forgets what is of another epoch. */
void cache_enter(struct cache *cache, uint64_t epoch);

/* Forgets what is of another generation, which was seen before its event. */
void cache_see(struct cache *cache, const char *generation);

/* Forgets everything. */
void cache_clear(struct cache *cache);

/* What is known of one device, without a look at head: 0 and its answer, -ENOENT: it is not
 * published, or 1: nothing. */
int cache_find(const struct cache *cache, const struct xeniommu_device *device,
               struct xeniommu_info *info);

/* Remembers a device, an absent one too, as far as there is memory and its number is within
 * bounds. */
void cache_add(struct cache *cache, const struct tree_record *record);

/* Remembers every device there is: set is complete; the cache takes a hold of its own. */
void cache_fill(struct cache *cache, struct device_set *set);

/* A new set, complete, that takes over the list and what it holds; the caller has one hold of it.
 * NULL: out of memory, and the list is freed. */
struct device_set *device_set_new(struct tree_list *list);

/* One more hold. NULL does nothing. */
struct device_set *device_set_get(struct device_set *set);

/* One hold less; the last frees. NULL does nothing. */
void device_set_put(struct device_set *set);

#endif
