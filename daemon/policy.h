/* SPDX-License-Identifier: MIT */
/* Facts in, verdict out. No I/O, no clock, no state. docs/policy.md holds the same table. */
#ifndef XI_POLICY_H
#define XI_POLICY_H

#include <xeniommu-schema.h>

#include "facts.h"

struct verdict {
    enum xeniommu_state state;
    bool skip_swiotlb;  /* only ever with XENIOMMU_PROTECTED */
    const char *reason; /* a token of docs/policy.md, static */
};

/* The verdict on a device. Everything that is not positively known gives unknown and keep. */
struct verdict policy_decide(const struct facts *facts);

/* The verdict while nothing certain can be said, for this reason. */
struct verdict policy_unknown(const char *reason);

/* True when a consumer may act on it: protected, relaxed or quarantined. Such a verdict needs
 * evidence from the pass that publishes it; any other may be published at once. */
bool policy_is_claim(const struct verdict *verdict);

bool policy_same(const struct verdict *a, const struct verdict *b);

#endif
