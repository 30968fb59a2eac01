/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COMPLAINTS_MAX 20 /* printed; all are counted */

/* A reader is given up as too slow after this many changes under it, never after fewer. */
#define CHANGES_UNTIL_BUSY 8

struct moment monitor_begin(struct monitor *monitor, struct reader *reader)
{
    struct moment moment;

    moment.floor = atomic_load(&reader->floor);
    moment.begun = atomic_load(&monitor->progress.begun);
    return moment;
}

void monitor_raise(struct reader *reader, uint32_t generation, const char *by)
{
    uint32_t floor = atomic_load(&reader->floor);

    while (floor < generation)
        if (atomic_compare_exchange_weak(&reader->floor, &floor, generation))
            atomic_store(&reader->told_by, by);
}

void monitor_complain(struct monitor *monitor, const char *format, ...)
{
    va_list args;

    if (atomic_fetch_add(&monitor->wrong, 1) >= COMPLAINTS_MAX)
        return;
    va_start(args, format);
    flockfile(stdout);
    fputs("WRONG: ", stdout);
    vprintf(format, args);
    putchar('\n');
    funlockfile(stdout);
    va_end(args);
}

static bool says_nothing(const struct xeniommu_info *info)
{
    return info->state == XENIOMMU_UNKNOWN && !info->skip_swiotlb && info->group == -1 &&
           info->reason[0] == '\0';
}

bool monitor_is(uint32_t generation, unsigned int index, int rc, const struct xeniommu_info *info)
{
    struct xeniommu_info truth;
    bool present = truth_of(generation, index, &truth);

    if (!truth_is_ready(generation))
        return rc == -EAGAIN && says_nothing(info);
    if (!present)
        return rc == -ENOENT && says_nothing(info);
    return rc == 0 && truth_is_same(info, &truth);
}

/* The first generation from the floor on that could have told this; 0: none. */
static uint32_t explain(const struct moment *moment, uint32_t end, unsigned int index, int rc,
                        const struct xeniommu_info *info)
{
    uint32_t generation;

    for (generation = moment->floor; generation <= end; generation++)
        if (monitor_is(generation, index, rc, info))
            return generation;
    return 0;
}

static void complain_of_answer(struct monitor *monitor, const struct reader *reader,
                               const struct moment *moment, unsigned int index, int rc,
                               const struct xeniommu_info *info, const char *by)
{
    uint32_t told = truth_generation(info), end = atomic_load(&monitor->progress.begun);

    monitor_complain(monitor,
                     "%s: %s: device %u: rc %d, %s, %s, group %" PRId32 ", \"%s\"; floor %" PRIu32
                     " by %s, begun %" PRIu32 " to %" PRIu32,
                     by, told > 0 && told < moment->floor ? "stale" : "no generation said this",
                     index, rc, xeniommu_state_name(info->state),
                     info->skip_swiotlb ? "skip" : "keep", info->group, info->reason, moment->floor,
                     atomic_load(&reader->told_by), moment->begun, end);
}

void monitor_query(struct monitor *monitor, struct reader *reader, struct moment moment,
                   unsigned int index, int rc, const struct xeniommu_info *info)
{
    uint32_t end = atomic_load(&monitor->progress.begun);
    uint32_t generation = explain(&moment, end, index, rc, info);

    atomic_fetch_add(&monitor->answers, 1);
    if (generation > 0)
        monitor_raise(reader, generation, "query");
    else if (rc == -EAGAIN && says_nothing(info) && end - moment.begun >= CHANGES_UNTIL_BUSY)
        atomic_fetch_add(&monitor->busy, 1);
    else
        complain_of_answer(monitor, reader, &moment, index, rc, info, "query");
}

/* A device that is gone, or whose daemon is. */
static uint32_t explain_loss(const struct moment *moment, uint32_t end, unsigned int index,
                             const struct xeniommu_info *info)
{
    uint32_t absent = explain(moment, end, index, -ENOENT, info);
    uint32_t stopped = explain(moment, end, index, -EAGAIN, info);

    return absent == 0 || (stopped > 0 && stopped < absent) ? stopped : absent;
}

void monitor_record(struct monitor *monitor, struct reader *reader, struct moment moment,
                    const struct xeniommu_device *device, const struct xeniommu_info *info,
                    const char *by)
{
    uint32_t end = atomic_load(&monitor->progress.begun);
    unsigned int index = truth_index(device);
    uint32_t generation = says_nothing(info) ? explain_loss(&moment, end, index, info)
                                             : explain(&moment, end, index, 0, info);

    atomic_fetch_add(&monitor->answers, 1);
    if (generation > 0)
        monitor_raise(reader, generation, by);
    else if (says_nothing(info) && end - moment.begun >= CHANGES_UNTIL_BUSY)
        atomic_fetch_add(&monitor->busy, 1);
    else
        complain_of_answer(monitor, reader, &moment, index, 0, info, by);
}

void monitor_ready(struct monitor *monitor, struct reader *reader, struct moment moment, int rc,
                   const char *by)
{
    uint32_t end = atomic_load(&monitor->progress.begun), generation = moment.floor;

    atomic_fetch_add(&monitor->answers, 1);
    while (generation <= end && truth_is_ready(generation) != (rc == 0))
        generation++;
    if (generation <= end)
        monitor_raise(reader, generation, by);
    else if (rc == -EAGAIN && end - moment.begun >= CHANGES_UNTIL_BUSY)
        atomic_fetch_add(&monitor->busy, 1);
    else
        monitor_complain(monitor,
                         "%s: rc %d; floor %" PRIu32 " by %s, begun %" PRIu32 " to %" PRIu32, by,
                         rc, moment.floor, atomic_load(&reader->told_by), moment.begun, end);
}

void monitor_missing(struct monitor *monitor, struct moment moment, uint32_t told)
{
    uint32_t end = atomic_load(&monitor->progress.begun), generation;
    struct xeniommu_info info;
    unsigned int index;

    for (index = 0; index < TRUTH_DEVICES; index++) {
        bool always = (told >> index & 1) == 0;

        for (generation = moment.floor; always && generation <= end; generation++)
            always = truth_of(generation, index, &info);
        if (always)
            monitor_complain(monitor,
                             "foreach: device %u left out; floor %" PRIu32 ", end %" PRIu32, index,
                             moment.floor, end);
    }
}
