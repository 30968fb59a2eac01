/* SPDX-License-Identifier: MIT */
/* The life of the process, from the open handles to the last withdrawal. */
#ifndef XI_DAEMON_H
#define XI_DAEMON_H

#include "settings.h"

/* Does what the settings ask for. The process's exit code. */
int daemon_main(const struct settings *settings);

#endif
