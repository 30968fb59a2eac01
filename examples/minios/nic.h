/* SPDX-License-Identifier: MIT */
/* A driver for an imaginary NIC. */
#ifndef XI_EXAMPLES_MINIOS_NIC_H
#define XI_EXAMPLES_MINIOS_NIC_H

#include <stdbool.h>
#include <stdint.h>

struct nic {
    uint32_t sbdf; /* where this domain sees it */
    bool bounce;   /* its DMA goes through bounce buffers */
};

/* Starts the NIC at an address. */
void nic_start(struct nic *nic, uint32_t sbdf);

/* To be called when the watch on XENIOMMU_DIR "/generation" fires. */
void nic_tree_changed(struct nic *nic);

#endif
