/* SPDX-License-Identifier: MIT */
#include "early.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xeniommu-schema.h>

#include "heartbeat.h"
#include "log.h"
#include "observe/acpi_files.h"
#include "reconcile.h"

/* What does not answer for so long must not hold up a boot. */
#define PATIENCE_S 10u

/* Passes that were overtaken by uevents, of which a boot has many. */
#define PASSES 16

/* The kernel takes no more in one write, and the driver whole lines only. */
#define WRITE_SIZE 4096

struct early {
    int fd; /* the driver's file */
    struct hypervisor *hypervisor;
    struct acpi_reading acpi;
    struct pci_observer *pci;
    struct dt_observer *dt;
    struct toolstack_observer *toolstack;
    struct assignment_observer *assignment;
    struct reconciler *reconciler;
    char text[WRITE_SIZE];
    size_t used;
    size_t told[2]; /* keep, skip */
};

static int fail(const char *what, int error)
{
    log_warning("early: nothing is told to the driver: %s: %s", what, strerror(-error));
    return error;
}

/* ------------------------------------------------------------- what is asked */

/* Before anything is asked: the driver remembers which devices go meanwhile. */
static int open_driver(struct early *early, const char *sysroot)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s" EARLY_FILE, sysroot) >= (int)sizeof(path))
        return fail("the driver's file", -ENAMETOOLONG);
    early->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return early->fd < 0 ? fail(path, -errno) : 0;
}

static int open_observers(struct early *early, const struct settings *settings)
{
    int rc = acpi_files_read(settings->sysroot, settings->acpi_tables, &early->acpi);

    if (rc < 0)
        return fail("reading the ACPI tables", rc);
    rc = pci_observer_open(&early->pci, NULL);
    if (rc < 0)
        return fail("reading the PCI functions", rc);
    rc = dt_observer_open(&early->dt, settings->host_dtb, settings->sysroot);
    if (rc < 0)
        return fail("reading the device tree devices", rc);
    rc = toolstack_observer_open(&early->toolstack, settings->sysroot, NULL, NULL, NULL);
    if (rc < 0)
        return fail("reading libxl's records", rc);
    /* Where there is no XenStore there are no records in it. */
    rc = assignment_observer_open(&early->assignment, NULL);
    return rc < 0 ? fail("starting", rc) : 0;
}

static int open_all(struct early *early, const struct settings *settings)
{
    struct reconcile_parts parts = {
        .grant_dma_stub = settings->grant_dma_stub,
        .builtin_cmdline = settings->xen_builtin_cmdline,
    };
    int rc = open_driver(early, settings->sysroot);

    if (rc < 0)
        return rc;
    rc = hypervisor_open(&early->hypervisor);
    if (rc < 0)
        return fail("opening the hypervisor interface (is this dom0, and are we root?)", rc);
    rc = open_observers(early, settings);
    if (rc < 0)
        return rc;
    parts.hypervisor = early->hypervisor;
    parts.pci = early->pci;
    parts.dt = early->dt;
    parts.toolstack = early->toolstack;
    parts.assignment = early->assignment;
    parts.tables = early->acpi.tables;
    rc = reconciler_new(&early->reconciler, &parts);
    return rc < 0 ? fail("starting", rc) : 0;
}

static void close_all(struct early *early)
{
    reconciler_free(early->reconciler);
    assignment_observer_close(early->assignment);
    toolstack_observer_close(early->toolstack);
    dt_observer_close(early->dt);
    pci_observer_close(early->pci);
    acpi_tables_free(early->acpi.tables);
    hypervisor_close(early->hypervisor);
    if (early->fd >= 0)
        close(early->fd);
}

/* What dom0 has cannot move while there is nobody else. */
static int check_alone(struct early *early)
{
    struct domain_list list;
    int rc = hypervisor_domains(early->hypervisor, &list);

    if (rc < 0)
        return fail("listing the domains", rc);
    if (list.count != 1 || list.domains[0].domid != 0) {
        log_warning("early: nothing is told to the driver: there are other domains than dom0");
        rc = -EBUSY;
    }
    domain_list_free(&list);
    return rc;
}

