/* SPDX-License-Identifier: MIT */
/* The way from one tree to another in parts: that it gets there, and what may stand on the way. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define RECORDS 40
#define MOST    10

static struct tree have, wanted;

static int tear_down(void **state)
{
    (void)state;
    tree_clear(&have);
    tree_clear(&wanted);
    return 0;
}

static void add(struct tree *tree, const char *path, const char *value)
{
    assert_int_equal(tree_add(tree, path, value), 0);
}

/* Of dom0, or of a guest. */
static void add_record(struct tree *tree, unsigned int number, const char *state, const char *owner)
{
    char base[32];

    snprintf(base, sizeof(base), "pci/0000-00-%02x-0", number);
    assert_int_equal(tree_add_leaf(tree, base, "state", state), 0);
    assert_int_equal(tree_add_leaf(tree, base, "owner", owner), 0);
    assert_int_equal(tree_add_leaf(tree, base, "reason", "r"), 0);
}

static void fill(struct tree *tree, const char *status, const char *state, const char *owner)
{
    add(tree, "status", status);
    add(tree, "version", "1");
    for (unsigned int i = 0; i < RECORDS; i++)
        add_record(tree, i, state, owner);
    tree_sort(tree);
}

static size_t differing(const struct tree *a, const struct tree *b)
{
    size_t count = 0;

    for (size_t i = 0; i < b->count; i++) {
        const char *old = tree_get(a, b->nodes[i].path);

        count += !old || strcmp(old, b->nodes[i].value) != 0;
    }
    for (size_t i = 0; i < a->count; i++)
        count += !tree_get(b, a->nodes[i].path);
    return count;
}

/* Each record is one of the two, as a whole. */
static void assert_whole(const struct tree *tree)
{
    for (unsigned int i = 0; i < RECORDS; i++) {
        char path[3][48];
        bool old = true, new = true;

        for (int leaf = 0; leaf < 3; leaf++) {
            static const char *const leaves[] = {"state", "owner", "reason"};
            const char *value, *before, *after;

            snprintf(path[leaf], sizeof(path[leaf]), "pci/0000-00-%02x-0/%s", i, leaves[leaf]);
            value = tree_get(tree, path[leaf]);
            before = tree_get(&have, path[leaf]);
            after = tree_get(&wanted, path[leaf]);
            old = old && (value ? before && strcmp(value, before) == 0 : !before);
            new = new && (value ? after && strcmp(value, after) == 0 : !after);
        }
        assert_true(old || new);
    }
}

/* Goes on from *at; false at the end of the way. */
static bool step(struct tree *at)
{
    struct tree next;
    size_t before = differing(at, &wanted);
    int rc = parts_next(at, &wanted, MOST, &next);

    assert_in_range(rc, 0, 1);
    if (rc == 0) {
        assert_true(before <= MOST);
        assert_int_equal(next.count, 0);
        return false;
    }
    assert_true(before > MOST);
    assert_true(differing(&next, &wanted) < before);
    assert_in_range(differing(at, &next), 1, MOST + 3);
    assert_whole(&next);
    tree_clear(at);
    *at = next;
    return true;
}

static struct tree start(void)
{
    struct tree copy = {NULL, 0, 0};

    for (size_t i = 0; i < have.count; i++)
        add(&copy, have.nodes[i].path, have.nodes[i].value);
    return copy;
}

static void near_enough(void **state)
{
    struct tree next;

    (void)state;
    for (unsigned int i = 0; i < 3; i++)
        add_record(&wanted, i, "protected", "1");
    tree_sort(&wanted);
    assert_int_equal(parts_next(&have, &wanted, 9, &next), 0);
    assert_int_equal(parts_next(&wanted, &wanted, 0, &next), 0);
    assert_int_equal(parts_next(&have, &wanted, 8, &next), 1);
    assert_int_equal(next.count, 9);
    tree_clear(&next);
    assert_int_equal(parts_next(&wanted, &have, 8, &next), 1);
    assert_int_equal(next.count, 0);
    tree_clear(&next);
    assert_int_equal(parts_next(&wanted, &have, 4, &next), 1);
    assert_int_equal(next.count, 3);
    assert_non_null(tree_get(&next, "pci/0000-00-02-0/owner"));
    tree_clear(&next);
}

