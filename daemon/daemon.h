/* SPDX-License-Identifier: MIT */
/* The life of the process, from the open handles to the last withdrawal. */
#ifndef XI_DAEMON_H
#define XI_DAEMON_H

#include "keeper.h"
#include "settings.h"

/* Does what the settings ask for, below a keeper (NULL: alone). The process's exit code. */
int daemon_run(const struct settings *settings, const struct keeper_link *keeper);

#endif
