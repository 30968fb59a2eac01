/* SPDX-License-Identifier: MIT */
/* The Linux driver: what it takes before XenStore is there, and as long as which that counts. */
#include "linux/bind.h"
#include "linux/fake.h"
#include "unit.h"

#define VIDEO     "dt/soc/video@fe001000"
#define NIC       "pci/0001-02-03-4"
#define WORDS_MAX 1024

/* As main.c does, before and after XenStore is there. */
static int set_up(void **state)
{
    int rc = bind_set_up(state);

    xi_early_init();
    fake_store_set("iommu/version", NULL);
    fake_store_set("iommu/status", NULL);
    fake_store_set("iommu/generation", NULL);
    return rc;
}

static int set_up_opened(void **state)
{
    xi_ask_opened();
    return set_up(state);
}

static ssize_t write_text(const char *text)
{
    return fake_write_early(text, strlen(text));
}

static void say(const char *text)
{
    assert_int_equal(write_text(text), strlen(text));
}

static void store_comes(void)
{
    xi_early_close();
    xi_ask_opened();
}

static void check_taken_early(struct device *dev)
{
    const struct dma_map_ops *before = dev->dma_ops;

    xi_bind(dev);
    assert_null(dev->dma_ops);
    assert_non_null(strstr(fake_debugfs_show(), " protected/skip taken early-skip\n"));
    xi_record_forget(dev);
    dev->dma_ops = before;
}

/* ---- before XenStore is there: it comes once in a program, so these are first ---- */

static void what_is_said_counts(void **state)
{
    (void)state;
    check_not_asked(&video, "- kept no-xenstore");
    say(VIDEO " protected skip\n" NIC " relaxed keep\n");
    check_taken_early(&video);
    check_not_asked(&nic.dev, "relaxed/keep kept early-keep");
    *kernel_param_observe = true;
    check_not_asked(&video, "protected/skip would-take early-skip");
}

static void a_bad_line_spoils_its_write(void **state)
{
    static const char *const lines[] = {"",
                                        " ",
                                        VIDEO,
                                        VIDEO " protected",
                                        VIDEO " protected ",
                                        VIDEO " protected skip ",
                                        VIDEO "  protected skip",
                                        VIDEO " protected  skip",
                                        " " VIDEO " protected skip",
                                        VIDEO " protected skip keep",
                                        VIDEO " Protected skip",
                                        VIDEO " protecte keep",
                                        VIDEO " protected Skip",
                                        VIDEO " relaxed skip",
                                        VIDEO " unknown skip",
                                        VIDEO " quarantined skip",
                                        VIDEO " unprotected skip",
                                        VIDEO "\tprotected\tskip",
                                        VIDEO " protected skip\r",
                                        "iommu/" VIDEO " protected skip",
                                        "/" VIDEO " protected skip",
                                        "dt/ protected skip",
                                        "dt protected skip",
                                        "dt/a/ protected skip",
                                        "dt//a protected skip",
                                        "dt/a//b protected skip",
                                        "dt/a,b protected skip",
                                        "dt/a.b protected skip",
                                        "pci/ protected skip",
                                        "pci/0001:02:03.4 protected skip",
                                        "pci/0001-02-03-8 protected skip",
                                        "pci/0001-02-23-4 protected skip",
                                        "pci/0001-02-03-4/ protected skip",
                                        "pci/0001-02-03-4x protected skip",
                                        "usb/1 protected skip"};
    static const char with_nul[] = VIDEO " protected skip\0\n";
    char text[256];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(lines); i++) {
        snprintf(text, sizeof(text), NIC " protected skip\n%s\n", lines[i]);
        if (write_text(text) != -EINVAL)
            fail_msg("taken: '%s'", lines[i]);
        check_not_asked(&nic.dev, "- kept no-xenstore");
    }
    /* Whole lines only: what is cut may be the rest of another. */
    assert_int_equal(write_text(VIDEO " protected skip\n" NIC " protected skip"), -EINVAL);
    assert_int_equal(fake_write_early(with_nul, sizeof(with_nul) - 1), -EINVAL);
    check_not_asked(&video, "- kept no-xenstore");
}

static void the_longest_key_is_taken(void **state)
{
    char text[XENIOMMU_KEY_SIZE + 64] = "dt/";
    size_t longest = XENIOMMU_KEY_SIZE - sizeof("iommu/") + 1 - sizeof("/swiotlb") + 1;

    (void)state;
    memset(text + 3, 'a', longest - 3);
    strcpy(text + longest - 1, " protected skip\n");
    say(text);
    memset(text + 3, 'a', longest - 3);
    strcpy(text + longest, "a protected skip\n");
    assert_int_equal(write_text(text), -EINVAL);
}

