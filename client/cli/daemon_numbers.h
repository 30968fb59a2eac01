/* SPDX-License-Identifier: MIT */
/* What xen-iommud counts, from the file beside its lock. */
#ifndef XI_CLIENT_CLI_DAEMON_NUMBERS_H
#define XI_CLIENT_CLI_DAEMON_NUMBERS_H

#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define DAEMON_NUMBERS_MAX 64

struct daemon_numbers {
    size_t count; /* 0: there are none, or they are nobody's any more */
    struct {
        char name[24];
        uint64_t value;
    } entries[DAEMON_NUMBERS_MAX];
};

/* Reads them, in dom0. 0, also where there are none, or an error of store_read(). */
int daemon_numbers_read(struct store *store, struct daemon_numbers *numbers);

/* One of them; false: it is not there. */
bool daemon_number(const struct daemon_numbers *numbers, const char *name, uint64_t *value);

#endif
