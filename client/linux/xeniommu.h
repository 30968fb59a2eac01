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
	bool answered;		/* published is what was said; else it is unknown/keep */
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

/* Its driver has given the device back. */
void xi_unbound(struct device *dev);

/* The device is about to vanish. */
void xi_removed(struct device *dev);

/*
 * key.c: where the device is published, relative to the domain's home; key has XENIOMMU_KEY_SIZE
 * bytes. Returns NULL, or the reason why there is no such place.
 */
const char *xi_key(struct device *dev, char *key);

/* ask.c: questions to XenStore that never hold up their asker for longer than a bound */
int xi_ask_init(void);

/* Whoever may ask has to be gone. */
void xi_ask_exit(void);

/* XenStore can be asked from now on. */
void xi_ask_opened(void);

/* What has happened since there was no XenStore that may make what was true then untrue. */
enum xi_since {
	XI_SINCE_UNKNOWN,
	XI_SINCE_NOTHING,	/* nothing was published, and dom0 is alone */
	XI_SINCE_OTHERS,	/* a daemon is there or was, or a domain beside dom0 is */
};

/*
 * Asks what is published now of the device with this key. Waits for the answer, but not for longer
 * than the parameter "wait_ms" says, and not at all while an earlier question still waits for its
 * answer beyond that.
 *
 * Returns NULL with the verdict, or the reason why there is none, and leaves *verdict alone then.
 * Where since is not NULL, *since is found out as well; it is left alone where that is not known.
 */
const char *xi_ask(const char *key, struct xeniommu_verdict *verdict, enum xi_since *since);

/*
 * early.c: what was said of devices before XenStore was there, in /sys/kernel/xeniommu/early. Keys
 * are xi_key()'s. All of them may sleep.
 */
void xi_early_init(void);

/* Whoever calls the others has to be gone. */
void xi_early_exit(void);

/* No more is taken: XenStore is there. */
void xi_early_close(void);

/* The same, and what was said is forgotten. */
void xi_early_end(void);

/* Nothing is known, and nothing will be. */
bool xi_early_is_over(void);

/* Returns whether something was said of the device; else *verdict is left alone. */
bool xi_early_find(const char *key, struct xeniommu_verdict *verdict);

/* The device went: what was said of it does not count, nor what may still be said. */
void xi_early_removed(const char *key);

/* Its driver has given it back: once XenStore is there it may have been a guest's meanwhile. */
void xi_early_unbound(const char *key);

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
