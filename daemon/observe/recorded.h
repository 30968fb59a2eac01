/* SPDX-License-Identifier: MIT */
/* How often libxl wrote, or removed, that a function is assignable, by its events. */
#ifndef XI_OBSERVE_RECORDED_H
#define XI_OBSERVE_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of more functions at once the last ones are told of. */
#define RECORDED_MAX 64

struct recorded {
    struct {
        uint32_t sbdf;
        unsigned int times;
    } items[RECORDED_MAX];
    size_t count;
};

void recorded_note(struct recorded *recorded, uint32_t sbdf);

/* Forgets the function. How often it was noted; 0: it was not. */
unsigned int recorded_take(struct recorded *recorded, uint32_t sbdf);

#endif
