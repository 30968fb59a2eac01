/* SPDX-License-Identifier: MIT */
#ifndef XI_TESTS_RIG_BUFFER_H
#define XI_TESTS_RIG_BUFFER_H

#include <stddef.h>

/* Bytes in a row that grow at the end and are taken from the front. */
struct buffer {
    char *bytes;
    size_t length, capacity;
};

/* Appends; without memory the process ends with a message. */
void buffer_add(struct buffer *buffer, const void *bytes, size_t length);

/* Takes length bytes from the front. */
void buffer_drop(struct buffer *buffer, size_t length);

/* malloc and strdup that end the process with a message when there is no memory. */
void *must_alloc(size_t size);
char *must_copy(const char *text);

#endif
