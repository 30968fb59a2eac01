/* SPDX-License-Identifier: MIT */
/* Devices that could do without swiotlb-xen, and what was done about each: "xen-iommu apply". */
#ifndef XI_CLIENT_CLI_APPLY_H
#define XI_CLIENT_CLI_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <xeniommu.h>

enum apply_outcome {
    APPLY_WOULD_REBIND, /* --now would give it to its driver again */
    APPLY_REBOUND,      /* it was, and has plain DMA */
    APPLY_UNCHANGED,    /* it was, and has swiotlb-xen still */
    APPLY_REFUSED,      /* it was not touched */
    APPLY_FAILED,       /* it did not go from its driver, or did not come back */
};

/* One device. */
struct apply_device {
    struct xeniommu_device device; /* as it is published; path is the next */
    char *path;
    char *bus, *name; /* as in sysfs */
    char driver[64];  /* "" where it has none */
    enum apply_outcome outcome;
    const char *reason; /* a token; "" where there is none to give */
    char detail[192];   /* in words, or "" */
};

struct apply_report {
    bool now;
    struct apply_device *devices;
    size_t count;
};

/* The outcome's word. */
const char *apply_outcome_name(enum apply_outcome outcome);

/* apply_look.c: says why the device must be left alone now, or that it may be bound again, in
 * outcome, reason and detail; and what lies below it, in *use, which the caller frees. 0 or
 * -ENOMEM. */
struct use;
int apply_look(struct apply_device *device, const char *root, struct use *use);

/* Notes what became of a device. */
void apply_note(struct apply_device *device, enum apply_outcome outcome, const char *reason,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whether what is published of the device lets it skip swiotlb-xen, now. Noted if not. */
typedef bool apply_may_skip_fn(void *arg, struct apply_device *device);

/* apply_now.c: looks, and gives the device to its driver again unless something speaks against it.
 * 0 or -ENOMEM. */
int apply_now(struct apply_device *device, const char *root, apply_may_skip_fn *may_skip,
              void *arg);

#endif
