/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80

bool terminal_is_there(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

size_t terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    int value = columns != NULL ? atoi(columns) : 0;
    struct winsize size;

    if (value > 0)
        return (size_t)value;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0';
}

bool terminal_wants_colours(enum colour_when when)
{
    const char *terminal = getenv("TERM");

    if (when != COLOUR_AUTO)
        return when == COLOUR_ALWAYS;
    return terminal_is_there() && !is_set("NO_COLOR") && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

const char *terminal_state_colour(enum xeniommu_state state)
{
    switch (state) {
    case XENIOMMU_PROTECTED:
        return "\033[32m";
    case XENIOMMU_RELAXED:
        return "\033[33m";
    case XENIOMMU_UNPROTECTED:
        return "\033[31m";
    case XENIOMMU_QUARANTINED:
        return "\033[36m";
    case XENIOMMU_UNKNOWN:
        break;
    }
    return "\033[35m";
}
