/* SPDX-License-Identifier: MIT */
/* The partial device trees that libxl's records name, as real files. */
#include "toolstack_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devicetree_builder.h"

static void without_a_partial_tree(void **state)
{
    static const char *const texts[] = {
        "{" DTDEVS "}",
        "{" DTDEVS ", \"b_info\": {}}",
        "{" DTDEVS ", \"b_info\": {\"device_tree\": null}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        write_record(texts[i]);
        expect_at_start(GUEST_PATH_HOST, NULL);
    }
}

static void a_partial_tree_that_tells(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_libxls_record(WITH_TREE);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
}

static void nodes_that_do_not_count(void **state)
{
    static const struct {
        const char *folder, *node;
        const char *xen_path;
        size_t size;
    } rows[] = {
        {"passthrough", "nic@1000", "/soc/other", 11}, /* a coincidence of names */
        {"soc", "nic@1000", HOST, sizeof(HOST)},       /* libxl does not copy it */
        {"passthrough@0", "nic@0", HOST, sizeof(HOST)},
        {"passthrough", "nic@0", HOST "\0x", sizeof(HOST) + 2},
        {"passthrough", "nic@0", HOST "/", sizeof(HOST) + 1},
        {"passthrough", "nic@0", "/soc//nic@1000", 15},
        {"passthrough", "nic@0", "soc/nic@1000", 13},
        {"passthrough", "nic@0", HOST, sizeof(HOST) - 1},
        {"passthrough", "nic@0", "", 0},
    };

    (void)state;
    write_libxls_record(WITH_TREE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        write_partial(rows[i].folder, rows[i].node, rows[i].xen_path, rows[i].size);
        write_libxls_record(WITH_TREE);
        expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    }
}

static void two_nodes(struct tree_builder *builder, const char *first, const char *second)
{
    const char *const names[] = {first, second};

    tree_begin(builder);
    tree_node(builder, "passthrough");
    for (size_t i = 0; i < 2; i++) {
        tree_node(builder, names[i]);
        tree_string(builder, "xen,path", HOST);
        tree_end(builder);
    }
    tree_end(builder);
    tree_finish(builder);
    write_file(at("/partial.dtb"), builder->bytes, builder->size);
    tree_free(builder);
}

static void several_nodes_for_one(void **state)
{
    struct tree_builder builder;

    (void)state;
    two_nodes(&builder, "a", "b");
    write_libxls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    two_nodes(&builder, "a", "a");
    write_libxls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

static void configurations_that_do_not_tell(void **state)
{
    static const char *const trees[] = {
        "\"partial.dtb\"",          "\"./partial.dtb\"", "\"\"",          "7",        "{}",
        "\"/partial.dtb\\u0000x\"", "\"/var\"",          "\"/gone.dtb\"", "\"/junk\""};
    char text[256];

    (void)state;
    write_good_partial("nic@0");
    write_file(at("/junk"), "junk", 4);
    for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
        snprintf(text, sizeof(text), "{" DTDEVS ", \"b_info\": {\"device_tree\": %s}}", trees[i]);
        write_libxls_record(text);
        expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    }
    write_libxls_record("{" DTDEVS ", \"b_info\": 7}");
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* What becomes of the file once the guest runs does not matter to the guest. */
static void a_tree_that_changes_later(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_libxls_record(WITH_TREE);
    observer = open_observer();
    write_good_partial("nic@1");
    write_libxls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    unlink(at("/partial.dtb"));
    write_libxls_record("{" DTDEVS "}");
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    toolstack_observer_close(observer);
}

/* A daemon that starts after the file was changed does not know what it was. */
static void a_tree_that_changed_before(void **state)
{
    (void)state;
    write_good_partial("nic@0");
    write_libxls_record(WITH_TREE);
    backdate(at("/" BIRTH), 100);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    /* Its own time can be set, that of its inode not. */
    backdate(at("/partial.dtb"), 200);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
    end_domain();
    write_libxls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_KNOWN, "/passthrough/nic@0");
    /* libxl writes its record anew with the configuration, xl its own not. */
    backdate(at("/" BIRTH), 100);
    write_libxls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* libvirt's domains have libxl's record alone, which is written anew with each change. */
static void a_domain_of_which_only_the_record_tells(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_record(WITH_TREE);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    /* the next one comes while the daemon looks */
    end_domain();
    take_events(observer);
    write_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    toolstack_observer_close(observer);
}

/* Its record was there before it named a device, or could be read. */
static void a_record_that_says_more_later(void **state)
{
    static const char *const texts[] = {"{}", "{\"dtdevs\": []}", "not JSON"};
    struct toolstack_observer *observer;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        write_good_partial("nic@0");
        write_record(i < 3 ? texts[i] : WITH_TREE);
        failing_read = i < 3 ? 0 : EIO;
        observer = open_observer();
        failing_read = 0;
        assert_int_equal(toolstack_observer_get(observer)->count, 0);
        write_record(WITH_TREE);
        take_events(observer);
        /* What could not be read tells no time. */
        if (i < 3)
            expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
        else
            expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
        toolstack_observer_close(observer);
        end_domain();
    }
}

