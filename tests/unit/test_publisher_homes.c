/* SPDX-License-Identifier: MIT */
/* Whose home it is that the publisher writes to: a number is soon another domain's. */
#include "unit.h"

#include <errno.h>

#include "fake_xenstore.h"
#include "publisher_fixture.h"

static const struct incarnation the_host = {.domid = PUBLISHER_HOST};

/* ------------------------------------------------------------- whose home it is */

/* 01020300-0000-0000-0000-000000000000 is the domain's, as libxl writes it. */
#define OWN_VM "/vm/01020300-0000-0000-0000-000000000000"

static int publish_claim(void)
{
    return publish(TREE("status", "ready", DEV4 "/state", "protected"));
}

static void assert_not_there(void)
{
    assert_int_equal(fake_count(HOME "/iommu"), 0);
}

static void a_home_that_names_its_domain(void **state)
{
    int questions;

    (void)state;
    fake_put(HOME "/vm", OWN_VM);
    questions = xen_questions();
    xen_says(-EPERM, OWN_FIRST_BYTE, 0);
    assert_int_equal(publish_claim(), 1);
    /* Then Xen need not be asked. */
    assert_int_equal(xen_questions(), questions);
    assert_node(HOME "/iommu/" DEV4 "/state", "protected");
}

static void a_home_that_names_another_domain(void **state)
{
    static const char *const others[] = {"/vm/11020300-0000-0000-0000-000000000000",
                                         "/vm/01020300-0000-0000-0000-000000000001",
                                         "/vm/FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fake_put(HOME "/vm", others[i]);
        assert_int_equal(publish_claim(), -ESTALE);
        assert_not_there();
    }
    assert_int_equal(publish(TREE("status", "ready")), -ESTALE);
    assert_not_there();
}

/* The same number, another domain: between two publications, and in the middle of one. */
static void replace_by_another(void)
{
    fake_remove(HOME);
    fake_put(HOME "/vm", "/vm/ff020300-0000-0000-0000-000000000000");
}

static void a_home_of_the_same_number(void **state)
{
    (void)state;
    fake_put(HOME "/vm", OWN_VM);
    assert_int_equal(publish_claim(), 1);
    replace_by_another();
    assert_int_equal(publish(TREE("status", "ready", DEV5 "/state", "protected")), -ESTALE);
    assert_not_there();
    fake_remove(HOME);
    fake_put(HOME "/vm", OWN_VM);
    publisher_forget(fixture_publisher(), 1);
    assert_int_equal(publish_claim(), 1);
    fake_before_commit(replace_by_another);
    assert_int_equal(publish(TREE("status", "ready", DEV5 "/state", "protected")), -ESTALE);
    assert_not_there();
}

/* What names nobody leaves the question to Xen. */
static void a_home_that_names_nobody(void **state)
{
    static const char *const names[] = {"", "/vm/", "/vm/0102",
                                        "/vn/01020300-0000-0000-0000-000000000000",
                                        "/vm/0102030000000000000000000000000g"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fake_put(HOME "/vm", names[i]);
        publisher_forget_all(fixture_publisher());
        xen_says(0, 0xee, 0);
        assert_int_equal(publish_claim(), -ESTALE);
        assert_not_there();
        xen_says(0, OWN_FIRST_BYTE, 0);
        assert_int_equal(publish_claim(), 1);
        fake_remove(HOME "/iommu");
    }
}

static void a_number_that_is_anothers_before_the_commit(void **state)
{
    (void)state;
    fake_remove(HOME "/vm");
    xen_says(0, 0xee, 0);
    assert_int_equal(publish_claim(), -ESTALE);
    assert_not_there();
    assert_int_equal(fake_commits(), 0);
    xen_says(-ESRCH, OWN_FIRST_BYTE, 0);
    assert_int_equal(publish_claim(), -ESTALE);
    assert_not_there();
}

/* It came between Xen's word and the commit, into a home that does not tell it from the old one. */
static void a_number_that_is_anothers_after_the_commit(void **state)
{
    (void)state;
    fake_remove(HOME "/vm");
    /* A tree without a claim went first. */
    xen_says(0, 0xee, 2);
    assert_int_equal(publish_claim(), -ESTALE);
    assert_int_equal(fake_commits(), 3);
    assert_node(HOME "/iommu/status", "starting");
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
    xen_says(0, OWN_FIRST_BYTE, 0);
    assert_int_equal(publish_claim(), 1);
    assert_node(HOME "/iommu/status", "ready");
}

/* Only what nobody acts on is written without Xen's word. */
static void a_number_that_xen_does_not_tell_of(void **state)
{
    static const char *const claims[] = {"protected", "relaxed", "quarantined"};

    (void)state;
    fake_remove(HOME "/vm");
    xen_says(-EPERM, OWN_FIRST_BYTE, 0);
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        assert_int_equal(publish(TREE("status", "ready", DEV4 "/state", claims[i])), -EPERM);
        assert_not_there();
    }
    assert_int_equal(publish(TREE("status", "ready", DEV4 "/swiotlb", "skip")), -EPERM);
    assert_not_there();
    assert_int_equal(
        publish(TREE("status", "ready", DEV4 "/state", "unknown", DEV4 "/swiotlb", "keep")), 1);
    publisher_set_identify(fixture_publisher(), NULL, NULL);
    assert_int_equal(publish_claim(), -EIO);
}

