/* SPDX-License-Identifier: MIT */
/*
 * Judges answers. For each handle it knows a floor: a generation that the program has already been
 * told of, or whose event it has already received. A call that begins later must not tell anything
 * older. An answer must be what one generation said, from the floor at its beginning to the last
 * one that was begun when it came, and raises the floor to that generation.
 */
#ifndef XI_TESTS_TSAN_MONITOR_H
#define XI_TESTS_TSAN_MONITOR_H

#include "truth.h"

#include <stdatomic.h>

/* What the writer does. */
struct writer_progress {
    _Atomic uint32_t begun;     /* the last generation that may be in XenStore */
    _Atomic uint32_t committed; /* the last one that is, its events sent */
};

struct reader {
    struct xeniommu *xi;
    _Atomic uint32_t floor;
    const char *_Atomic told_by; /* what raised the floor last, for complaints */
};

struct monitor {
    struct writer_progress progress;
    _Atomic uint64_t answers; /* judged */
    _Atomic uint64_t busy;    /* -EAGAIN because the tree changed all the time */
    _Atomic uint64_t wrong;
};

/* The state of things when a call begins. */
struct moment {
    uint32_t floor;
    uint32_t begun;
};

/* To be called before a call on the reader's handle begins. */
struct moment monitor_begin(struct monitor *monitor, struct reader *reader);

/* Raises the floor: whatever begins from now on must not tell anything older. by: what says so. */
void monitor_raise(struct reader *reader, uint32_t generation, const char *by);

/* Judges what a query on a device told; index TRUTH_DEVICES: one that never is published. */
void monitor_query(struct monitor *monitor, struct reader *reader, struct moment moment,
                   unsigned int index, int rc, const struct xeniommu_info *info);

/* Judges one record that foreach or a callback told (by says which); a callback tells a device that
 * is gone, or whose daemon is, as unknown. */
void monitor_record(struct monitor *monitor, struct reader *reader, struct moment moment,
                    const struct xeniommu_device *device, const struct xeniommu_info *info,
                    const char *by);

/* Judges that a call said ready (0) or not (else: rc), and no more. */
void monitor_ready(struct monitor *monitor, struct reader *reader, struct moment moment, int rc,
                   const char *by);

/* Judges that foreach left these devices out; told has a bit for each one that it told. */
void monitor_missing(struct monitor *monitor, struct moment moment, uint32_t told);

/* Whether the answer is exactly that of a generation. */
bool monitor_is(uint32_t generation, unsigned int index, int rc, const struct xeniommu_info *info);

/* Counts something wrong, and says what. */
void monitor_complain(struct monitor *monitor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
