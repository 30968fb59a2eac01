/* SPDX-License-Identifier: MIT */
/* One backend directory of pciback, /local/domain/0/backend/pci/DOMID/DEVID, as read. */
#ifndef XI_OBSERVE_BACKEND_DIR_H
#define XI_OBSERVE_BACKEND_DIR_H

#include "../complaints.h"
#include "assignment.h"

struct backend_dir {
    char *path;     /* absolute */
    uint32_t domid; /* from the path; counts only while the directory is read at all */
    bool dirty;
    struct pci_claim *claims;
    size_t count;
    struct complaints complaints; /* what was wrong with it when it was last read */
};

/* Reads it anew. What makes no sense is complained of once and gives no claims. 0 also when the
 * directory is gone (no claims then); a negative errno otherwise, with *dir as it was. */
int backend_dir_read(struct backend_dir *dir, struct store *store, xs_transaction_t t);

void backend_dir_clear(struct backend_dir *dir);

#endif