static void of_two_words_the_weaker_counts(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n" VIDEO " unprotected keep\n" VIDEO " protected skip\n");
    check_not_asked(&video, "unprotected/keep kept early-keep");
    say(VIDEO " protected skip\n");
    check_not_asked(&video, "unprotected/keep kept early-keep");
    say(NIC " protected skip\n");
    say(NIC " protected skip\n");
    check_taken_early(&nic.dev);
    say(NIC " unknown keep\n");
    check_not_asked(&nic.dev, "unknown/keep kept early-keep");
}

static void what_went_has_no_word(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n" NIC " protected skip\n");
    xi_removed(&nic.dev);
    check_not_asked(&nic.dev, "- kept no-xenstore");
    say(NIC " protected skip\n");
    check_not_asked(&nic.dev, "- kept no-xenstore");
    check_taken_early(&video);
}

/* Whoever asked about the one that went says so only afterwards. */
static void what_went_before_has_no_word(void **state)
{
    (void)state;
    xi_removed(&nic.dev);
    say(NIC " protected skip\n");
    check_not_asked(&nic.dev, "- kept no-xenstore");
}

static void what_cannot_be_remembered_ends_it(void **state)
{
    (void)state;
    fake.failing_allocation = 2; /* the key; what went */
    xi_removed(&nic.dev);
    assert_int_equal(fake.failing_allocation, 0);
    assert_int_equal(write_text(NIC " protected skip\n"), -EBUSY);
}

static void without_memory_for_a_name_it_is_forgotten(void **state)
{
    (void)state;
    say(NIC " protected skip\n");
    fake.failing_allocation = 1;
    xi_removed(&nic.dev);
    check_not_asked(&nic.dev, "- kept no-xenstore");
    assert_int_equal(write_text(NIC " protected skip\n"), -EBUSY);
}

static void before_xenstore_an_unbinding_moves_nothing(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n");
    xi_unbound(&video);
    check_taken_early(&video);
}

static void there_is_room_for_so_many(void **state)
{
    char line[64];
    int i;

    (void)state;
    for (i = 0; i < WORDS_MAX - 1; i++) {
        snprintf(line, sizeof(line), "dt/a%d protected skip\n", i);
        say(line);
    }
    assert_int_equal(write_text("dt/b protected skip\n" VIDEO " protected skip\n"), -ENOSPC);
    check_not_asked(&video, "- kept no-xenstore");
    say(VIDEO " protected skip\n");
    say("dt/a0 protected skip\n");
    assert_int_equal(write_text("dt/b protected skip\n"), -ENOSPC);
    check_taken_early(&video);
    xi_removed(&nic.dev);
    assert_int_equal(write_text("dt/a0 protected skip\n"), -EBUSY);
}

static void without_memory_nothing_is_taken(void **state)
{
    unsigned int i;

    (void)state;
    for (i = 1; i <= 2; i++) {
        fake.failing_allocation = i;
        assert_int_equal(write_text(VIDEO " protected skip\n" NIC " protected skip\n"), -ENOMEM);
        check_not_asked(&video, "- kept no-xenstore");
    }
}

static void the_file_is_dom0s(void **state)
{
    (void)state;
    xi_early_exit();
    fake.is_guest = true;
    xi_early_init();
    assert_int_equal(write_text(""), -ENOENT);
    fake.is_guest = false;
    fake.no_kobject = true;
    xi_early_init();
    assert_int_equal(write_text(""), -ENOENT);
    assert_true(xi_early_is_over());
    fake.no_kobject = false;
    fake.no_sysfs_file = true;
    xi_early_init();
    assert_true(xi_early_is_over());
}

static void what_was_said_goes_with_the_module(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n");
    xi_early_exit();
    xi_early_init();
    check_not_asked(&video, "- kept no-xenstore");
    say(VIDEO " protected skip\n");
    check_taken_early(&video);
}

/* ---- once XenStore is there ---- */

static void nothing_more_is_taken(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n");
    store_comes();
    assert_int_equal(write_text(NIC " protected skip\n"), -EBUSY);
    assert_int_equal(write_text("nonsense"), -EBUSY);
    check_taken_early(&video);
    check_kept(&nic.dev, "- kept not-ready");
}

static void it_was_there_before_the_module(void **state)
{
    (void)state;
    xi_early_exit();
    xi_early_close();
    xi_early_init();
    assert_int_equal(write_text(VIDEO " protected skip\n"), -EBUSY);
}

