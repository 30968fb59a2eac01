/* SPDX-License-Identifier: MIT */
/* Binary search in sorted arrays where bsearch() is not enough: for the place of what is not there,
 * or the first of several. */
#ifndef XI_SEARCH_H
#define XI_SEARCH_H

#include <stddef.h>

/* As bsearch()'s: below, at or above zero when key comes before, equals or comes after item. */
typedef int search_compare_fn(const void *key, const void *item);

/* The index of the first of count items, each of size bytes, that key does not come after; count
 * when it comes after all. */
size_t search_first(const void *key, const void *items, size_t count, size_t size,
                    search_compare_fn *compare);

#endif
