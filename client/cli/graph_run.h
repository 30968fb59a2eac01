/* SPDX-License-Identifier: MIT */
/* Runs graphviz's dot. */
#ifndef XI_CLIENT_CLI_GRAPH_RUN_H
#define XI_CLIENT_CLI_GRAPH_RUN_H

#include <stddef.h>

/* Has dot, from PATH and without a shell, make a picture of this format, which is a word of its -T,
 * to the file output or to stdout where that is NULL. Returns the exit code; what went wrong was
 * said on stderr. */
int graph_run(const char *format, const char *output, const char *data, size_t size);

#endif
