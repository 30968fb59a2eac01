/* SPDX-License-Identifier: MIT */
/* A reconciler over a host, a Xen and a XenStore in memory, and what libxl does to them. The PCI,
 * device tree and toolstack observers are replaced at link time; acpi_tables_lookup() has to be
 * wrapped (-Wl,--wrap). */
#ifndef XI_TESTS_PASS_FIXTURE_H
#define XI_TESTS_PASS_FIXTURE_H

#include "fake_hypervisor.h"
#include "fake_xenstore.h"
#include "inventory.h"
#include "reconcile.h"

/* A host with nothing in it but Xen, a PV dom0 and an empty XenStore. For cmocka. */
int pass_set_up(void **state);
int pass_tear_down(void **state);

/* ------------------------------------------------------------- the host */

/* A function below an IOMMU, of Xen's dom0; its driver is dom0's, or "pciback". Valid until the
 * next one. */
struct pci_function *host_plug(uint32_t sbdf, const char *driver);
void host_unplug(uint32_t sbdf);
struct pci_function *host_function(uint32_t sbdf);
void host_is_incomplete(bool incomplete);
/* What the ACPI tables say of every function, for the test to change. */
struct acpi_answer *host_coverage(void);
/* A node of the device tree, for the test to change before the next pass. path: static. */
struct dt_device *host_node(const char *path);
/* A toolstack's record of a node; guest_path: NULL for the host's own path. Static strings. */
struct dt_record *host_record(const char *path, uint32_t domid, const char *guest_path);
/* The observer finds that the files changed, and reads what host_record() made of them. */
void host_records_change(void);

/* ------------------------------------------------------------- what libxl does */

/* Makes a home, named by "vm" as libxl does. */
void libxl_create(uint32_t domid);
void libxl_destroy(uint32_t domid);
void libxl_make_assignable(uint32_t sbdf);
/* All of an attach: the backend, the record, and Xen. */
void libxl_attach(uint32_t sbdf, uint32_t domid);
/* Its parts. */
void libxl_record(uint32_t sbdf, uint32_t domid);
void libxl_backend(uint32_t sbdf, uint32_t domid);
/* The record and the backend go, and Xen takes it back. */
void libxl_detach(uint32_t sbdf, uint32_t domid);

/* ------------------------------------------------------------- the daemon */

struct reconciler *daemon_reconciler(void);
struct publisher *daemon_publisher(void);
/* The connection is lost, and there is another one. */
void daemon_reconnect(void);
/* Another run of the daemon, beside the same host. */
void daemon_restart(void);
/* The set of devices may have changed; then a pass. */
int daemon_look(void);
/* A pass that has to go well. */
void daemon_pass(void);

/* ------------------------------------------------------------- what is published */

/* The domain's own record of a device; NULL: none. device: "pci/0000-00-04-0" or "dt/...", field:
 * "state", "reason" ... A domid of FAKE_HOST_TREE: the host's tree. */
#define FAKE_HOST_TREE UINT32_MAX
const char *told(uint32_t domid, const char *device, const char *field);
void assert_told(uint32_t domid, const char *device, const char *state, const char *reason);
/* "pci/0000-00-04-0", good until the next but three. */
const char *pci_name(uint32_t sbdf);

#endif
