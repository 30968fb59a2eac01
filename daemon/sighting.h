/* SPDX-License-Identifier: MIT */
/* Which devices a guest sees, and as what, by the toolstack's records. Pure. */
#ifndef XI_SIGHTING_H
#define XI_SIGHTING_H

#include <xeniommu-schema.h>

#include "view.h"

/* Where a record is, below its tree. */
#define PCI_BASE_SIZE (4 + XENIOMMU_PCI_NAME_SIZE)
/* With the rest of the path below XenStore's limit of 3072 bytes. */
#define DT_BASE_SIZE 2900

void pci_base(uint32_t sbdf, char base[PCI_BASE_SIZE]);

/* False for a path that XenStore has no room for: no record can be made of it. */
bool dt_base(const char *path, char base[DT_BASE_SIZE]);

/* The reason of a record of which it is not certain which device it is about, or of a device that
 * seems to be in two places. */
#define SIGHTING_CONFLICT "records-conflict"

/* Whether the domain sees what is claimed, and at which address. */
bool sighting_of_claim(const struct view_source *source, const struct pci_claim *claim,
                       uint32_t domid, uint32_t *address);

/* The path at which the domain sees what libxl recorded for it, or NULL. The record's own. */
const char *sighting_of_record(const struct dt_record *record, const struct domain *domain);

/* Bytes for the longest of the words below, and its NUL. */
#define SIGHTING_WORD_SIZE (DT_BASE_SIZE + 16)

/* What the guest that has a device calls it, as a word of the host's facts: "guest-address=..." or
 * "guest-path=/...". "" unless a record of this device, and of no other, stands in that guest's own
 * tree, under one name. */
void sighting_word(const struct view_source *source, const struct device *device,
                   char word[SIGHTING_WORD_SIZE]);

#endif
