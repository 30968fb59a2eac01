/* SPDX-License-Identifier: MIT */
/* Small files, links and folders of the kernel's: /sys, /proc. */
#ifndef XI_CLIENT_CLI_FILES_H
#define XI_CLIENT_CLI_FILES_H

#include <limits.h>
#include <stddef.h>

/* Makes a path. 0, or -ENAMETOOLONG, and then path is "". */
int files_path(char path[PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads a file's first line, without its end, cut to size. 0 or a negative errno, and then text is
 * "". */
int files_line(const char *path, char *text, size_t size);

/* What files_lines() calls for a line, without its end, that it may change; not 0: that is enough.
 */
typedef int files_line_fn(void *arg, char *line);

/* Calls fn for each line of a file. What fn returned, 0 at the end, or a negative errno. */
int files_lines(const char *path, files_line_fn *fn, void *arg);

/* The last component of what a symbolic link points to. 0 or a negative errno, and then name is "".
 */
int files_link(const char *path, char *name, size_t size);

/* What files_each() calls for an entry of a folder; not 0: that is enough. */
typedef int files_fn(void *arg, const char *folder, const char *name);

/* Calls fn for each entry but "." and "..". What fn returned, 0 at the end, or a negative errno of
 * opening or reading the folder. */
int files_each(const char *folder, files_fn *fn, void *arg);

#endif
