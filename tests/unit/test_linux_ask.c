/* SPDX-License-Identifier: MIT */
/* The Linux driver's ask.c: what XenStore says, and what becomes of a question without an answer.
 */
#include "linux/fake.h"
#include "unit.h"
#include "xeniommu.h"

#define KEY       "iommu/dt/soc/video@fe001000"
#define OTHER_KEY "iommu/dt/soc/audio@fe002000"

extern uint *const kernel_param_wait_ms;

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    *kernel_param_wait_ms = 100;
    assert_int_equal(xi_ask_init(), 0);
    fake.while_waiting = fake_work_all;
    fake_publish_tree();
    fake_publish(KEY, "protected", "skip");
    return 0;
}

/* xenstored is there. */
static int set_up_opened(void **state)
{
    xi_ask_opened();
    return set_up(state);
}

static int tear_down(void **state)
{
    (void)state;
    xi_ask_exit();
    fake_reset();
    return 0;
}

/* Without an answer the verdict is left alone, whatever stood there. */
static void check_reason(const char *key, const char *reason)
{
    struct xeniommu_verdict verdict = {.state = XENIOMMU_QUARANTINED, .skip = false};
    const char *got = xi_ask(key, &verdict, NULL);

    assert_non_null(got);
    assert_string_equal(got, reason);
    assert_int_equal(verdict.state, XENIOMMU_QUARANTINED);
    assert_false(verdict.skip);
}

static void check_answer(const char *key, enum xeniommu_state state, bool skip)
{
    struct xeniommu_verdict verdict = {.state = XENIOMMU_QUARANTINED, .skip = !skip};
    const char *reason = xi_ask(key, &verdict, NULL);

    if (reason != NULL)
        fail_msg("no answer: %s", reason);
    assert_false(fake.timed_out);
    assert_int_equal(verdict.state, state);
    assert_int_equal(verdict.skip, skip);
}

/* A module is loaded once: this has to be the first test. */
static void nothing_is_asked_before_xenstored_is_there(void **state)
{
    (void)state;
    check_reason(KEY, "no-xenstore");
    assert_int_equal(fake.reads, 0);
    assert_int_equal(fake_queued(), 0);
    xi_ask_opened();
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void it_does_not_start_without_workers(void **state)
{
    (void)state;
    xi_ask_exit();
    fake.no_workqueue = true;
    assert_int_equal(xi_ask_init(), -ENOMEM);
    fake.no_workqueue = false;
    assert_int_equal(xi_ask_init(), 0);
}

static void few_workers_can_get_stuck(void **state)
{
    (void)state;
    assert_int_equal(fake.max_workers, 8);
}

static void what_is_published_is_told(void **state)
{
    (void)state;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    assert_int_equal(fake.reads, 6);
    assert_int_equal(fake.waited, 100);
    fake_publish(KEY, "protected", "keep");
    check_answer(KEY, XENIOMMU_PROTECTED, false);
    fake_publish(KEY, "unprotected", "keep");
    check_answer(KEY, XENIOMMU_UNPROTECTED, false);
    fake_publish(OTHER_KEY, "relaxed", "skip");
    check_answer(OTHER_KEY, XENIOMMU_RELAXED, false);
    assert_int_equal(fake.reads, 24);
}

static void each_error_has_its_reason(void **state)
{
    (void)state;
    check_reason(OTHER_KEY, "no-record");
    check_reason("", "no-address");
    check_reason("local/dt/soc", "no-address");
    fake_store_set("iommu/status", "stopped");
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/version", NULL);
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/version", "2");
    check_reason(KEY, "unknown-version");
}

static unsigned int sleeps_until_ready;

static void get_ready(void)
{
    if (sleeps_until_ready-- == 1)
        fake_store_set("iommu/status", "ready");
}

extern uint *const kernel_param_boot_wait_ms;

/* Each of these uses up some of what a boot has: the module is loaded once. */
static void a_guest_waits_for_its_tree_once_in_a_boot(void **state)
{
    (void)state;
    fake.while_sleeping = get_ready;
    fake_store_set("iommu/status", "starting");
    sleeps_until_ready = 1;
    check_reason(KEY, "not-ready"); /* dom0 */
    fake.is_guest = true;
    fake.uptime = 60;
    check_reason(KEY, "not-ready"); /* no boot any more */
    assert_int_equal(fake.slept_ms, 0);
    fake.uptime = 59;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    assert_int_equal(fake.slept_ms, 20);
    fake_store_set("iommu/status", "starting");
    sleeps_until_ready = 3;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    assert_int_equal(fake.slept_ms, 80);
    fake_store_set("iommu/status", "starting");
    sleeps_until_ready = 1000;
    check_reason(KEY, "not-ready");
    assert_int_equal(fake.slept_ms, 1000);
    sleeps_until_ready = 1;
    check_reason(KEY, "not-ready"); /* used up */
    *kernel_param_boot_wait_ms = 1040;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    assert_int_equal(fake.slept_ms, 1020);
    fake_store_set("iommu/status", "starting");
    sleeps_until_ready = 100000;
    *kernel_param_boot_wait_ms = UINT_MAX;
    check_reason(KEY, "not-ready");
    assert_int_equal(fake.slept_ms, 10000); /* whoever wants more */
    *kernel_param_boot_wait_ms = 1000;
}

/* Nobody would ever come. */
static void a_guest_does_not_wait_for_nothing(void **state)
{
    (void)state;
    fake.is_guest = true;
    fake_store_set("iommu/status", NULL);
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/status", "stopped");
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/status", "starting ");
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/status", "start");
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/status", "startled");
    check_reason(KEY, "not-ready");
    fake_store_set("iommu/status", "ready");
    check_reason(OTHER_KEY, "no-record");
    assert_int_equal(fake.slept_ms, 0);
}

static void fill(char *value, const char *word, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++)
        value[i] = word[i % strlen(word)];
}

