/* SPDX-License-Identifier: MIT */
#ifndef XI_OBSERVE_WHOLE_FILE_H
#define XI_OBSERVE_WHOLE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* Reads an open regular file, from its beginning, of at most limit bytes. 0, with *text its *size
 * bytes and a NUL, which the caller frees, and *st what the file was; -EFBIG for one that is larger
 * or not regular; -EAGAIN for one that changed meanwhile; or another negative errno. On an error
 * *text is NULL. */
int whole_file_take(int fd, size_t limit, char **text, size_t *size, struct stat *st);

#endif
