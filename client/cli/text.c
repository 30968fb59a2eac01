/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from first to '~' stand for themselves. */
static char *escape(const char *text, char first)
{
    char *escaped = malloc(strlen("\\xNN") * strlen(text) + 1), *end = escaped;

    if (escaped == NULL)
        return NULL;
    for (; *text != '\0'; text++)
        if (*text >= first && *text <= '~' && *text != '\\')
            *end++ = *text;
        else
            end += sprintf(end, "\\x%02x", (unsigned char)*text);
    *end = '\0';
    return escaped;
}

char *text_printable(const char *text)
{
    return escape(text, '!');
}

char *text_line(const char *text)
{
    return escape(text, ' ');
}
