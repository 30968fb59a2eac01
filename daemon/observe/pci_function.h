/* SPDX-License-Identifier: MIT */
/* One PCI function, as its directory in sysfs shows it. */
#ifndef XI_OBSERVE_PCI_FUNCTION_H
#define XI_OBSERVE_PCI_FUNCTION_H

#include "../opener.h"
#include "../topology.h"

/* "0000:00:04.0". False for anything else, segments over 16 bits included: those are the kernel's
 * own invention (Intel VMD), and Xen has no name for them. */
bool pci_function_parse_name(const char *name, uint32_t *sbdf);

/* The last component of a path. */
const char *pci_function_name(const char *syspath);

/* Reads all that sysfs tells of the function in this directory (below /sys/devices); what the
 * observer itself counts (incarnation, events, again, unbinds, lost, owed, late) is zero. 0;
 * -ENOENT when there is no such function; another negative errno when there is one that could not
 * be read, with *what the attribute that was the trouble. opener, or for NULL this process, opens
 * its configuration space. */
int pci_function_read(const char *syspath, struct opener *opener, struct pci_function *function,
                      const char **what);

#endif
