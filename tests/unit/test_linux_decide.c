/* SPDX-License-Identifier: MIT */
/*
 * The Linux driver from a bind to what is done, with all of it but main.c: what is published when
 * swiotlb-xen is taken off a device, and what must keep it.
 */
#include "linux/bind.h"
#include "linux/fake.h"
#include "unit.h"

/* A module is loaded once: this has to be the first test. */
static void before_xenstored_is_there(void **state)
{
    (void)state;
    check_not_asked(&video, "- kept no-xenstore");
    xi_ask_opened();
    check_taken_off(&video);
}

/* ---- what is taken ---- */

static void it_is_taken_off_on_each_bus(void **state)
{
    (void)state;
    check_taken_off(&video);
    check_taken_off(&nic.dev);
    video.bus = &amba_bustype;
    check_taken_off(&video);
}

static void who_only_observes_takes_nothing(void **state)
{
    (void)state;
    *kernel_param_observe = true;
    check_kept(&video, "protected/skip would-take published-skip");
    fake_publish(VIDEO_KEY, "protected", "keep");
    check_kept(&video, "protected/keep kept published-keep");
    *kernel_param_observe = false;
    check_kept(&video, "protected/keep kept published-keep");
    check_taken_off(&nic.dev);
}

static void observe_from_now_on(const char *path)
{
    (void)path;
    *kernel_param_observe = true;
}

/* It counts when something would be done, not when the bind began. */
static void who_begins_to_observe_takes_nothing(void **state)
{
    (void)state;
    fake.before_read = observe_from_now_on;
    check_kept(&video, "protected/skip would-take published-skip");
}

/* ---- what is published ---- */

static void only_protected_and_skip_is_taken(void **state)
{
    static const char *const states[] = {"unknown",    "unprotected", "relaxed",    "quarantined",
                                         "Protected",  "protecte",    "protected ", "protected\n",
                                         "protected2", "skip",        "",           "confined"};
    static const char *const advices[] = {"keep", "Skip", "ski", "skip ", "skip\n",    "skipped",
                                          "",     "yes",  "1",   "true",  "protected", NULL};
    char expected[64];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(states); i++) {
        fake_publish(VIDEO_KEY, states[i], "skip");
        snprintf(expected, sizeof(expected), "%s/keep kept published-keep",
                 i < 4 ? states[i] : "unknown");
        check_kept(&video, expected);
    }
    for (i = 0; i < ARRAY_SIZE(advices); i++) {
        fake_publish(VIDEO_KEY, "protected", advices[i]);
        check_kept(&video, "protected/keep kept published-keep");
    }
    fake_publish(VIDEO_KEY, "relaxed", "keep");
    check_kept(&video, "relaxed/keep kept published-keep");
    check_taken_off(&nic.dev);
}

static void without_a_record_it_is_kept(void **state)
{
    (void)state;
    fake_publish(VIDEO_KEY, NULL, "skip");
    check_kept(&video, "- kept no-record");
    fake_publish(VIDEO_KEY, NULL, NULL);
    check_kept(&video, "- kept no-record");
    check_taken_off(&nic.dev);
}

static void a_tree_nobody_stands_by_counts_for_nothing(void **state)
{
    static const char *const statuses[] = {"starting", "stopped", "Ready", "ready ", "read",
                                           "readyy",   "",        "1",     NULL};
    static const char *const generations[] = {"", "x", "7x", "-7", " 7", "7 ", NULL};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(statuses); i++) {
        fake_store_set("iommu/status", statuses[i]);
        check_kept(&video, "- kept not-ready");
    }
    fake_publish_tree();
    for (i = 0; i < ARRAY_SIZE(generations); i++) {
        fake_store_set("iommu/generation", generations[i]);
        check_kept(&video, "- kept not-ready");
    }
    fake_publish_tree();
    check_taken_off(&video);
}

