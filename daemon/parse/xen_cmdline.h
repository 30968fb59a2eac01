/* SPDX-License-Identifier: MIT */
/* Xen's options, as far as they decide what its IOMMU does. Pure. */
#ifndef XI_PARSE_XEN_CMDLINE_H
#define XI_PARSE_XEN_CMDLINE_H

#include "../facts.h"

/* One of Xen's switches. */
enum xen_switch { XEN_UNKNOWN, XEN_OFF, XEN_ON };

/* Each is what is in force: an option that was given, or else Xen's default. XEN_UNKNOWN where an
 * option is not understood or text may be missing. Which devices a switch concerns is not looked
 * at, nor what the hardware can do. */
struct xen_cmdline {
    enum dom0_mode pv_dom0;  /* were dom0 PV: relaxed, strict, passthrough or unknown */
    enum dom0_mode pvh_dom0; /* were dom0 PVH: translated, passthrough or unknown */
    enum xen_switch iommu;   /* OFF (iommu=off): Xen drives none. ON tells what was asked for */
    enum xen_switch igfx;    /* OFF (iommu=no-igfx): a unit for graphics alone does not translate */
    enum xen_switch quarantine;      /* OFF: what a guest gives back goes to dom0 */
    enum xen_switch bios_workaround; /* ON: Xen up to 4.12 ignores units whose devices are all
                                      * missing (iommu=workaround_bios_bug); later ones have no such
                                      * option and ignore none */
    enum xen_switch ats;             /* ON: devices that can may translate addresses themselves */
    enum xen_switch intremap;      /* OFF: interrupts are not remapped. ON tells what was asked for,
                                    * not what the hardware has */
    enum xen_switch map_inclusive; /* ON: a PV dom0's devices reach all below 4 GiB but for RAM that
                                    * is not dom0's, in strict mode too. Has no effect for PVH */
    enum xen_switch reserved;      /* ON: rmrr= or ivmd= add reserved memory to the firmware's */
    enum builtin_line builtin;     /* what is known of it; set by xen_boot_conclude() */
};

/* What Xen reads, in its order. */
struct xen_options {
    const char *builtin;  /* CONFIG_CMDLINE; NULL: none, or not known */
    const char *given;    /* by the boot loader; not NULL */
    bool cut;             /* something of either may be missing */
    bool quarantine_none; /* Xen was built with CONFIG_IOMMU_QUARANTINE_NONE */
};

/* Reads them as parse_params() in xen/common/kernel.c of Xen 4.17 and 4.20 does, and draws the
 * conclusions of iommu_setup() and check_hwdom_reqs() in xen/drivers/passthrough/iommu.c. */
void xen_cmdline_parse(const struct xen_options *options, struct xen_cmdline *result);

#endif
