/* SPDX-License-Identifier: MIT */
#include "complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static int holds(const struct complaints *complaints, const char *line)
{
    for (size_t i = 0; i < complaints->count; i++)
        if (strcmp(complaints->lines[i], line) == 0)
            return 1;
    return 0;
}

void complain(struct complaints *now, const struct complaints *before, const char *format, ...)
{
    char line[512];
    char **grown;
    char *copy;
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (now->count >= COMPLAINTS_MAX || holds(now, line))
        return;
    if (!holds(before, line))
        log_warning("%s", line);
    copy = strdup(line);
    grown = copy ? reallocarray(now->lines, now->count + 1, sizeof(*grown)) : NULL;
    if (!grown) {
        free(copy);
        return;
    }
    now->lines = grown;
    now->lines[now->count++] = copy;
}

void complaints_clear(struct complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++)
        free(complaints->lines[i]);
    free(complaints->lines);
    *complaints = (struct complaints){NULL, 0};
}
