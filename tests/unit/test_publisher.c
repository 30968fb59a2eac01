/* SPDX-License-Identifier: MIT */
/* The publisher against a store in memory that records what is asked of it. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_xenstore.h"
#include "publisher_fixture.h"
#include "transaction.h"

static const struct incarnation the_host = {.domid = PUBLISHER_HOST};

static void a_new_tree(void **state)
{
    (void)state;
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_node(HOME "/iommu/status", "ready");
    assert_node(HOME "/iommu/" DEV4 "/state", "protected");
    assert_node(HOME "/iommu/generation", "1");
    assert_string_equal(fake_permissions(HOME "/iommu"), "n0,r1");
    assert_string_equal(fake_permissions(HOME "/iommu/generation"), "n0,r1");
    assert_string_equal(fake_permissions(HOME "/iommu/" DEV4 "/state"), "n0,r1");
    assert_int_equal(fake_commits(), 1);
}

/* Its home does not tell it from the next one with its number: a tree of ours has to, first. */
static void a_new_tree_in_a_home_without_a_name(void **state)
{
    (void)state;
    fake_remove(HOME "/vm");
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_int_equal(fake_commits(), 2);
    assert_node(HOME "/iommu/status", "ready");
    assert_node(HOME "/iommu/" DEV4 "/state", "protected");
    assert_node(HOME "/iommu/generation", "2");
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "unknown")), 1);
    assert_int_equal(fake_commits(), 3);
}

static void no_claim_needs_no_name(void **state)
{
    (void)state;
    fake_remove(HOME "/vm");
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "unknown")), 1);
    assert_int_equal(fake_commits(), 1);
}

static void the_host_tree_is_dom0s_alone(void **state)
{
    struct tree tree = TREE("status", "ready");

    (void)state;
    assert_int_equal(publisher_publish(fixture_publisher(), &the_host, &tree), 1);
    tree_clear(&tree);
    assert_node("/tool/xen-iommud/status", "ready");
    assert_string_equal(fake_permissions("/tool/xen-iommud/status"), "n0");
}

static void twice_writes_nothing_the_second_time(void **state)
{
    int before;

    (void)state;
    assert_int_equal(publish(TREE("status", "ready")), 1);
    before = fake_operations();
    assert_int_equal(publish(TREE("status", "ready")), 0);
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_int_equal(publish(TREE("status", "ready")), 0);
    assert_int_equal(fake_operations(), before);
    assert_node(HOME "/iommu/generation", "1");
}

static void only_the_difference(void **state)
{
    int before;

    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected", DEV4 "/swiotlb", "keep",
                 DEV5 "/state", "unknown"));
    before = fake_operations();
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "unknown", DEV4 "/swiotlb",
                                  "keep", DEV5 "/state", "unknown")),
                     1);
    /* The one value, and the generation. */
    assert_int_equal(fake_operations() - before, 2);
    assert_node(HOME "/iommu/generation", "2");
}

static void what_goes_is_removed_whole(void **state)
{
    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected", DEV4 "/swiotlb", "keep",
                 DEV5 "/state", "unknown"));
    publish(TREE("status", "ready", DEV5 "/state", "unknown"));
    assert_int_equal(fake_count(HOME "/iommu/" DEV4), 0);
    assert_node(HOME "/iommu/" DEV5 "/state", "unknown");
    publish(TREE("status", "ready"));
    assert_int_equal(fake_count(HOME "/iommu/pci"), 0);
}

static void nested_devices_survive_each_other(void **state)
{
    (void)state;
    publish(TREE("status", "ready", "dt/soc/state", "unknown", "dt/soc/video/state", "protected",
                 "dt/soc-x/state", "unknown"));
    publish(
        TREE("status", "ready", "dt/soc/video/state", "protected", "dt/soc-x/state", "unknown"));
    assert_null(fake_get(HOME "/iommu/dt/soc/state"));
    assert_node(HOME "/iommu/dt/soc/video/state", "protected");
    assert_node(HOME "/iommu/dt/soc-x/state", "unknown");
    publish(TREE("status", "ready", "dt/soc-x/state", "unknown"));
    assert_int_equal(fake_count(HOME "/iommu/dt/soc"), 0);
    assert_node(HOME "/iommu/dt/soc-x/state", "unknown");
}

