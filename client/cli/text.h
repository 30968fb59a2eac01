/* SPDX-License-Identifier: MIT */
/* Text of others, made fit to be shown. */
#ifndef XI_CLIENT_CLI_TEXT_H
#define XI_CLIENT_CLI_TEXT_H

/* The same as one word that a terminal and a JSON document can take: each byte that is no visible
 * character of ASCII, and each backslash, is written as \xNN. The caller frees it; NULL without
 * memory. */
char *text_printable(const char *text);

/* The same as a line of words: blanks stand for themselves. */
char *text_line(const char *text);

#endif
