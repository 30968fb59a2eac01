/* SPDX-License-Identifier: MIT */
/* xeniommu_ask(): whatever stands in the tree, whenever it changes, a claim is made only where the
 * tree made it. */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xeniommu-schema.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define DEVICE "iommu/pci/0000-00-04-0"

enum node { GENERATION, VERSION, STATUS, STATE, SWIOTLB, NODE_COUNT };

static const char *const paths[NODE_COUNT] = {
    "iommu/generation", "iommu/version", "iommu/status", DEVICE "/state", DEVICE "/swiotlb",
};

static const char *const good[NODE_COUNT] = {"12", "1", "ready", "protected", "skip"};

/* What a read of one node returns. */
struct value {
    int len;          /* what the platform says; negative: an error */
    const char *text; /* as many bytes as len and the caller's size allow */
};

struct tree {
    struct value nodes[NODE_COUNT];
};

/* A store that changes under the reader. */
struct store {
    struct tree tree;
    void (*before_read)(struct store *store); /* NULL: it stays as it is */
    unsigned int reads;
    enum node order[64];
    void *arg;
};

static struct value text_value(const char *text)
{
    return (struct value){.len = (int)strlen(text), .text = text};
}

static struct tree good_tree(void)
{
    struct tree tree;
    size_t i;

    for (i = 0; i < NODE_COUNT; i++)
        tree.nodes[i] = text_value(good[i]);
    return tree;
}

static int read_node(void *arg, const char *path, char *value, size_t size)
{
    struct store *store = arg;
    const struct value *found;
    size_t i, len;

    if (store->before_read != NULL)
        store->before_read(store);
    for (i = 0; i < NODE_COUNT && strcmp(path, paths[i]) != 0; i++)
        continue;
    if (i == NODE_COUNT)
        fail_msg("\"%s\" was read", path);
    assert_in_range(size, 20, 24);
    if (store->reads < COUNT_OF(store->order))
        store->order[store->reads] = (enum node)i;
    store->reads++;
    found = &store->tree.nodes[i];
    memset(value, '#', size);
    len = found->len < 0 ? 0 : (size_t)found->len;
    if (found->text != NULL)
        memcpy(value, found->text, len < size ? len : size);
    return found->len;
}

/* Asks with a verdict that says the opposite of what an error has to leave in it. */
static int ask(struct store *store, struct xeniommu_verdict *verdict)
{
    char key[64] = DEVICE;
    int error;

    *verdict = (struct xeniommu_verdict){.state = XENIOMMU_PROTECTED, .skip = true};
    error = xeniommu_ask(read_node, store, key, sizeof(key), verdict);
    assert_string_equal(key, DEVICE);
    if (error != 0) {
        assert_in_range(-error, -XENIOMMU_ENOTREADY, -XENIOMMU_EBUSY);
        assert_int_equal(verdict->state, XENIOMMU_UNKNOWN);
        assert_false(verdict->skip);
    }
    return error;
}

/* What a tree says, found without the header's help. */

static bool is_text(const struct value *value, const char *text)
{
    return value->len >= 0 && (size_t)value->len == strlen(text) &&
           memcmp(value->text, text, strlen(text)) == 0;
}

static bool is_number(const struct value *value)
{
    int i;

    if (value->len < 1 || value->len > 24)
        return false;
    for (i = 0; i < value->len && value->text[i] >= '0' && value->text[i] <= '9'; i++)
        continue;
    return i == value->len;
}

static enum xeniommu_state state_of(const struct value *value)
{
    static const char *const words[] = {"unknown", "unprotected", "relaxed", "protected",
                                        "quarantined"};
    size_t i;

    for (i = 0; i < COUNT_OF(words); i++)
        if (is_text(value, words[i]))
            return (enum xeniommu_state)i;
    return XENIOMMU_UNKNOWN;
}