static void while_dom0_is_alone_it_counts(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n");
    store_comes();
    check_taken_early(&video);
    fake.domains = "";
    check_taken_early(&video);
    fake.domains = "0";
    check_taken_early(&video);
}

static void check_ended(void)
{
    check_kept(&video, "- kept not-ready");
    fake.domains = "0";
    fake_store_set("iommu", NULL);
    fake_store_set("/tool/xen-iommud", NULL);
    fake_store_set("/tool/xen-iommu", NULL);
    check_kept(&video, "- kept not-ready");
    assert_true(xi_early_is_over());
}

static void another_domain_ends_it(void **state)
{
    static const char *const lists[] = {"0 1", "1", "1 0", "0 32751", "00", "0 "};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(lists) - 1; i++) {
        say(VIDEO " protected skip\n");
        store_comes();
        fake.domains = lists[i];
        check_ended();
        xi_early_exit();
        xi_early_init();
    }
}

static void what_a_daemon_left_ends_it(void **state)
{
    static const char *const nodes[] = {"iommu", "/tool/xen-iommud", "/tool/xen-iommu"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(nodes); i++) {
        say(VIDEO " protected skip\n");
        store_comes();
        fake_store_set(nodes[i], "");
        check_ended();
        xi_early_exit();
        xi_early_init();
    }
}

/* Of whatever device: from then on only what is published counts. */
static void a_ready_tree_ends_it(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n" NIC " protected skip\n");
    store_comes();
    fake_publish_tree();
    fake_publish(NIC_KEY, "protected", "keep");
    check_kept(&nic.dev, "protected/keep kept published-keep");
    assert_true(xi_early_is_over());
    fake_store_set("iommu/status", NULL);
    check_kept(&video, "- kept not-ready");
}

static void no_record_ends_it(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n");
    store_comes();
    fake_publish_tree();
    fake_publish(VIDEO_KEY, NULL, NULL);
    check_kept(&video, "- kept no-record");
    assert_true(xi_early_is_over());
}

/* Nor does it end: it may be another answer the next time. */
static void what_xenstore_does_not_say_is_no_leave(void **state)
{
    static const char *const nodes[] = {"iommu", "/tool/xen-iommud", "/tool/xen-iommu"};
    size_t i;

    (void)state;
    say(VIDEO " protected skip\n");
    store_comes();
    for (i = 0; i < ARRAY_SIZE(nodes); i++) {
        fake_store_fail(nodes[i], EIO);
        check_kept(&video, "- kept not-ready");
        fake_store_fail(nodes[i], 0);
    }
    fake.domains_error = E2BIG;
    check_kept(&video, "- kept not-ready");
    fake.domains_error = 0;
    *kernel_param_wait_ms = 0;
    check_kept(&video, "- kept xenstore-slow");
    fake_work_all();
    *kernel_param_wait_ms = 100;
    check_taken_early(&video);
}

/* It may have been a guest's meanwhile. */
static void then_an_unbinding_ends_it(void **state)
{
    (void)state;
    say(VIDEO " protected skip\n" NIC " protected skip\n");
    store_comes();
    xi_unbound(&video);
    check_kept(&video, "- kept not-ready");
    check_taken_early(&nic.dev);
    xi_removed(&nic.dev);
    check_kept(&nic.dev, "- kept not-ready");
}

#define BEFORE(name) cmocka_unit_test_setup_teardown(name, set_up, bind_tear_down)
#define AFTER(name)  cmocka_unit_test_setup_teardown(name, set_up_opened, bind_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEFORE(what_is_said_counts),
        BEFORE(a_bad_line_spoils_its_write),
        BEFORE(the_longest_key_is_taken),
        BEFORE(of_two_words_the_weaker_counts),
        BEFORE(what_went_has_no_word),
        BEFORE(what_went_before_has_no_word),
        BEFORE(what_cannot_be_remembered_ends_it),
        BEFORE(without_memory_for_a_name_it_is_forgotten),
        BEFORE(before_xenstore_an_unbinding_moves_nothing),
        BEFORE(there_is_room_for_so_many),
        BEFORE(without_memory_nothing_is_taken),
        BEFORE(the_file_is_dom0s),
        BEFORE(what_was_said_goes_with_the_module),
        AFTER(nothing_more_is_taken),
        AFTER(it_was_there_before_the_module),
        AFTER(while_dom0_is_alone_it_counts),
        AFTER(another_domain_ends_it),
        AFTER(what_a_daemon_left_ends_it),
        AFTER(a_ready_tree_ends_it),
        AFTER(no_record_ends_it),
        AFTER(what_xenstore_does_not_say_is_no_leave),
        AFTER(then_an_unbinding_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
