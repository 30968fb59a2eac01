/* SPDX-License-Identifier: MIT */
/* A publisher over a store in memory in which domain 1 has a home, and a Xen that says who that is.
 */
#ifndef XI_TESTS_PUBLISHER_FIXTURE_H
#define XI_TESTS_PUBLISHER_FIXTURE_H

#include "publisher.h"

#define HOME "/local/domain/1"
#define DEV4 "pci/0000-00-04-0"
#define DEV5 "pci/0000-00-05-0"

/* For cmocka. */
int publisher_set_up(void **state);
int publisher_tear_down(void **state);

struct publisher *fixture_publisher(void);

/* The domain whose facts the test publishes begins with this byte. */
#define OWN_FIRST_BYTE 1

/* From the next question but SKIP on Xen fails, or names a domain that begins with this byte. */
void xen_says(int error, uint8_t first_byte, int skip);
/* How often it was asked. */
int xen_questions(void);

/* A tree of path, value pairs, ended by NULL. */
struct tree tree_of(const char *const *pairs);

#define TREE(...) tree_of((const char *const[]){"version", "1", __VA_ARGS__, NULL})

/* Publishes for domain 1, and clears the tree. */
int publish(struct tree tree);

void assert_node(const char *path, const char *value);

#endif
