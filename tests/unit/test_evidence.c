/* SPDX-License-Identifier: MIT */
/* When Xen's word holds: every order of a change and an answer. */
#include "unit.h"

#include <errno.h>

#include "evidence.h"

static struct evidence evidence;

static int set_up(void **state)
{
    (void)state;
    evidence = (struct evidence){0};
    return 0;
}

static void answer(uint64_t pass, enum oracle_answer word)
{
    evidence_answered(&evidence, pass, 0, word, 0);
}

static void nothing_is_known_of_a_new_device(void **state)
{
    (void)state;
    assert_true(evidence_is_due(&evidence));
    assert_true(evidence_list_is_due(&evidence));
    assert_false(evidence_is_listed(&evidence));
    assert_false(evidence_is_fresh(&evidence, 0));
    assert_int_equal(evidence_answer(&evidence), ORACLE_NONE);
    assert_int_equal(evidence_last(&evidence), ORACLE_NONE);
    assert_int_equal(evidence_error(&evidence), 0);
}

static void an_answer_holds_until_something_changes(void **state)
{
    (void)state;
    evidence_changed(&evidence, 3);
    answer(3, ORACLE_TAKEN);
    assert_false(evidence_is_due(&evidence));
    assert_int_equal(evidence_answer(&evidence), ORACLE_TAKEN);
    evidence_changed(&evidence, 3);
    assert_int_equal(evidence_answer(&evidence), ORACLE_TAKEN);
    evidence_changed(&evidence, 4);
    assert_true(evidence_is_due(&evidence));
    assert_int_equal(evidence_answer(&evidence), ORACLE_NONE);
    assert_int_equal(evidence_last(&evidence), ORACLE_TAKEN);
    answer(4, ORACLE_FREE);
    assert_false(evidence_is_due(&evidence));
    assert_int_equal(evidence_answer(&evidence), ORACLE_FREE);
    assert_int_equal(evidence_last(&evidence), ORACLE_FREE);
}

/* An answer that is older than a change is none, whenever it comes. */
static void a_change_that_the_answer_is_too_early_for(void **state)
{
    (void)state;
    evidence_changed(&evidence, 5);
    answer(4, ORACLE_TAKEN);
    assert_true(evidence_is_due(&evidence));
    assert_int_equal(evidence_answer(&evidence), ORACLE_NONE);
    assert_false(evidence_is_fresh(&evidence, 4));
    assert_true(evidence_is_overtaken(&evidence, 4));
    assert_false(evidence_is_overtaken(&evidence, 5));
    /* An earlier change takes nothing back of a later one. */
    evidence_changed(&evidence, 2);
    assert_true(evidence_is_due(&evidence));
    assert_true(evidence_is_overtaken(&evidence, 4));
}

static void only_an_answer_of_this_pass_is_fresh(void **state)
{
    (void)state;
    answer(3, ORACLE_FREE);
    assert_true(evidence_is_fresh(&evidence, 3));
    assert_false(evidence_is_fresh(&evidence, 4));
    assert_int_equal(evidence_answer(&evidence), ORACLE_FREE);
    evidence_changed(&evidence, 4);
    assert_false(evidence_is_fresh(&evidence, 3));
}

static void a_failed_question_is_no_answer(void **state)
{
    (void)state;
    answer(3, ORACLE_TAKEN);
    evidence_answered(&evidence, 4, 0, ORACLE_TAKEN, -EPERM);
    assert_true(evidence_is_due(&evidence));
    assert_false(evidence_is_fresh(&evidence, 4));
    assert_int_equal(evidence_answer(&evidence), ORACLE_NONE);
    assert_int_equal(evidence_last(&evidence), ORACLE_NONE);
    assert_int_equal(evidence_error(&evidence), -EPERM);
    answer(5, ORACLE_TAKEN);
    assert_int_equal(evidence_error(&evidence), 0);
    assert_int_equal(evidence_answer(&evidence), ORACLE_TAKEN);
}

static void a_group_is_listed_anew_after_a_change(void **state)
{
    (void)state;
    evidence_changed(&evidence, 2);
    evidence_listed(&evidence, 2, true);
    assert_false(evidence_list_is_due(&evidence));
    assert_true(evidence_is_listed(&evidence));
    evidence_changed(&evidence, 3);
    assert_true(evidence_list_is_due(&evidence));
    /* The wiring does not change: what was seen counts until the list is made anew. */
    assert_true(evidence_is_listed(&evidence));
    evidence_listed(&evidence, 3, false);
    assert_true(evidence_list_is_due(&evidence));
    assert_false(evidence_is_listed(&evidence));
}

static void the_age_is_that_of_the_last_question(void **state)
{
    (void)state;
    evidence_answered(&evidence, 1, 10, ORACLE_FREE, 0);
    assert_int_equal(evidence_age(&evidence, 10), 0);
    assert_int_equal(evidence_age(&evidence, 14), 4);
    /* One that failed was one too, and its claim falls. */
    evidence_answered(&evidence, 1, 14, ORACLE_FREE, -EIO);
    assert_int_equal(evidence_age(&evidence, 15), 1);
}

static void what_an_answer_says_of_an_owner(void **state)
{
    /* By owner_kind, oracle_answer. */
    static const enum xen_word pci[4][5] = {
        [OWNER_UNKNOWN] = {WORD_NONE, WORD_NONE, WORD_DENIES, WORD_NONE, WORD_NONE},
        [OWNER_DOM0] = {WORD_NONE, WORD_FITS, WORD_DENIES, WORD_DENIES, WORD_DENIES},
        [OWNER_GUEST] = {WORD_NONE, WORD_DENIES, WORD_FITS, WORD_DENIES, WORD_DENIES},
        [OWNER_NONE] = {WORD_NONE, WORD_FITS, WORD_DENIES, WORD_DENIES, WORD_DENIES},
    };

    (void)state;
    for (int owner = OWNER_UNKNOWN; owner <= OWNER_NONE; owner++) {
        for (int word = ORACLE_NONE; word <= ORACLE_UNSUPPORTED; word++) {
            /* On the device tree side Xen assigns to dom0 at boot what is behind an IOMMU. */
            bool behind = owner == OWNER_DOM0 && word == ORACLE_TAKEN;

            assert_int_equal(
                evidence_word(BUS_PCI, (enum owner_kind)owner, (enum oracle_answer)word),
                pci[owner][word]);
            assert_int_equal(
                evidence_word(BUS_DT, (enum owner_kind)owner, (enum oracle_answer)word),
                behind ? WORD_FITS : pci[owner][word]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_known_of_a_new_device),
        TEST(an_answer_holds_until_something_changes),
        TEST(a_change_that_the_answer_is_too_early_for),
        TEST(only_an_answer_of_this_pass_is_fresh),
        TEST(a_failed_question_is_no_answer),
        TEST(a_group_is_listed_anew_after_a_change),
        TEST(the_age_is_that_of_the_last_question),
        TEST(what_an_answer_says_of_an_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
