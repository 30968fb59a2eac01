/* SPDX-License-Identifier: MIT */
/* libxenstore's calls, where they are not fit for a library with many threads. */
#ifndef XI_CLIENT_LIB_REQUEST_H
#define XI_CLIENT_LIB_REQUEST_H

#include <stdbool.h>
#include <sys/un.h>

struct xs_handle;

/* xs_open(). NULL and errno on an error. */
struct xs_handle *request_open(void);

/* Sets the address of xenstored's socket; whether it fits. */
bool request_socket_address(struct sockaddr_un *address);

/* xs_read(), xs_directory() and xs_watch() with the path as its token, outside of transactions. */
char *request_read(struct xs_handle *xs, const char *path, unsigned int *len);
char **request_list(struct xs_handle *xs, const char *path, unsigned int *count);
bool request_watch(struct xs_handle *xs, const char *path);

#endif
