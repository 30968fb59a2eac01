/* SPDX-License-Identifier: MIT */
/* The devices of the host, what is known of each, and the verdict that follows. Plain data. */
#ifndef XI_INVENTORY_H
#define XI_INVENTORY_H

#include "evidence.h"
#include "groups.h"
#include "observe/dt.h"
#include "ownership.h"
#include "parse/acpi.h"
#include "policy.h"
#include "quarantine.h"

struct device {
    enum device_bus bus;
    char *path;                   /* DT: owned by the inventory; NULL for PCI */
    const struct dt_device *node; /* DT: NULL when it came with an overlay */
    char driver[32];              /* bound in dom0, "" for none */
    struct pci_function function; /* PCI */
    struct acpi_answer coverage;  /* PCI */
    struct ownership owner;
    uint64_t place; /* where the owner sees it, as a number: another one when that changed */
    bool moved;     /* the owner, or that, is another one than in the last pass */
    struct evidence evidence;
    struct quarantine quarantine; /* PCI */
    bool grouped;                 /* others share its requester or stream ID */
    bool unlisted_mate;           /* PCI: ... one that dom0 does not list among them */
    uint32_t group;         /* PCI: the lowest sbdf among those, bridges included; DT: a number */
    struct facts facts;     /* what the verdict was found from */
    struct verdict verdict; /* what is, or is about to be, published */
};

struct inventory {
    struct device *devices; /* PCI first, sorted by sbdf, without host bridges; then DT, by path */
    size_t count;
    size_t pci_count;
    bool incomplete;   /* some of the host's PCI functions could not be read */
    bool streams_told; /* the device tree tells stream IDs */
    bool shrunk;       /* by the last update: a device went */
    struct groups groups;
};

/* Brings the set of devices to what was observed; a device that stays keeps what is known of it,
 * one that had an event since has changed in this pass. 0 or -ENOMEM, and then the inventory is as
 * it was. The entries' nodes must outlive it. */
int inventory_update(struct inventory *inventory, uint64_t pass,
                     const struct pci_topology *topology, const struct dt_entries *entries);

struct device *inventory_find(const struct inventory *inventory, uint32_t sbdf);
struct device *inventory_find_dt(const struct inventory *inventory, const char *path);

/* "0000-00-04-0" or the path: the device's name in messages, cut to size. */
void device_name(const struct device *device, char *name, size_t size);

void inventory_clear(struct inventory *inventory);

#endif