/* Nothing but the very words makes a device skip, however like them, long or broken a value is. */
static void check_hostile(const char *path, const char *word)
{
    static const char *const beside[] = {" ", "\n", "\xff", "\xc3\xa9", "x", "/"};
    struct xeniommu_verdict verdict;
    char value[4096];
    size_t i, len;

    for (i = 0; i < ARRAY_SIZE(beside); i++) {
        len = (size_t)snprintf(value, sizeof(value), "%s%s", word, beside[i]);
        fake_store_set_bytes(path, value, len);
        assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
        len = (size_t)snprintf(value, sizeof(value), "%s%s", beside[i], word);
        fake_store_set_bytes(path, value, len);
        assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
    }
    /* with its NUL, in the middle of others, and as long as a value can be */
    fake_store_set_bytes(path, word, strlen(word) + 1);
    assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
    fake_store_set_bytes(path, word, strlen(word) - 1);
    assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
    for (len = 0; len <= sizeof(value); len += len == 0 || len > 1000 ? 1024 : len) {
        memset(value, 0, sizeof(value));
        fake_store_set_bytes(path, value, len);
        assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
        fill(value, word, sizeof(value));
        fake_store_set_bytes(path, value, len > strlen(word) ? len : 0);
        assert_true(xi_ask(KEY, &verdict, NULL) != NULL || !verdict.skip);
    }
    fake_store_set(path, word);
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void hostile_values_never_skip(void **state)
{
    (void)state;
    check_hostile("iommu/version", "1");
    check_hostile("iommu/status", "ready");
    check_hostile(KEY "/state", "protected");
    check_hostile(KEY "/swiotlb", "skip");
}

static unsigned int moves;

static void move(const char *path)
{
    char generation[16];

    if (strcmp(path, KEY "/state") != 0)
        return;
    snprintf(generation, sizeof(generation), "%u", 100 + moves++);
    fake_store_set("iommu/generation", generation);
}

static void what_moves_at_each_attempt_is_given_up(void **state)
{
    (void)state;
    moves = 0;
    fake.before_read = move;
    check_reason(KEY, "changing");
    assert_in_range(moves, 2, 100);
}

/* Reads of more than there is room for, and of nothing. */
static void a_value_of_another_length_is_none(void **state)
{
    static const char *const nodes[] = {"iommu/generation", "iommu/version", "iommu/status",
                                        KEY "/state", KEY "/swiotlb"};
    static const char *const values[] = {"7", "1", "ready", "protected", "skip"};
    static const size_t lengths[] = {0, 24, 25, 26, 60};
    size_t i, j;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(nodes); i++) {
        for (j = 0; j < ARRAY_SIZE(lengths); j++) {
            struct xeniommu_verdict verdict = {0};
            char value[64] = {0};

            strcpy(value, values[i]);
            fake_store_set_bytes(nodes[i], value, lengths[j]);
            xi_ask(KEY, &verdict, NULL);
            assert_false(verdict.skip);
        }
        fake_store_set(nodes[i], values[i]);
        check_answer(KEY, XENIOMMU_PROTECTED, true);
    }
}

/* What is cut would read as a number. */
static void a_generation_that_does_not_fit_is_none(void **state)
{
    (void)state;
    fake_store_set("iommu/generation", "123456789012345678901234");
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    fake_store_set("iommu/generation", "1234567890123456789012345");
    check_reason(KEY, "not-ready");
}

