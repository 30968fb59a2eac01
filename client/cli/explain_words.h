/* SPDX-License-Identifier: MIT */
/* What xen-iommud's words mean, for people: its reasons, its limits, and the names and values of
 * its facts. */
#ifndef XI_CLIENT_CLI_EXPLAIN_WORDS_H
#define XI_CLIENT_CLI_EXPLAIN_WORDS_H

#include "list.h"

#include <stdbool.h>
#include <stddef.h>

/* Which buses' devices a row is for: bits. */
enum words_bus {
    ON_PCI = 1 << XENIOMMU_BUS_PCI,
    ON_DT = 1 << XENIOMMU_BUS_DT,
    ON_BOTH = ON_PCI | ON_DT,
};

/* A condition: words "name=value" that the published facts must all hold, separated by blanks;
 * "name=value*": a value that begins so; NULL: none. facts: words "name=value" as published; NULL,
 * where none are known, holds no condition. */
bool facts_hold(const char *facts, const char *condition);

/* A reason: the rule of the policy that fired. */
struct reason_words {
    const char *token;
    enum words_bus bus;
    const char *when;   /* the condition for this row */
    const char *why;    /* what the rule found */
    const char *change; /* what would make the verdict another one */
};

/* All rows; of a token's the first whose condition holds is meant, and the last of them, for each
 * bus, has none. */
extern const struct reason_words reason_words[];
extern const size_t reason_words_count;

/* facts: as for facts_hold(). NULL: a reason that this program does not know. */
const struct reason_words *words_of_reason(enum xeniommu_bus bus, const char *token,
                                           const char *facts);

/* One value that a fact can have; the last of a row's has the value NULL: any other. As with
 * reasons, the first row whose condition holds is meant. */
struct value_words {
    const char *value;
    const char *text; /* NULL: a value that this program does not know */
    const char *when;
};

/* A fact. */
struct fact_words {
    const char *name;
    enum words_bus bus;
    const char *source; /* where it came from */
    const struct value_words *values;
};

extern const struct fact_words fact_words[];
extern const size_t fact_words_count;

/* NULL: a fact that this program does not know. */
const struct fact_words *words_of_fact(enum xeniommu_bus bus, const char *name);

/* What a fact's value says, beside these facts, or NULL. */
const char *words_of_value(const struct fact_words *fact, const char *value, const char *facts);

/* What a state leaves out: a token of "limits". */
struct limit_words {
    unsigned int limit; /* of enum xeniommu_limit */
    const char *text;   /* what can happen all the same */
    const char *change; /* what would end that */
};

/* NULL: a limit that this program does not know. */
const struct limit_words *words_of_limit(const char *token);

#define LIMIT_TOKEN_SIZE sizeof(((struct device_details *)0)->limits)

/* Takes the next token of a device's limits, and moves *rest behind it; false: there is none left.
 */
bool next_limit(const char **rest, char token[LIMIT_TOKEN_SIZE]);

/* What a verdict means for the device's DMA. */
const char *words_of_verdict(const struct xeniommu_info *info);

/* What it means for swiotlb-xen; NULL: nothing, since no domain drives the device. */
const char *words_of_swiotlb(const struct xeniommu_info *info);

#endif
