/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "pass_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#include "log.h"

#define THINGS_MAX 16

/* The structures that the observers keep to themselves. */
struct pci_observer {
    struct pci_topology topology;
};
struct dt_observer {
    struct dt_entries entries;
};
struct toolstack_observer {
    struct dt_records records;
    bool changed;
};

static struct pci_function functions[THINGS_MAX];
static struct dt_device nodes[THINGS_MAX];
static struct dt_entry entries[THINGS_MAX];
static struct dt_record records[THINGS_MAX];
static struct acpi_answer coverage;
static uint32_t incarnations;
static struct pci_observer pci;
static struct dt_observer dt;
static struct toolstack_observer toolstack;

static struct store *store;
static struct assignment_observer *assignment;
static struct publisher *publisher;
static struct reconciler *reconciler;

/* ------------------------------------------------------------- what is replaced */

const struct pci_topology *pci_observer_topology(const struct pci_observer *observer)
{
    return &observer->topology;
}

/* The topology is the tests' own, and tells of no event in the midst of a pass. */
int pci_observer_dispatch(struct pci_observer *observer)
{
    (void)observer;
    return 0;
}

int pci_observer_rescan(struct pci_observer *observer, bool missed)
{
    (void)observer;
    (void)missed;
    return 0;
}

const struct dt_entries *dt_observer_entries(const struct dt_observer *observer)
{
    return &observer->entries;
}

const struct dt_records *toolstack_observer_get(const struct toolstack_observer *observer)
{
    return &observer->records;
}

bool toolstack_observer_dispatch(struct toolstack_observer *observer)
{
    bool changed = observer->changed;

    observer->changed = false;
    return changed;
}

int toolstack_observer_refresh(struct toolstack_observer *observer)
{
    (void)observer;
    return 0;
}

/* The linker's name for what takes the place of acpi_tables_lookup(). */
void __wrap_acpi_tables_lookup(const struct acpi_tables *tables,
                               const struct pci_topology *topology, uint32_t sbdf,
                               struct acpi_answer *answer);
void __wrap_acpi_tables_lookup(const struct acpi_tables *tables,
                               const struct pci_topology *topology, uint32_t sbdf,
                               struct acpi_answer *answer)
{
    (void)tables;
    (void)topology;
    (void)sbdf;
    *answer = coverage;
}

/* ------------------------------------------------------------- the host */

struct pci_function *host_function(uint32_t sbdf)
{
    for (size_t i = 0; i < pci.topology.count; i++)
        if (functions[i].sbdf == sbdf)
            return &functions[i];
    return NULL;
}

struct pci_function *host_plug(uint32_t sbdf, const char *driver)
{
    size_t at = 0;

    while (at < pci.topology.count && functions[at].sbdf < sbdf)
        at++;
    assert_true(pci.topology.count < THINGS_MAX && !host_function(sbdf));
    memmove(&functions[at + 1], &functions[at], (pci.topology.count++ - at) * sizeof(functions[0]));
    functions[at] = (struct pci_function){.sbdf = sbdf,
                                          .incarnation = ++incarnations,
                                          .parent = PCI_NO_SBDF,
                                          .physfn = PCI_NO_SBDF,
                                          .class_code = 0x020000};
    snprintf(functions[at].driver, sizeof(functions[at].driver), "%s", driver);
    snprintf(functions[at].identity, sizeof(functions[at].identity), "device-%u", incarnations);
    snprintf(functions[at].binding, sizeof(functions[at].binding), "binding-%u", incarnations);
    fake_xen_give(sbdf, 0);
    return &functions[at];
}

void host_unplug(uint32_t sbdf)
{
    size_t kept = 0;

    for (size_t i = 0; i < pci.topology.count; i++)
        if (functions[i].sbdf != sbdf)
            functions[kept++] = functions[i];
    pci.topology.count = kept;
}

void host_is_incomplete(bool incomplete)
{
    pci.topology.incomplete = incomplete;
}

struct acpi_answer *host_coverage(void)
{
    return &coverage;
}

struct dt_device *host_node(const char *path)
{
    size_t at = dt.entries.count;