static void nobody_asks_for_dom0(void **state)
{
    struct incarnation dom0 = {.domid = 0};
    struct tree tree = TREE("status", "ready", DEV4 "/state", "protected");
    int questions;

    (void)state;
    fake_put("/local/domain/0", "");
    questions = xen_questions();
    assert_int_equal(publisher_publish(fixture_publisher(), &dom0, &tree), 1);
    assert_int_equal(publisher_publish(fixture_publisher(), &the_host, &tree), 1);
    tree_clear(&tree);
    assert_int_equal(xen_questions(), questions);
}

/* The records that a tree was made from are part of what it depends on. */
static void a_witness_that_says_something_else(void **state)
{
    struct tree witnesses = tree_of((const char *const[]){"/libxl/pci/x/domid", "1", NULL});
    struct incarnation who = {.domid = 0, .witnesses = &witnesses};
    struct tree tree = TREE("status", "ready", DEV4 "/state", "protected");

    (void)state;
    fake_put("/local/domain/0", "");
    assert_int_equal(publisher_publish(fixture_publisher(), &who, &tree), -ESTALE);
    fake_put("/libxl/pci/x/domid", "2");
    assert_int_equal(publisher_publish(fixture_publisher(), &who, &tree), -ESTALE);
    assert_int_equal(fake_count("/local/domain/0/iommu"), 0);
    fake_put("/libxl/pci/x/domid", "1");
    assert_int_equal(publisher_publish(fixture_publisher(), &who, &tree), 1);
    tree_clear(&tree);
    tree_clear(&witnesses);
}

static void remove_home(void)
{
    fake_remove(HOME);
}

/* ------------------------------------------------------------- taking back */

static void nothing_is_taken_back_where_nothing_was(void **state)
{
    int before = fake_operations();

    (void)state;
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_not_there();
    fake_remove(HOME);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_int_equal(fake_count(HOME), 0);
    assert_int_equal(fake_operations(), before);
    assert_int_equal(fake_commits(), 0);
}

/* The number is another domain's by now: of what stood in the old home nothing is told there. */
static void nothing_is_taken_back_in_anothers_home(void **state)
{
    (void)state;
    publish_claim();
    replace_by_another();
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_not_there();
}

static void a_home_that_goes_while_it_is_taken_back(void **state)
{
    (void)state;
    publish_claim();
    fake_before_commit(remove_home);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_int_equal(fake_count(HOME), 0);
}

/* Taken back it is, whoever wrote it, and without a word from Xen. */
static void taken_back_whatever_stands_there(void **state)
{
    (void)state;
    publish_claim();
    fake_put(HOME "/iommu/generation", "9");
    xen_says(-EPERM, OWN_FIRST_BYTE, 0);
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_node(HOME "/iommu/status", "stopped");
    assert_node(HOME "/iommu/generation", "10");
    assert_null(fake_get(HOME "/iommu/" DEV4 "/state"));
    assert_int_equal(publisher_withdraw_from(fixture_publisher(), 1, "stopped"), 0);
    assert_node(HOME "/iommu/generation", "10");
}

/* One that fails does not keep the others from being taken back. */
static void every_tree_is_tried(void **state)
{
    struct tree host = TREE("status", "ready");

    (void)state;
    publish_claim();
    assert_int_equal(publisher_publish(fixture_publisher(), &the_host, &host), 1);
    tree_clear(&host);
    fake_fail("start", EACCES, 1);
    fake_fail("rm", EPERM, 4);
    fake_fail("set", EPERM, 1);
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), -EACCES);
    assert_node("/tool/xen-iommud/status", "stopped");
    assert_node(HOME "/iommu/status", "ready");
}

/* Nor where the domains cannot be listed. */
static void every_number_is_tried(void **state)
{
    (void)state;
    publish_claim();
    fake_fail("directory", EPIPE, 2);
    fake_fail("start", EACCES, 1);
    fake_fail("rm", EPERM, 4);
    fake_fail("write", EPERM, 1);
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), -EACCES);
    assert_node(HOME "/iommu/status", "stopped");
}

/* But not for one connection that was lost: who looks by number asks for more than this.
 */
static void the_list_is_asked_for_twice(void **state)
{
    (void)state;
    publish_claim();
    fake_fail("directory", EPIPE, 1);
    fake_fail_from("start", EACCES, 1000);
    fake_fail_from("rm", EPERM, 1000);
    fake_fail_from("write", EPERM, 1000);
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), 0);
    assert_node(HOME "/iommu/status", "stopped");
}

/* Neither is there any more: the connection, and who could make another. */
static void a_store_that_is_gone(void **state)
{
    (void)state;
    publish_claim();
    fake_fail("directory", EPIPE, 1);
    fake_fail("open", ECONNREFUSED, 2);
    assert_int_equal(publisher_withdraw(fixture_publisher(), "stopped"), -ECONNREFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, publisher_set_up, publisher_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_home_that_names_its_domain),
        TEST(a_home_that_names_another_domain),
        TEST(a_home_of_the_same_number),
        TEST(a_home_that_names_nobody),
        TEST(a_number_that_is_anothers_before_the_commit),
        TEST(a_number_that_is_anothers_after_the_commit),
        TEST(a_number_that_xen_does_not_tell_of),
        TEST(nobody_asks_for_dom0),
        TEST(a_witness_that_says_something_else),
        TEST(nothing_is_taken_back_where_nothing_was),
        TEST(nothing_is_taken_back_in_anothers_home),
        TEST(a_home_that_goes_while_it_is_taken_back),
        TEST(taken_back_whatever_stands_there),
        TEST(every_tree_is_tried),
        TEST(every_number_is_tried),
        TEST(the_list_is_asked_for_twice),
        TEST(a_store_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
