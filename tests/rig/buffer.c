/* SPDX-License-Identifier: MIT */
#include "buffer.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

void *must_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        err(1, "no memory");
    return memory;
}

char *must_copy(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        err(1, "no memory");
    return copy;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->length + length > buffer->capacity) {
        size_t capacity = (buffer->length + length) * 2;
        char *larger = realloc(buffer->bytes, capacity);

        if (!larger)
            err(1, "no memory");
        buffer->bytes = larger;
        buffer->capacity = capacity;
    }
    if (length)
        memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

void buffer_drop(struct buffer *buffer, size_t length)
{
    buffer->length -= length;
    memmove(buffer->bytes, buffer->bytes + length, buffer->length);
}
