/* SPDX-License-Identifier: MIT */
/* For which device libxl's record "assignable" was written: each way in which it came, and each
 * order of what is seen of it. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "quarantine.h"

static struct pci_function function;
static struct quarantine quarantine;
static uint64_t pass;

static int set_up(void **state)
{
    (void)state;
    function = (struct pci_function){.sbdf = 0x20, .driver = "pciback"};
    quarantine = (struct quarantine){.since = 0};
    pass = 0;
    snprintf(function.identity, sizeof(function.identity), "boot-1 device-7");
    snprintf(function.binding, sizeof(function.binding), "b-1");
    return 0;
}

static struct quarantine found(const char *remembered)
{
    /* What was there before must not shine through. */
    struct quarantine result = {.since = 99, .doubtful = true};

    quarantine_found(&result, 3, &function, remembered);
    assert_int_equal(result.since, 3);
    return result;
}

static void a_device_of_which_nothing_is_remembered_is_believed(void **state)
{
    (void)state;
    assert_false(found(NULL).doubtful);
}

static void the_same_device_as_in_the_last_run(void **state)
{
    (void)state;
    assert_false(found("boot-1 device-7 b-1 assignable").doubtful);
}

static void anything_else_that_is_remembered_is_doubted(void **state)
{
    static const char *const texts[] = {"",
                                        "all",
                                        "boot-1 device-7",
                                        "boot-1 device-7 b-1",
                                        "boot-1 device-7 b-1 ",
                                        "boot-1 device-7 b-1 new",
                                        "boot-1 device-7 assignable",
                                        "boot-1 device-7 - assignable",
                                        "boot-1 device-7 b-2 assignable",
                                        "boot-1 device-7 b-11 assignable",
                                        "boot-1 device-7 b-1 assignable ",
                                        "boot-1 device-7 b-1  assignable",
                                        "boot-1 device-7 b-1-assignable",
                                        "boot-1 device-77 b-1 assignable",
                                        "boot-1 device-8 b-1 assignable",
                                        "boot-1 device-",
                                        "assignable"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(found(texts[i]).doubtful);
}

static void a_device_without_identity_is_never_the_same(void **state)
{
    char text[QUARANTINE_TEXT_SIZE];

    (void)state;
    function.identity[0] = '\0';
    assert_true(found(" b-1 assignable").doubtful);
    assert_true(found("assignable").doubtful);
    assert_false(found(NULL).doubtful);
    (void)set_up(state);
    function.binding[0] = '\0';
    quarantine_remember(&(struct quarantine){.since = 1}, &function, text);
    assert_true(found(text).doubtful);
}

/* ------------------------------------------------------------- records */

/* The next pass sees it with this driver, unbound so often since, and so many events of libxl. */
static bool look(const char *driver, uint32_t unbinds, unsigned int times)
{
    struct pci_function before = function;

    snprintf(function.driver, sizeof(function.driver), "%s", driver);
    function.unbinds += unbinds;
    if (unbinds)
        function.binding[0]++;
    function.owed = !driver[0] && !unbinds && (before.owed || before.driver[0]);
    quarantine_followed(&quarantine, ++pass, &before, &function);
    if (times)
        quarantine_recorded(&quarantine, &function, times);
    return !quarantine.doubtful;
}

/* Plugged in before, with this driver. */
static void begin(const char *driver)
{
    function.again = true;
    snprintf(function.driver, sizeof(function.driver), "%s", driver);
    quarantine_plugged(&quarantine, ++pass, &function);
    assert_true(quarantine.doubtful);
}

static void one_step_a_pass(void **state)
{
    (void)state;
    begin("e1000e");
    assert_false(look("", 1, 0));
    assert_true(look("", 0, 1));
    assert_true(look("pciback", 0, 0));
    assert_true(look("pciback", 0, 0));
    /* taken back, and again */
    assert_false(look("", 1, 0));
    assert_false(look("e1000e", 0, 0));
    assert_false(look("e1000e", 0, 1));
    assert_false(look("", 1, 0));
    assert_true(look("pciback", 0, 1));
}

static void all_steps_in_one_pass(void **state)
{
    (void)state;
    begin("e1000e");
    assert_true(look("pciback", 1, 1));
    assert_false(look("e1000e", 1, 1));
    assert_true(look("pciback", 1, 1));
    /* taken back and made assignable again, twice even */
    assert_true(look("pciback", 2, 2));
    assert_true(look("pciback", 4, 4));
    /* what is left of taking it back, and all of making it assignable */
    assert_true(look("pciback", 0, 0));
    assert_false(look("e1000e", 1, 0));
    assert_true(look("pciback", 1, 2));
}

/* What was written before this pass read the records comes to the next one. */
static void events_that_come_a_pass_later(void **state)
{
    (void)state;
    begin("e1000e");
    assert_false(look("pciback", 1, 0));
    assert_true(look("pciback", 0, 1));
    assert_true(look("pciback", 0, 0));
    assert_false(look("pciback", 2, 0));
    assert_true(look("pciback", 0, 2));
    assert_true(look("pciback", 0, 0));
    assert_false(look("e1000e", 1, 0));
    assert_false(look("pciback", 1, 1));
    assert_true(look("pciback", 0, 1));
    begin("e1000e");
    assert_false(look("", 1, 0));
    assert_false(look("pciback", 0, 0));
    assert_true(look("pciback", 0, 1));
    /* a pass later still they are about something else */
    begin("e1000e");
    assert_false(look("pciback", 1, 0));
    assert_false(look("pciback", 0, 0));
    assert_false(look("pciback", 0, 1));
}

/* One that comes late makes up for no unbinding. */
static void a_late_event_and_bound_by_hand(void **state)
{
    (void)state;
    begin("e1000e");
    /* the removal of the record before, and then libxl's write */
    assert_true(look("pciback", 1, 1));
    assert_true(look("pciback", 0, 0));
    assert_false(look("pciback", 1, 1));
    begin("e1000e");
    assert_true(look("pciback", 1, 1));
    assert_false(look("pciback", 1, 1));
    begin("e1000e");
    assert_false(look("", 1, 0));
    assert_false(look("", 0, 0));
    assert_false(look("pciback", 1, 1));
    begin("e1000e");
    assert_false(look("", 1, 0));
    assert_false(look("", 0, 0));
    assert_true(look("pciback", 2, 3));
    begin("e1000e");
    assert_false(look("pciback", 2, 2));
}

/* libxl leaves its record without -r, and who binds it to pciback then need not be libxl. */
static void bound_by_hand(void **state)
{
    (void)state;
    begin("e1000e");
    assert_false(look("pciback", 2, 1));
    begin("e1000e");
    assert_true(look("", 1, 1));
    assert_false(look("pciback", 1, 0));
    begin("e1000e");
    assert_false(look("", 1, 0));
    assert_false(look("pciback", 1, 1));
    begin("e1000e");
    assert_true(look("pciback", 1, 1));
    assert_false(look("", 1, 0));
    assert_false(look("pciback", 0, 0));
    begin("e1000e");
    assert_true(look("pciback", 1, 1));
    assert_false(look("pciback", 1, 0));
    assert_false(quarantine_is_settled(&quarantine));
    assert_false(look("pciback", 0, 0));
    assert_true(quarantine_is_settled(&quarantine));
    assert_true(look("pciback", 2, 2));
    assert_false(look("pciback", 3, 2));
    assert_false(look("pciback", 3, 2));
    begin("e1000e");
    assert_false(look("pciback", 1, 0));
    begin("e1000e");
    assert_true(look("", 1, 1));
    assert_false(look("e1000e", 0, 0));
    begin("e1000e");
    assert_false(look("e1000e", 1, 1));
    for (uint32_t unbinds = 1; unbinds < 3; unbinds++) {
        begin("");
        assert_false(look("", 0, 0));
        assert_false(look("pciback", unbinds, unbinds));
        assert_false(look("pciback", 0, 0));
        begin("");
        assert_false(look("", 0, 0));
        assert_true(look("pciback", unbinds, unbinds + 1));
    }
}

/* sysfs shows it unbound for some passes before the kernel says so. */
static void unbound_before_it_is_announced(void **state)
{
    static const char *const drivers[] = {"e1000e", ""};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        function = (struct pci_function){.sbdf = 0x20, .owed = !drivers[i][0]};
        snprintf(function.driver, sizeof(function.driver), "%s", drivers[i]);
        quarantine_plugged(&quarantine, ++pass, &function);
        for (int looks = 0; looks < 3; looks++) {
            assert_false(look("", 0, 0));
            assert_true(quarantine_is_settled(&quarantine));
        }
        assert_false(look("", 1, 0));
        assert_false(quarantine_is_settled(&quarantine));
        assert_true(look("", 0, 1));
        assert_true(quarantine_is_settled(&quarantine));
        assert_true(look("pciback", 0, 0));
        /* taken back, with the unbinding from the driver announced late too */
        assert_false(look("", 0, 0));
        assert_false(look("", 0, 0));
        assert_false(look("e1000e", 1, 0));
        assert_false(look("e1000e", 0, 1));
        assert_false(look("e1000e", 0, 0));
        assert_false(look("", 0, 0));
        assert_false(look("", 0, 0));
        assert_true(look("pciback", 1, 1));
    }
}

