// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* From a device that is about to be given to its driver to a decision, and to what is done. */
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
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

/*
 * What was said of the device early in the boot counts while XenStore is not there, and then as
 * long as nothing was ever published there, and no other domain has come that could get a device.
 * Once it counts no more that is for good.
 */
static bool early_counts(enum xi_since since, const char *key, struct xeniommu_verdict *verdict)
{
	if (since == XI_SINCE_OTHERS)
		xi_early_end();
	return since == XI_SINCE_NOTHING && xi_early_find(key, verdict);
}

/* Fills in what is said of the device with this key, by whom, and what to do then. */
static void ask(const char *key, struct xi_decision *decision)
{
	enum xi_since since = XI_SINCE_UNKNOWN;
	bool is_early;

	decision->reason = xi_ask(key, &decision->published, xi_early_is_over() ? NULL : &since);
	is_early = early_counts(since, key, &decision->published);
	if (decision->reason && !is_early)
		return;
	decision->answered = true;
	if (decision->published.skip) {
		decision->reason = is_early ? "early-skip" : "published-skip";
		decision->action = READ_ONCE(observe) ? XI_WOULD_TAKE : XI_TAKEN;
	} else {
		decision->reason = is_early ? "early-keep" : "published-keep";
	}
}

static struct xi_decision decide(struct device *dev)
{
	struct xi_decision decision = { .action = XI_KEPT };
	char *key;

	decision.reason = why_not_ask(dev);
	if (decision.reason)
		return decision;
	key = kmalloc(XENIOMMU_KEY_SIZE, GFP_KERNEL);
	decision.reason = key ? xi_key(dev, key) : "no-memory";
	if (!decision.reason)
		ask(key, &decision);
	kfree(key);
	return decision;
}

/* forget: what is to become of what was said of the device early in the boot */
static void forget_early(struct device *dev, void (*forget)(const char *key))
{
	const char *reason = "no-memory";
	char *key;

	if (xi_early_is_over())
		return;
	key = kmalloc(XENIOMMU_KEY_SIZE, GFP_KERNEL);
	if (key)
		reason = xi_key(dev, key);
	if (!reason)
		forget(key);
	else if (!strcmp(reason, "no-memory"))
		xi_early_end();
	kfree(key);
}

void xi_unbound(struct device *dev)
{
	forget_early(dev, xi_early_unbound);
}

void xi_removed(struct device *dev)
{
	forget_early(dev, xi_early_removed);
	xi_record_forget(dev);
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
