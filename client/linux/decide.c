// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* From a device that is about to be given to its driver to a decision, and to what is done. */
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "xeniommu.h"

static bool observe;
module_param(observe, bool, 0644);
MODULE_PARM_DESC(observe, "Only record what would be done, in debugfs");

/*
 * The operations that are this device's own; NULL for those of the whole system, or for none. The
 * option for them is called ARCH_HAS_DMA_OPS in newer kernels.
 */
static const struct dma_map_ops *own_dma_ops(const struct device *dev)
{
#if defined(CONFIG_ARCH_HAS_DMA_OPS) || defined(CONFIG_DMA_OPS)
	return dev->dma_ops;
#else
	return NULL;
#endif
}

/* Returns why XenStore need not be asked about this device, or NULL. Asks nobody. */
static const char *why_not_ask(struct device *dev)
{
	const struct dma_map_ops *ops = own_dma_ops(dev);

	/* It has swiotlb-xen for all its devices, or none: no device's to take. */
	if (xen_pv_domain())
		return "swiotlb-xen-global";
	/*
	 * An IOMMU that this kernel drives itself. The operations do not tell: swiotlb-xen's
	 * replace the IOMMU's in 6.1, and stand beside dev->dma_iommu in 6.12.
	 */
	if (device_iommu_mapped(dev))
		return "own-iommu";
	if (!ops)
		return get_dma_ops(dev) ? "other-dma-ops" : "dma-direct";
	if (!xi_is_swiotlb_xen(ops))
		return "other-dma-ops";
	/*
	 * device_bind_driver() calls the notifiers as well, for a driver that may have started the
	 * device already. Nothing says so for certain; most drivers have set their data by then.
	 */
	if (dev_get_drvdata(dev))
		return "in-use";
	return NULL;
}

static const char *pci_key(struct device *dev, char *key)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	int segment = pci_domain_nr(pdev->bus);

	/* Some host bridges number their segments in software, from 0x10000. */
	if (segment < 0 || segment > U16_MAX)
		return "no-address";
	if (xeniommu_pci_key((u32)segment << 16 | pci_dev_id(pdev), NULL, key,
			     XENIOMMU_KEY_SIZE) < 0)
		return "no-address";
	return NULL;
}

static const char *dt_key(struct device *dev, char *key)
{
	char *path;
	int len;

	if (!dev->of_node)
		return "no-address";
	path = kasprintf(GFP_KERNEL, "%pOF", dev->of_node);
	if (!path)
		return "no-memory";
	len = xeniommu_dt_key(path, NULL, key, XENIOMMU_KEY_SIZE);
	kfree(path);
	return len < 0 ? "no-address" : NULL;
}

/*
 * Returns NULL with what is published, or the reason why that is not known; it is left alone then.
 */
static const char *ask(struct device *dev, struct xeniommu_verdict *published)
{
	char *key = kmalloc(XENIOMMU_KEY_SIZE, GFP_KERNEL);
	const char *reason;

	if (!key)
		return "no-memory";
	reason = dev_is_pci(dev) ? pci_key(dev, key) : dt_key(dev, key);
	if (!reason)
		reason = xi_ask(key, published);
	kfree(key);
	return reason;
}

static struct xi_decision decide(struct device *dev)
{
	struct xi_decision decision = { .action = XI_KEPT };

	decision.reason = why_not_ask(dev);
	if (decision.reason)
		return decision;
	decision.reason = ask(dev, &decision.published);
	if (decision.reason)
		return decision;
	decision.answered = true;
	decision.reason = decision.published.skip ? "published-skip" : "published-keep";
	if (decision.published.skip)
		decision.action = READ_ONCE(observe) ? XI_WOULD_TAKE : XI_TAKEN;
	return decision;
}

void xi_bind(struct device *dev)
{
	struct xi_decision decision = decide(dev);
	bool is_news = xi_record(dev, &decision);

	if (decision.action != XI_TAKEN)
		return;
	/*
	 * What is left is dma-direct, with the coherence, the limits and the bounce buffer that the
	 * bus has just configured. It configures all that anew at the next bind.
	 */
	set_dma_ops(dev, NULL);
	/* A driver that defers is bound again and again. */
	if (is_news)
		dev_info(dev, "swiotlb-xen taken off: behind Xen's IOMMU\n");
}

void xi_bound(struct device *dev)
{
	struct xi_decision decision = { .action = XI_KEPT, .reason = "bound-before" };

	if (xen_pv_domain() || device_iommu_mapped(dev) || !xi_is_swiotlb_xen(own_dma_ops(dev)))
		return;
	xi_record_new(dev, &decision);
}
