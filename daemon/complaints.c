/* SPDX-License-Identifier: MIT */
#include "complaints.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define LINE_SIZE 512

static bool holds(const struct complaints *complaints, const char *line)
{
    for (size_t i = 0; i < complaints->count; i++)
        if (strcmp(complaints->lines[i], line) == 0)
            return true;
    return false;
}

/* Whether there was memory for a copy of it. */
static bool add(struct complaints *complaints, const char *line)
{
    char *copy = strdup(line);
    char **grown =
        copy ? reallocarray(complaints->lines, complaints->count + 1, sizeof(*grown)) : NULL;

    if (!grown) {
        free(copy);
        return false;
    }
    complaints->lines = grown;
    complaints->lines[complaints->count++] = copy;
    return true;
}

static bool is_new(const struct complaints *complaints, const char *line)
{
    return complaints->count < COMPLAINTS_MAX && !holds(complaints, line);
}

void complain(struct complaints *now, const struct complaints *before, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (!is_new(now, line))
        return;
    if (!holds(before, line))
        log_warning("%s", line);
    (void)add(now, line);
}

void complaint_note(struct complaints *now, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (is_new(now, line) && !add(now, line))
        log_warning("%s", line);
}

void complaints_tell(struct complaints *now, struct complaints *said)
{
    for (size_t i = 0; i < now->count; i++)
        if (!holds(said, now->lines[i]))
            log_warning("%s", now->lines[i]);
    complaints_clear(said);
    *said = *now;
    *now = (struct complaints){NULL, 0};
}

void complaints_clear(struct complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++)
        free(complaints->lines[i]);
    free(complaints->lines);
    *complaints = (struct complaints){NULL, 0};
}
