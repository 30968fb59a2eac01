/* SPDX-License-Identifier: MIT */
/* A small text file of the state directory, kept in memory and read again when it changed. */
#ifndef XI_TESTS_RIG_TEXTFILE_H
#define XI_TESTS_RIG_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct textfile {
    const char *name;
    char *text; /* NULL while the file does not exist */
    bool known; /* it was looked at before */
    struct stat st;
};

/* Brings text up to date. Returns true when it changed, or was read for the first time. */
bool textfile_refresh(struct textfile *file);

/* Copies the next line with something on it to line (# begins a comment); returns where to go on,
 * or NULL at the end. */
const char *textfile_next_line(const char *text, char *line, size_t size);

#endif
