/* SPDX-License-Identifier: MIT */
/* The PCI functions of the host, what is known of each, and the verdict that follows. Plain data.
 */
#ifndef XI_INVENTORY_H
#define XI_INVENTORY_H

#include "groups.h"
#include "observe/acpi.h"
#include "ownership.h"
#include "policy.h"

struct device {
    struct pci_function function;
    struct acpi_answer coverage;
    struct ownership owner;
    enum oracle_answer oracle;
    bool moved;             /* the owner is another one than in the last pass */
    bool ask;               /* the oracle's answer is missing, or may not hold any more */
    int error;              /* of a question that Xen failed to answer, else 0 */
    bool fresh;             /* it was asked in this pass */
    bool mates_known;       /* its group was listed for every domain that may own a part of it */
    bool grouped;           /* others share its requester ID */
    uint32_t group;         /* the lowest sbdf among those, bridges included */
    struct verdict verdict; /* what is, or is about to be, published */
};

struct inventory {
    struct device *devices; /* sorted by sbdf; no host bridges */
    size_t count;
    struct groups groups;
};

/* Brings the set of devices to the topology; a device that stays keeps what is known of it.
 * 0 or -ENOMEM, and then the inventory is as it was. */
int inventory_update(struct inventory *inventory, const struct pci_topology *topology,
                     const struct acpi_tables *tables);

struct device *inventory_find(const struct inventory *inventory, uint32_t sbdf);

/* Works out device->group and ->grouped anew. 0 or -ENOMEM. */
int inventory_regroup(struct inventory *inventory);

/* How the others in the device's group are owned. */
enum group_mates inventory_mates(const struct inventory *inventory, const struct device *device);

void inventory_clear(struct inventory *inventory);

#endif