/* It is one unbinding all the same. */
static void unbound_by_hand_before_it_is_announced(void **state)
{
    (void)state;
    begin("e1000e");
    assert_false(look("", 0, 0));
    assert_false(look("", 0, 0));
    assert_false(look("pciback", 1, 0));
    assert_false(look("pciback", 0, 0));
    assert_false(look("pciback", 0, 1));
    begin("e1000e");
    assert_false(look("", 0, 0));
    assert_false(look("", 0, 0));
    assert_false(look("pciback", 2, 2));
    /* announced, and over: the next one is another */
    begin("e1000e");
    assert_false(look("", 0, 0));
    assert_false(look("", 1, 0));
    assert_false(look("", 0, 0));
    assert_false(look("pciback", 1, 1));
    /* nor is anything owed of what was lost */
    begin("e1000e");
    function.lost++;
    quarantine_followed(&quarantine, ++pass, &(struct pci_function){.driver = "e1000e"},
                        &(struct pci_function){.lost = 1});
    assert_false(quarantine_is_settled(&quarantine));
}

/* Taken back and made assignable again: of the driver in between only a uevent tells. */
static void bound_for_a_moment(void **state)
{
    (void)state;
    begin("pciback");
    assert_false(look("", 1, 0));
    function.owed = true;
    quarantine_followed(&quarantine, ++pass, &function, &function);
    quarantine_recorded(&quarantine, &function, 1);
    assert_true(quarantine.doubtful);
    assert_false(look("", 1, 0));
    assert_true(look("", 0, 1));
    assert_true(look("pciback", 0, 0));
}

