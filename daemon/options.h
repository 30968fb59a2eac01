/* SPDX-License-Identifier: MIT */
/* The command line: xen-iommud(8). */
#ifndef XI_OPTIONS_H
#define XI_OPTIONS_H

#include "settings.h"

#define EXIT_USAGE 2 /* usage or configuration, as xen-iommud(8) says */

/* Takes what the command line asks for into settings. 0, or the exit code that the process should
 * end with, after the error was printed. */
int options_parse(struct settings *settings, int argc, char **argv);

#endif
