/* SPDX-License-Identifier: MIT */
/* What the host's tree tells of a guest's own name for its device: what stands in that guest's
 * tree, and no word where that is not certain. */
#include "view_fixture.h"

#include <stdio.h>
#include <string.h>

#include "sighting.h"

/* Whether the facts at this path have this word. */
static bool has_word(const char *path, const char *word)
{
    const char *facts = tree_get(&tree, path);
    const char *found = facts ? strstr(facts, word) : NULL;
    size_t length = strlen(word);

    return found && found > facts && found[-1] == ' ' &&
           (found[length] == ' ' || found[length] == '\0') && !strstr(found + length, "guest-");
}

static bool names_guest(const char *path)
{
    return strstr(tree_get(&tree, path), "guest-address=") ||
           strstr(tree_get(&tree, path), "guest-path=/");
}

#define LEFT_FACTS  "pci/0000-02-01-0/facts"
#define RIGHT_FACTS "pci/0000-02-02-0/facts"

static void what_its_guest_calls_a_function(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    own(pci(LEFT), 1, to_pv);
    see_host();
    assert_false(names_guest(LEFT_FACTS));
    publish(1);
    assert_true(has_word(LEFT_FACTS, "guest-address=0000-00-04-0"));
    assert_false(names_guest(RIGHT_FACTS));
    /* A device that no guest has, or which is not known, has no such name, whatever stands. */
    pci(LEFT)->facts.word = WORD_DENIES;
    see_host();
    assert_false(names_guest(LEFT_FACTS));
    pci(LEFT)->facts.word = WORD_FITS;
    pci(LEFT)->owner.kind = OWNER_UNKNOWN;
    see_host();
    assert_false(names_guest(LEFT_FACTS));
    own(pci(LEFT), 2, to_pv);
    see_host();
    assert_false(names_guest(LEFT_FACTS));
    source.told = NULL;
    own(pci(LEFT), 1, to_pv);
    see_host();
    assert_false(names_guest(LEFT_FACTS));
}

/* By its stub domain's backend alone, as libxl leaves it. */
static void what_a_guest_behind_a_stub_domain_calls_it(void **state)
{
    (void)state;
    doms[1].kind = GUEST_KIND_TRANSLATED;
    attach(LEFT, 2, 0x28)->serves = 1;
    own(pci(LEFT), 1, to_hvm);
    publish(1);
    assert_true(has_word(LEFT_FACTS, "guest-address=0000-00-05-0"));
}

static void no_name_that_is_not_certain(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    attach(LEFT, 1, 0x28);
    own(pci(LEFT), 1, to_hvm);
    publish(1);
    assert_false(names_guest(LEFT_FACTS));
    assignment.claim_count = assignment.record_count = 0;
    attach(LEFT, 1, 0x20);
    attach(RIGHT, 1, 0x20);
    own(pci(RIGHT), 1, to_hvm);
    publish(1);
    assert_false(names_guest(LEFT_FACTS));
    assert_false(names_guest(RIGHT_FACTS));
    assignment.claim_count = assignment.record_count = 0;
    attach(LEFT, 1, 0x20)->has_vdev = false;
    publish(1);
    assert_false(names_guest(LEFT_FACTS));
}

static void what_its_guest_calls_a_node(void **state)
{
    (void)state;
    record("/dma", 1, "/passthrough/dma,1");
    record("/eth", 1, NULL);
    own(dt("/dma"), 1, to_hvm);
    own(dt("/eth"), 1, to_hvm);
    publish(1);
    assert_true(has_word("dt/dma/facts", "guest-path=/passthrough/dma_2c1"));
    assert_true(has_word("dt/eth/facts", "guest-path=/eth"));
    dt_records[1].handle[0]++;
    see_host();
    assert_false(names_guest("dt/eth/facts"));
    dt_records[1].handle[0]--;
    dt_records[1].guest_path = dt_records[0].guest_path;
    dt_records[1].where = GUEST_PATH_KNOWN;
    publish(1);
    assert_false(names_guest("dt/dma/facts"));
    assert_false(names_guest("dt/eth/facts"));
    dt_records[1].where = GUEST_PATH_UNKNOWN;
    publish(1);
    assert_true(names_guest("dt/dma/facts"));
    assert_false(names_guest("dt/eth/facts"));
}

/* Whether some node's facts name a guest's path, and how long they are. */
static size_t length_with_name(const char *path)
{
    const char *facts = tree_get(&tree, path);

    assert_non_null(facts);
    return names_guest(path) ? strlen(facts) : 0;
}

/* oxenstored takes 2048 bytes for a value. */
static void a_value_that_has_no_room_for_the_name(void **state)
{
    char path[DT_BASE_SIZE] = "/passthrough/";
    size_t most;

    (void)state;
    record("/eth", 1, path);
    own(dt("/eth"), 1, to_hvm);
    see_host();
    most = 2048 - strlen(tree_get(&tree, "dt/eth/facts")) - strlen(" guest-path=");
    memset(path + strlen(path), 'x', most - strlen(path));
    path[most] = '\0';
    publish(1);
    assert_int_equal(length_with_name("dt/eth/facts"), 2048);
    strcat(path, "x");
    publish(1);
    assert_false(names_guest("dt/eth/facts"));
}

/* Either has it for 4096 bytes of a message: the path, a NUL and the value. */
static void a_message_that_has_no_room_for_the_name(void **state)
{
    char path[DT_BASE_SIZE] = "/passthrough/", host[2500] = "/", facts[2600];
    struct dt_entry long_entries[] = {{.path = "/eth", .node = &eth}, {.path = host}};
    const struct dt_entries long_nodes = {.entries = long_entries, .count = 2};
    size_t most, others;

    (void)state;
    memset(host + 1, 'h', sizeof(host) - 2);
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(inventory_update(&inventory, 1, &topology, &long_nodes), 0);
    own(dt(host), 1, to_hvm);
    record(host, 1, path);
    see_host();
    snprintf(facts, sizeof(facts), "dt%s/facts", host);
    most = 4096 - strlen("/tool/xen-iommud/") - strlen(facts) - 1;
    others = strlen(tree_get(&tree, facts)) + strlen(" guest-path=");
    memset(path + strlen(path), 'x', most - others - strlen(path));
    path[most - others] = '\0';
    publish(1);
    assert_int_equal(length_with_name(facts), most);
    strcat(path, "x");
    publish(1);
    assert_false(names_guest(facts));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_set_up, view_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_its_guest_calls_a_function),
        TEST(what_a_guest_behind_a_stub_domain_calls_it),
        TEST(no_name_that_is_not_certain),
        TEST(what_its_guest_calls_a_node),
        TEST(a_value_that_has_no_room_for_the_name),
        TEST(a_message_that_has_no_room_for_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
