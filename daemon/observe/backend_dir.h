/* SPDX-License-Identifier: MIT */
/* One backend directory of pciback, /local/domain/0/backend/pci/DOMID/DEVID, as read. */
#ifndef XI_OBSERVE_BACKEND_DIR_H
#define XI_OBSERVE_BACKEND_DIR_H

#include <stddef.h>

#include "../complaints.h"
#include "../store.h"
#include "claim.h"

struct backend_dir {
    char *path;     /* absolute */
    uint32_t domid; /* from the path; counts only while the directory is read at all */
    bool dirty;
    struct pci_claim *claims;
    size_t count;
    struct complaints complaints; /* what was wrong with it when it was last read */
    struct complaints said;       /* what of that was logged */
};

/* Reads it anew. What makes no sense gives no claims. 0 also when the directory is gone (no claims
 * then); a negative errno otherwise, with *dir as it was. */
int backend_dir_read(struct backend_dir *dir, struct store *store, xs_transaction_t t);

/* What was read is true, for its transaction was committed: complains, once, of what is wrong with
 * it, and it is not dirty any more. */
void backend_dir_settle(struct backend_dir *dir);

void backend_dir_clear(struct backend_dir *dir);

#endif
