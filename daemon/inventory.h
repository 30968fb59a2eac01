/* SPDX-License-Identifier: MIT */
/* The PCI functions of the host, what is known of each, and the verdict that follows. Plain data.
 */
#ifndef XI_INVENTORY_H
#define XI_INVENTORY_H

#include "groups.h"
#include "observe/dt.h"
#include "ownership.h"
#include "parse/acpi.h"
#include "policy.h"

struct device {
    enum device_bus bus;
    char *path;                   /* DT: owned by the inventory; NULL for PCI */
    const struct dt_device *node; /* DT: NULL when it came with an overlay */
    char driver[32];              /* bound in dom0, "" for none */
    struct pci_function function; /* PCI */
    struct acpi_answer coverage;  /* PCI */
    struct ownership owner;
    enum oracle_answer oracle;
    bool moved;             /* the owner is another one than in the last pass */
    bool ask;               /* the oracle's answer is missing, or may not hold any more */
    int error;              /* of a question that Xen failed to answer, else 0 */
    bool fresh;             /* it was asked in this pass */
    bool mates_known;       /* its group was listed for every domain that may own a part of it */
    bool grouped;           /* others share its requester ID */
    uint32_t group;         /* the lowest sbdf among those, bridges included */
    struct facts facts;     /* what the verdict was found from */
    struct verdict verdict; /* what is, or is about to be, published */
};

struct inventory {
    struct device *devices; /* PCI first, sorted by sbdf, without host bridges; then DT, by path */
    size_t count;
    size_t pci_count;
    bool shrunk; /* by the last update: a device went */
    struct groups groups;
};

/* Brings the set of devices to what was observed; a device that stays keeps what is known of it.
 * 0 or -ENOMEM, and then the inventory is as it was. The entries' nodes must outlive it. */
int inventory_update(struct inventory *inventory, const struct pci_topology *topology,
                     const struct acpi_tables *tables, const struct dt_entries *entries);

struct device *inventory_find(const struct inventory *inventory, uint32_t sbdf);
struct device *inventory_find_dt(const struct inventory *inventory, const char *path);

/* "0000-00-04-0" or the path: the device's name in messages, cut to size. */
void device_name(const struct device *device, char *name, size_t size);

/* Works out device->group and ->grouped anew. 0 or -ENOMEM. */
int inventory_regroup(struct inventory *inventory);

/* How the others in the device's group are owned. */
enum group_mates inventory_mates(const struct inventory *inventory, const struct device *device);

void inventory_clear(struct inventory *inventory);

#endif
