/* SPDX-License-Identifier: MIT */
/* VT-d: the DMAR table's hardware units (DRHD) and reserved memory (RMRR), with the device scopes
 * of both. */
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

struct dmar_scopes {
    const struct dmar_scope *list;
    size_t count;
    bool others; /* of types that name no PCI function; list does not hold them */
};

struct dmar_unit {
    uint64_t base; /* of its registers */
    uint16_t segment;
    bool include_all; /* INCLUDE_PCI_ALL: what no other unit of the segment claims */
    struct dmar_scopes scopes;
};

struct dmar_reserved {
    uint16_t segment;
    bool unclear; /* not all of its scopes could be read: it may name any function */
    struct dmar_scopes scopes;
};

/* Units and reserved memory in the order of the table; scopes and devfns hold those of all. */
struct acpi_dmar {
    struct dmar_unit *units;
    size_t unit_count;
    struct dmar_reserved *reserved;
    size_t reserved_count;
    struct dmar_scope *scopes;
    uint8_t *devfns;
    bool intremap; /* the platform supports interrupt remapping */
};

/* What a scope's path leads to. */
struct dmar_target {
    uint32_t sbdf;
    const struct pci_function *function; /* NULL: not in the topology */
    bool astray;   /* a bridge on the way does not exist: Xen went on at bus ff */
    bool anywhere; /* a device on the way is no bridge, or has no bus: Xen went on at random */
};

/* 0, -EINVAL with table->error filled, or -ENOMEM; *dmar is NULL on failure. */
int acpi_dmar_parse(const struct acpi_table *table, struct acpi_dmar **dmar);
void acpi_dmar_free(struct acpi_dmar *dmar); /* NULL is allowed */

struct dmar_target acpi_dmar_resolve(const struct dmar_scope *scope, uint16_t segment,
                                     const struct pci_topology *topology);

/* Fills all of the answer but ironlake and no_intremap; zeros before. */
void acpi_dmar_lookup(const struct acpi_dmar *dmar, const struct pci_topology *topology,
                      const struct pci_function *function, struct acpi_answer *answer);

#endif