    assert_true(at < THINGS_MAX && (at == 0 || strcmp(entries[at - 1].path, path) < 0));
    nodes[at] = (struct dt_device){.path = path, .enabled = true, .relevance = DT_DMA_CAPABLE};
    entries[at] = (struct dt_entry){.path = path, .node = &nodes[at]};
    dt.entries.count++;
    return &nodes[at];
}

struct dt_record *host_record(const char *path, uint32_t domid, const char *guest_path)
{
    struct dt_record *record = &records[toolstack.records.count++];

    assert_true(toolstack.records.count <= THINGS_MAX);
    *record = (struct dt_record){.path = (char *)(uintptr_t)path,
                                 .where = guest_path ? GUEST_PATH_KNOWN : GUEST_PATH_HOST,
                                 .guest_path = (char *)(uintptr_t)guest_path,
                                 .domid = domid};
    memcpy(record->handle, fake_xen_domain(domid)->handle, sizeof(record->handle));
    return record;
}

void host_records_change(void)
{
    toolstack.changed = true;
}

static void reset_host(void)
{
    pci.topology = (struct pci_topology){.functions = functions};
    dt.entries = (struct dt_entries){.entries = entries};
    toolstack = (struct toolstack_observer){.records = {.records = records}};
    coverage = (struct acpi_answer){.coverage = COVERAGE_YES,
                                    .unit = "dmar0@fed90000",
                                    .kept = ACPI_YES,
                                    .graphics_only = ACPI_NO,
                                    .sound_only = ACPI_NO,
                                    .ironlake = ACPI_NO};
    incarnations = 0;
}

/* ------------------------------------------------------------- what libxl does */

static void put(const char *path, uint32_t number, const char *leaf, const char *value)
{
    char full[120];

    snprintf(full, sizeof(full), "%s%u%s", path, number, leaf);
    fake_put(full, value);
}

static void put_record(uint32_t sbdf, const char *leaf, const char *value)
{
    char full[120] = "/libxl/pci/";

    xeniommu_pci_name(sbdf, full + strlen(full));
    snprintf(full + strlen(full), sizeof(full) - strlen(full), "%s", leaf);
    if (value)
        fake_put(full, value);
    else
        fake_remove(full);
}

void libxl_create(uint32_t domid)
{
    const uint8_t *handle = fake_xen_domain(domid)->handle;
    char vm[64] = "/vm/";

    for (size_t i = 0; i < 16; i++)
        snprintf(vm + strlen(vm), sizeof(vm) - strlen(vm), "%s%02x", i == 4 || i == 6 ? "-" : "",
                 handle[i]);
    put("/local/domain/", domid, "/vm", vm);
    fake_event("@introduceDomain", "introduce");
}

void libxl_destroy(uint32_t domid)
{
    char home[64];

    fake_xen_end(domid);
    snprintf(home, sizeof(home), "/local/domain/%u", domid);
    fake_remove(home);
    fake_event("@releaseDomain", "release");
}

void libxl_make_assignable(uint32_t sbdf)
{
    fake_xen_give(sbdf, FAKE_XEN_QUARANTINE);
    put_record(sbdf, "/driver_path", "/sys/bus/pci/drivers/e1000e");
}

void libxl_record(uint32_t sbdf, uint32_t domid)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", domid);
    put_record(sbdf, "/domid", text);
}

/* One directory a device, and the guest's own address like the host's. */
static void backend_path(uint32_t sbdf, uint32_t domid, char path[64])
{
    snprintf(path, 64, "/local/domain/0/backend/pci/%u/%u", domid, sbdf);
}

void libxl_backend(uint32_t sbdf, uint32_t domid)
{
    const struct domain *domain = fake_xen_domain(domid);
    char path[64], value[32];

    backend_path(sbdf, domid, path);
    strcat(path, "/state");
    fake_put(path, "4");
    backend_path(sbdf, domid, path);
    strcat(path, "/dev-0");
    snprintf(value, sizeof(value), "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff,
             sbdf >> 3 & 0x1f, sbdf & 7);
    fake_put(path, value);
    backend_path(sbdf, domid, path);
    strcat(path, "/state-0");
    fake_put(path, "4");
    backend_path(sbdf, domid, path);
    strcat(path, domain->kind == GUEST_KIND_PV ? "/vdev-0" : "/vdevfn-0");
    if (domain->kind != GUEST_KIND_PV)
        snprintf(value, sizeof(value), "%x", sbdf & 0xff);
    fake_put(path, value);
    backend_path(sbdf, domid, path);
    strcat(path, "/num_devs");
    fake_put(path, "1");
}

