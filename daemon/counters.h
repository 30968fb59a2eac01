/* SPDX-License-Identifier: MIT */
/* What this process has done so far, for "xen-iommu metrics": numbers in memory that a file shows,
 * so that counting neither waits nor writes anything. */
#ifndef XI_COUNTERS_H
#define XI_COUNTERS_H

#include <stdint.h>

enum counter {
    COUNTER_PASSES,
    COUNTER_QUESTIONS,       /* to Xen about a device */
    COUNTER_QUESTION_ERRORS, /* those of them without an answer */
    COUNTER_GROUP_QUESTIONS, /* to Xen about who is in a group */
    COUNTER_TRANSACTIONS,    /* begun */
    COUNTER_RETRIES,         /* those of them that had to be done again */
    COUNTER_OWNER_CHANGES,
    COUNTER_VERDICT_CHANGES, /* after the first complete pass */
    COUNTER_STARTED,         /* when, in ms of CLOCK_BOOTTIME; 0: the numbers are nobody's */
    COUNTER_ANSWERED,        /* when Xen last answered, likewise; 0: never */
    COUNTER_CONFIRMED,       /* when a round of confirmations was last done, likewise */
    COUNTERS,
};

void counter_add(enum counter counter);

/* Sets one of those that are a time to now. */
void counter_set_now(enum counter counter);

/* Where the file is of a daemon with that lock: beside it. 0 or -ENOMEM; the caller frees *path. */
int counters_path(const char *lock_file, char **path);

/* Makes the file anew, for root alone, and counts in it from now on, on top of what was counted
 * before. Of a process with threads only one may call it. 0 or a negative errno: counting goes on,
 * and nobody sees it. */
int counters_share(const char *path);

/* The file: one page at most, in the machine's own byte order. */
#define COUNTERS_MAGIC     "xi-count"
#define COUNTERS_VERSION   1u
#define COUNTERS_NAME_SIZE 24u

#endif
