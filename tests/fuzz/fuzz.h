/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: requirements, and inputs that are lines of text. */
#ifndef XI_TESTS_FUZZ_H
#define XI_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops at once, so that the input is kept, unless the condition holds. */
static inline void require(bool condition)
{
    if (!condition)
        abort();
}

/* Some bytes of the input. */
struct fuzz_text {
    const char *bytes;
    size_t size;
};

/* Cuts off what is before the next such byte, and that byte. False at the end of the input. */
static inline bool fuzz_cut(struct fuzz_text *rest, char at, struct fuzz_text *piece)
{
    const char *end = rest->size ? memchr(rest->bytes, at, rest->size) : NULL;

    if (!rest->size)
        return false;
    *piece = (struct fuzz_text){rest->bytes, end ? (size_t)(end - rest->bytes) : rest->size};
    rest->bytes += piece->size + (end != NULL);
    rest->size -= piece->size + (end != NULL);
    return true;
}

/* A copy that ends in NUL, which the caller frees. */
static inline char *fuzz_string(struct fuzz_text text)
{
    char *copy = malloc(text.size + 1);

    require(copy != NULL);
    if (text.size)
        memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    return copy;
}

/* Cuts "PATH=VALUE" in two. False where PATH is none that XenStore would take: another character
 * than its own, an empty name, or a blank where there must be one. */
static inline bool fuzz_node(struct fuzz_text line, char *path, size_t size,
                             struct fuzz_text *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-/_@";
    struct fuzz_text name;

    *value = line;
    if (!fuzz_cut(value, '=', &name) || !name.size || name.size >= size)
        return false;
    memcpy(path, name.bytes, name.size);
    path[name.size] = '\0';
    return strspn(path, allowed) == name.size && !strstr(path, "//") && path[name.size - 1] != '/';
}

#endif
