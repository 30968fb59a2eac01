/* SPDX-License-Identifier: MIT */
/* Xen's command line, as far as it decides how dom0's devices are mapped. Pure. */
#ifndef XI_XEN_CMDLINE_H
#define XI_XEN_CMDLINE_H

#include "facts.h"

struct xen_cmdline {
    enum dom0_mode dom0_mode; /* of a PV dom0: relaxed, strict, passthrough or unknown */
    bool graphics_off;        /* iommu=no-igfx: graphics devices bypass the IOMMU */
};

/* Reads the options dom0-iommu=, iommu= and hardware_dom= as Xen's own parser does
 * (docs/misc/xen-command-line.pandoc); the last one wins. What it does not understand in them
 * makes the mode unknown. truncated: the hypervisor may have cut the text short. */
void xen_cmdline_parse(const char *text, bool truncated, struct xen_cmdline *result);

#endif
