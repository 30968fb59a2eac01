/* SPDX-License-Identifier: MIT */
/* The daemon's trees, and its transactions. */
#include "unit.h"

#include <errno.h>

#include "fake_xenstore.h"
#include "transaction.h"
#include "tree.h"

static struct tree tree_of(const char *const *pairs)
{
    struct tree tree = {NULL, 0, 0};

    for (; *pairs; pairs += 2)
        assert_int_equal(tree_add(&tree, pairs[0], pairs[1]), 0);
    tree_sort(&tree);
    return tree;
}

#define TREE(...) tree_of((const char *const[]){__VA_ARGS__, NULL})

static void assert_differ(struct tree a, struct tree b)
{
    assert_false(tree_equal(&a, &b));
    assert_false(tree_equal(&b, &a));
    assert_true(tree_equal(&a, &a));
    tree_clear(&a);
    tree_clear(&b);
}

static void trees_differ(void **state)
{
    (void)state;
    assert_differ(TREE("a", "1"), TREE("a", "1", "b", "2"));
    assert_differ(TREE("a", "1"), TREE("a", "2"));
    assert_differ(TREE("a", "1"), TREE("b", "1"));
}

static void a_node_is_found_exactly(void **state)
{
    struct tree tree = TREE("dt/a", "1", "dt/a-b", "2", "dt/ab/c", "3");

    (void)state;
    assert_string_equal(tree_get(&tree, "dt/a"), "1");
    assert_string_equal(tree_get(&tree, "dt/ab/c"), "3");
    assert_null(tree_get(&tree, "dt"));
    assert_null(tree_get(&tree, "dt/ab"));
    assert_null(tree_get(&tree, "dt/ab/c/d"));
    tree_clear(&tree);
}

static void below_is_not_beside(void **state)
{
    struct tree tree = TREE("dt/a-b/state", "1", "dt/a/state", "2", "dt/abc/state", "3");

    (void)state;
    assert_true(tree_has_below(&tree, "dt/a", 4));
    assert_false(tree_has_below(&tree, "dt/ab", 5));
    assert_true(tree_has_below(&tree, "dt/ab/state", 2));
    assert_false(tree_has_below(&tree, "pci", 3));
    tree_clear(&tree);
}

static int fail_inside(struct store *store, xs_transaction_t t, void *arg)
{
    (void)store;
    (void)t;
    return *(int *)arg;
}

/* What went wrong inside is the cause, whatever becomes of the transaction. */
static void the_first_error_is_told(void **state)
{
    struct store *store;
    int inside = -EINVAL;

    (void)state;
    fake_reset();
    assert_int_equal(store_new(&store), 0);
    assert_int_equal(store_connect(store), 0);
    assert_int_equal(transaction_run(store, fail_inside, &inside), -EINVAL);
    fake_fail("abort", EIO, 1);
    assert_int_equal(transaction_run(store, fail_inside, &inside), -EINVAL);
    inside = 0;
    fake_fail("end", EIO, 1);
    assert_int_equal(transaction_run(store, fail_inside, &inside), -EIO);
    store_free(store);
    fake_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_differ),
        cmocka_unit_test(a_node_is_found_exactly),
        cmocka_unit_test(below_is_not_beside),
        cmocka_unit_test(the_first_error_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