/* Nothing that libxl does writes of a device that is with pciback already. */
static void recorded_without_any_unbinding(void **state)
{
    (void)state;
    begin("pciback");
    assert_false(look("pciback", 0, 1));
    quarantine_seen(&quarantine, ++pass, &function);
    quarantine_recorded(&quarantine, &function, 1);
    assert_true(quarantine.doubtful);
    begin("e1000e");
    assert_false(look("e1000e", 0, 1));
}

/* An unbinding that was not seen shows by the binding, or may have been among what was lost. */
static void unbindings_that_were_missed(void **state)
{
    (void)state;
    begin("e1000e");
    assert_false(look("e1000e", 0, 0));
    function.lost++;
    function.unbinds = 1;
    quarantine_followed(&quarantine, ++pass, &(struct pci_function){.driver = "e1000e"}, &function);
    strcpy(function.driver, "pciback");
    quarantine_recorded(&quarantine, &function, 1);
    assert_true(quarantine.doubtful);
    for (int i = 0; i < 2; i++) {
        struct pci_function before;

        begin("e1000e");
        assert_true(look("pciback", 1, 1));
        before = function;
        function.lost += i == 0;
        function.binding[0] += i == 1;
        quarantine_followed(&quarantine, ++pass, &before, &function);
        assert_true(quarantine.doubtful);
    }
}

/* A record that comes with a device in one pass counts only where no other stood there before. */
static void a_record_of_the_pass_that_saw_the_device(void **state)
{
    static const struct {
        bool again;
        uint32_t lost, unbinds;
        unsigned int times;
        bool believed;
    } rows[] = {{false, 0, 1, 1, true},  {false, 0, 3, 3, true},  {false, 0, 0, 1, false},
                {false, 0, 2, 1, false}, {false, 1, 1, 1, false}, {true, 0, 1, 1, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        function.again = rows[i].again;
        function.lost = rows[i].lost;
        function.unbinds = rows[i].unbinds;
        quarantine_plugged(&quarantine, 4, &function);
        quarantine_recorded(&quarantine, &function, rows[i].times);
        assert_int_equal(quarantine.doubtful, !rows[i].believed);
    }
}

/* What was there before the daemon may be in the midst of anything. */
static void a_record_of_the_first_pass(void **state)
{
    (void)state;
    quarantine = found("something else");
    quarantine_recorded(&quarantine, &function, 1);
    assert_true(quarantine.doubtful);
    pass = 3;
    assert_true(look("pciback", 2, 2));
}

static void what_a_guest_has_xen_puts_into_quarantine_itself(void **state)
{
    (void)state;
    quarantine_plugged(&quarantine, 4, &function);
    quarantine_assigned(&quarantine);
    assert_false(quarantine.doubtful);
    assert_int_equal(quarantine.since, 4);
}

static void what_is_remembered_is_recalled(void **state)
{
    char text[QUARANTINE_TEXT_SIZE];

    (void)state;
    quarantine_plugged(&quarantine, 4, &function);
    quarantine_remember(&quarantine, &function, text);
    assert_true(found(text).doubtful);
    quarantine_assigned(&quarantine);
    quarantine_remember(&quarantine, &function, text);
    assert_false(found(text).doubtful);
    function.identity[0] = 'B';
    assert_true(found(text).doubtful);
    /* The longest there is fits. */
    memset(function.identity, 'i', sizeof(function.identity) - 1);
    memset(function.binding, 'b', sizeof(function.binding) - 1);
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
        TEST(one_step_a_pass),
        TEST(all_steps_in_one_pass),
        TEST(bound_by_hand),
        TEST(unbound_before_it_is_announced),
        TEST(unbound_by_hand_before_it_is_announced),
        TEST(bound_for_a_moment),
        TEST(events_that_come_a_pass_later),
        TEST(a_late_event_and_bound_by_hand),
        TEST(recorded_without_any_unbinding),
        TEST(unbindings_that_were_missed),
        TEST(a_record_of_the_pass_that_saw_the_device),
        TEST(a_record_of_the_first_pass),
        TEST(what_a_guest_has_xen_puts_into_quarantine_itself),
        TEST(what_is_remembered_is_recalled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
