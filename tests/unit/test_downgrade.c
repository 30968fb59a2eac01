/* SPDX-License-Identifier: MIT */
/* A claim that no longer holds, and a XenStore that does not take the word for it. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "downgrade.h"
#include "fake_xenstore.h"
#include "publisher_fixture.h"

#define ALWAYS INT_MAX

/* ------------------------------------------------------------- what is too much */

static bool is_due(struct tree stands, struct tree wanted)
{
    bool due = downgrade_is_due(&stands, &wanted);

    tree_clear(&stands);
    tree_clear(&wanted);
    return due;
}

static void what_claims_more(void **state)
{
    static const char *const claims[][2] = {{"/state", "protected"},
                                            {"/state", "relaxed"},
                                            {"/state", "quarantined"},
                                            {"/swiotlb", "skip"}};

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        char path[64];

        snprintf(path, sizeof(path), DEV4 "%s", claims[i][0]);
        assert_true(is_due(TREE(path, claims[i][1]), TREE("status", "ready")));
        assert_true(is_due(TREE(path, claims[i][1]), TREE(path, "unknown")));
        assert_false(is_due(TREE(path, claims[i][1]), TREE(path, claims[i][1])));
        assert_false(is_due(TREE(path, "unknown"), TREE(path, claims[i][1])));
        assert_false(is_due(TREE(path, "unknown"), TREE("status", "ready")));
    }
    assert_true(is_due(TREE(DEV4 "/state", "protected"), TREE(DEV5 "/state", "protected")));
    assert_true(is_due(TREE(DEV4 "/state", "protected"), TREE(DEV4 "/state", "relaxed")));
    assert_false(is_due(TREE("status", "ready"), TREE("status", "stopped")));
}

/* The same word, of another owner, or about more than holds. */
static void what_claims_more_beside(void **state)
{
    (void)state;
    assert_true(is_due(TREE(DEV4 "/owner", "1", DEV4 "/state", "protected"),
                       TREE(DEV4 "/owner", "2", DEV4 "/state", "protected")));
    assert_true(is_due(TREE(DEV4 "/state", "protected"),
                       TREE(DEV4 "/limits", "ats", DEV4 "/state", "protected")));
    assert_false(is_due(TREE(DEV4 "/limits", "ats", DEV4 "/state", "protected"),
                        TREE(DEV4 "/limits", "ats", DEV4 "/state", "protected")));
    assert_false(is_due(TREE(DEV4 "/reason", "x", DEV4 "/state", "protected"),
                        TREE(DEV4 "/reason", "y", DEV4 "/state", "protected")));
}

/* ------------------------------------------------------------- other ways */

static void claim(void)
{
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
}

static int take_back(void)
{
    return publish(TREE("status", "ready", DEV4 "/state", "unknown"));
}

static bool is_claimed(void)
{
    const char *status = fake_get(HOME "/iommu/status"),
               *word = fake_get(HOME "/iommu/" DEV4 "/state");

    return status && strcmp(status, "ready") == 0 && word && strcmp(word, "protected") == 0 &&
           strcmp(fake_permissions(HOME "/iommu/status"), "n0,r1") == 0;
}

static void no_transaction(void **state)
{
    static const char *const calls[] = {"start", "end", "write", "read"};
    static const int errors[] = {EAGAIN, EACCES, ENOSPC, EIO, ENOMEM, E2BIG, EINVAL, EBUSY, ENOENT};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (size_t j = 0; j < sizeof(errors) / sizeof(errors[0]); j++) {
            claim();
            fake_fail(calls[i], errors[j], ALWAYS);
            assert_true(take_back() < 0);
            assert_false(is_claimed());
            assert_false(publisher_overstates(fixture_publisher()));
            fake_fail(calls[i], errors[j], 0);
            assert_int_equal(take_back(), 1);
            assert_node(HOME "/iommu/" DEV4 "/state", "unknown");
        }
    }
}

