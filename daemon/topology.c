/* SPDX-License-Identifier: MIT */
#include "topology.h"

#include <stdlib.h>

static int compare(const void *key, const void *element)
{
    uint32_t sbdf = *(const uint32_t *)key;
    const struct pci_function *function = element;

    return sbdf < function->sbdf ? -1 : sbdf > function->sbdf;
}

const struct pci_function *pci_topology_find(const struct pci_topology *topology, uint32_t sbdf)
{
    if (!topology->count)
        return NULL;
    return bsearch(&sbdf, topology->functions, topology->count, sizeof(*topology->functions),
                   compare);
}
