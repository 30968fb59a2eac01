/* SPDX-License-Identifier: MIT */
/* What the parts of the simulated hypervisor share. */
#ifndef XI_TESTS_RIG_FAKE_H
#define XI_TESTS_RIG_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* One lock over the files kept in memory. */
void fake_lock(void);
void fake_unlock(void);

/* --- calls.c: the record of calls, and error injection --- */

/* One call to the simulated libraries. */
struct call {
    const char *name;
    char what[256];     /* the device or item asked for, "" for none */
    char arguments[64]; /* the rest, for the record */
    bool owner_known;   /* owner is set */
    int owner;          /* who had the device when the call was answered, as in struct device */
    int64_t asked;      /* since when it may have been looked up: CLOCK_MONOTONIC in ns */
};

/*
 * Begins a call: fills in *call and obeys the faults file. Returns 0 when the call shall go on. -1
 * when it must fail: errno is set and the record written. Call it without the lock held.
 */
int call_begin(struct call *call, const char *name, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Ends it: writes the record and returns rc, with errno = error where error is not 0. */
int call_end(const struct call *call, int rc, int error);

/* call_begin() for a call of which no record is kept. */
int fault(const char *name);

/* --- domains.c --- */

struct domain {
    uint32_t domid;
    uint32_t flags;  /* XEN_DOMINF_* */
    uint32_t handle; /* tells domains apart that have the same id one after the other */
};

/* Reads text as the domains file; sorted by domid, domain 0 always there. NULL: no memory. */
struct domain *domains_parse(const char *text, size_t *count);

/* The domain with this id in a list that domains_parse() made, or NULL. */
const struct domain *domains_find(const struct domain *domains, size_t count, uint32_t domid);

/* Copies at most max domains with ids from first on; returns how many. */
size_t domains_copy(uint32_t first, struct domain *copy, size_t max);

/* Whether the hypervisor knows this domain. */
bool domain_exists(uint32_t domid);

/* --- xenctrl_info.c --- */

/* Whether Xen drives an IOMMU. */
bool iommu_is_driven(void);

/* --- devices.c --- */

#define OWNER_UNASSIGNED -1 /* DOMID_IO for PCI, nobody for device tree nodes */
#define OWNER_NONE       -2 /* Xen does not know the device */

struct device {
    char id[256];
    char group[64]; /* "" for alone */
    int owner;      /* a domid, or OWNER_* */
    bool is_pci;
    uint32_t sbdf;
};

/* The devices file as it is now. The lock is held, and the result is good while it is. */
const struct device *devices_get(size_t *count);

#endif
