/* SPDX-License-Identifier: MIT */
/* The life of the process, from the open handles to the last withdrawal. */
#ifndef XI_DAEMON_H
#define XI_DAEMON_H

#include "options.h"

/* Does what the options ask for. The process's exit code. */
int daemon_main(const struct options *options);

#endif