static void an_old_tree_is_taken_over(void **state)
{
    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected", DEV5 "/state", "protected"));
    publisher_forget_all(fixture_publisher());
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_null(fake_get(HOME "/iommu/" DEV5 "/state"));
    assert_node(HOME "/iommu/generation", "2");
}

static void wrong_permissions_are_mended(void **state)
{
    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected"));
    fake_chmod(HOME "/iommu/" DEV4 "/state", 7);
    publisher_forget_all(fixture_publisher());
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_string_equal(fake_permissions(HOME "/iommu/" DEV4 "/state"), "n0,r1");
}

static void a_domain_without_home_gets_none(void **state)
{
    (void)state;
    fake_remove(HOME);
    assert_int_equal(publish(TREE("status", "ready")), -ENOENT);
    assert_int_equal(fake_count("/local/domain/1"), 0);
    assert_int_equal(fake_commits(), 0);
}

static void remove_home(void)
{
    fake_remove(HOME);
}

static void a_domain_that_goes_meanwhile_does_not_come_back(void **state)
{
    (void)state;
    publish(TREE("status", "ready"));
    fake_before_commit(remove_home);
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), -ENOENT);
    assert_int_equal(fake_count("/local/domain/1"), 0);
}

static void replace_home(void)
{
    fake_remove(HOME);
    fake_put(HOME, "");
}

static void a_replaced_home_gets_everything(void **state)
{
    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected"));
    replace_home();
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_node(HOME "/iommu/" DEV4 "/state", "protected");
    fake_before_commit(replace_home);
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "unknown")), -ESTALE);
    assert_int_equal(fake_count(HOME "/iommu"), 0);
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "unknown")), 1);
    assert_node(HOME "/iommu/status", "ready");
    assert_node(HOME "/iommu/" DEV4 "/state", "unknown");
    assert_string_equal(fake_permissions(HOME "/iommu/status"), "n0,r1");
}

static void conflicts_are_tried_again_but_not_for_ever(void **state)
{
    (void)state;
    fake_fail("end", EAGAIN, TRANSACTION_TRIES - 1);
    assert_int_equal(publish(TREE("status", "ready")), 1);
    fake_fail("end", EAGAIN, TRANSACTION_TRIES);
    assert_int_equal(publish(TREE("status", "stopped")), -EAGAIN);
    fake_fail("end", EAGAIN, 0);
    assert_int_equal(publish(TREE("status", "stopped")), 1);
    assert_node(HOME "/iommu/generation", "2");
}

/* What C xenstored says when a home is removed between two requests of a transaction. */
static void a_conflict_may_come_early(void **state)
{
    (void)state;
    assert_int_equal(publish(TREE("status", "ready")), 1);
    fake_fail("rm", EIO, 1);
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), 0);
    assert_node(HOME "/iommu/status", "stopped");
    fake_fail("write", EIO, 1000);
    assert_int_equal(publish(TREE("status", "ready")), -EIO);
}

/* Whatever fails, the next try ends with the right tree, and half of one is never seen. */
static void every_failure_is_survived(void **state)
{
    static const char *const calls[] = {"read", "write", "rm",  "mkdir",    "get",
                                        "set",  "start", "end", "directory"};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (int skip = 0; skip < 2; skip++) {
            int rc;

            publisher_forget_all(fixture_publisher());
            fake_reset();
            fake_put(HOME, "");
            if (skip)
                publish(TREE("status", "ready", DEV4 "/state", "protected"));
            fake_fail(calls[i], EIO, 1);
            rc = publish(TREE("status", "ready", DEV5 "/state", "unknown"));
            if (rc < 0) {
                assert_int_equal(rc, -EIO);
                assert_null(fake_get(HOME "/iommu/" DEV5 "/state"));
            }
            fake_fail(calls[i], EIO, 0);
            assert_true(publish(TREE("status", "ready", DEV5 "/state", "unknown")) >= 0);
            assert_node(HOME "/iommu/" DEV5 "/state", "unknown");
            assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
        }
    }
}

