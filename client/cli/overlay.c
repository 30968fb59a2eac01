/* SPDX-License-Identifier: MIT */
#include "overlay.h"

#include <string.h>

bool overlay_path_is_cut(const char *path)
{
    return strchr(path, ':') != NULL;
}

bool overlay_path_stands_for(const char *path, const char *other)
{
    while (*path != '\0') {
        size_t len = 1 + strcspn(path + 1, "/");

        if (strncmp(path, other, len) != 0)
            return false;
        path += len;
        other += len;
        if (*other == '@' && memchr(path - len, '@', len) == NULL)
            other += strcspn(other, "/");
        if (*other != *path)
            return false;
    }
    return true;
}
