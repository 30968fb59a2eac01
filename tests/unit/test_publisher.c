/* SPDX-License-Identifier: MIT */
/* The publisher against a store in memory that records what is asked of it. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_xenstore.h"
#include "publisher.h"
#include "transaction.h"

#define HOME "/local/domain/1"
#define DEV4 "pci/0000-00-04-0"
#define DEV5 "pci/0000-00-05-0"

static struct store *store;
static const uint8_t handle[16] = {1, 2, 3};
static const struct incarnation the_host = {.domid = PUBLISHER_HOST};
static struct publisher *publisher;

/* What Xen says of the domain's number. */
static int identify(void *arg, uint32_t domid, uint8_t answer[16])
{
    (void)arg;
    (void)domid;
    memcpy(answer, handle, sizeof(handle));
    return 0;
}

static int set_up(void **state)
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
    publisher_set_identify(publisher, identify, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    publisher_free(publisher);
    store_free(store);
    fake_reset();
    return 0;
}

/* A tree of path, value pairs, ended by NULL. */
static struct tree tree_of(const char *const *pairs)
{
    struct tree tree = {NULL, 0, 0};

    for (; *pairs; pairs += 2)
        assert_int_equal(tree_add(&tree, pairs[0], pairs[1]), 0);
    tree_sort(&tree);
    return tree;
}

#define TREE(...) tree_of((const char *const[]){"version", "1", __VA_ARGS__, NULL})

static int publish(struct tree tree)
{
    struct incarnation who = {.domid = 1, .handle = handle};
    int rc = publisher_publish(publisher, &who, &tree);

    tree_clear(&tree);
    return rc;
}

static void assert_node(const char *path, const char *value)
{
    assert_non_null(fake_get(path));
    assert_string_equal(fake_get(path), value);
}

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
    assert_int_equal(publisher_publish(publisher, &the_host, &tree), 1);
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
    assert_int_equal(publisher_verify(publisher, 1), 0);
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
    publisher_forget_all(publisher);
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", "protected")), 1);
    assert_null(fake_get(HOME "/iommu/" DEV5 "/state"));
    assert_node(HOME "/iommu/generation", "2");
}

static void wrong_permissions_are_mended(void **state)
{
    (void)state;
    publish(TREE("status", "ready", DEV4 "/state", "protected"));
    fake_chmod(HOME "/iommu/" DEV4 "/state", 7);
    publisher_forget_all(publisher);
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
    assert_int_equal(publisher_verify(publisher, 1), 0);
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

/* Whatever fails, the next try ends with the right tree, and half of one is never seen. */
static void every_failure_is_survived(void **state)
{
    static const char *const calls[] = {"read", "write", "rm",  "mkdir",    "get",
                                        "set",  "start", "end", "directory"};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (int skip = 0; skip < 2; skip++) {
            int rc;

            publisher_forget_all(publisher);
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
    assert_int_equal(publisher_publish(publisher, &the_host, &host), 1);
    tree_clear(&host);
    publisher_forget_all(publisher);
    assert_int_equal(publisher_withdraw(publisher, "stopped"), 0);
    assert_node(HOME "/iommu/status", "stopped");
    assert_node(HOME "/iommu/generation", "2");
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
    assert_node("/tool/xen-iommud/status", "stopped");
    assert_null(fake_get("/tool/xen-iommud/" DEV4 "/owner"));
    /* Where nothing was published, nothing is made. */
    assert_int_equal(fake_count("/local/domain/2"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(every_failure_is_survived),
        TEST(withdrawing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
