/* SPDX-License-Identifier: MIT */
#include "device_names.h"
#include "command.h"
#include "device.h"

#include <pci/pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNASSIGNED_CLASS 0xff

/* Only libpci's names are used: asked for a device itself, it ends the process where that is gone.
 */
struct device_names {
    struct pci_access *pci;
};

/* libpci requires that this does not return; for names it only calls it without memory. */
static __attribute__((noreturn)) void fail(char *format, ...)
{
    (void)format;
    complain("out of memory");
    exit(EXIT_FAILED);
}

static void ignore(char *format, ...)
{
    (void)format;
}

struct device_names *device_names_open(void)
{
    struct device_names *names = calloc(1, sizeof(*names));

    if (names == NULL)
        return NULL;
    names->pci = pci_alloc();
    names->pci->error = fail;
    names->pci->warning = ignore;
    names->pci->debug = ignore;
    return names;
}

void device_names_close(struct device_names *names)
{
    if (names == NULL)
        return;
    pci_cleanup(names->pci);
    free(names);
}

/* Reads a hexadecimal number from one of a PCI device's files in sysfs; -1: it is not there. */
static int read_attribute(const struct xeniommu_device *device, const char *name)
{
    char address[DEVICE_TEXT_SIZE], path[64];
    unsigned int value;
    int found;
    FILE *file;

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device_format(device, address),
             name);
    file = fopen(path, "re");
    if (file == NULL)
        return -1;
    found = fscanf(file, "%x", &value);
    fclose(file);
    return found == 1 && value <= 0xffffff ? (int)value : -1;
}

char *device_name(struct device_names *names, const struct xeniommu_device *device)
{
    char text[256] = "";
    int vendor, product;

    if (names == NULL || device->bus != XENIOMMU_BUS_PCI)
        return strdup("");
    vendor = read_attribute(device, "vendor");
    product = read_attribute(device, "device");
    if (vendor < 0 || vendor > 0xffff || product < 0 || product > 0xffff)
        return strdup("");
    if (pci_lookup_name(names->pci, text, sizeof(text), PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
                        vendor, product) == NULL)
        return strdup("");
    return strdup(text);
}

char *device_class(struct device_names *names, const struct xeniommu_device *device)
{
    char text[256] = "";
    int class;

    if (names == NULL || device->bus != XENIOMMU_BUS_PCI)
        return strdup("");
    class = read_attribute(device, "class");
    if (class < 0 || class >> 16 == UNASSIGNED_CLASS ||
        pci_lookup_name(names->pci, text, sizeof(text), PCI_LOOKUP_CLASS | PCI_LOOKUP_NO_NUMBERS,
                        class >> 8) == NULL)
        return strdup("");
    return strdup(text);
}
