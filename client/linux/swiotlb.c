// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Recognises swiotlb-xen's operations. They are not exported, and a device may have others that
 * must stay: grants, or somebody's that only begin as a copy of swiotlb-xen's. So all of them that
 * map, unmap or synchronise are known by the names of their functions; where the kernel has no
 * names, nothing is swiotlb-xen's.
 */
#include <linux/compiler.h>
#include <linux/dma-map-ops.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "xeniommu.h"

/*
 * Whether it is the kernel's own function of this name: a module's prints as "name [module]", and
 * NULL as a number.
 */
static bool is_called(const void *function, const char *name)
{
	char symbol[64];

	return snprintf(symbol, sizeof(symbol), "%ps", function) < sizeof(symbol) &&
	       !strcmp(symbol, name);
}

static bool maps_as_swiotlb_xen(const struct dma_map_ops *ops)
{
#ifdef XI_MAP_PHYS	/* by Kbuild */
	return is_called(ops->map_phys, "xen_swiotlb_map_phys") &&
	       is_called(ops->unmap_phys, "xen_swiotlb_unmap_phys") &&
#else
	return is_called(ops->map_page, "xen_swiotlb_map_page") &&
	       is_called(ops->unmap_page, "xen_swiotlb_unmap_page") &&
#endif
	       is_called(ops->map_sg, "xen_swiotlb_map_sg") &&
	       is_called(ops->unmap_sg, "xen_swiotlb_unmap_sg");
}

static bool syncs_as_swiotlb_xen(const struct dma_map_ops *ops)
{
	return is_called(ops->sync_single_for_cpu, "xen_swiotlb_sync_single_for_cpu") &&
	       is_called(ops->sync_single_for_device, "xen_swiotlb_sync_single_for_device") &&
	       is_called(ops->sync_sg_for_cpu, "xen_swiotlb_sync_sg_for_cpu") &&
	       is_called(ops->sync_sg_for_device, "xen_swiotlb_sync_sg_for_device");
}

bool xi_is_swiotlb_xen(const struct dma_map_ops *ops)
{
	return ops && is_called(ops->dma_supported, "xen_swiotlb_dma_supported") &&
	       maps_as_swiotlb_xen(ops) && syncs_as_swiotlb_xen(ops);
}
