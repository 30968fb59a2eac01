/* SPDX-License-Identifier: MIT */
/* libxenstore's calls, where they are not fit for a library with many threads. */
#ifndef XI_CLIENT_LIB_REQUEST_H
#define XI_CLIENT_LIB_REQUEST_H

#include <stdbool.h>

struct xs_handle;

/* A plain connection to xenstored's socket, that shows by hanging up when xenstored dies; the
 * caller closes it. -ENOENT: there is no socket, as in a guest, and libxenstore takes the kernel's
 * device. It does that too where the socket does not answer, and then waits for ever: so look here
 * first. Otherwise a negative errno of stat(), socket() or connect(). */
int request_probe(void);

/* xs_open(). NULL and errno on an error. */
struct xs_handle *request_open(void);

/* xs_read(), xs_directory() and xs_watch() with the path as its token, outside of transactions. */
char *request_read(struct xs_handle *xs, const char *path, unsigned int *len);
char **request_list(struct xs_handle *xs, const char *path, unsigned int *count);
bool request_watch(struct xs_handle *xs, const char *path);

#endif
