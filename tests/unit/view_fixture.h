/* SPDX-License-Identifier: MIT */
/* A machine with four PCI functions and two device tree nodes, three domains, and what the
 * toolstack recorded: for tests of what the trees hold. At first dom0 has everything. */
#ifndef XI_TESTS_VIEW_FIXTURE_H
#define XI_TESTS_VIEW_FIXTURE_H

#include "unit.h"

#include "inventory.h"
#include "view.h"

enum { BRIDGE = 0x100, LEFT = 0x208, RIGHT = 0x210, ALONE = 0x300 };

extern const struct pci_topology topology;
extern const struct dt_device eth; /* "/eth"; the other is "/dma", behind "/smmu" */
extern struct domain doms[3];
extern struct pci_record pci_records[4];
extern struct dt_record dt_records[3];
extern struct assignment assignment;
extern struct dt_records records;
extern struct inventory inventory;
extern struct view_source source;
extern struct tree tree; /* what was made last */
extern struct pci_addresses gone;

static const struct verdict to_pv = {XENIOMMU_PROTECTED, false, "assigned-pv"};
static const struct verdict to_hvm = {XENIOMMU_PROTECTED, true, "assigned-translated"};

int view_set_up(void **state);
int view_tear_down(void **state);

struct device *pci(uint32_t sbdf);
struct device *dt(const char *path);

/* Gives a device to a guest. */
void own(struct device *device, uint32_t domid, struct verdict verdict);

/* A backend and libxl's record. In order of sbdf. */
struct pci_claim *attach(uint32_t sbdf, uint32_t domid, uint32_t address);

/* libxl's record of a node. guest_path NULL: the host's. */
struct dt_record *record(const char *path, uint32_t domid, const char *guest_path);

/* Makes a domain's tree, or the host's. */
void see(uint32_t domid);
void see_host(void);

/* The domain's tree is written, and then the host's. */
void publish(uint32_t domid);

/* What the tree has at this path; value NULL: there is no such node. */
void holds(const char *path, const char *value);

#endif
