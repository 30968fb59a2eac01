// SPDX-License-Identifier: (MIT OR GPL-2.0)
/* Under which name a device is published. */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "xeniommu.h"

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

const char *xi_key(struct device *dev, char *key)
{
	return dev_is_pci(dev) ? pci_key(dev, key) : dt_key(dev, key);
}
