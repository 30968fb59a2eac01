/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "publisher_fixture.h"

#include <string.h>

#include "fake_xenstore.h"

static struct store *store;
static const uint8_t handle[16] = {OWN_FIRST_BYTE, 2, 3};
static struct publisher *publisher;

/* What Xen says of the domain's number, and from which question on. */
static struct {
    uint8_t handle[16];
    int error;
    int questions, another_after;
} xen;

static int identify(void *arg, uint32_t domid, uint8_t answer[16])
{
    assert_ptr_equal(arg, &xen);
    assert_int_equal(domid, 1);
    memcpy(answer, handle, sizeof(handle));
    if (++xen.questions > xen.another_after) {
        memcpy(answer, xen.handle, sizeof(xen.handle));
        return xen.error;
    }
    return 0;
}

void xen_says(int error, uint8_t first_byte, int skip)
{
    memcpy(xen.handle, handle, sizeof(handle));
    xen.handle[0] = first_byte;
    xen.error = error;
    xen.another_after = xen.questions + skip;
}

int publisher_set_up(void **state)
{
    (void)state;
    fake_reset();
    fake_put("/local/domain/1", "");
    fake_put("/local/domain/1/vm", "/vm/01020300-0000-0000-0000-000000000000");
    fake_put("/tool", "");
    if (store_new(&store) || store_connect(store))
        return -1;
    if (publisher_new(&publisher, store))
        return -1;
    publisher_set_identify(publisher, identify, &xen);
    xen_says(0, handle[0], 0);
    return 0;
}

int publisher_tear_down(void **state)
{
    (void)state;
    publisher_free(publisher);
    store_free(store);
    fake_reset();
    return 0;
}

struct tree tree_of(const char *const *pairs)
{
    struct tree tree = {NULL, 0, 0};

    for (; *pairs; pairs += 2)
        assert_int_equal(tree_add(&tree, pairs[0], pairs[1]), 0);
    tree_sort(&tree);
    return tree;
}

int publish(struct tree tree)
{
    struct incarnation who = {.domid = 1, .handle = handle};
    int rc = publisher_publish(publisher, &who, &tree);

    tree_clear(&tree);
    return rc;
}

void assert_node(const char *path, const char *value)
{
    assert_non_null(fake_get(path));
    assert_string_equal(fake_get(path), value);
}

struct publisher *fixture_publisher(void)
{
    return publisher;
}

int xen_questions(void)
{
    return xen.questions;
}
