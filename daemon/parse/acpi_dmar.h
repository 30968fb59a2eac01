/* SPDX-License-Identifier: MIT */
/* VT-d: the DMAR table's hardware units (DRHD) and their device scopes. */
#ifndef XI_PARSE_ACPI_DMAR_H
#define XI_PARSE_ACPI_DMAR_H

#include "acpi.h"
#include "acpi_table.h"

enum dmar_scope_type {
    DMAR_SCOPE_ENDPOINT = 1,
    DMAR_SCOPE_BRIDGE = 2, /* the specification's "PCI sub-hierarchy" */
    DMAR_SCOPE_IOAPIC = 3,
    DMAR_SCOPE_HPET = 4,
};

/* A device, named by its way through the bridges from a bus that the firmware numbered. */
struct dmar_scope {
    enum dmar_scope_type type;
    uint8_t bus;
    uint8_t hops;         /* at least 1; the last is the device itself */
    const uint8_t *devfn; /* of each hop: device << 3 | function */
};

struct dmar_unit {
    uint64_t base; /* of its registers */
    uint16_t segment;
    bool include_all;  /* INCLUDE_PCI_ALL: what no other unit of the segment claims */
    bool other_scopes; /* of types that name no PCI function; scopes does not hold them */
    const struct dmar_scope *scopes;
    size_t scope_count;
};

/* Units in the order of the table; scopes and devfns hold those of all units. */
struct acpi_dmar {
    struct dmar_unit *units;
    size_t unit_count;
    struct dmar_scope *scopes;
    uint8_t *devfns;
};

/* 0, -EINVAL with table->error filled, or -ENOMEM; *dmar is NULL on failure. */
int acpi_dmar_parse(const struct acpi_table *table, struct acpi_dmar **dmar);
void acpi_dmar_free(struct acpi_dmar *dmar); /* NULL is allowed */

/* answer is zeroed before. */
void acpi_dmar_lookup(const struct acpi_dmar *dmar, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer);

#endif
