/* SPDX-License-Identifier: MIT */
/* Who else tells how Xen was booted: its build configuration, and its boot messages while they are
 * in the console ring. Pure; the texts are taken for hostile. */
#ifndef XI_PARSE_XEN_BOOT_H
#define XI_PARSE_XEN_BOOT_H

#include "xen_cmdline.h"

#define XEN_BUILTIN_SIZE 2048

/* Xen's .config, hypfs' /buildinfo/config. */
struct xen_build {
    enum builtin_line builtin;   /* CONFIG_CMDLINE; UNKNOWN: no such line, or one that makes no
                                  * sense or is too long */
    char line[XEN_BUILTIN_SIZE]; /* "" but for BUILTIN_GIVEN */
    bool overrides;              /* CONFIG_CMDLINE_OVERRIDE: the boot loader's line is ignored */
    bool quarantine_none;        /* CONFIG_IOMMU_QUARANTINE_NONE */
};

void xen_build_parse(const char *text, size_t length, struct xen_build *build);

/* What Xen printed. */
struct xen_messages {
    enum builtin_line builtin;   /* "Built-in command line: ...", or that it is missing there */
    char line[XEN_BUILTIN_SIZE]; /* "" but for BUILTIN_GIVEN */
    enum dom0_mode dom0_mode;    /* " - Dom0 mode: ...": relaxed, strict or passthrough, as before a
                                  * PVH dom0 is forced strict; UNKNOWN: not seen */
    enum xen_switch intremap;    /* "Interrupt remapping ...abled"; UNKNOWN: not seen */
    bool contradictory;          /* the same line was seen with different words */
};

/* text: the console ring; complete: its first byte is the first that Xen ever printed. Only whole
 * lines that begin as Xen's own do are looked at; guests' begin with "(d1) ", but the first line of
 * a ring that is not complete may be the rest of one. */
void xen_messages_parse(const char *text, size_t length, bool complete,
                        struct xen_messages *messages);

/* All that is told; NULL for what is not. */
struct xen_boot {
    const char *given;      /* xc_version(XENVER_commandline); not NULL */
    bool given_cut;         /* it may have been longer */
    const char *configured; /* the built-in line as the administrator knows it; "": none */
    const struct xen_build *build;
    const struct xen_messages *messages;
};

/* Xen's command line with the built-in one before it, by whoever tells it; where two tell different
 * things, what differs is unknown. Xen's messages only weaken the result or confirm it: where they
 * contradict it dom0's mode is passthrough, if they say so, or else unknown. */
void xen_boot_conclude(const struct xen_boot *boot, struct xen_cmdline *result);

#endif
