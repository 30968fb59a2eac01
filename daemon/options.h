/* SPDX-License-Identifier: MIT */
/* What the command line and the configuration file ask for. */
#ifndef XI_OPTIONS_H
#define XI_OPTIONS_H

#include <stdbool.h>

#include "log.h"

#define EXIT_USAGE 2 /* usage or configuration, as xen-iommud(8) says */

enum mode { MODE_DAEMON, MODE_ONCE, MODE_WITHDRAW, MODE_CHECK_CONFIG, MODE_DONE };

struct options {
    enum mode mode;    /* MODE_DONE: --help or --version, all was said */
    char *config;      /* NULL: the default file, which may be missing */
    char *host_dtb;    /* NULL: the running kernel's */
    char *acpi_tables; /* NULL: below sysroot */
    char *sysroot;     /* never NULL after options_parse() */
    char *lock_file;
    enum log_level log_level;
    bool grant_dma_stub;     /* a zero-cell xen,grant-dma claims Xen's IOMMU */
    unsigned int confirm_ms; /* how long a claim stands unconfirmed; 0: for ever */
    unsigned int recheck_ms; /* how long a letting-go without event may go unnoticed */
};

/* Reads the command line, then the configuration, over which the command line wins. 0, or the exit
 * code that the process should end with, after the error was printed. The caller calls
 * options_clear() in both cases. */
int options_parse(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

#endif