void libxl_attach(uint32_t sbdf, uint32_t domid)
{
    libxl_record(sbdf, domid);
    libxl_backend(sbdf, domid);
    fake_xen_give(sbdf, domid);
}

void libxl_detach(uint32_t sbdf, uint32_t domid)
{
    char path[64];

    backend_path(sbdf, domid, path);
    fake_remove(path);
    put_record(sbdf, "/domid", NULL);
    fake_xen_give(sbdf, FAKE_XEN_QUARANTINE);
}

/* ------------------------------------------------------------- the daemon */

static int identify(void *arg, uint32_t domid, uint8_t handle[16])
{
    (void)arg;
    return hypervisor_identify(NULL, domid, handle);
}

static void start(void)
{
    struct reconcile_parts parts = {
        .pci = &pci, .dt = &dt, .toolstack = &toolstack, .confirm_ms = 60000, .status = "ready"};

    assert_int_equal(store_new(&store), 0);
    assert_int_equal(store_connect(store), 0);
    assert_int_equal(publisher_new(&publisher, store), 0);
    publisher_set_identify(publisher, identify, NULL);
    assert_int_equal(assignment_observer_open(&assignment, store), 0);
    parts.store = store;
    parts.publisher = publisher;
    parts.assignment = assignment;
    assert_int_equal(reconciler_new(&reconciler, &parts), 0);
    assert_int_equal(reconciler_watch(reconciler), 0);
}

static void stop(void)
{
    reconciler_free(reconciler);
    assignment_observer_close(assignment);
    publisher_free(publisher);
    store_free(store);
}

int pass_set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_reset();
    fake_xen_reset();
    reset_host();
    fake_put("/local/domain/0", "");
    fake_put("/tool", "");
    start();
    return 0;
}

int pass_tear_down(void **state)
{
    (void)state;
    stop();
    fake_reset();
    return 0;
}

void daemon_restart(void)
{
    stop();
    start();
}

void daemon_reconnect(void)
{
    store_disconnect(store);
    assert_int_equal(store_connect(store), 0);
    publisher_forget_all(publisher);
    reconciler_forget(reconciler);
    assert_int_equal(reconciler_watch(reconciler), 0);
}

struct publisher *daemon_publisher(void)
{
    return publisher;
}

struct reconciler *daemon_reconciler(void)
{
    return reconciler;
}

int daemon_look(void)
{
    reconciler_devices_changed(reconciler);
    return reconciler_run(reconciler);
}

void daemon_pass(void)
{
    assert_int_equal(reconciler_run(reconciler), 0);
}

/* ------------------------------------------------------------- what is published */

const char *told(uint32_t domid, const char *device, const char *field)
{
    char path[128];

    if (domid == FAKE_HOST_TREE)
        snprintf(path, sizeof(path), "/tool/xen-iommud/%s/%s", device, field);
    else
        snprintf(path, sizeof(path), "/local/domain/%u/iommu/%s/%s", domid, device, field);
    return fake_get(path);
}

void assert_told(uint32_t domid, const char *device, const char *state, const char *reason)
{
    const char *told_state = told(domid, device, "state");
    const char *told_reason = told(domid, device, "reason");

    assert_string_equal(told_reason ? told_reason : "(none)", reason ? reason : "(none)");
    assert_string_equal(told_state ? told_state : "(none)", state ? state : "(none)");
}

const char *pci_name(uint32_t sbdf)
{
    static char names[4][32];
    static unsigned int next;
    char *name = names[next++ % 4];

    memcpy(name, "pci/", 4);
    xeniommu_pci_name(sbdf, name + 4);
    return name;
}
