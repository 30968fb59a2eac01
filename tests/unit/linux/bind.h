/* SPDX-License-Identifier: MIT */
/* Two devices that may do without swiotlb-xen, and binds of them, for tests of the Linux driver. */
#ifndef XI_TESTS_LINUX_BIND_H
#define XI_TESTS_LINUX_BIND_H

#include "xeniommu.h"

#define VIDEO_KEY "iommu/dt/soc/video@fe001000"
#define NIC_KEY   "iommu/pci/0001-02-03-4"

/* The driver's parameters. */
extern bool *const kernel_param_observe;
extern uint *const kernel_param_wait_ms;

/* A platform device, and a PCI function. swiotlb-xen serves both, and both may do without. */
extern struct device_node video_node;
extern struct device video;
extern struct pci_bus nic_bus;
extern struct pci_dev nic;

/* Its operations, and some that only begin as a copy of them. */
extern struct dma_map_ops swiotlb_xen, other_ops;

/* For cmocka: all of the driver but main.c is loaded, xenstored is there; nothing may be left. */
int bind_set_up_opened(void **state);
int bind_tear_down(void **state);

/* The same before xenstored is there, for the first test of a program. */
int bind_set_up(void **state);

/* Binds the device: swiotlb-xen must be taken off it, and that be said. Puts it back then. */
void check_taken_off(struct device *dev);

/* The same: it must be left as it is. decision: what debugfs shows after the name. */
void check_kept(struct device *dev, const char *decision);

/* The same, without a question to XenStore. */
void check_not_asked(struct device *dev, const char *decision);

#endif