static void withdrawing(void **state)
{
    struct tree host = TREE("status", "ready", "iommu", "enabled", DEV4 "/owner", "1");

    (void)state;
    fake_put("/local/domain/2", "");
    publish(TREE("status", "ready", DEV4 "/state", "protected"));
    assert_int_equal(publisher_publish(fixture_publisher(), &the_host, &host), 1);
    tree_clear(&host);
    publisher_forget_all(fixture_publisher());
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), 0);
    assert_node(HOME "/iommu/status", "stopped");
    assert_node(HOME "/iommu/generation", "2");
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
    assert_node("/tool/xen-iommud/status", "stopped");
    assert_null(fake_get("/tool/xen-iommud/" DEV4 "/owner"));
    /* Where nothing was published, nothing is made. */
    assert_int_equal(fake_count("/local/domain/2"), 1);
}

#define LARGE 200 /* records, of four nodes each */

static struct tree large_tree(const char *state, unsigned int first)
{
    struct tree tree = {NULL, 0, 0};

    assert_int_equal(tree_add(&tree, "version", "1"), 0);
    assert_int_equal(tree_add(&tree, "status", "ready"), 0);
    for (unsigned int i = first; i < LARGE; i++) {
        static const char *const leaves[] = {"limits", "reason", "swiotlb"};
        char base[32];

        snprintf(base, sizeof(base), "pci/0000-%02x-%02x-0", i / 32, i % 32);
        assert_int_equal(tree_add_leaf(&tree, base, "state", state), 0);
        for (int leaf = 0; leaf < 3; leaf++)
            assert_int_equal(tree_add_leaf(&tree, base, leaves[leaf], "x"), 0);
    }
    tree_sort(&tree);
    return tree;
}

static const char *status_at_commit;

static void note_status(void)
{
    status_at_commit = fake_get(HOME "/iommu/status");
}

/* In parts, of which none is believed before the last. */
static void a_large_tree(void **state)
{
    int commits = fake_commits(), later;

    (void)state;
    status_at_commit = "ready";
    fake_before_commit(note_status);
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    assert_null(status_at_commit);
    later = fake_commits();
    assert_in_range(later - commits, 3, 5);
    assert_node(HOME "/iommu/status", "ready");
    assert_node(HOME "/iommu/pci/0000-06-07-0/state", "protected");
    assert_int_equal(fake_count(HOME "/iommu/pci"), 1 + 5 * LARGE);
    /* all of it otherwise, and most of it gone */
    assert_int_equal(publish(large_tree("unknown", 0)), 1);
    assert_int_equal(fake_commits() - later, 1);
    assert_int_equal(publish(large_tree("unknown", LARGE - 2)), 1);
    assert_int_equal(fake_commits() - later, 3);
    assert_int_equal(fake_count(HOME "/iommu/pci"), 1 + 5 * 2);
}

/* The first parts stand, and are not believed. */
static void a_large_tree_that_fails(void **state)
{
    (void)state;
    fake_fail_later("write", ENOSPC, 700);
    assert_int_equal(publish(large_tree("protected", 0)), -ENOSPC);
    if (fake_get(HOME "/iommu/status"))
        assert_string_not_equal(fake_get(HOME "/iommu/status"), "ready");
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    assert_node(HOME "/iommu/status", "ready");
    assert_int_equal(fake_count(HOME "/iommu/pci"), 1 + 5 * LARGE);
}

static int records_at_commit;

static void count_records(void)
{
    records_at_commit = fake_count(HOME "/iommu/pci");
}

