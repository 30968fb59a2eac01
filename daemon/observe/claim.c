/* SPDX-License-Identifier: MIT */
#include "observe/assignment.h"
#include "search.h"

static int compare_claim_with_sbdf(const void *key, const void *item)
{
    uint32_t sbdf = *(const uint32_t *)key, other = ((const struct pci_claim *)item)->sbdf;

    return sbdf < other ? -1 : sbdf > other;
}

const struct pci_claim *assignment_claims(const struct assignment *assignment, uint32_t sbdf,
                                          size_t *count)
{
    size_t first = search_first(&sbdf, assignment->claims, assignment->claim_count,
                                sizeof(*assignment->claims), compare_claim_with_sbdf);
    size_t end = first;

    while (end < assignment->claim_count && assignment->claims[end].sbdf == sbdf)
        end++;
    *count = end - first;
    return assignment->claims + first;
}
