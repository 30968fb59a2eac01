/* SPDX-License-Identifier: MIT */
/* Observer of the host's PCI functions: udev's enumeration, and the kernel's uevents after it. A
 * function is absent only when sysfs shows that it is. What cannot be read is not absent: what was
 * known of it stays, and the topology is incomplete until a rescan could read all. */
#ifndef XI_OBSERVE_PCI_H
#define XI_OBSERVE_PCI_H

#include "../opener.h"
#include "../topology.h"

struct pci_observer;

/* Starts to listen, then enumerates; opener, or for NULL this process, opens what only root can,
 * and is the caller's as long as the observer is there. 0, or a negative errno when it cannot
 * listen; the caller closes it. */
int pci_observer_open(struct pci_observer **observer, struct opener *opener);
void pci_observer_close(struct pci_observer *observer); /* NULL is allowed */

/* Readable when dispatch has something to do. */
int pci_observer_fd(const struct pci_observer *observer);

/* Takes in pending uevents, so many at most that those that come without end hold up nobody. 1 when
 * something was said about any function, PCI_OBSERVER_MORE when there may be more, 0 when there was
 * nothing, -ENOBUFS when uevents were lost: then pci_observer_rescan() is due. */
#define PCI_OBSERVER_MORE 2
int pci_observer_dispatch(struct pci_observer *observer);

/* Reads everything anew. missed: uevents were lost, so a function may have gone and another one
 * come in its place. Always 0: what cannot be read leaves the topology incomplete. */
int pci_observer_rescan(struct pci_observer *observer, bool missed);

/* Valid until the next dispatch, rescan or close. */
const struct pci_topology *pci_observer_topology(const struct pci_observer *observer);

#endif