static void an_error_of_xenstore_is_no_claim(void **state)
{
    static const char *const nodes[] = {"iommu/generation", "iommu/version", "iommu/status",
                                        KEY "/state"};
    static const char *const reasons[] = {"not-ready", "not-ready", "not-ready", "no-record"};
    static const int errors[] = {EPERM, ENOENT, EIO, EAGAIN, ENOMEM, EACCES, EINVAL, EPIPE};
    size_t i, j;

    (void)state;
    for (j = 0; j < ARRAY_SIZE(errors); j++) {
        for (i = 0; i < ARRAY_SIZE(nodes); i++) {
            fake_store_fail(nodes[i], errors[j]);
            check_reason(KEY, reasons[i]);
            fake_store_fail(nodes[i], 0);
        }
        fake_store_fail(KEY "/swiotlb", errors[j]);
        check_answer(KEY, XENIOMMU_PROTECTED, false);
        fake_store_fail(KEY "/swiotlb", 0);
    }
}

static void refuse_limits(const char *path)
{
    if (strstr(path, "limits") != NULL || strstr(path, "reason") != NULL)
        fake_bug("%s was read", path);
}

/* What stands beside the two fields, and what may come to: nobody reads it, whatever it is. */
static void other_fields_are_ignored(void **state)
{
    static const char *const limits[] = {"no-acs", "no-acs ats no-intremap", "unheard-of", "", " ",
                                         "keep"};
    size_t i;

    (void)state;
    fake.before_read = refuse_limits;
    for (i = 0; i < ARRAY_SIZE(limits); i++) {
        fake_store_set(KEY "/limits", limits[i]);
        fake_publish(KEY, "protected", "skip");
        check_answer(KEY, XENIOMMU_PROTECTED, true);
        fake_publish(KEY, "protected", "keep");
        check_answer(KEY, XENIOMMU_PROTECTED, false);
        fake_publish(KEY, "protected", NULL);
        check_answer(KEY, XENIOMMU_PROTECTED, false);
        fake_publish(KEY, NULL, NULL);
        check_reason(KEY, "no-record");
    }
}

static void a_wait_is_bounded(void **state)
{
    static const unsigned int waits[][2] = {{1, 1},       {99, 99},     {999, 999},
                                            {1000, 1000}, {1001, 1000}, {UINT_MAX, 1000}};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(waits); i++) {
        *kernel_param_wait_ms = waits[i][0];
        check_answer(KEY, XENIOMMU_PROTECTED, true);
        assert_int_equal(fake.waited, waits[i][1]);
    }
}

