/* SPDX-License-Identifier: MIT */
/* Which processes there are: the keeper and below it the daemon, or what runs once and alone. */
#ifndef XI_PROCESS_H
#define XI_PROCESS_H

#include "settings.h"

/* Does what the settings ask for. The process's exit code. */
int process_run(const struct settings *settings);

#endif