static void another_version_counts_for_nothing(void **state)
{
    static const char *const versions[] = {"0", "2", "10", "01", "1.0", "1 ", "", "one"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(versions); i++) {
        fake_store_set("iommu/version", versions[i]);
        check_kept(&video, "- kept unknown-version");
    }
    fake_store_set("iommu/version", NULL);
    check_kept(&video, "- kept not-ready");
    fake_publish_tree();
    check_taken_off(&video);
}

/* A token in "limits" takes nothing from a verdict, and adds nothing to one. */
static void limits_are_not_looked_at(void **state)
{
    (void)state;
    fake_store_set(VIDEO_KEY "/limits", "no-acs ats");
    check_taken_off(&video);
    fake_publish(VIDEO_KEY, "protected", "keep");
    check_kept(&video, "protected/keep kept published-keep");
}

/* ---- what changes meanwhile ---- */

static unsigned int downgrade_at; /* before which read, counted from 1 */

static void downgrade(const char *path)
{
    (void)path;
    if (fake.reads != downgrade_at)
        return;
    fake_publish(VIDEO_KEY, "unknown", "keep");
    fake_store_set("iommu/generation", "8");
}

static void a_downgrade_at_any_read_is_seen(void **state)
{
    (void)state;
    fake.before_read = downgrade;
    for (downgrade_at = 1; downgrade_at <= 6; downgrade_at++) {
        fake.reads = 0;
        fake_publish_tree();
        fake_publish(VIDEO_KEY, "protected", "skip");
        check_kept(&video, "unknown/keep kept published-keep");
    }
    fake.reads = 0;
    fake_publish_tree();
    fake_publish(VIDEO_KEY, "protected", "skip");
    check_taken_off(&video);
}

static void withdraw(const char *path)
{
    (void)path;
    if (fake.reads != downgrade_at)
        return;
    fake_store_set("iommu/status", "stopped");
    fake_store_set("iommu/generation", "8");
}

static void a_withdrawal_at_any_read_is_seen(void **state)
{
    (void)state;
    fake.before_read = withdraw;
    for (downgrade_at = 1; downgrade_at <= 6; downgrade_at++) {
        fake.reads = 0;
        fake_publish_tree();
        check_kept(&video, "- kept not-ready");
    }
}

static void move(const char *path)
{
    char generation[16];

    (void)path;
    snprintf(generation, sizeof(generation), "%u", 100 + fake.reads);
    fake_store_set("iommu/generation", generation);
}

static void what_never_rests_is_kept(void **state)
{
    (void)state;
    fake.before_read = move;
    check_kept(&video, "- kept changing");
}

/* Nothing is kept from one bind to the next. */
static void each_bind_asks_anew(void **state)
{
    (void)state;
    check_taken_off(&video);
    fake_publish(VIDEO_KEY, "unprotected", "keep");
    check_kept(&video, "unprotected/keep kept published-keep");
    fake_publish(VIDEO_KEY, "protected", "skip");
    check_taken_off(&video);
}

/* ---- what XenStore does not say ---- */

static void an_error_of_xenstore_keeps_it(void **state)
{
    static const char *const nodes[] = {"iommu/generation", "iommu/version", "iommu/status",
                                        VIDEO_KEY "/state", VIDEO_KEY "/swiotlb"};
    static const char *const decisions[] = {"- kept not-ready", "- kept not-ready",
                                            "- kept not-ready", "- kept no-record",
                                            "protected/keep kept published-keep"};
    static const int errors[] = {EIO, EACCES, EAGAIN, ENOMEM, EINVAL};
    size_t i, j;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(nodes); i++) {
        for (j = 0; j < ARRAY_SIZE(errors); j++) {
            fake_store_fail(nodes[i], errors[j]);
            check_kept(&video, decisions[i]);
        }
        fake_store_fail(nodes[i], 0);
    }
    check_taken_off(&video);
}

static void get_stuck_once(const char *path)
{
    (void)path;
    fake.before_read = NULL;
    fake_get_stuck();
}