static int find(struct early *early)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < PASSES; i++) {
        rc = check_alone(early);
        if (rc < 0)
            return rc;
        rc = reconciler_find(early->reconciler);
        if (!reconciler_wants_pass(early->reconciler))
            break;
    }
    return rc < 0 ? fail("finding what is protected", rc) : check_alone(early);
}

/* ------------------------------------------------------------- what is told */

static int flush(struct early *early)
{
    ssize_t written;

    if (!early->used)
        return 0;
    do
        written = write(early->fd, early->text, early->used);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    /* The driver takes all or nothing: half of it is somebody else's file. */
    if ((size_t)written != early->used)
        return -EIO;
    early->used = 0;
    return 0;
}

/* The key in the domain's tree, without its name. False where XenStore could not hold it. */
static bool name_device(const struct device *device, char key[XENIOMMU_KEY_SIZE])
{
    int length = device->bus == BUS_DT
                     ? xeniommu_dt_key(device->path, "swiotlb", key, XENIOMMU_KEY_SIZE)
                     : xeniommu_pci_key(device->function.sbdf, "swiotlb", key, XENIOMMU_KEY_SIZE);

    if (length < 0)
        return false;
    *strrchr(key, '/') = '\0';
    return true;
}

static int tell(struct early *early, const struct device *device)
{
    char key[XENIOMMU_KEY_SIZE], line[XENIOMMU_KEY_SIZE + 64];
    int length, rc = 0;

    if (!name_device(device, key))
        return 0;
    length = snprintf(line, sizeof(line), "%s %s %s\n", key + strlen(XENIOMMU_DIR "/"),
                      xeniommu_state_name(device->verdict.state),
                      device->verdict.skip_swiotlb ? "skip" : "keep");
    if (early->used + (size_t)length > sizeof(early->text))
        rc = flush(early);
    if (rc < 0)
        return rc;
    memcpy(early->text + early->used, line, (size_t)length);
    early->used += (size_t)length;
    early->told[device->verdict.skip_swiotlb]++;
    return 0;
}

/* Dom0's own, and nothing that is in doubt. */
static bool is_certain(const struct early *early, const struct device *device)
{
    return device->owner.kind == OWNER_DOM0 && device->verdict.state != XENIOMMU_UNKNOWN &&
           reconciler_vouches_for(early->reconciler, device);
}

/* skip: those that may do without swiotlb-xen, or the others; for the driver's room is bounded. */
static int tell_all(struct early *early, bool skip)
{
    const struct inventory *inventory = reconciler_inventory(early->reconciler);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < inventory->count; i++)
        if (is_certain(early, &inventory->devices[i]) &&
            inventory->devices[i].verdict.skip_swiotlb == skip)
            rc = tell(early, &inventory->devices[i]);
    return rc == 0 ? flush(early) : rc;
}

static void tell_driver(struct early *early)
{
    size_t count = reconciler_inventory(early->reconciler)->count;
    int rc = tell_all(early, true);

    if (rc == 0)
        rc = tell_all(early, false);
    if (rc == -EBUSY)
        log_warning("early: the driver takes nothing more: XenStore is there already");
    else if (rc < 0)
        log_warning("early: telling the driver: %s", strerror(-rc));
    else
        log_notice("early: of %zu devices the driver was told %zu to skip and %zu to keep", count,
                   early->told[true], early->told[false]);
}

int early_run(const struct settings *settings)
{
    struct early early = {.fd = -1};
    int rc =
        heartbeat_demand(PATIENCE_S, EXIT_SUCCESS,
                         "xen-iommud: warning: early: Xen does not answer: nothing more is told "
                         "to the driver\n");

    if (rc < 0)
        (void)fail("setting a bound", rc);
    else if (open_all(&early, settings) == 0 && find(&early) == 0)
        tell_driver(&early);
    close_all(&early);
    return EXIT_SUCCESS;
}
