/* SPDX-License-Identifier: MIT */
/* What is wrong with something from outside, so that each complaint is logged once, when it is
 * new, and again only after it had gone. */
#ifndef XI_COMPLAINTS_H
#define XI_COMPLAINTS_H

#include <stddef.h>

/* More are not kept apart, and not logged. */
#define COMPLAINTS_MAX 256

struct complaints {
    char **lines;
    size_t count;
};

/* Adds a line to now, and logs it as a warning unless before holds the same. When memory is short
 * it is logged all the same. */
void complain(struct complaints *now, const struct complaints *before, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a line to now, which complaints_tell() logs. When memory is short it is logged at once. */
void complaint_note(struct complaints *now, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Logs what now holds and said does not; then that is what was said, and now is empty. */
void complaints_tell(struct complaints *now, struct complaints *said);

void complaints_clear(struct complaints *complaints);

#endif
