/* SPDX-License-Identifier: MIT */
/* Messages to stderr. Where stderr is the journal each line begins with "<N>", the syslog
 * priority, as sd-daemon(3) describes; on a terminal or in a file it begins with a word. */
#ifndef XI_LOG_H
#define XI_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/* Messages above this level are dropped. The default is LOG_LEVEL_NOTICE. */
void log_set_level(enum log_level level);

/* Level by name ("error" ... "debug"). False for any other word. */
bool log_level_parse(const char *name, enum log_level *level);

void log_message(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
