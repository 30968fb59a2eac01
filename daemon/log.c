/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},   [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_NOTICE] = {"notice", 5}, [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* The one sink of the process, like stderr itself. */
static enum log_level threshold = LOG_LEVEL_NOTICE;

void log_set_level(enum log_level level)
{
    threshold = level;
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(name, levels[i].name) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* $JOURNAL_STREAM names the device and inode of the journal's socket, sd_journal_print(3). */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long dev, ino;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(2, &st) == 0 &&
           st.st_dev == dev && st.st_ino == ino;
}

void log_message(enum log_level level, const char *format, ...)
{
    int saved_errno = errno;
    char line[1024];
    int used;
    va_list args;

    if (level > threshold)
        return;
    if (stderr_is_journal())
        used = snprintf(line, sizeof(line), "<%d>", levels[level].priority);
    else
        used = snprintf(line, sizeof(line), "xen-iommud: %s: ", levels[level].name);
    va_start(args, format);
    vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, format, args);
    va_end(args);
    /* One line is one message: what came from outside must not forge a second one. */
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    used = (int)strlen(line);
    line[used++] = '\n';
    /* At once, and without a buffer: two processes write here. */
    if (write(STDERR_FILENO, line, (size_t)used) < 0)
        errno = saved_errno;
    errno = saved_errno;
}
