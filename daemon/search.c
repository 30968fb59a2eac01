/* SPDX-License-Identifier: MIT */
#include "search.h"

size_t search_first(const void *key, const void *items, size_t count, size_t size,
                    search_compare_fn *compare)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(key, (const char *)items + middle * size) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
