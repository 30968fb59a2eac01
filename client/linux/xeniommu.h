/* SPDX-License-Identifier: (MIT OR GPL-2.0) */
/*
 * What the files of the module know of each other. Calls go down only: from main.c to decide.c, and
 * from both to the others, which call none of these.
 */
#ifndef XENIOMMU_LINUX_H
#define XENIOMMU_LINUX_H

#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <xeniommu-schema.h>

enum xi_action {
	XI_KEPT,	/* the device was left as it is */
	XI_WOULD_TAKE,	/* the same, but only because of the parameter "observe" */
	XI_TAKEN,	/* swiotlb-xen was taken off it */
};

/* What was decided at a device's latest bind attempt. */
struct xi_decision {
	struct xeniommu_verdict published;
	bool answered;		/* published is what XenStore said; else it is unknown/keep */
	enum xi_action action;
	const char *reason;	/* a token of README.md's list; a constant */
};

/*
 * decide.c: decides about a device that is about to be given to its driver, acts on that, and
 * records it. May sleep, for as long as xi_ask() may. With the parameter "observe" it only records
 * what would be done.
 */
void xi_bind(struct device *dev);

/*
 * decide.c: records a device that has a driver and swiotlb-xen, where its bind was not noticed. The
 * caller holds the device's lock.
 */
void xi_bound(struct device *dev);

/* ask.c: questions to XenStore that never hold up their asker for longer than a bound */
int xi_ask_init(void);

/* Whoever may ask has to be gone. */
void xi_ask_exit(void);

/* XenStore can be asked from now on. */
void xi_ask_opened(void);

/*
 * Asks what is published now of the device with this key. Waits for the answer, but not for longer
 * than the parameter "wait_ms" says, and not at all while an earlier question still waits for its
 * answer beyond that.
 *
 * Returns NULL with the verdict, or the reason why there is none, and leaves *verdict alone then.
 */
const char *xi_ask(const char *key, struct xeniommu_verdict *verdict);

/* swiotlb.c: whether these are swiotlb-xen's; false on any doubt. */
bool xi_is_swiotlb_xen(const struct dma_map_ops *ops);

/* record.c: what debugfs shows of each device */
void xi_record_init(void);

/* Whoever may record has to be gone. */
void xi_record_exit(void);

/*
 * Replaces what was recorded of the device before, and returns whether that was something else, or
 * nothing. Without memory nothing is recorded.
 */
bool xi_record(const struct device *dev, const struct xi_decision *decision);

/* The same, but only for a device of which nothing is recorded. */
void xi_record_new(const struct device *dev, const struct xi_decision *decision);

/* The device is about to vanish. */
void xi_record_forget(const struct device *dev);

#endif
