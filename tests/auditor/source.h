/* SPDX-License-Identifier: MIT */
/* Where the truth comes from: the rig, which knows it, or Xen, which is asked. */
#ifndef XI_TESTS_AUDITOR_SOURCE_H
#define XI_TESTS_AUDITOR_SOURCE_H

#include "truth.h"

struct source;

/* The rig's journal (integration/hypervisor.py). Exits when it cannot be opened. */
struct source *source_journal(const char *path);

/* Xen itself, asked every millisecond. devices: what to ask about each time; still: what to ask
 * about once; lock: the daemon's lock file, which tells whether one runs, or NULL. Exits when Xen
 * cannot be asked. */
struct source *source_xen(char *const *devices, size_t count, char *const *still,
                          size_t still_count, const char *lock);

/* Brings the history up to now: all that changed before the call is in it afterwards. */
void source_update(struct source *source, struct history *history);
void source_close(struct source *source);

/* What the kinds of source are made of. */
struct source {
    unsigned long rounds; /* how often Xen was asked; 0: it tells by itself */
    uint64_t longest_gap; /* between the begins of two rounds, ns */
    void (*update)(struct source *source, struct history *history);
    void (*close)(struct source *source);
};

#endif
