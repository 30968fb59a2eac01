/* SPDX-License-Identifier: MIT */
/* Xen's command line, as far as it decides how dom0's devices are mapped. Pure. */
#ifndef XI_PARSE_XEN_CMDLINE_H
#define XI_PARSE_XEN_CMDLINE_H

#include "../facts.h"

struct xen_cmdline {
    enum dom0_mode dom0_mode; /* of a PV dom0: relaxed, strict, passthrough or unknown */
    bool graphics_off;        /* iommu=no-igfx: graphics devices bypass the IOMMU */
    bool quarantine_off;      /* iommu=no-quarantine, or perhaps: a device that a guest gives back
                               * goes to dom0 */
};

/* Reads the options dom0-iommu=, iommu= and hardware_dom= as the parser of Xen 4.17 and 4.20 does
 * (parse_params() in xen/common/kernel.c); the last one wins. Options that are built into Xen
 * (CONFIG_CMDLINE) are not seen. What it does not understand in them
 * makes the mode unknown. truncated: the hypervisor may have cut the text short. */
void xen_cmdline_parse(const char *text, bool truncated, struct xen_cmdline *result);

#endif