/* An answer that comes too late changes nothing, and while it is overdue nobody asks. */
static void without_an_answer_in_time_it_is_kept(void **state)
{
    (void)state;
    fake.before_read = get_stuck_once;
    check_kept(&video, "- kept xenstore-slow");
    assert_int_equal(fake_stuck(), 1);
    check_not_asked(&nic.dev, "- kept xenstore-stuck");
    check_not_asked(&video, "- kept xenstore-stuck");
    fake_answer();
    assert_ptr_equal(video.dma_ops, &swiotlb_xen);
    check_taken_off(&video);
    check_taken_off(&nic.dev);
}

static void without_a_wait_it_is_kept(void **state)
{
    (void)state;
    *kernel_param_wait_ms = 0;
    check_kept(&video, "- kept xenstore-slow");
    check_kept(&video, "- kept xenstore-stuck");
    fake_work_all();
    assert_int_equal(fake.reads, 0);
    *kernel_param_wait_ms = 1;
    check_taken_off(&video);
}

static void while_unloading_it_is_kept(void **state)
{
    (void)state;
    fake.unloading = true;
    check_not_asked(&video, "- kept unloading");
    fake.unloading = false;
    check_taken_off(&video);
}

/* The key, for a device tree's its path before, and the question. */
static void without_memory_it_is_kept(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 1; i <= 3; i++) {
        fake.failing_allocation = i;
        check_not_asked(&video, "- kept no-memory");
    }
    for (i = 1; i <= 2; i++) {
        fake.failing_allocation = i;
        check_not_asked(&nic.dev, "- kept no-memory");
    }
    check_taken_off(&video);
    check_taken_off(&nic.dev);
}

/* What cannot be recorded is done all the same, and said. */
static void without_memory_for_the_record_it_is_taken(void **state)
{
    unsigned int lines = fake.log_lines;

    (void)state;
    fake.failing_allocation = 10; /* the key, the path, the question, six reads; the record */
    xi_bind(&video);
    assert_int_equal(fake.failing_allocation, 0);
    assert_null(video.dma_ops);
    assert_string_equal(fake_debugfs_show(), "");
    assert_int_equal(fake.log_lines, lines + 1);
}

/* ---- what is said ---- */

/* Once, though a driver that defers is bound again and again; and again when it is news. */
static void taking_is_said_once(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        video.dma_ops = &swiotlb_xen;
        xi_bind(&video);
        assert_null(video.dma_ops);
        assert_int_equal(fake.log_lines, 1);
    }
    assert_string_equal(fake.log,
                        "platform fe001000.video: swiotlb-xen taken off: behind Xen's IOMMU\n");
    fake_publish(VIDEO_KEY, "relaxed", "keep");
    video.dma_ops = &swiotlb_xen;
    xi_bind(&video);
    assert_int_equal(fake.log_lines, 1);
    fake_publish(VIDEO_KEY, "protected", "skip");
    xi_bind(&video);
    assert_int_equal(fake.log_lines, 2);
    assert_null(video.dma_ops);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bind_set_up_opened, bind_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(before_xenstored_is_there, bind_set_up, bind_tear_down),
        TEST(it_is_taken_off_on_each_bus),
        TEST(who_only_observes_takes_nothing),
        TEST(who_begins_to_observe_takes_nothing),
        TEST(only_protected_and_skip_is_taken),
        TEST(without_a_record_it_is_kept),
        TEST(a_tree_nobody_stands_by_counts_for_nothing),
        TEST(another_version_counts_for_nothing),
        TEST(limits_are_not_looked_at),
        TEST(a_downgrade_at_any_read_is_seen),
        TEST(a_withdrawal_at_any_read_is_seen),
        TEST(what_never_rests_is_kept),
        TEST(each_bind_asks_anew),
        TEST(an_error_of_xenstore_keeps_it),
        TEST(without_an_answer_in_time_it_is_kept),
        TEST(without_a_wait_it_is_kept),
        TEST(while_unloading_it_is_kept),
        TEST(without_memory_it_is_kept),
        TEST(without_memory_for_the_record_it_is_taken),
        TEST(taking_is_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