static int truth_of(const struct tree *tree, struct xeniommu_verdict *verdict)
{
    const struct value *nodes = tree->nodes;

    *verdict = (struct xeniommu_verdict){.state = XENIOMMU_UNKNOWN};
    if (nodes[VERSION].len < 0)
        return XENIOMMU_ENOTREADY;
    if (!is_text(&nodes[VERSION], "1"))
        return XENIOMMU_EVERSION;
    if (!is_number(&nodes[GENERATION]) || !is_text(&nodes[STATUS], "ready"))
        return XENIOMMU_ENOTREADY;
    if (nodes[STATE].len < 0)
        return XENIOMMU_EABSENT;
    verdict->state = state_of(&nodes[STATE]);
    verdict->skip = is_text(&nodes[STATE], "protected") && is_text(&nodes[SWIOTLB], "skip");
    return 0;
}

static bool same(const struct xeniommu_verdict *a, const struct xeniommu_verdict *b)
{
    return a->state == b->state && a->skip == b->skip;
}

static void check_tree(const struct tree *tree)
{
    struct store store = {.tree = *tree};
    struct xeniommu_verdict verdict, truth;
    int error = truth_of(tree, &truth);

    assert_int_equal(ask(&store, &verdict), error);
    assert_int_equal(verdict.state, truth.state);
    assert_int_equal(verdict.skip, truth.skip);
}

static void a_good_tree_is_believed(void **state)
{
    static const enum node order[] = {GENERATION, VERSION, STATUS, STATE, SWIOTLB, GENERATION};
    struct store store = {.tree = good_tree()};
    struct xeniommu_verdict verdict;

    (void)state;
    assert_int_equal(ask(&store, &verdict), 0);
    assert_int_equal(verdict.state, XENIOMMU_PROTECTED);
    assert_true(verdict.skip);
    assert_int_equal(store.reads, COUNT_OF(order));
    assert_memory_equal(store.order, order, sizeof(order));
}

static void each_state_and_advice_is_told(void **state)
{
    static const char *const states[] = {"unknown", "unprotected", "relaxed", "protected",
                                         "quarantined"};
    struct store store = {.tree = good_tree()};
    struct xeniommu_verdict verdict;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(states); i++) {
        store.tree.nodes[STATE] = text_value(states[i]);
        store.tree.nodes[SWIOTLB] = text_value("skip");
        assert_int_equal(ask(&store, &verdict), 0);
        assert_int_equal(verdict.state, i);
        assert_int_equal(verdict.skip, i == XENIOMMU_PROTECTED);
        store.tree.nodes[SWIOTLB] = text_value("keep");
        assert_int_equal(ask(&store, &verdict), 0);
        assert_int_equal(verdict.state, i);
        assert_false(verdict.skip);
    }
}

/* Everything that a node may hold beside what is good of it. */
static const struct value oddities[] = {
    {-1, NULL},
    {INT_MIN, NULL},
    {0, ""},
    {INT_MAX, NULL},
    {25, "1readyprotectedskip1234567890"},
    {1, "\0"},
    {1, " "},
    {1, "1"},
    {1, "2"},
    {1, "0"},
    {2, "1\0"},
    {2, "01"},
    {2, "-1"},
    {2, "12"},
    {5, "ready"},
    {6, "ready\0"},
    {4, "read"},
    {5, "Ready"},
    {7, "stopped"},
    {8, "starting"},
    {9, "protected"},
    {10, "protected\0"},
    {8, "protecte"},
    {9, "PROTECTED"},
    {11, "unprotected"},
    {7, "relaxed"},
    {11, "quarantined"},
    {4, "skip"},
    {5, "skip\0"},
    {4, "keep"},
    {24, "123456789012345678901234"},
};

/* In each place each oddity, beside each other oddity in each other place. */
static void no_two_odd_values_make_a_claim(void **state)
{
    struct tree tree;
    size_t a, b, i, j;

    (void)state;
    for (a = 0; a < NODE_COUNT; a++)
        for (b = 0; b < a; b++)
            for (i = 0; i < COUNT_OF(oddities); i++)
                for (j = 0; j < COUNT_OF(oddities); j++) {
                    tree = good_tree();
                    tree.nodes[a] = oddities[i];
                    tree.nodes[b] = oddities[j];
                    check_tree(&tree);
                }
}

