/* SPDX-License-Identifier: MIT */
/* Where the settings come from, and which source wins. */
#ifndef XI_SETUP_H
#define XI_SETUP_H

#include "settings.h"

/* The defaults, then the configuration, over it the command line. 0, or the exit code that the
 * process should end with, after the error was printed. The caller calls settings_clear() in both
 * cases. */
int setup_read(struct settings *settings, int argc, char **argv);

#endif