static void without_a_wait_only_what_is_there_counts(void **state)
{
    (void)state;
    *kernel_param_wait_ms = 0;
    check_reason(KEY, "xenstore-slow");
    assert_int_equal(fake.waited, 0);
    fake_work_all();
    fake.works_at_once = true;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

/* Given up before a worker came: nothing is read for it, and then all is well again. */
static void a_question_behind_others_is_given_up(void **state)
{
    (void)state;
    fake.while_waiting = NULL;
    check_reason(KEY, "xenstore-slow");
    assert_int_equal(fake_queued(), 1);
    assert_int_equal(kernel_module.users, 1);
    check_reason(KEY, "xenstore-stuck");
    assert_int_equal(fake_queued(), 1);
    assert_int_equal(kernel_module.users, 1);
    fake_work();
    assert_int_equal(fake.reads, 0);
    assert_int_equal(kernel_module.users, 0);
    fake.while_waiting = fake_work_all;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void get_stuck(const char *path)
{
    (void)path;
    fake_get_stuck();
}

static void get_stuck_once(const char *path)
{
    (void)path;
    fake.before_read = NULL;
    fake_get_stuck();
}

/* Given up while a worker reads: the module stays for as long, and nobody waits meanwhile. */
static void a_read_without_an_answer_is_given_up(void **state)
{
    (void)state;
    fake.before_read = get_stuck;
    check_reason(KEY, "xenstore-slow");
    assert_int_equal(fake_stuck(), 1);
    fake.waited = 12345;
    check_reason(OTHER_KEY, "xenstore-stuck");
    check_reason(KEY, "xenstore-stuck");
    assert_int_equal(fake.waited, 12345);
    assert_int_equal(fake_queued(), 0);
    while (fake_stuck() > 0) {
        assert_int_equal(kernel_module.users, 1);
        check_reason(KEY, "xenstore-stuck");
        fake_answer();
    }
    assert_int_equal(fake.reads, 6);
    assert_int_equal(kernel_module.users, 0);
    fake.before_read = NULL;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void check_key(const char *path)
{
    if (strncmp(path, "iommu/", strlen("iommu/")) != 0)
        fake_bug("%s was read", path);
}

/* The worker reads on for nobody; it must not need what was the asker's. */
static void a_question_has_a_key_of_its_own(void **state)
{
    struct xeniommu_verdict *verdict = calloc(1, sizeof(*verdict));
    char *key = strdup(KEY);

    (void)state;
    assert_true(verdict != NULL && key != NULL);
    fake.before_read = get_stuck_once;
    assert_string_equal(xi_ask(key, verdict, NULL), "xenstore-slow");
    memset(key, 'x', strlen(key));
    free(key);
    free(verdict);
    fake.before_read = check_key;
    fake_answer();
    assert_int_equal(fake.reads, 6);
}

static const char *second_reason;

/* While one waits another asks. */
static void another_asks(void)
{
    struct xeniommu_verdict verdict = {0};

    fake.while_waiting = fake_work_all;
    second_reason = xi_ask(OTHER_KEY, &verdict, NULL);
}

/* Two side by side without an answer: one answer is not enough. */
static void each_question_needs_its_answer(void **state)
{
    (void)state;
    fake.before_read = get_stuck;
    fake.while_waiting = another_asks;
    check_reason(KEY, "xenstore-slow");
    assert_string_equal(second_reason, "xenstore-slow");
    assert_int_equal(fake_stuck(), 2);
    assert_int_equal(kernel_module.users, 2);
    fake.before_read = NULL;
    fake_answer();
    check_reason(KEY, "xenstore-stuck");
    fake_answer();
    assert_int_equal(kernel_module.users, 0);
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void in_time_all_the_same(void)
{
    fake_work();
    fake.before_read = NULL;
    fake_answer();
}

/* An answer that took a while, but came before the bound, leaves nothing behind. */
static void an_answer_in_time_is_not_overdue(void **state)
{
    (void)state;
    fake.before_read = get_stuck_once;
    fake.while_waiting = in_time_all_the_same;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
    fake.while_waiting = fake_work_all;
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

static void nothing_is_asked_while_unloading(void **state)
{
    (void)state;
    fake.unloading = true;
    check_reason(KEY, "unloading");
    assert_int_equal(fake_queued(), 0);
    assert_int_equal(kernel_module.users, 0);
}

static void without_memory_nothing_is_asked(void **state)
{
    (void)state;
    fake.failing_allocation = 1;
    check_reason(KEY, "no-memory");
    assert_int_equal(fake_queued(), 0);
    assert_int_equal(kernel_module.users, 0);
    check_answer(KEY, XENIOMMU_PROTECTED, true);
}

/* The last worker may still run when the module goes. */
static void the_end_waits_for_workers(void **state)
{
    (void)state;
    fake.while_waiting = NULL;
    check_reason(KEY, "xenstore-slow");
    xi_ask_exit();
    assert_int_equal(fake_queued(), 0);
    assert_int_equal(kernel_module.users, 0);
    assert_int_equal(xi_ask_init(), 0);
}

static void the_longest_key_is_asked_for(void **state)
{
    char key[XENIOMMU_KEY_SIZE + 1] = "iommu/dt/";
    size_t longest = XENIOMMU_KEY_SIZE - sizeof("/swiotlb");

    (void)state;
    memset(key + strlen(key), 'a', longest - strlen(key));
    fake_publish(key, "protected", "skip");
    check_answer(key, XENIOMMU_PROTECTED, true);
    key[longest] = 'a';
    check_reason(key, "no-address");
    memset(key + longest, 'a', XENIOMMU_KEY_SIZE - longest);
    check_reason(key, "no-address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_asked_before_xenstored_is_there, set_up,
                                        tear_down),
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_opened, tear_down)
        TEST(it_does_not_start_without_workers),
        TEST(few_workers_can_get_stuck),
        TEST(what_is_published_is_told),
        TEST(each_error_has_its_reason),
        TEST(hostile_values_never_skip),
        TEST(a_guest_does_not_wait_for_nothing),
        TEST(a_guest_waits_for_its_tree_once_in_a_boot),
        TEST(what_moves_at_each_attempt_is_given_up),
        TEST(a_value_of_another_length_is_none),
        TEST(a_generation_that_does_not_fit_is_none),
        TEST(an_error_of_xenstore_is_no_claim),
        TEST(other_fields_are_ignored),
        TEST(a_wait_is_bounded),
        TEST(without_a_wait_only_what_is_there_counts),
        TEST(a_question_behind_others_is_given_up),
        TEST(a_read_without_an_answer_is_given_up),
        TEST(a_question_has_a_key_of_its_own),
        TEST(each_question_needs_its_answer),
        TEST(an_answer_in_time_is_not_overdue),
        TEST(nothing_is_asked_while_unloading),
        TEST(without_memory_nothing_is_asked),
        TEST(the_end_waits_for_workers),
        TEST(the_longest_key_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