/* "ready" is the last word. */
static void from_nothing(void **state)
{
    struct tree at;
    int steps = 0;

    (void)state;
    add(&have, "status", "starting");
    tree_sort(&have);
    fill(&wanted, "ready", "protected", "1");
    for (at = start(); step(&at); steps++)
        assert_string_equal(tree_get(&at, "status"), "starting");
    assert_in_range(steps, RECORDS * 3 / (MOST + 3), RECORDS);
    tree_clear(&at);
}

/* And the first that goes. */
static void to_nothing(void **state)
{
    struct tree at;

    (void)state;
    fill(&have, "ready", "protected", "1");
    add(&wanted, "status", "stopped");
    tree_sort(&wanted);
    for (at = start(); step(&at);)
        assert_string_equal(tree_get(&at, "status"), "stopped");
    tree_clear(&at);
}

static bool is_anything(const struct tree *tree, const char *value)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->nodes[i].value, value) == 0)
            return true;
    return false;
}

/* What has to be taken back is, before anything else is said. */
static void downgrades_first(void **state)
{
    struct tree at;

    (void)state;
    add(&have, "status", "ready");
    add(&wanted, "status", "ready");
    for (unsigned int i = 0; i < RECORDS; i++) {
        add_record(&have, i, i % 2 ? "unknown" : "protected", "1");
        if (i % 8 != 4)
            add_record(&wanted, i,
                       i % 2   ? "protected"
                       : i % 4 ? "protected"
                               : "unknown",
                       i % 4 == 2 ? "2" : "1");
    }
    tree_sort(&have);
    tree_sort(&wanted);
    for (at = start(); step(&at);) {
        struct tree upgraded = {NULL, 0, 0};
        bool due = false;

        for (unsigned int i = 0; i < RECORDS; i++) {
            char path[48];
            const char *now, *owner;

            snprintf(path, sizeof(path), "pci/0000-00-%02x-0/state", i);
            now = tree_get(&at, path);
            snprintf(path, sizeof(path), "pci/0000-00-%02x-0/owner", i);
            owner = tree_get(&at, path);
            if (i % 2 && strcmp(now, "protected") == 0)
                add(&upgraded, path, now);
            if (i % 2 == 0 && now && strcmp(now, "protected") == 0 && strcmp(owner, "1") == 0)
                due = true;
        }
        assert_false(due && upgraded.count);
        assert_string_equal(tree_get(&at, "status"), "ready");
        tree_clear(&upgraded);
    }
    assert_true(is_anything(&at, "2"));
    tree_clear(&at);
}

/* Names of which one begins as the other, and nodes outside of any record. */
static void names_alike(void **state)
{
    static const char *const paths[] = {
        "dt",   "dt/soc", "dt/soc-2/state", "dt/soc/state", "dt/soc2",     "dt/soc2/state/x",
        "gone", "pci",    "statusx/a",      "status/a/b",   "count/a/b/c", "zz"};
    struct tree at;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        add(&wanted, paths[i], "v");
    tree_sort(&wanted);
    for (size_t most = 1; most < 12; most++) {
        struct tree next = {NULL, 0, 0};
        int steps = 0;

        for (at = start(); parts_next(&at, &wanted, most, &next) > 0; at = next) {
            assert_true(differing(&next, &wanted) < differing(&at, &wanted));
            assert_in_range(++steps, 1, 12);
            tree_clear(&at);
        }
        assert_true(differing(&at, &wanted) <= most);
        tree_clear(&at);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(near_enough),      TEST(from_nothing), TEST(to_nothing),
        TEST(downgrades_first), TEST(names_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