/* Too long for the buffer: the value is not looked at, though it begins well. The same for a
 * platform that says so of a value that is good. */
static void what_does_not_fit_counts_for_nothing(void **state)
{
    static const char tail[] = "                        ";
    struct tree tree;
    size_t i;
    char text[64];

    (void)state;
    for (i = 0; i < NODE_COUNT; i++) {
        tree = good_tree();
        snprintf(text, sizeof(text), "%s%s", good[i], tail);
        tree.nodes[i] = (struct value){(int)strlen(text), text};
        check_tree(&tree);
        tree.nodes[i] = (struct value){25, text};
        check_tree(&tree);
        tree.nodes[i] = (struct value){INT_MAX, NULL};
        check_tree(&tree);
    }
}

/* Nor does a generation of which only the beginning could be compared. */
static void a_generation_too_long_to_compare_is_none(void **state)
{
    static const char digits[] = "1234567890123456789012345";
    struct tree tree;
    int len;

    (void)state;
    for (len = 20; len <= 25; len++) {
        tree = good_tree();
        tree.nodes[GENERATION] = (struct value){len, digits};
        check_tree(&tree);
    }
}

/* Each byte of each value as each other byte; each byte gone; each byte twice. */
static void no_mutation_makes_a_claim(void **state)
{
    struct tree tree;
    size_t i, at;
    char text[32];
    int byte;

    (void)state;
    for (i = 0; i < NODE_COUNT; i++) {
        size_t len = strlen(good[i]);

        for (at = 0; at < len; at++) {
            tree = good_tree();
            for (byte = 0; byte < 256; byte++) {
                strcpy(text, good[i]);
                text[at] = (char)byte;
                tree.nodes[i] = (struct value){(int)len, text};
                check_tree(&tree);
            }
            strcpy(text, good[i]);
            memmove(text + at, good[i] + at + 1, len - at);
            tree.nodes[i] = (struct value){(int)len - 1, text};
            check_tree(&tree);
            strcpy(text, good[i]);
            memmove(text + at + 1, good[i] + at, len - at);
            tree.nodes[i] = (struct value){(int)len + 1, text};
            check_tree(&tree);
        }
    }
}

/* xorshift: the same on every run. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* A tree that changes: each version with a generation of its own, as a daemon commits it. */
struct history {
    uint32_t seed;
    uint32_t one_in; /* reads, for each change */
    unsigned int versions;
    char generation[24];
    struct xeniommu_verdict truths[64]; /* of each version that stood during the call */
};

static void random_tree(struct tree *tree, struct history *history)
{
    uint32_t choice = next_random(&history->seed);

    *tree = good_tree();
    if (choice % 3 == 0)
        tree->nodes[STATE] = oddities[next_random(&history->seed) % COUNT_OF(oddities)];
    if (choice / 3 % 3 == 0)
        tree->nodes[SWIOTLB] = oddities[next_random(&history->seed) % COUNT_OF(oddities)];
    if (choice / 9 % 4 == 0)
        tree->nodes[STATUS] = text_value(choice / 36 % 2 ? "starting" : "stopped");
    if (choice / 72 % 16 == 0)
        tree->nodes[VERSION] = text_value("2");
}

static void commit(struct store *store)
{
    struct history *history = store->arg;

    random_tree(&store->tree, history);
    snprintf(history->generation, sizeof(history->generation), "%u", 100 + history->versions);
    store->tree.nodes[GENERATION] = text_value(history->generation);
    assert_in_range(history->versions, 0, COUNT_OF(history->truths) - 1);
    truth_of(&store->tree, &history->truths[history->versions++]);
}

static void maybe_commit(struct store *store)
{
    struct history *history = store->arg;

    if (next_random(&history->seed) % history->one_in == 0)
        commit(store);
}

