/* SPDX-License-Identifier: MIT */
/* What is different where a person's terminal is standard output. */
#ifndef XI_CLIENT_CLI_TERMINAL_H
#define XI_CLIENT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <xeniommu.h>

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

#define TERMINAL_PLAIN "\033[0m" /* ends a colour */

/* Whether standard output is one. */
bool terminal_is_there(void);

/* Its width in characters: what COLUMNS says, or the terminal itself; else 80. */
size_t terminal_width(void);

/* Whether to use colours. COLOUR_AUTO: on a terminal, unless NO_COLOR is set or it is a dumb one.
 */
bool terminal_wants_colours(enum colour_when when);

/* What begins a state's colour. */
const char *terminal_state_colour(enum xeniommu_state state);

#endif
