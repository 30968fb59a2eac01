/* SPDX-License-Identifier: MIT */
#include "topology.h"

#include <stdlib.h>

#include "search.h"

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

/* The device that this function is part of has another one that is not virtual. Below a port there
 * is one device, all of whose functions have its bus (ARI). */
static bool has_sibling(const struct pci_topology *topology, const struct pci_function *function)
{
    const struct pci_function *parent = pci_topology_find(topology, function->parent);
    bool one_device =
        parent && (parent->caps.port == PCI_PORT_ROOT || parent->caps.port == PCI_PORT_DOWNSTREAM);
    uint32_t mask = one_device ? ~0xffu : ~0x7u, first = function->sbdf & mask;
    size_t i = topology->count ? search_first(&first, topology->functions, topology->count,
                                              sizeof(*topology->functions), compare)
                               : 0;

    for (; i < topology->count && (topology->functions[i].sbdf & mask) == first; i++) {
        const struct pci_function *other = &topology->functions[i];

        if (other->sbdf != function->sbdf && other->physfn == PCI_NO_SBDF &&
            other->parent == function->parent)
            return true;
    }
    return false;
}

static bool is_off(const struct pci_caps *caps, uint16_t wanted)
{
    return caps->acs ? (caps->acs_control & wanted) != wanted : caps->whole;
}

/* What a function does not implement it need not (it passes nothing on to its peers), but for the
 * ports of a switch, which must implement all of it (PCI Express Base Specification 6.0, 6.12.1).
 * And an endpoint has use for it only as part of a device with several functions. */
static bool lets_through(const struct pci_topology *topology, const struct pci_function *function)
{
    const uint16_t wanted = PCI_ACS_SOURCE_VALIDATION | PCI_ACS_REQUEST_REDIRECT |
                            PCI_ACS_COMPLETION_REDIRECT | PCI_ACS_UPSTREAM_FORWARDING;
    const struct pci_caps *caps = &function->caps;
    const uint16_t implemented = wanted & caps->acs_capability;

    switch (caps->port) {
    case PCI_PORT_UNKNOWN:
        return false;
    case PCI_PORT_DOWNSTREAM:
        return is_off(caps, wanted);
    case PCI_PORT_ROOT:
        return is_off(caps, implemented);
    default:
        return function->physfn == PCI_NO_SBDF &&
               (caps->multi_function || has_sibling(topology, function)) &&
               is_off(caps, implemented);
    }
}

static bool has_conventional_bus(const struct pci_function *bridge)
{
    return bridge->caps.port == PCI_PORT_CONVENTIONAL ||
           bridge->caps.port == PCI_PORT_TO_CONVENTIONAL ||
           bridge->caps.port == PCI_PORT_FROM_CONVENTIONAL;
}

bool pci_lacks_acs(const struct pci_topology *topology, const struct pci_function *function)
{
    const struct pci_function *at = function;

    for (size_t left = topology->count; at && left > 0; left--) {
        if (lets_through(topology, at) || (at != function && has_conventional_bus(at)))
            return true;
        at = pci_topology_find(topology, at->parent);
    }
    return false;
}
