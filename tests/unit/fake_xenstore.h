/* SPDX-License-Identifier: MIT */
/* libxenstore's calls over a small store in memory: records what is written, fails on demand, and
 * lets a test act between the steps of a transaction. */
#ifndef XI_TESTS_FAKE_XENSTORE_H
#define XI_TESTS_FAKE_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>

/* An empty store with these nodes' parents; everything owned by dom0, readable by nobody else. */
void fake_reset(void);

/* What an outsider does, outside of any transaction. */
void fake_put(const char *path, const char *value);
void fake_put_bytes(const char *path, const void *value, size_t length);
void fake_remove(const char *path);
void fake_chmod(const char *path, unsigned int reader);
/* Another owner than dom0; another domain that may write besides. The node is there. */
void fake_own(const char *path, unsigned int owner);
void fake_let_write(const char *path, unsigned int domid);

/* What any of these changes is an event for who watches it, until the connection is closed. One
 * more event, of no change; and those that nobody fetched yet are lost. */
void fake_event(const char *path, const char *token);
void fake_forget_events(void);

/* The committed value, or NULL. */
const char *fake_get(const char *path);
/* "n0" or "n0,rN" of a committed node, "r0..." for one that all may read; "" when there is none. */
const char *fake_permissions(const char *path);
/* The number of committed nodes below, and with, this path. */
int fake_count(const char *path);

/* Writes, removals, mkdirs and permission changes asked for since fake_reset(). */
int fake_operations(void);
int fake_commits(void);

/* The next COUNT calls of this kind fail: "read", "write", "rm", "start", "end", "abort" ...
 * Beside what was said of other kinds, and in place of what was said of this one. */
void fake_fail(const char *call, int error, int count);
/* One of them, after so many that do not. */
void fake_fail_later(const char *call, int error, int later);
/* All of them. */
void fake_fail_from(const char *call, int error, int later);

/* Calls fn once, right before the transaction that is open next is ended. */
void fake_before_commit(void (*fn)(void));

#endif
