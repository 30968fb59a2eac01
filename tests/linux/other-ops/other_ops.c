// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * For tests: before the Linux driver sees a device, makes it one that must be left alone, as the
 * parameter "as" says.
 */
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/string.h>

static char *device;
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "The name of the platform device");

static char *as;
module_param(as, charp, 0444);
MODULE_PARM_DESC(as,
		 "map_sg, map_page, sync: an operation that is not swiotlb-xen's, though it does the same; started: somebody's already; iommu: mapped by an IOMMU of this kernel's");

static const struct dma_map_ops *original;
static struct dma_map_ops other;

static int other_map_sg(struct device *dev, struct scatterlist *sg, int nents,
			enum dma_data_direction dir, unsigned long attrs)
{
	return original->map_sg(dev, sg, nents, dir, attrs);
}

static dma_addr_t other_map_page(struct device *dev, struct page *page, unsigned long offset,
				 size_t size, enum dma_data_direction dir, unsigned long attrs)
{
	return original->map_page(dev, page, offset, size, dir, attrs);
}

static void other_sync(struct device *dev, dma_addr_t address, size_t size,
		       enum dma_data_direction dir)
{
	original->sync_single_for_cpu(dev, address, size, dir);
}

static void give_other_ops(struct device *dev)
{
	original = dev->dma_ops;
	other = *original;
	if (!strcmp(as, "map_sg"))
		other.map_sg = other_map_sg;
	else if (!strcmp(as, "map_page"))
		other.map_page = other_map_page;
	else
		other.sync_single_for_cpu = other_sync;
	set_dma_ops(dev, &other);
}

static bool is_meant(const struct device *dev, unsigned long action)
{
	return action == BUS_NOTIFY_BIND_DRIVER && !strcmp(dev_name(dev), device);
}

static int before_driver(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;

	if (!is_meant(dev, action))
		return NOTIFY_DONE;
	if (!strcmp(as, "started"))
		dev_set_drvdata(dev, &other);
	else if (!strcmp(as, "iommu"))
		dev->iommu_group = (struct iommu_group *)&other;
	else if (dev->dma_ops)
		give_other_ops(dev);
	return NOTIFY_DONE;
}

/* Nobody else may see the IOMMU: there is none. */
static int after_driver(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;

	if (is_meant(dev, action) && !strcmp(as, "iommu"))
		dev->iommu_group = NULL;
	return NOTIFY_DONE;
}

static struct notifier_block before_nb = { .notifier_call = before_driver, .priority = 1 };
static struct notifier_block after_nb = { .notifier_call = after_driver, .priority = -1 };

static int __init other_ops_init(void)
{
	int err;

	if (!device || !as)
		return -EINVAL;
	err = bus_register_notifier(&platform_bus_type, &before_nb);
	if (err)
		return err;
	err = bus_register_notifier(&platform_bus_type, &after_nb);
	if (err)
		bus_unregister_notifier(&platform_bus_type, &before_nb);
	return err;
}

/* The device must have been bound without it since. */
static void __exit other_ops_exit(void)
{
	bus_unregister_notifier(&platform_bus_type, &after_nb);
	bus_unregister_notifier(&platform_bus_type, &before_nb);
}

module_init(other_ops_init);
module_exit(other_ops_exit);

MODULE_DESCRIPTION("Test: a device that must be left alone");
MODULE_LICENSE("Dual MIT/GPL");