/* A verdict is what one version said as a whole, never one made of two. */
static void a_moving_tree_is_never_mixed(void **state)
{
    struct history history = {.seed = 4};
    struct store store = {.before_read = maybe_commit, .arg = &history};
    unsigned int round, answers = 0, claims = 0, busy = 0, i;
    struct xeniommu_verdict verdict;

    (void)state;
    for (round = 0; round < 100000; round++) {
        int error;

        history.one_in = 1 + round % 12;
        history.versions = 0;
        store.reads = 0;
        commit(&store);
        error = ask(&store, &verdict);
        answers += error == 0;
        busy += error == XENIOMMU_EBUSY;
        claims += verdict.skip;
        for (i = 0; i < history.versions && !same(&verdict, &history.truths[i]); i++)
            continue;
        if (error == 0 && i == history.versions)
            fail_msg("round %u: state %d, skip %d was never published", round, verdict.state,
                     verdict.skip);
    }
    /* The rounds were about something. */
    assert_true(answers > 10000 && claims > 1000 && busy > 1000);
}

/* One change, before a certain read. */
struct change {
    unsigned int at;
    const struct tree *to;
};

static void change_once(struct store *store)
{
    const struct change *change = store->arg;

    if (store->reads == change->at)
        store->tree = *change->to;
}

static void a_downgrade_at_any_read_is_seen(void **state)
{
    struct tree after[3];
    struct xeniommu_verdict verdict, truth;
    struct change change;
    size_t i;

    (void)state;
    after[0] = after[1] = after[2] = good_tree();
    after[0].nodes[STATE] = text_value("unknown");
    after[0].nodes[SWIOTLB] = text_value("keep");
    after[1].nodes[STATUS] = text_value("stopped");
    after[2].nodes[STATE] = after[2].nodes[SWIOTLB] = (struct value){-1, NULL};
    for (i = 0; i < COUNT_OF(after); i++) {
        after[i].nodes[GENERATION] = text_value("13");
        for (change.at = 1; change.at < 6; change.at++) {
            struct store store = {.tree = good_tree(), .before_read = change_once, .arg = &change};

            change.to = &after[i];
            assert_int_equal(ask(&store, &verdict), truth_of(&after[i], &truth));
            assert_true(same(&verdict, &truth));
        }
    }
}

static void move_always(struct store *store)
{
    struct history *history = store->arg;

    snprintf(history->generation, sizeof(history->generation), "%u", ++history->versions);
    store->tree.nodes[GENERATION] = text_value(history->generation);
}

static void a_tree_that_never_rests_is_given_up(void **state)
{
    struct history history = {.seed = 1};
    struct store store = {.tree = good_tree(), .before_read = move_always, .arg = &history};
    struct xeniommu_verdict verdict;

    (void)state;
    assert_int_equal(ask(&store, &verdict), XENIOMMU_EBUSY);
    assert_in_range(store.reads, 12, 100);
    assert_int_equal(store.reads % 6, 0);
}

static int fail_on_read(void *arg, const char *path, char *value, size_t size)
{
    (void)arg;
    (void)value;
    (void)size;
    fail_msg("\"%s\" was read", path);
    return -1;
}

/* Nothing is read for a key that is none. */
static void check_refused(const char *key, size_t size, int error)
{
    struct xeniommu_verdict verdict = {.state = XENIOMMU_PROTECTED, .skip = true};
    char *copy = malloc(size + 1); /* of the exact size, for the sanitizer */

    assert_non_null(copy);
    memcpy(copy, key, size < strlen(key) + 1 ? size : strlen(key) + 1);
    copy = realloc(copy, size > 0 ? size : 1);
    assert_non_null(copy);
    assert_int_equal(xeniommu_ask(fail_on_read, NULL, copy, size, &verdict), error);
    assert_int_equal(verdict.state, XENIOMMU_UNKNOWN);
    assert_false(verdict.skip);
    free(copy);
}