/* So that nobody who remembers a count finds it again with other records. */
static void generations_go_on(void **state)
{
    (void)state;
    claim();
    assert_node(HOME "/iommu/generation", "1");
    fake_fail("start", EACCES, 1);
    assert_true(take_back() < 0);
    assert_null(fake_get(HOME "/iommu/generation"));
    assert_int_equal(take_back(), 1);
    assert_node(HOME "/iommu/generation", "2");
}

/* The whole tree cannot be removed, but parts of it. */
static void a_tree_that_cannot_be_removed(void **state)
{
    (void)state;
    claim();
    fake_fail("start", EACCES, ALWAYS);
    fake_fail("rm", EACCES, 1);
    assert_true(take_back() < 0);
    assert_false(publisher_overstates(fixture_publisher()));
    assert_null(fake_get(HOME "/iommu/status"));
    assert_null(fake_get(HOME "/iommu/generation"));
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
}

static void nothing_that_can_be_removed(void **state)
{
    (void)state;
    claim();
    fake_fail("start", EACCES, ALWAYS);
    fake_fail("rm", EACCES, ALWAYS);
    assert_true(take_back() < 0);
    assert_false(publisher_overstates(fixture_publisher()));
    assert_string_equal(fake_permissions(HOME "/iommu/status"), "n0");
    assert_string_equal(fake_permissions(HOME "/iommu/generation"), "n0");
}

/* Its home went, and what is written plainly would make it again. */
static void a_home_that_went(void **state)
{
    (void)state;
    claim();
    fake_remove(HOME);
    fake_fail("start", EACCES, ALWAYS);
    fake_fail("rm", EACCES, ALWAYS);
    assert_true(take_back() < 0);
    assert_int_equal(fake_count(HOME), 0);
}

/* The host's home cannot go. */
static void the_host(void **state)
{
    struct incarnation who = {.domid = PUBLISHER_HOST};
    struct tree tree = TREE("status", "ready", DEV4 "/state", "quarantined");

    (void)state;
    assert_int_equal(publisher_publish(fixture_publisher(), &who, &tree), 1);
    fake_fail("start", EACCES, ALWAYS);
    fake_fail("rm", EACCES, ALWAYS);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), PUBLISHER_HOST, "stopped"), 0);
    assert_node("/tool/xen-iommud/status", "stopped");
    tree_clear(&tree);
}

static void no_way_at_all(void **state)
{
    static const char *const calls[] = {"start", "rm", "set"};

    (void)state;
    claim();
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        fake_fail(calls[i], EACCES, ALWAYS);
    assert_int_equal(take_back(), -EACCES);
    assert_true(publisher_overstates(fixture_publisher()));
    assert_true(is_claimed());
    /* What still holds may stand, though it cannot be written anew. */
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), -EACCES);
    assert_false(publisher_overstates(fixture_publisher()));
    assert_int_equal(take_back(), -EACCES);
    assert_true(publisher_overstates(fixture_publisher()));
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        fake_fail(calls[i], EACCES, 0);
    assert_int_equal(take_back(), 1);
    assert_false(publisher_overstates(fixture_publisher()));
}

/* Only where less is wanted than stands anything is taken back. */
static void what_could_not_be_added(void **state)
{
    (void)state;
    claim();
    fake_fail("write", ENOSPC, ALWAYS);
    assert_int_equal(
        publish(TREE("status", "ready", DEV4 "/state", "protected", DEV5 "/state", "protected")),
        -ENOSPC);
    assert_true(is_claimed());
    assert_false(publisher_overstates(fixture_publisher()));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, publisher_set_up, publisher_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_claims_more),
        TEST(what_claims_more_beside),
        TEST(no_transaction),
        TEST(generations_go_on),
        TEST(a_tree_that_cannot_be_removed),
        TEST(nothing_that_can_be_removed),
        TEST(a_home_that_went),
        TEST(the_host),
        TEST(no_way_at_all),
        TEST(what_could_not_be_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