/* The word goes in a small transaction, and what is much without one. */
static void withdrawing_a_large_tree(void **state)
{
    int commits, generation;

    (void)state;
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    generation = atoi(fake_get(HOME "/iommu/generation"));
    commits = fake_commits();
    fake_before_commit(count_records);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_int_equal(records_at_commit, 1 + 5 * LARGE);
    assert_int_equal(fake_commits() - commits, 2);
    assert_node(HOME "/iommu/status", "stopped");
    assert_true(atoi(fake_get(HOME "/iommu/generation")) > generation);
    assert_int_equal(fake_count(HOME "/iommu/pci"), 0);
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    /* by another way where that fails */
    generation = atoi(fake_get(HOME "/iommu/generation"));
    fake_fail("write", ENOSPC, 1);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_null(fake_get(HOME "/iommu/status"));
    assert_int_equal(fake_count(HOME "/iommu/pci"), 0);
    /* and no generation comes twice */
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    assert_true(atoi(fake_get(HOME "/iommu/generation")) > generation);
    fake_fail_later("write", ENOSPC, 2);
    generation = atoi(fake_get(HOME "/iommu/generation"));
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_null(fake_get(HOME "/iommu/generation"));
    assert_int_equal(publish(large_tree("unknown", LARGE - 1)), 1);
    assert_true(atoi(fake_get(HOME "/iommu/generation")) > generation + 1);
    assert_int_equal(publish(large_tree("protected", 0)), 1);
    /* what cannot be removed on the way */
    fake_fail("rm", ENOSPC, 1);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_int_equal(fake_count(HOME "/iommu"), 0);
}

static void count_host_records(void)
{
    records_at_commit = fake_count("/tool/xen-iommud/pci");
}

/* What a failure left unknown is not removed in the transaction that writes the next tree. */
static void a_small_tree_over_a_large_one(void **state)
{
    int commits;

    (void)state;
    assert_int_equal(publish(large_tree("unknown", 0)), 1);
    fake_fail("start", ENOSPC, 1);
    assert_int_equal(publish(large_tree("unknown", LARGE - 1)), -ENOSPC);
    assert_int_equal(fake_count(HOME "/iommu/pci"), 1 + 5 * LARGE);
    commits = fake_commits();
    assert_int_equal(publish(large_tree("unknown", LARGE - 1)), 1);
    assert_int_equal(fake_count(HOME "/iommu/pci"), 1 + 5);
    /* the word, an empty tree, and what is wanted */
    assert_int_equal(fake_commits() - commits, 3);
}

/* As whoever comes after the daemon does. */
static void withdrawing_a_large_tree_of_somebody(void **state)
{
    struct tree host = large_tree("protected", 0);
    int generation;

    (void)state;
    assert_int_equal(publisher_publish(fixture_publisher(), &the_host, &host), 1);
    tree_clear(&host);
    publisher_forget_all(fixture_publisher());
    generation = atoi(fake_get("/tool/xen-iommud/generation"));
    fake_before_commit(count_host_records);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), PUBLISHER_HOST, "stopped"), 0);
    assert_int_equal(records_at_commit, 1 + 5 * LARGE);
    assert_node("/tool/xen-iommud/status", "stopped");
    assert_int_equal(atoi(fake_get("/tool/xen-iommud/generation")), generation + 2);
    assert_int_equal(fake_count("/tool/xen-iommud/pci"), 0);
}

static int publish_claim(void)
{
    return publish(TREE("status", "ready", DEV4 "/state", "protected"));
}

/* ------------------------------------------------------------- the tree that is there */

/* Nobody else writes there, so it is another's, or an earlier one. */
static void another_generation(void **state)
{
    (void)state;
    assert_int_equal(publish_claim(), 1);
    fake_put(HOME "/iommu/generation", "9");
    fake_put(HOME "/iommu/stranger", "x");
    assert_int_equal(publish(TREE("status", "ready", DEV5 "/state", "unknown")), -ESTALE);
    assert_node(HOME "/iommu/" DEV4 "/state", "protected");
    assert_true(publisher_is_new(fixture_publisher(), 1));
    /* It is found out anew, and then written whole. */
    assert_int_equal(publish(TREE("status", "ready", DEV5 "/state", "unknown")), 1);
    assert_node(HOME "/iommu/generation", "10");
    assert_null(fake_get(HOME "/iommu/stranger"));
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
}

