/* SPDX-License-Identifier: MIT */
/* The client's store.h over a table in memory, with changes and failures at a chosen request. A
 * test that links it gets it in place of the real one. */
#ifndef XI_TESTS_UNIT_FAKE_STORE_H
#define XI_TESTS_UNIT_FAKE_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* Forgets all nodes and plans, and counts requests from 0. */
void fake_store_reset(void);

/* Sets a node. */
void fake_store_set(const char *path, const char *value);
void fake_store_set_bytes(const char *path, const void *data, size_t len);

/* Removes a node and all below it. */
void fake_store_remove(const char *path);

/* What a daemon does at the end of each transaction: root/generation grows by one. Wakes whoever
 * watches. */
void fake_store_bump(const char *root);

/* While they are held, events are on their way, as in a guest's kernel, where an answer can
 * overtake them; then they arrive. */
void fake_store_hold_events(bool hold);

/* A ready, empty tree of the known version. */
void fake_store_publish(const char *root);

/* One device: root/device/{state,swiotlb,reason}. */
void fake_store_device(const char *root, const char *device, const char *state, const char *swiotlb,
                       const char *reason);

/* One more field of it; NULL: it has none. */
void fake_store_field(const char *root, const char *device, const char *field, const char *value);

/* Before request number n (from 1) is answered, action runs. Any number of plans. */
void fake_store_plan(unsigned int n, void (*action)(void));

/* Before every request, action runs. */
void fake_store_plan_always(void (*action)(void));

/* Each time that a program asks a store for its descriptor, as it does before it waits, and has
 * nothing to do, action runs. */
void fake_store_plan_idle(void (*action)(void));

/* Request number n, and no other, fails with error (negative); -ENOTCONN also loses the
 * connection. */
void fake_store_fail(unsigned int n, int error);

/* From now on connecting fails with error; 0: it works again. Loses the connection. */
void fake_store_refuse(int error);

/* Reads and lists since the reset. */
unsigned int fake_store_requests(void);

/* How often a connection was made since the reset. */
unsigned int fake_store_connections(void);

#endif
