/* SPDX-License-Identifier: MIT */
/* The command line's options: which there are, and what they say. */
#ifndef XI_CLIENT_CLI_OPTIONS_H
#define XI_CLIENT_CLI_OPTIONS_H

#include "command.h"

/* Bits, and getopt's values, beyond any letter. */
enum {
    OPTION_HELP = 1 << 8,    /* these two are every command's */
    OPTION_VERSION = 1 << 9, /* likewise */
    OPTION_DOMAIN = 1 << 10,
    OPTION_JSON = 1 << 11,
    OPTION_FORMAT = 1 << 12,
    OPTION_BINDING = 1 << 13,
    OPTION_OUTPUT = 1 << 14,
    OPTION_NOW = 1 << 15,
    OPTION_DRY_RUN = 1 << 16,
    OPTION_COLUMNS = 1 << 17,
    OPTION_SORT = 1 << 18,
    OPTION_STATE = 1 << 19,
    OPTION_OWNER = 1 << 20,
    OPTION_TREE = 1 << 21,
    OPTION_RAW = 1 << 22,
    OPTION_NOHEADINGS = 1 << 23,
    OPTION_COLOR = 1 << 24,
    OPTION_TYPE = 1 << 25,
    OPTION_OPENMETRICS = 1 << 26,
};

#define VIEW_OPTIONS    (OPTION_DOMAIN | OPTION_JSON)
#define TABLE_OPTIONS   (OPTION_COLUMNS | OPTION_TREE | OPTION_RAW | OPTION_NOHEADINGS | OPTION_COLOR)
#define LIST_OPTIONS    (TABLE_OPTIONS | OPTION_SORT | OPTION_STATE | OPTION_OWNER)
#define GRAPH_OPTIONS   (OPTION_TYPE | OPTION_OUTPUT)
#define METRICS_OPTIONS (OPTION_OPENMETRICS | OPTION_OUTPUT)
#define EXPORT_OPTIONS  (OPTION_FORMAT | OPTION_BINDING | OPTION_OUTPUT)
#define APPLY_OPTIONS   (OPTION_NOW | OPTION_DRY_RUN)

/* Takes in all options, and moves them in front of the other arguments; *first is the first of
 * those. Sets the bits of those given. 0, or -1 with a complaint. */
int options_take(int argc, char *argv[], struct request *request, int *given, int *first);

/* The long name of one of options, the first there is; NULL: there is none. */
const char *option_name(int options);

/* Whether what options say does not go together; false with a complaint. */
bool options_agree(int given);

/* Prints what each of options does. */
void options_help(int options);

#endif
