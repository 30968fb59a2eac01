/* SPDX-License-Identifier: MIT */
/*
 * A driver in the shape of Mini-OS, a unikernel or an RTOS: no libxeniommu, no libc, only the
 * header and the platform's own way to read XenStore. Built freestanding.
 */
#include "nic.h"
#include "platform.h"

#include <xeniommu-schema.h>

/* The one function that xeniommu_ask() wants: the platform's read in another shape. */
static int read_node(void *arg, const char *path, char *value, size_t size)
{
    char *text = NULL;
    char *error = xenbus_read(XBT_NIL, path, &text);
    size_t len;

    (void)arg;
    if (error != NULL) {
        free(error);
        return -1;
    }
    for (len = 0; text[len] != '\0'; len++)
        if (len < size)
            value[len] = text[len];
    free(text);
    return (int)len;
}

/* Whether the IOMMU makes bounce buffers needless. Without a daemon, without Xen's word, or in any
 * doubt the verdict says keep, so there is no error to handle. */
static bool may_skip_bounce(uint32_t sbdf)
{
    struct xeniommu_verdict verdict;
    char key[64]; /* "iommu/pci/SSSS-BB-DD-F", and room for the fields' names */

    xeniommu_pci_key(sbdf, NULL, key, sizeof(key));
    xeniommu_ask(read_node, NULL, key, sizeof(key), &verdict);
    return verdict.skip;
}

void nic_start(struct nic *nic, uint32_t sbdf)
{
    nic->sbdf = sbdf;
    nic->bounce = !may_skip_bounce(sbdf);
    /* Here the rings are set up, in bounce buffers or in place. */
}

void nic_tree_changed(struct nic *nic)
{
    bool bounce = !may_skip_bounce(nic->sbdf);

    if (bounce == nic->bounce)
        return;
    /* Here the rings are stopped and set up again. Back to bounce buffers is urgent; away from them
     * is not, and a driver may well leave that to its next start. */
    nic->bounce = bounce;
}
