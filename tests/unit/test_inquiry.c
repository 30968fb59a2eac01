/* SPDX-License-Identifier: MIT */
/* What is asked of Xen, and when: what is due at once, and what is claimed in turn. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_hypervisor.h"
#include "inquiry.h"
#include "log.h"

#define DEVICES 8
#define TICKS   4

/* FIRST to FIRST + 7, and one that dom0 does not list. */
enum { FIRST = 0x20, HIDDEN = 0x99 };

static struct pci_function functions[DEVICES];
static const struct pci_topology topology = {.functions = functions, .count = DEVICES};
static const struct dt_device dma = {.path = "/dma"};
static struct dt_entry entry = {.path = "/dma", .node = &dma};
static const struct dt_entries nodes = {.entries = &entry, .count = 1};

static struct inventory inventory;
static struct assignment assignment;
static struct pci_claim claim;
static struct domain_list domains;
static struct inquiry inquiry;

static void list_domains(void)
{
    domain_list_free(&domains);
    assert_int_equal(hypervisor_domains(NULL, &domains), 0);
}

/* So many more that not all of them are asked. */
static void list_many_domains(void)
{
    const size_t more = 3000;

    list_domains();
    domains.domains = reallocarray(domains.domains, domains.count + more, sizeof(*domains.domains));
    assert_non_null(domains.domains);
    for (uint32_t i = 0; i < more; i++)
        domains.domains[domains.count++] = (struct domain){.domid = 1000 + i, .alive = true};
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_xen_reset();
    for (uint32_t i = 0; i < DEVICES; i++) {
        functions[i] = (struct pci_function){.sbdf = FIRST + i, .class_code = 0x020000};
        fake_xen_give(FIRST + i, 0);
    }
    fake_xen_give_node("/dma", ORACLE_TAKEN);
    assignment = (struct assignment){0};
    if (inventory_update(&inventory, 1, &topology, &nodes))
        return -1;
    for (size_t i = 0; i < inventory.count; i++)
        inventory.devices[i].owner.kind = OWNER_DOM0;
    list_domains();
    inquiry = (struct inquiry){.inventory = &inventory,
                               .assignment = &assignment,
                               .domains = &domains,
                               .pass = 1,
                               .tick = 0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    inventory_clear(&inventory);
    domain_list_free(&domains);
    return 0;
}

static struct device *device(uint32_t number)
{
    return inventory_find(&inventory, FIRST + number);
}

static struct device *node(void)
{
    return inventory_find_dt(&inventory, "/dma");
}

static void give(uint32_t number, enum owner_kind kind, uint32_t domid)
{
    device(number)->owner.kind = kind;
    device(number)->owner.domid = domid;
    fake_xen_give(FIRST + number, kind == OWNER_NONE ? FAKE_XEN_QUARANTINE : domid);
}

static void run(void)
{
    assert_int_equal(inquiry_run(&inquiry), 0);
}

/* ------------------------------------------------------------- what is due */

static void each_is_asked_once(void **state)
{
    (void)state;
    give(3, OWNER_GUEST, 1);
    (void)fake_xen_domain(1);
    list_domains();
    run();
    assert_int_equal(fake_xen_questions(), DEVICES + 1);
    assert_int_equal(evidence_answer(&device(3)->evidence), ORACLE_TAKEN);
    assert_int_equal(evidence_answer(&device(4)->evidence), ORACLE_FREE);
    assert_int_equal(evidence_answer(&node()->evidence), ORACLE_TAKEN);
    assert_false(inquiry_is_due(&inventory));
    inquiry.pass = 2;
    run();
    assert_int_equal(fake_xen_questions(), DEVICES + 1);
    assert_false(evidence_is_fresh(&device(3)->evidence, 2));
    evidence_changed(&device(3)->evidence, 2);
    assert_true(inquiry_is_due(&inventory));
    run();
    assert_int_equal(fake_xen_questions(), DEVICES + 2);
    assert_true(evidence_is_fresh(&device(3)->evidence, 2));
}

static void what_xen_fails_to_answer_stays_due(void **state)
{
    (void)state;
    fake_xen_fail("ask", EPERM, 1);
    run();
    assert_true(inquiry_is_due(&inventory));
    assert_int_equal(evidence_error(&device(0)->evidence), -EPERM);
    assert_int_equal(evidence_answer(&device(0)->evidence), ORACLE_NONE);
    assert_int_equal(evidence_answer(&device(1)->evidence), ORACLE_FREE);
    run();
    assert_false(inquiry_is_due(&inventory));
    assert_int_equal(evidence_answer(&device(0)->evidence), ORACLE_FREE);
}

/* What changed after what this pass took in is not settled by the pass's question. */
static void an_answer_that_is_too_early_leaves_it_due(void **state)
{
    (void)state;
    run();
    evidence_changed(&device(2)->evidence, 2);
    run();
    assert_true(inquiry_is_due(&inventory));
    assert_int_equal(evidence_answer(&device(2)->evidence), ORACLE_NONE);
    inquiry.pass = 2;
    run();
    assert_false(inquiry_is_due(&inventory));
}

/* ------------------------------------------------------------- groups */

static void mates_of_two_owners_are_found(void **state)
{
    (void)state;
    (void)fake_xen_domain(1);
    list_domains();
    give(1, OWNER_GUEST, 1);
    fake_xen_group(FIRST + 1, FIRST + 5);
    run();
    assert_true(device(1)->grouped);
    assert_true(device(5)->grouped);
    assert_int_equal(device(5)->group, FIRST + 1);
    assert_false(device(2)->grouped);
    assert_false(device(1)->unlisted_mate);
}

/* A list that lacks one owner's part is none, and is made again. */
static void a_list_that_is_not_complete(void **state)
{
    (void)state;
    run();
    evidence_changed(&device(1)->evidence, 2);
    inquiry.pass = 2;
    fake_xen_fail("mates", EPERM, 1);
    run();
    assert_false(evidence_is_listed(&device(1)->evidence));
    assert_true(inquiry_is_due(&inventory));
    inquiry.pass = 3;
    run();
    assert_true(evidence_is_listed(&device(1)->evidence));
    assert_false(inquiry_is_due(&inventory));
}

/* In quarantine both were in nobody's list; then one of them went to a guest. */
static void what_nobody_owns_looks_for_its_mates(void **state)
{
    (void)state;
    (void)fake_xen_domain(1);
    list_domains();
    give(1, OWNER_NONE, 0);
    give(5, OWNER_NONE, 0);
    fake_xen_group(FIRST + 1, FIRST + 5);
    run();
    assert_false(device(1)->grouped);
    give(5, OWNER_GUEST, 1);
    evidence_changed(&device(5)->evidence, 2);
    inquiry.pass = 2;
    run();
    assert_true(device(1)->grouped);
    assert_true(device(5)->grouped);
}

static void dom0_is_asked_for_what_it_does_not_list(void **state)
{
    (void)state;
    fake_xen_give(HIDDEN, 0);
    fake_xen_group(FIRST + 1, HIDDEN);
    /* All that dom0 lists is some guest's. */
    (void)fake_xen_domain(1);
    list_many_domains();
    for (uint32_t i = 0; i < DEVICES; i++)
        give(i, OWNER_GUEST, 1);
    run();
    assert_true(device(1)->unlisted_mate);
    assert_false(device(1)->grouped);
    assert_false(device(2)->unlisted_mate);
}

/* Only a backend, a stub domain's too, tells of the guest that has it. */
static void a_hidden_mate_of_a_guest_that_has_nothing_else(void **state)
{
    (void)state;
    claim = (struct pci_claim){.sbdf = HIDDEN, .domid = 6, .serves = 5};
    assignment.claims = &claim;
    assignment.claim_count = 1;
    fake_xen_give(HIDDEN, 5);
    fake_xen_group(FIRST + 1, HIDDEN);
    (void)fake_xen_domain(5);
    (void)fake_xen_domain(6);
    list_many_domains();
    run();
    assert_true(device(1)->unlisted_mate);
    fake_xen_give(HIDDEN, 6);
    groups_drop(&inventory.groups, HIDDEN);
    evidence_changed(&device(1)->evidence, 2);
    inquiry.pass = 2;
    run();
    assert_true(device(1)->unlisted_mate);
}

/* Neither the host nor any record tells that this domain has one. */
static void a_mate_that_nothing_tells_of(void **state)
{
    (void)state;
    (void)fake_xen_domain(4);
    list_domains();
    fake_xen_give(HIDDEN, 4);
    fake_xen_group(FIRST, HIDDEN);
    run();
    assert_true(device(0)->unlisted_mate);
    assert_false(device(1)->unlisted_mate);
}

/* A backend directory outlives its domain, of which Xen says nothing but that it is not there. */
static void a_domain_that_is_gone_is_not_asked_for(void **state)
{
    (void)state;
    claim = (struct pci_claim){.sbdf = HIDDEN, .domid = 6, .serves = 5};
    assignment.claims = &claim;
    assignment.claim_count = 1;
    run();
    assert_true(evidence_is_listed(&device(1)->evidence));
    assert_false(inquiry_is_due(&inventory));
}

static void a_hidden_mate_that_went_is_dropped(void **state)
{
    (void)state;
    fake_xen_give(HIDDEN, 0);
    fake_xen_group(FIRST + 1, HIDDEN);
    fake_xen_group(FIRST + 1, FIRST + 2);
    run();
    assert_true(device(1)->unlisted_mate);
    assert_true(device(2)->unlisted_mate);
    fake_xen_give(HIDDEN, 77);
    evidence_changed(&device(1)->evidence, 2);
    evidence_changed(&device(2)->evidence, 2);
    inquiry.pass = 2;
    run();
    assert_false(device(1)->unlisted_mate);
    assert_false(device(2)->unlisted_mate);
    assert_true(device(1)->grouped);
}

/* ------------------------------------------------------------- confirmation */

static void claim_all(size_t count)
{
    run();
    for (uint32_t i = 0; i < count; i++)
        device(i)->verdict = (struct verdict){XENIOMMU_PROTECTED, false, "dom0-strict"};
}

static unsigned int tick(int expected)
{
    unsigned int before = fake_xen_questions();

    inquiry.tick++;
    assert_int_equal(inquiry_confirm(&inquiry, TICKS), expected);
    return fake_xen_questions() - before;
}

static void every_claim_is_asked_about_in_time(void **state)
{
    (void)state;
    for (size_t count = 1; count <= DEVICES; count++) {
        claim_all(count);
        for (int i = 0; i < 3 * TICKS; i++) {
            (void)tick(0);
            for (uint32_t j = 0; j < count; j++)
                assert_true(evidence_age(&device(j)->evidence, inquiry.tick) < TICKS - 1);
        }
    }
}

static void one_share_at_a_tick(void **state)
{
    (void)state;
    claim_all(DEVICES);
    assert_int_equal(tick(0), DEVICES / TICKS);
    assert_int_equal(tick(0), DEVICES / TICKS);
    /* Those that were not asked yet are next. */
    assert_int_equal(fake_xen_asked(FIRST), 2);
    assert_int_equal(fake_xen_asked(FIRST + DEVICES / TICKS), 2);
    assert_int_equal(fake_xen_asked(FIRST + DEVICES - 1), 1);
}

/* Fewer claims than ticks: the share is a whole one now and then. */
static void a_share_of_few(void **state)
{
    (void)state;
    claim_all(3);
    assert_int_equal(tick(0), 1);
    assert_int_equal(tick(0), 1);
    assert_int_equal(fake_xen_asked(FIRST), 2);
    assert_int_equal(fake_xen_asked(FIRST + 1), 2);
    assert_int_equal(fake_xen_asked(FIRST + 2), 1);
}

static void the_oldest_come_first(void **state)
{
    (void)state;
    claim_all(DEVICES);
    inquiry.tick = 10;
    for (uint32_t i = 0; i < DEVICES; i++)
        evidence_answered(&device(i)->evidence, 1, i < 2 ? 10 : 9, ORACLE_FREE, 0);
    assert_int_equal(tick(0), 2);
    assert_int_equal(fake_xen_asked(FIRST), 1);
    assert_int_equal(fake_xen_asked(FIRST + 2), 2);
    assert_int_equal(fake_xen_asked(FIRST + 3), 2);
}

static void what_is_no_claim_is_not_asked(void **state)
{
    (void)state;
    run();
    device(1)->verdict = (struct verdict){XENIOMMU_UNPROTECTED, false, "not-covered"};
    for (int i = 0; i < 2 * TICKS; i++)
        assert_int_equal(tick(0), 0);
    /* What is due is the next pass's business. */
    claim_all(1);
    evidence_changed(&device(0)->evidence, 2);
    for (int i = 0; i < 2 * TICKS; i++)
        assert_int_equal(tick(0), 0);
}

/* A claim rests on what Xen says of those that share the requester ID. */
static void mates_of_claims_are_asked_too(void **state)
{
    (void)state;
    fake_xen_group(FIRST, FIRST + 6);
    claim_all(1);
    for (int i = 0; i < TICKS; i++)
        (void)tick(0);
    assert_true(fake_xen_asked(FIRST) > 1);
    assert_true(fake_xen_asked(FIRST + 6) > 1);
    assert_int_equal(fake_xen_asked(FIRST + 5), 1);
    fake_xen_give(FIRST + 6, 3);
    for (int i = 0; i < TICKS; i++) {
        inquiry.tick++;
        if (inquiry_confirm(&inquiry, TICKS) == 1)
            break;
    }
    assert_true(evidence_is_due(&device(6)->evidence));
    assert_int_equal(evidence_last(&device(6)->evidence), ORACLE_TAKEN);
}

static void another_answer_is_a_change(void **state)
{
    (void)state;
    claim_all(1);
    fake_xen_give(FIRST, 3);
    assert_int_equal(tick(0), 0); /* the share of this tick is none: 1 * 1 / 4 */
    assert_int_equal(tick(0), 0);
    assert_int_equal(tick(1), 1);
    assert_true(evidence_is_due(&device(0)->evidence));
    assert_true(evidence_is_overtaken(&device(0)->evidence, inquiry.pass));
    assert_int_equal(evidence_answer(&device(0)->evidence), ORACLE_NONE);
}

static void a_question_that_fails_is_a_change(void **state)
{
    (void)state;
    claim_all(DEVICES);
    fake_xen_fail("ask", EPERM, 1);
    assert_int_equal(tick(1), DEVICES / TICKS);
    assert_true(evidence_is_due(&device(0)->evidence));
    assert_int_equal(evidence_last(&device(0)->evidence), ORACLE_NONE);
    assert_false(evidence_is_due(&device(1)->evidence));
}

/* The first that says otherwise does not keep the others from being asked. */
static void one_change_among_others(void **state)
{
    (void)state;
    claim_all(DEVICES);
    fake_xen_give(FIRST, 3);
    assert_int_equal(tick(1), DEVICES / TICKS);
    assert_int_equal(fake_xen_asked(FIRST + 1), 2);
    assert_false(evidence_is_due(&device(1)->evidence));
}

static void nodes_are_confirmed_too(void **state)
{
    (void)state;
    run();
    node()->verdict = (struct verdict){XENIOMMU_PROTECTED, true, "behind-iommu"};
    fake_xen_give_node("/dma", ORACLE_FREE);
    for (int i = 0; i < TICKS - 2; i++)
        assert_int_equal(tick(0), 0);
    assert_int_equal(tick(1), 1);
    assert_true(evidence_is_due(&node()->evidence));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_is_asked_once),
        TEST(what_xen_fails_to_answer_stays_due),
        TEST(an_answer_that_is_too_early_leaves_it_due),
        TEST(mates_of_two_owners_are_found),
        TEST(a_list_that_is_not_complete),
        TEST(what_nobody_owns_looks_for_its_mates),
        TEST(dom0_is_asked_for_what_it_does_not_list),
        TEST(a_hidden_mate_of_a_guest_that_has_nothing_else),
        TEST(a_mate_that_nothing_tells_of),
        TEST(a_domain_that_is_gone_is_not_asked_for),
        TEST(a_hidden_mate_that_went_is_dropped),
        TEST(every_claim_is_asked_about_in_time),
        TEST(one_share_at_a_tick),
        TEST(a_share_of_few),
        TEST(the_oldest_come_first),
        TEST(what_is_no_claim_is_not_asked),
        TEST(mates_of_claims_are_asked_too),
        TEST(another_answer_is_a_change),
        TEST(a_question_that_fails_is_a_change),
        TEST(one_change_among_others),
        TEST(nodes_are_confirmed_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
