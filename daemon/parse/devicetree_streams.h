/* SPDX-License-Identifier: MIT */
/* Which devices share a stream: an IOMMU tells devices apart by their stream IDs only, so what it
 * lets one of them do, it lets all of the same ID do. */
#ifndef XI_PARSE_DEVICETREE_STREAMS_H
#define XI_PARSE_DEVICETREE_STREAMS_H

#include "devicetree_refs.h"

/* Fills streams and group of the devices, one for each node, of which all else is known, and the
 * tree's streams_told. 0 or -ENOMEM. */
int dt_streams_group(const struct dt_blob *blob, const struct dt_phandles *phandles,
                     struct dt_device *devices);

/* For a tree of which nodes are missing: what shares a stream with them is not known. */
void dt_streams_distrust(struct devicetree *tree);

#endif
