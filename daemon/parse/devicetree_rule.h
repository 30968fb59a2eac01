/* SPDX-License-Identifier: MIT */
/* Which nodes are in use, which are devices that matter, and whose DMA is coherent: the rules of
 * docs/devices.md. */
#ifndef XI_PARSE_DEVICETREE_RULE_H
#define XI_PARSE_DEVICETREE_RULE_H

#include "devicetree_refs.h"

/* All three fill their fields of the devices, one for each node. */

/* Fills enabled. */
void dt_rule_status(const struct dt_blob *blob, struct dt_device *devices);

/* Fills pci_host and relevance, from claim and the nodes that an IOMMU's mmu-masters names. 0 or
 * -ENOMEM. */
int dt_rule_relevance(const struct dt_blob *blob, const bool *masters, struct dt_device *devices);

/* Fills dma_coherent. 0 or -ENOMEM. */
int dt_rule_coherent(const struct dt_blob *blob, const struct dt_phandles *phandles,
                     struct dt_device *devices);

#endif
