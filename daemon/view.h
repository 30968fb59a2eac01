/* SPDX-License-Identifier: MIT */
/* What the trees in XenStore should hold, made from the inventory. Pure. */
#ifndef XI_VIEW_H
#define XI_VIEW_H

#include "inventory.h"
#include "observe/pci_table.h"
#include "tree.h"

/* What an earlier run left of a PCI function: quarantine_remember()'s text. */
struct remembered {
    uint32_t sbdf;
    char *text;
};

/* What stands in a domain's own tree at this path by now: NULL where nothing does, and of a tree of
 * which that is not known. */
typedef const char *view_told_fn(const void *arg, uint32_t domid, const char *path);

struct view_source {
    const struct inventory *inventory;
    const struct assignment *assignment;
    const struct dt_records *dt_records;
    const struct domain_list *domains;
    enum iommu_use iommu;
    const char *status;
    const struct remembered *remembered; /* what has to be remembered of devices not in there yet */
    size_t remembered_count;
    unsigned int confirm_ms;          /* how long a claim stands unconfirmed, 0 for ever */
    const struct pci_addresses *gone; /* of view_of_seen() */
    const char *lock_file;            /* held while somebody keeps the trees true; NULL: not told */
    view_told_fn *told;               /* of view_of_host(); NULL: nothing */
    const void *told_arg;
};

/* All add to an empty tree and sort it. 0 or -ENOMEM. */

/* The host's tree: every device under its host address. Those of guests' own trees come first: it
 * tells what stands there. */
int view_of_host(const struct view_source *source, struct tree *tree);

/* Beside one node for each function: where none is that such a record was of (names separated by
 * single blanks, or "all"), and how many the others are. */
#define VIEW_GONE_NODE  "gone"
#define VIEW_COUNT_NODE "count"

/* What the daemon's next run has to know: which device each record "assignable" was written for. */
int view_of_seen(const struct view_source *source, struct tree *tree);

/* What XenStore must say while the domain's tree stands: that libxl gave it each PCI function that
 * is claimed in there, by absolute path. */
int view_of_witnesses(const struct view_source *source, uint32_t domid, struct tree *tree);

/* A domain's tree: its own devices, under its own addresses. */
int view_of_domain(const struct view_source *source, uint32_t domid, struct tree *tree);

#endif
