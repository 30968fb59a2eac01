/* SPDX-License-Identifier: MIT */
#include "observe/recorded.h"

#include <string.h>

void recorded_note(struct recorded *recorded, uint32_t sbdf)
{
    for (size_t i = 0; i < recorded->count; i++) {
        if (recorded->items[i].sbdf != sbdf)
            continue;
        recorded->items[i].times++;
        return;
    }
    if (recorded->count == RECORDED_MAX)
        memmove(recorded->items, recorded->items + 1,
                --recorded->count * sizeof(recorded->items[0]));
    recorded->items[recorded->count].sbdf = sbdf;
    recorded->items[recorded->count++].times = 1;
}

unsigned int recorded_take(struct recorded *recorded, uint32_t sbdf)
{
    size_t kept = 0, count = recorded->count;
    unsigned int times = 0;

    for (size_t i = 0; i < count; i++)
        if (recorded->items[i].sbdf != sbdf)
            recorded->items[kept++] = recorded->items[i];
        else
            times = recorded->items[i].times;
    recorded->count = kept;
    return times;
}
