/* SPDX-License-Identifier: MIT */
/* Does Xen's word about a device still hold? The one owner of that question: it keeps when
 * something about the device last changed and when Xen last answered, both counted in passes. A
 * claim stands only while the answer is the younger one. Pure. */
#ifndef XI_EVIDENCE_H
#define XI_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "facts.h"

/* Private to evidence.c; all zero is a device that nothing is known of. */
struct evidence {
    uint64_t changed;   /* the first pass that takes in the last change */
    uint64_t answered;  /* the pass of Xen's last answer; 0: none, or the last question failed */
    uint64_t listed;    /* the pass in which Xen last listed its whole group; 0: it did not */
    uint64_t confirmed; /* the tick of the last question, see evidence_age() */
    enum oracle_answer answer;
    int error;
};

/* Something about the device changed, or may have: a record, its driver, its owner, an event of its
 * own. pass: the first one that takes it in. */
void evidence_changed(struct evidence *evidence, uint64_t pass);

/* Xen answered, or failed to (error, a negative errno, and then answer does not count). tick: now,
 * on the clock that evidence_age() reads. */
void evidence_answered(struct evidence *evidence, uint64_t pass, uint64_t tick,
                       enum oracle_answer answer, int error);

/* Xen listed the device's group, or failed to do so wholly. */
void evidence_listed(struct evidence *evidence, uint64_t pass, bool complete);

/* A question is due: Xen never answered, or something changed since. */
bool evidence_is_due(const struct evidence *evidence);
bool evidence_list_is_due(const struct evidence *evidence);

/* Its group was last listed before something about a mate changed. */
bool evidence_list_is_older(const struct evidence *evidence, const struct evidence *mate);

/* Its group was listed wholly once since the device is there. */
bool evidence_is_listed(const struct evidence *evidence);

/* Xen answered in this very pass, after all that the pass took in. */
bool evidence_is_fresh(const struct evidence *evidence, uint64_t pass);

/* Something changed that this pass was too early for. */
bool evidence_is_overtaken(const struct evidence *evidence, uint64_t pass);

/* Xen's answer; ORACLE_NONE when there is none that holds. */
enum oracle_answer evidence_answer(const struct evidence *evidence);

/* Xen's last answer, whatever changed since: enough to let stand what stands, never to say more. */
enum oracle_answer evidence_last(const struct evidence *evidence);

/* The error of the last question, 0 when it was answered. */
int evidence_error(const struct evidence *evidence);

/* How many ticks ago Xen was last asked. */
uint64_t evidence_age(const struct evidence *evidence, uint64_t tick);

/* What an answer says of an owner. On the device tree side both answers fit dom0: which one it is
 * tells whether the device is behind an IOMMU. */
enum xen_word evidence_word(enum device_bus bus, enum owner_kind owner, enum oracle_answer answer);

#endif
