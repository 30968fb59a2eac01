/* SPDX-License-Identifier: MIT */
/* For which device libxl's record "assignable" was written: each way in which it came, and each
 * order of what is seen of it. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "quarantine.h"

static struct pci_function function;

static int set_up(void **state)
{
    (void)state;
    function = (struct pci_function){.sbdf = 0x20, .driver = "pciback"};
    snprintf(function.identity, sizeof(function.identity), "boot-1 device-7");
    return 0;
}

static struct quarantine found(const char *remembered)
{
    /* What was there before must not shine through. */
    struct quarantine quarantine = {.since = 99, .doubtful = true};

    quarantine_found(&quarantine, 3, &function, remembered);
    assert_int_equal(quarantine.since, 3);
    return quarantine;
}

static void a_device_of_which_nothing_is_remembered_is_believed(void **state)
{
    (void)state;
    assert_false(found(NULL).doubtful);
}

static void the_same_device_as_in_the_last_run(void **state)
{
    (void)state;
    assert_false(found("boot-1 device-7 assignable").doubtful);
}

static void anything_else_that_is_remembered_is_doubted(void **state)
{
    static const char *const texts[] = {"",
                                        "boot-1 device-7",
                                        "boot-1 device-7 ",
                                        "boot-1 device-7 new",
                                        "boot-1 device-7 assignable ",
                                        "boot-1 device-7  assignable",
                                        "boot-1 device-7-assignable",
                                        "boot-1 device-77 assignable",
                                        "boot-1 device-8 assignable",
                                        "boot-1 device-",
                                        "assignable"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(found(texts[i]).doubtful);
}

static void a_device_without_identity_is_never_the_same(void **state)
{
    (void)state;
    function.identity[0] = '\0';
    assert_true(found(" assignable").doubtful);
    assert_true(found("assignable").doubtful);
    assert_false(found(NULL).doubtful);
}

static void what_is_plugged_in_is_doubted_until_a_record_is_seen(void **state)
{
    struct quarantine quarantine = {0};

    (void)state;
    function.again = true;
    quarantine_plugged(&quarantine, 4);
    assert_true(quarantine.doubtful);
    quarantine_recorded(&quarantine, 5, &function);
    assert_false(quarantine.doubtful);
}

/* Both came in one pass: which came first is not known, but for what tells. */
static void a_record_of_the_pass_that_saw_the_device(void **state)
{
    struct quarantine quarantine;

    (void)state;
    function.again = true;
    quarantine_plugged(&quarantine, 4);
    quarantine_recorded(&quarantine, 4, &function);
    assert_true(quarantine.doubtful);
    function.rebound = true;
    quarantine_recorded(&quarantine, 4, &function);
    assert_false(quarantine.doubtful);
    quarantine_plugged(&quarantine, 4);
    function.rebound = false;
    function.again = false;
    quarantine_recorded(&quarantine, 4, &function);
    assert_false(quarantine.doubtful);
}

static void what_a_guest_has_xen_puts_into_quarantine_itself(void **state)
{
    struct quarantine quarantine;

    (void)state;
    quarantine_plugged(&quarantine, 4);
    quarantine_assigned(&quarantine);
    assert_false(quarantine.doubtful);
    assert_int_equal(quarantine.since, 4);
}

static void what_is_remembered_is_recalled(void **state)
{
    struct quarantine quarantine;
    char text[QUARANTINE_TEXT_SIZE];

    (void)state;
    quarantine_plugged(&quarantine, 4);
    quarantine_remember(&quarantine, &function, text);
    assert_true(found(text).doubtful);
    quarantine_assigned(&quarantine);
    quarantine_remember(&quarantine, &function, text);
    assert_false(found(text).doubtful);
    function.identity[0] = 'B';
    assert_true(found(text).doubtful);
    /* The longest there is fits. */
    memset(function.identity, 'i', sizeof(function.identity) - 1);
    quarantine_remember(&quarantine, &function, text);
    assert_false(found(text).doubtful);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_of_which_nothing_is_remembered_is_believed),
        TEST(the_same_device_as_in_the_last_run),
        TEST(anything_else_that_is_remembered_is_doubted),
        TEST(a_device_without_identity_is_never_the_same),
        TEST(what_is_plugged_in_is_doubted_until_a_record_is_seen),
        TEST(a_record_of_the_pass_that_saw_the_device),
        TEST(what_a_guest_has_xen_puts_into_quarantine_itself),
        TEST(what_is_remembered_is_recalled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
