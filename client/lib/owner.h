/* SPDX-License-Identifier: MIT */
/* Whether this is still the process that made a handle, or the child of a fork. */
#ifndef XI_CLIENT_LIB_OWNER_H
#define XI_CLIENT_LIB_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

struct owner {
    const bool *alive; /* false in a child: the kernel wipes it at a fork; NULL: it cannot */
    pid_t pid;
};

/* Makes this process the owner. */
void owner_init(struct owner *owner);

/* Whether the owner is this process; without a system call where the kernel helps. */
bool owner_is_here(const struct owner *owner);

/* Frees what belongs to it, in the child of a fork too. */
void owner_free(struct owner *owner);

#endif
