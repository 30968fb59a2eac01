/* SPDX-License-Identifier: MIT */
/* Observer of the host's PCI functions: udev's enumeration, and the kernel's uevents after it. */
#ifndef XI_OBSERVE_PCI_H
#define XI_OBSERVE_PCI_H

#include "../topology.h"

struct pci_observer;

/* Starts to listen, then enumerates. 0, or a negative errno; the caller closes it. */
int pci_observer_open(struct pci_observer **observer);
void pci_observer_close(struct pci_observer *observer); /* NULL is allowed */

/* Readable when dispatch has something to do. */
int pci_observer_fd(const struct pci_observer *observer);

/* Takes in the pending uevents. 1 when the topology changed, 0 when not, or a negative errno
 * (then pci_observer_rescan() is due). */
int pci_observer_dispatch(struct pci_observer *observer);

/* Reads everything anew. missed: uevents were lost, so a function may have gone and another one
 * come in its place. 0 or a negative errno, and then the topology is as it was. */
int pci_observer_rescan(struct pci_observer *observer, bool missed);

/* Valid until the next dispatch, rescan or close. */
const struct pci_topology *pci_observer_topology(const struct pci_observer *observer);

#endif