static void other_keys_are_refused(void **state)
{
    static const char *const keys[] = {"",
                                       "/",
                                       "iommu",
                                       "iommu/",
                                       "iommux/pci/0000-00-04-0",
                                       "/local/domain/3/iommu/pci/0000-00",
                                       "/tool/xen-iommud/pci/0000-00-04-0"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(keys); i++)
        check_refused(keys[i], 64, XENIOMMU_EMALFORMED);
    for (i = 0; i < sizeof(DEVICE) - 1 + 9; i++)
        check_refused(DEVICE, i, XENIOMMU_ETOOLONG);
}

/* As after an error of xeniommu_dt_key() that was not looked at. */
static void a_key_that_failed_is_refused(void **state)
{
    char key[64];

    (void)state;
    assert_int_equal(xeniommu_dt_key("soc", NULL, key, sizeof(key)), XENIOMMU_EMALFORMED);
    check_refused(key, sizeof(key), XENIOMMU_EMALFORMED);
    assert_int_equal(xeniommu_pci_key(0x20, NULL, key, 10), XENIOMMU_ETOOLONG);
    check_refused(key, 10, XENIOMMU_EMALFORMED);
}

static void the_smallest_key_is_enough(void **state)
{
    struct store store = {.tree = good_tree()};
    size_t size = sizeof(DEVICE) - 1 + 9;
    struct xeniommu_verdict verdict;
    char *key = malloc(size);

    (void)state;
    assert_non_null(key);
    assert_int_equal(xeniommu_pci_key(0x20, NULL, key, size), sizeof(DEVICE) - 1);
    assert_int_equal(xeniommu_ask(read_node, &store, key, size, &verdict), 0);
    assert_true(verdict.skip);
    assert_string_equal(key, DEVICE);
    free(key);
}

static int read_longest(void *arg, const char *path, char *value, size_t size)
{
    static const char *const values[] = {"7", "1", "ready", "protected", "skip", "7"};
    int *reads = arg;
    size_t len = strlen(values[*reads]);

    assert_true(strlen(path) < XENIOMMU_KEY_SIZE && len <= size);
    memcpy(value, values[*reads], len);
    ++*reads;
    return (int)len;
}

/* The longest path whose fields XenStore can hold, in a buffer for the longest key. */
static void the_longest_path_is_asked_for(void **state)
{
    size_t len = XENIOMMU_KEY_SIZE - 9 - strlen("iommu/dt");
    struct xeniommu_verdict verdict;
    char path[XENIOMMU_KEY_SIZE] = "/";
    char key[XENIOMMU_KEY_SIZE];
    int reads = 0;

    (void)state;
    memset(path + 1, 'a', len - 1);
    assert_int_equal(xeniommu_dt_key(path, NULL, key, sizeof(key)), XENIOMMU_KEY_SIZE - 9);
    assert_int_equal(xeniommu_ask(read_longest, &reads, key, sizeof(key), &verdict), 0);
    assert_true(verdict.skip);
    path[len] = 'a';
    assert_int_equal(xeniommu_dt_key(path, NULL, key, sizeof(key)), XENIOMMU_KEY_SIZE - 8);
    assert_int_equal(xeniommu_ask(fail_on_read, NULL, key, sizeof(key), &verdict),
                     XENIOMMU_ETOOLONG);
    assert_false(verdict.skip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_tree_is_believed),
        cmocka_unit_test(each_state_and_advice_is_told),
        cmocka_unit_test(no_two_odd_values_make_a_claim),
        cmocka_unit_test(what_does_not_fit_counts_for_nothing),
        cmocka_unit_test(a_generation_too_long_to_compare_is_none),
        cmocka_unit_test(no_mutation_makes_a_claim),
        cmocka_unit_test(a_moving_tree_is_never_mixed),
        cmocka_unit_test(a_downgrade_at_any_read_is_seen),
        cmocka_unit_test(a_tree_that_never_rests_is_given_up),
        cmocka_unit_test(other_keys_are_refused),
        cmocka_unit_test(a_key_that_failed_is_refused),
        cmocka_unit_test(the_smallest_key_is_enough),
        cmocka_unit_test(the_longest_path_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
