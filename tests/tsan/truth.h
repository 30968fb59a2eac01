/* SPDX-License-Identifier: MIT */
/* What the tree says in each generation: any answer can be checked, and tells how old it is. */
#ifndef XI_TESTS_TSAN_TRUTH_H
#define XI_TESTS_TSAN_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <xeniommu.h>

struct xs_handle;

#define TRUTH_DEVICES 8 /* PCI functions, then device tree devices */

/* Device 0 to TRUTH_DEVICES - 1. Its path is a constant. */
struct xeniommu_device truth_device(unsigned int index);

/* The index of a device, or TRUTH_DEVICES: none that is ever published. */
unsigned int truth_index(const struct xeniommu_device *device);

/* Whether the daemon counts as ready in a generation. */
bool truth_is_ready(uint32_t generation);

/* Whether a device is published in a generation, and as what. Its reason names the generation. */
bool truth_of(uint32_t generation, unsigned int index, struct xeniommu_info *info);

/* The generation that a record's reason names; 0: none. */
uint32_t truth_generation(const struct xeniommu_info *info);

bool truth_is_same(const struct xeniommu_info *a, const struct xeniommu_info *b);

/* Writes a generation into domain 0's tree, in one transaction, as the daemon would. When it
 * returns, xenstored has sent the events to every watcher. Ends the program on an error. */
void truth_write(struct xs_handle *xs, uint32_t generation);

#endif
