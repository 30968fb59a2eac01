// SPDX-License-Identifier: (MIT OR GPL-2.0)
/*
 * Takes swiotlb-xen off the devices of which xen-iommud publishes that Xen's IOMMU translates this
 * domain's addresses for them. Decides when a device is about to be given to its driver, and never
 * at another time; on any doubt it does nothing.
 */
#include <linux/amba/bus.h>
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "xeniommu.h"

static int bus_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;

	if (action == BUS_NOTIFY_BIND_DRIVER)
		xi_bind(dev);
	else if (action == BUS_NOTIFY_BOUND_DRIVER)
		xi_bound(dev);
	else if (action == BUS_NOTIFY_REMOVED_DEVICE)
		xi_removed(dev);
	else if (action == BUS_NOTIFY_UNBOUND_DRIVER)
		xi_unbound(dev);
	return NOTIFY_DONE;
}

static struct {
	const struct bus_type *bus;
	struct notifier_block nb;
} buses[] = {
	{ &platform_bus_type, { .notifier_call = bus_event } },
#ifdef CONFIG_ARM_AMBA
	{ &amba_bustype, { .notifier_call = bus_event } },
#endif
#ifdef CONFIG_PCI
	{ &pci_bus_type, { .notifier_call = bus_event } },
#endif
};

/* Leaves the first count of them. Returns when none of their notifiers runs any more. */
static void leave_buses(size_t count)
{
	while (count--)
		bus_unregister_notifier((struct bus_type *)buses[count].bus, &buses[count].nb);
}

static int listen_to_buses(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(buses); i++) {
		/* Older kernels take it without the const, newer ones declare it with. */
		err = bus_register_notifier((struct bus_type *)buses[i].bus, &buses[i].nb);
		if (err) {
			leave_buses(i);
			return err;
		}
	}
	return 0;
}

/*
 * Whose lock is taken is being bound or unbound, and its bind, if it is one, ends with a notice.
 * The device cannot vanish from its bus meanwhile.
 */
static int look_at(struct device *dev, void *unused)
{
	if (!device_trylock(dev))
		return 0;
	if (dev->driver)
		xi_bound(dev);
	device_unlock(dev);
	return 0;
}

/* What was bound before the buses were listened to. */
static void look_at_buses(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buses); i++)
		bus_for_each_dev((struct bus_type *)buses[i].bus, NULL, NULL, look_at);
}

static int xenstore_event(struct notifier_block *nb, unsigned long action, void *data)
{
	/* From now on somebody may make guests. */
	xi_early_close();
	xi_ask_opened();
	return NOTIFY_DONE;
}

static struct notifier_block xenstore_nb = { .notifier_call = xenstore_event };

/* Nobody may listen to the buses any more. */
static void stop(void)
{
	/* Fails where it was called back at once: that is instead of being registered. */
	unregister_xenstore_notifier(&xenstore_nb);
	xi_early_exit();
	xi_ask_exit();
	xi_record_exit();
}

static int __init xi_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	err = xi_ask_init();
	if (err)
		return err;
	xi_record_init();
	/* Calls back at once where xenstored is there already; returns what the callback does. */
	register_xenstore_notifier(&xenstore_nb);
	err = listen_to_buses();
	if (err) {
		stop();
		return err;
	}
	look_at_buses();
	/* By now no device goes, and no XenStore comes, unseen. */
	xi_early_init();
	return 0;
}

static void __exit xi_exit(void)
{
	leave_buses(ARRAY_SIZE(buses));
	stop();
}

module_init(xi_init);
module_exit(xi_exit);

MODULE_DESCRIPTION("Skips swiotlb-xen for devices behind Xen's IOMMU, as xen-iommud publishes");
MODULE_VERSION("1.0.0");
MODULE_LICENSE("Dual MIT/GPL");