static void a_generation_that_is_none(void **state)
{
    (void)state;
    assert_int_equal(publish_claim(), 1);
    fake_put(HOME "/iommu/generation", "many");
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_true(publisher_is_new(fixture_publisher(), 1));
    assert_int_equal(publish_claim(), 1);
    /* It never goes back. */
    assert_node(HOME "/iommu/generation", "2");
}

static void verifying(void **state)
{
    (void)state;
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_true(publisher_is_new(fixture_publisher(), 1));
    publish_claim();
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_false(publisher_is_new(fixture_publisher(), 1));
    fake_fail("read", EACCES, 1);
    assert_int_equal(publisher_verify(fixture_publisher(), 1), -EACCES);
    assert_false(publisher_is_new(fixture_publisher(), 1));
    fake_remove(HOME "/iommu");
    assert_int_equal(publisher_verify(fixture_publisher(), 1), 0);
    assert_true(publisher_is_new(fixture_publisher(), 1));
}

/* dt/a is a beginning of dt/ab, and not above it. */
static void names_that_begin_alike_go_together(void **state)
{
    (void)state;
    publish(TREE("status", "ready", "dt/a/state", "unknown", "dt/a/swiotlb", "keep", "dt/ab/state",
                 "unknown", "dt/c/state", "unknown"));
    publish(TREE("status", "ready", "dt/c/state", "unknown"));
    assert_int_equal(fake_count(HOME "/iommu/dt/a"), 0);
    assert_int_equal(fake_count(HOME "/iommu/dt/ab"), 0);
    assert_node(HOME "/iommu/dt/c/state", "unknown");
    assert_int_equal(fake_count(HOME "/iommu/dt"), 3);
}

static void a_failure_leaves_nothing_known(void **state)
{
    (void)state;
    publish_claim();
    fake_fail("end", EACCES, 1);
    assert_int_equal(publish(TREE("status", "ready")), -EACCES);
    assert_true(publisher_is_new(fixture_publisher(), 1));
    assert_int_equal(publish_claim(), 1);
    assert_node(HOME "/iommu/generation", "2");
}

static void each_domain_its_own_tree(void **state)
{
    static const uint32_t order[] = {5, 1, 9, 3};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct incarnation who = {.domid = order[i]};
        struct tree tree = TREE("status", "ready");
        char home[32];

        snprintf(home, sizeof(home), "/local/domain/%u", order[i]);
        fake_put(home, "");
        assert_int_equal(publisher_publish(fixture_publisher(), &who, &tree), 1);
        tree_clear(&tree);
    }
    publisher_forget(fixture_publisher(), 5);
    publisher_forget(fixture_publisher(), 7);
    assert_true(publisher_is_new(fixture_publisher(), 5));
    assert_false(publisher_is_new(fixture_publisher(), 1));
    assert_false(publisher_is_new(fixture_publisher(), 3));
    assert_false(publisher_is_new(fixture_publisher(), 9));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, publisher_set_up, publisher_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_tree),
        TEST(a_new_tree_in_a_home_without_a_name),
        TEST(no_claim_needs_no_name),
        TEST(the_host_tree_is_dom0s_alone),
        TEST(twice_writes_nothing_the_second_time),
        TEST(only_the_difference),
        TEST(what_goes_is_removed_whole),
        TEST(nested_devices_survive_each_other),
        TEST(an_old_tree_is_taken_over),
        TEST(wrong_permissions_are_mended),
        TEST(a_domain_without_home_gets_none),
        TEST(a_domain_that_goes_meanwhile_does_not_come_back),
        TEST(a_replaced_home_gets_everything),
        TEST(conflicts_are_tried_again_but_not_for_ever),
        TEST(a_conflict_may_come_early),
        TEST(every_failure_is_survived),
        TEST(withdrawing),
        TEST(a_large_tree),
        TEST(a_large_tree_that_fails),
        TEST(a_small_tree_over_a_large_one),
        TEST(withdrawing_a_large_tree),
        TEST(withdrawing_a_large_tree_of_somebody),
        TEST(another_generation),
        TEST(a_generation_that_is_none),
        TEST(verifying),
        TEST(names_that_begin_alike_go_together),
        TEST(a_failure_leaves_nothing_known),
        TEST(each_domain_its_own_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
