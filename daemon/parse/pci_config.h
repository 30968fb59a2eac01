/* SPDX-License-Identifier: MIT */
/* What a function's configuration space says of how its DMA travels. Pure. */
#ifndef XI_PARSE_PCI_CONFIG_H
#define XI_PARSE_PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* What the function is to its link: PCI Express Base Specification, device/port type. */
enum pci_port {
    PCI_PORT_UNKNOWN,      /* the space could not be read, or makes no sense */
    PCI_PORT_CONVENTIONAL, /* it has no PCI Express capability: conventional PCI or PCI-X */
    PCI_PORT_ENDPOINT,     /* also a legacy one */
    PCI_PORT_ROOT,
    PCI_PORT_UPSTREAM,
    PCI_PORT_DOWNSTREAM,
    PCI_PORT_TO_CONVENTIONAL,   /* a bridge with a conventional bus below it */
    PCI_PORT_FROM_CONVENTIONAL, /* ... above it */
    PCI_PORT_INTEGRATED,        /* into the root complex: an endpoint or an event collector */
};

/* Bits of the ACS capability and of its control register. */
#define PCI_ACS_SOURCE_VALIDATION   0x01
#define PCI_ACS_REQUEST_REDIRECT    0x04
#define PCI_ACS_COMPLETION_REDIRECT 0x08
#define PCI_ACS_UPSTREAM_FORWARDING 0x10

/* All zero: nothing is known. */
struct pci_caps {
    enum pci_port port;  /* UNKNOWN: then nothing else counts */
    bool multi_function; /* by its header */
    bool whole;          /* the list was read to its end: what was not found is not there */
    bool acs;            /* Access Control Services */
    bool ats;            /* Address Translation Services: it may ask the IOMMU, and be believed */
    uint16_t acs_capability; /* what it can */
    uint16_t acs_control;    /* what is on */
};

/* Gives the four bytes at offset, a multiple of 4 below 4096, as a little-endian number. False when
 * they cannot be read. */
typedef bool pci_config_read_fn(void *arg, unsigned int offset, uint32_t *value);

/* Reads no more than it has to, for there are devices that do not take it well. Ends, whatever the
 * lists look like. */
void pci_config_parse(pci_config_read_fn *read, void *arg, struct pci_caps *caps);

#endif
