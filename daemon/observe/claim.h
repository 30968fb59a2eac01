/* SPDX-License-Identifier: MIT */
/* One backend's word about one PCI function. */
#ifndef XI_OBSERVE_CLAIM_H
#define XI_OBSERVE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

/* XenbusState, xen/io/xenbus.h; libxl uses it for a single device too (state-N). */
enum { XENBUS_INITIALISING = 1, XENBUS_CONNECTED = 4, XENBUS_CLOSING = 5 };

/* One dev-N of a directory /local/domain/0/backend/pci/DOMID/DEVID. It stays for ever after some
 * ends of a domain, so by itself it proves nothing. */
struct pci_claim {
    uint32_t sbdf;        /* of the host */
    uint32_t domid;       /* the frontend's domain */
    uint32_t serves;      /* the domain that a stub domain works for, else domid itself */
    unsigned int state;   /* state-N */
    unsigned int backend; /* state of the whole backend */
    bool has_vdev;        /* a PV guest's own address */
    uint32_t vdev;
    bool has_vdevfn; /* an HVM guest's own, on its bus 0 */
    uint8_t vdevfn;
};

#endif