static void a_link_that_was_turned(void **state)
{
    (void)state;
    write_good_partial("nic@0");
    assert_int_equal(rename(at("/partial.dtb"), at("/real.dtb")), 0);
    assert_int_equal(symlink("real.dtb", at("/partial.dtb")), 0);
    write_libxls_record(WITH_TREE);
    expect_at_start(GUEST_PATH_KNOWN, "/passthrough/nic@0");
    backdate(at("/" BIRTH), 100);
    expect_at_start(GUEST_PATH_UNKNOWN, NULL);
}

/* Once it was there and not certain, no later reading makes it so. */
static void doubt_stays(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_libxls_record(WITH_TREE);
    backdate(at("/" BIRTH), 100);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    write_libxls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* A tree that could not be read yet is read later, if it is as old as it has to be. */
static void a_tree_that_comes_late(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    assert_int_equal(rename(at("/partial.dtb"), at("/real.dtb")), 0);
    write_libxls_record(WITH_TREE);
    backdate(at("/" BIRTH), -100);
    observer = open_observer();
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    assert_true(toolstack_observer_wants_refresh(observer));
    assert_int_equal(rename(at("/real.dtb"), at("/partial.dtb")), 0);
    assert_int_equal(toolstack_observer_refresh(observer), 0);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@0");
    assert_false(toolstack_observer_wants_refresh(observer));
    toolstack_observer_close(observer);
    /* The time of its record when it was first seen counts, not that of a later one. */
    unlink(at("/partial.dtb"));
    write_libxls_record(WITH_TREE);
    backdate(at("/" BIRTH), 100);
    observer = open_observer();
    write_good_partial("nic@1");
    write_libxls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_UNKNOWN, NULL);
    toolstack_observer_close(observer);
}

/* Another domain with the number and the UUID of one that went, all before anybody looked. */
static void a_domain_made_anew(void **state)
{
    struct toolstack_observer *observer;

    (void)state;
    write_good_partial("nic@0");
    write_libxls_record(WITH_TREE);
    observer = open_observer();
    end_domain();
    write_good_partial("nic@1");
    write_libxls_record(WITH_TREE);
    take_events(observer);
    expect_one(observer, GUEST_PATH_KNOWN, "/passthrough/nic@1");
    end_domain();
    take_events(observer);
    assert_int_equal(toolstack_observer_get(observer)->count, 0);
    toolstack_observer_close(observer);
}

/* Other toolstacks may leave the NUL out; what is behind one is no part of a record. */
static void the_end_of_a_record(void **state)
{
    static const char bare[] = "{" DTDEVS "}", more[] = "{" DTDEVS "}\0",
                      longer[] = "{" DTDEVS "}\0x";
    struct toolstack_observer *observer;

    (void)state;
    write_bytes(bare, sizeof(bare) - 1);
    expect_at_start(GUEST_PATH_HOST, NULL);
    observer = open_observer();
    write_bytes(more, sizeof(more));
    take_events(observer);
    expect_unread(observer);
    write_bytes(longer, sizeof(longer) - 1);
    take_events(observer);
    expect_unread(observer);
    toolstack_observer_close(observer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, toolstack_set_up, toolstack_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_partial_tree),
        TEST(a_partial_tree_that_tells),
        TEST(nodes_that_do_not_count),
        TEST(several_nodes_for_one),
        TEST(configurations_that_do_not_tell),
        TEST(a_tree_that_changes_later),
        TEST(a_tree_that_changed_before),
        TEST(a_domain_of_which_only_the_record_tells),
        TEST(a_record_that_says_more_later),
        TEST(a_link_that_was_turned),
        TEST(doubt_stays),
        TEST(a_tree_that_comes_late),
        TEST(a_domain_made_anew),
        TEST(the_end_of_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
