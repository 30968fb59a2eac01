/* SPDX-License-Identifier: MIT */
/* The Linux driver's record.c: what debugfs shows, and what counts as news. */
#include "linux/fake.h"
#include "unit.h"
#include "xeniommu.h"

static struct device video = {.name = "fe001000.video", .bus = &platform_bus_type};
static struct device audio = {.name = "fe002000.audio", .bus = &platform_bus_type};
static struct device nic = {.name = "0000:00:04.0", .bus = &pci_bus_type};

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    xi_record_init();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    xi_record_exit();
    fake_reset();
    return 0;
}

static struct xi_decision taken(void)
{
    return (struct xi_decision){
        .published = {.state = XENIOMMU_PROTECTED, .skip = true},
        .answered = true,
        .action = XI_TAKEN,
        .reason = "published-skip",
    };
}

static void nothing_is_shown_at_first(void **state)
{
    (void)state;
    assert_string_equal(fake_debugfs_show(), "");
}

static void a_decision_is_shown(void **state)
{
    struct xi_decision decision = taken();

    (void)state;
    assert_true(xi_record(&video, &decision));
    assert_string_equal(fake_debugfs_show(),
                        "platform fe001000.video protected/skip taken published-skip\n");
    decision.action = XI_WOULD_TAKE;
    xi_record(&video, &decision);
    assert_string_equal(fake_debugfs_show(),
                        "platform fe001000.video protected/skip would-take published-skip\n");
    decision = (struct xi_decision){.reason = "not-ready"};
    xi_record(&video, &decision);
    assert_string_equal(fake_debugfs_show(), "platform fe001000.video - kept not-ready\n");
}

static void each_state_has_its_word(void **state)
{
    static const char *const words[] = {"unknown", "unprotected", "relaxed", "protected",
                                        "quarantined"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(words); i++) {
        struct xi_decision decision = {.answered = true, .reason = "published-keep"};
        char expected[128];

        decision.published.state = (enum xeniommu_state)i;
        xi_record(&nic, &decision);
        snprintf(expected, sizeof(expected), "pci 0000:00:04.0 %s/keep kept published-keep\n",
                 words[i]);
        assert_string_equal(fake_debugfs_show(), expected);
    }
}

static void each_device_has_a_line(void **state)
{
    struct xi_decision decision = taken();

    (void)state;
    xi_record(&video, &decision);
    decision = (struct xi_decision){.reason = "dma-direct"};
    xi_record(&nic, &decision);
    assert_string_equal(fake_debugfs_show(),
                        "platform fe001000.video protected/skip taken published-skip\n"
                        "pci 0000:00:04.0 - kept dma-direct\n");
    decision.reason = "no-record";
    xi_record(&audio, &decision);
    decision.reason = "not-ready";
    xi_record(&video, &decision);
    assert_string_equal(fake_debugfs_show(), "platform fe001000.video - kept not-ready\n"
                                             "pci 0000:00:04.0 - kept dma-direct\n"
                                             "platform fe002000.audio - kept no-record\n");
}

static void a_device_that_vanishes_is_forgotten(void **state)
{
    struct xi_decision decision = taken();

    (void)state;
    xi_record(&video, &decision);
    xi_record(&nic, &decision);
    xi_record_forget(&video);
    assert_string_equal(fake_debugfs_show(),
                        "pci 0000:00:04.0 protected/skip taken published-skip\n");
    xi_record_forget(&video);
    xi_record_forget(&nic);
    assert_string_equal(fake_debugfs_show(), "");
    assert_true(xi_record(&video, &decision));
}

/* The name is the record's own: the device's goes with it. */
static void a_name_is_kept(void **state)
{
    struct xi_decision decision = taken();
    char *name = strdup("fe003000.timer");
    struct device device = {.name = name, .bus = &platform_bus_type};

    (void)state;
    assert_non_null(name);
    xi_record(&device, &decision);
    memset(name, 'x', strlen(name));
    free(name);
    assert_string_equal(fake_debugfs_show(),
                        "platform fe003000.timer protected/skip taken published-skip\n");
}

/* Each part of a decision, and from whichever it changes. */
static void what_changed_is_news(void **state)
{
    struct xi_decision others[] = {taken(), taken(), taken(), taken(), taken()};
    struct xi_decision decision = taken();
    size_t i;

    (void)state;
    others[0].published.state = XENIOMMU_RELAXED;
    others[1].published.skip = false;
    others[2].answered = false;
    others[3].action = XI_KEPT;
    others[4].reason = "published-keep";
    assert_true(xi_record(&video, &decision));
    assert_false(xi_record(&video, &decision));
    for (i = 0; i < ARRAY_SIZE(others); i++) {
        assert_true(xi_record(&video, &others[i]));
        assert_false(xi_record(&video, &others[i]));
        assert_true(xi_record(&video, &decision));
    }
}

/* A reason is a word, wherever it lies. */
static void the_same_word_is_no_news(void **state)
{
    struct xi_decision decision = taken();
    char copy[] = "published-skip";

    (void)state;
    xi_record(&video, &decision);
    decision.reason = copy;
    assert_false(xi_record(&video, &decision));
    decision.reason = "published-skip";
    xi_record(&video, &decision);
}

static void without_memory_nothing_is_recorded(void **state)
{
    struct xi_decision decision = taken();

    (void)state;
    for (unsigned int failing = 1; failing <= 2; failing++) {
        fake.failing_allocation = failing;
        assert_true(xi_record(&video, &decision));
        assert_int_equal(fake.failing_allocation, 0);
        assert_string_equal(fake_debugfs_show(), "");
    }
    assert_true(xi_record(&video, &decision));
    assert_false(xi_record(&video, &decision));
}

static void what_is_recorded_is_not_overruled(void **state)
{
    struct xi_decision decision = taken(), before = {.reason = "bound-before"};

    (void)state;
    xi_record_new(&nic, &before);
    assert_string_equal(fake_debugfs_show(), "pci 0000:00:04.0 - kept bound-before\n");
    xi_record(&video, &decision);
    xi_record(&nic, &decision);
    xi_record_new(&video, &before);
    xi_record_new(&nic, &before);
    assert_string_equal(fake_debugfs_show(),
                        "pci 0000:00:04.0 protected/skip taken published-skip\n"
                        "platform fe001000.video protected/skip taken published-skip\n");
    fake.failing_allocation = 1;
    xi_record_new(&audio, &before);
    assert_null(strstr(fake_debugfs_show(), "audio"));
}

static void no_file_is_left(void **state)
{
    struct xi_decision decision = taken();

    (void)state;
    xi_record(&video, &decision);
    xi_record(&nic, &decision);
    xi_record_exit();
    assert_null(fake_debugfs_show());
    fake_reset();
    xi_record_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_shown_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_decision_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_state_has_its_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_device_has_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_that_vanishes_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changed_is_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_word_is_no_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_recorded_is_not_overruled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_file_is_left, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
