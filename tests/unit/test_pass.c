/* SPDX-License-Identifier: MIT */
/* What a pass publishes of what Xen, the host and the records say: no claim without Xen's word from
 * this very pass, and nothing that stood is left where it does not hold. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pass_fixture.h"

enum { NIC = 0x20, DISK = 0x28, SOUND = 0x30, HIDDEN = 0x99 };

/* What the trees said when Xen was asked first in a pass. */
static char first_seen[64];
static uint32_t first_domid;

static void look_at_nic(void)
{
    const char *state = told(first_domid, pci_name(NIC), "state");

    snprintf(first_seen, sizeof(first_seen), "%s", state ? state : "(none)");
}

static void watch_first_question(uint32_t domid)
{
    first_domid = domid;
    snprintf(first_seen, sizeof(first_seen), "(not asked)");
    fake_xen_before_answer(look_at_nic);
}

/* A guest that has the NIC, published so. */
static void give_nic_to(uint32_t domid)
{
    if (!host_function(NIC))
        host_plug(NIC, "pciback");
    libxl_create(domid);
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    libxl_attach(NIC, domid);
    daemon_pass();
    assert_told(domid, pci_name(NIC), "protected", "assigned-pv");
}

static void event_about_nic(void)
{
    fake_event("/libxl/pci/0000-00-04-0/domid", "libxl");
}

/* ------------------------------------------------------------- what follows from what */

static void each_owner(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    host_plug(DISK, "pciback");
    host_plug(SOUND, "pciback");
    libxl_create(1);
    libxl_make_assignable(DISK);
    libxl_make_assignable(SOUND);
    libxl_attach(SOUND, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
    assert_told(0, pci_name(DISK), NULL, NULL);
    assert_told(FAKE_HOST_TREE, pci_name(DISK), "quarantined", "assignable");
    assert_told(1, pci_name(SOUND), "protected", "assigned-pv");
    assert_told(FAKE_HOST_TREE, pci_name(SOUND), "protected", "assigned-pv");
    assert_string_equal(fake_get("/local/domain/1/iommu/status"), "ready");
    assert_true(reconciler_is_complete(daemon_reconciler()));
}

static void a_translated_guest_skips(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    fake_xen_domain(1)->kind = GUEST_KIND_TRANSLATED;
    libxl_create(1);
    libxl_attach(NIC, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "protected", "assigned-translated");
    assert_string_equal(told(1, pci_name(NIC), "swiotlb"), "skip");
}

/* Each kind of dom0 by its own word: the other's means nothing. */
static void the_mode_of_a_pvh_dom0(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_domain(0)->kind = GUEST_KIND_TRANSLATED;
    fake_xen_cmdline()->pvh_dom0 = DOM0_MODE_UNKNOWN;
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "dom0-mode-unknown");
}

static void the_mode_of_a_pv_dom0(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_cmdline()->pv_dom0 = DOM0_MODE_UNKNOWN;
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "dom0-mode-unknown");
}

static void a_command_line_that_is_not_read(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    host_plug(DISK, "pciback");
    libxl_make_assignable(DISK);
    fake_xen_fail("cmdline", EPERM, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "dom0-mode-unknown");
    assert_told(FAKE_HOST_TREE, pci_name(DISK), "unknown", "quarantine-off");
    assert_false(reconciler_is_complete(daemon_reconciler()));
    assert_true(reconciler_wants_recheck(daemon_reconciler()));
    daemon_pass();
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
    assert_told(FAKE_HOST_TREE, pci_name(DISK), "quarantined", "assignable");
    assert_true(reconciler_is_complete(daemon_reconciler()));
}

/* What the tables leave open only the command line tells. */
static void a_unit_that_an_option_may_turn_off(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    host_coverage()->graphics_only = ACPI_YES;
    fake_xen_fail("cmdline", EPERM, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "unit-maybe-off");
    daemon_pass();
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
}

static void what_is_quarantined_nowhere(void **state)
{
    static const enum xen_switch words[] = {XEN_UNKNOWN, XEN_OFF};

    (void)state;
    host_plug(DISK, "pciback");
    libxl_make_assignable(DISK);
    for (size_t i = 0; i < 2; i++) {
        daemon_restart();
        fake_xen_cmdline()->quarantine = words[i];
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(DISK), "unknown", "quarantine-off");
    }
}

static void what_the_word_leaves_out(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    host_plug(DISK, "pciback");
    libxl_create(1);
    libxl_make_assignable(DISK);
    libxl_attach(DISK, 1);
    fake_xen_cmdline()->map_inclusive = XEN_ON;
    fake_xen_cmdline()->intremap = XEN_OFF;
    assert_int_equal(daemon_look(), 0);
    assert_string_equal(told(0, pci_name(NIC), "limits"), "no-intremap map-inclusive");
    assert_string_equal(told(1, pci_name(DISK), "limits"), "no-intremap");
    host_coverage()->reserved_memory = true;
    fake_xen_domain(0)->kind = GUEST_KIND_TRANSLATED;
    assert_int_equal(daemon_look(), 0);
    assert_string_equal(told(0, pci_name(NIC), "limits"), "no-intremap reserved-memory");
}

static void devices_that_were_not_read(void **state)
{
    (void)state;
    give_nic_to(1);
    host_is_incomplete(true);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "devices-unread");
    assert_false(reconciler_is_complete(daemon_reconciler()));
    host_is_incomplete(false);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
}

/* ------------------------------------------------------------- Xen's word */

static void xen_drives_no_iommu(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_iommu(IOMMU_DISABLED);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unprotected", "iommu-disabled");
    assert_int_equal(fake_xen_questions(), 0);
    assert_int_equal(reconciler_confirm(daemon_reconciler()), 0);
}

static void xen_does_not_say_whether(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_fail("iommu", EPERM, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-error");
    assert_false(reconciler_is_complete(daemon_reconciler()));
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
}

static void xen_does_not_list_its_domains(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_fail("domains", EPERM, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-error");
}

static void xen_denies_what_the_records_say(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_make_assignable(NIC);
    libxl_record(NIC, 1);
    libxl_backend(NIC, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    assert_string_equal(told(FAKE_HOST_TREE, pci_name(NIC), "owner"), "unknown");
}

static void a_question_that_fails(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_fail("ask", EPERM, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "hypervisor-error");
    assert_false(reconciler_is_complete(daemon_reconciler()));
    daemon_pass();
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
}

/* Its mate's attach makes the claim possible, and no event was about the device itself: Xen may
 * have let go of it without a word since it was asked. */
static void a_new_claim_needs_a_new_answer(void **state)
{
    (void)state;
    host_plug(DISK, "pciback");
    give_nic_to(1);
    libxl_make_assignable(DISK);
    libxl_attach(DISK, 1);
    fake_xen_give(DISK, 0);
    fake_xen_group(NIC, DISK);
    host_function(NIC)->events++;
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "group-owner-unknown");
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    libxl_attach(DISK, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    assert_told(1, pci_name(DISK), "unknown", "group-owner-unknown");
}

/* Of one that is alone, whose word was held back by something else. */
static void a_new_claim_of_a_lone_device_needs_a_new_answer(void **state)
{
    (void)state;
    give_nic_to(1);
    host_is_incomplete(true);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "devices-unread");
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    host_is_incomplete(false);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* The same with the addresses the other way round: the first one's claim rests on an answer about
 * the second that turns out to be old. */
static void a_new_claim_needs_a_new_answer_about_its_mates(void **state)
{
    (void)state;
    host_plug(SOUND, "pciback");
    host_plug(DISK, "pciback");
    libxl_create(1);
    libxl_make_assignable(SOUND);
    libxl_attach(SOUND, 1);
    libxl_make_assignable(DISK);
    libxl_record(DISK, 1);
    libxl_backend(DISK, 1);
    fake_xen_group(DISK, SOUND);
    fake_xen_give(DISK, 0);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(SOUND), "unknown", "group-owner-unknown");
    fake_xen_give(SOUND, FAKE_XEN_QUARANTINE);
    libxl_attach(DISK, 1);
    daemon_pass();
    assert_told(1, pci_name(SOUND), "unknown", "hypervisor-disagrees");
    assert_told(1, pci_name(DISK), "unknown", "group-owner-unknown");
}

/* A pass in which nothing changed asks nothing, and writes nothing. */
static void a_pass_for_nothing(void **state)
{
    unsigned int questions;
    int operations;

    (void)state;
    give_nic_to(1);
    questions = fake_xen_questions();
    operations = fake_operations();
    daemon_pass();
    assert_int_equal(fake_xen_questions(), questions);
    assert_int_equal(fake_operations(), operations);
}

/* ------------------------------------------------------------- groups */

static void a_mate_that_the_host_does_not_list(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_give(HIDDEN, 0);
    fake_xen_group(NIC, HIDDEN);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "group-member-unlisted");
    assert_true(reconciler_wants_recheck(daemon_reconciler()));
    /* It may go from Xen's list without an event. */
    fake_xen_give(HIDDEN, 77);
    reconciler_suspect(daemon_reconciler());
    daemon_pass();
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
}

static void a_mate_that_left_the_host_but_not_xen(void **state)
{
    (void)state;
    host_plug(DISK, "ahci");
    give_nic_to(1);
    fake_xen_group(NIC, DISK);
    host_function(NIC)->events++;
    host_function(DISK)->events++;
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unprotected", "group-split");
    host_unplug(DISK);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "group-member-unlisted");
    assert_told(0, pci_name(DISK), NULL, NULL);
}

static void a_group_that_is_not_listed(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_xen_fail("mates", EPERM, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "unknown", "group-unknown");
    assert_false(reconciler_is_complete(daemon_reconciler()));
}

/* ------------------------------------------------------------- downgrades come first */

static void what_leaves_is_downgraded_before_xen_is_asked(void **state)
{
    (void)state;
    give_nic_to(1);
    libxl_detach(NIC, 1);
    watch_first_question(1);
    daemon_pass();
    assert_string_equal(first_seen, "(none)");
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

static void forget_disk(void)
{
    fake_before_commit(NULL);
    fake_remove("/libxl/pci/0000-00-05-0/domid");
}

/* The records change below the transaction that takes it back; what is asked of Xen comes later. */
static void what_is_lost_while_another_record_goes(void **state)
{
    (void)state;
    host_plug(DISK, "pciback");
    libxl_make_assignable(DISK);
    give_nic_to(1);
    libxl_attach(DISK, 1);
    daemon_pass();
    assert_told(1, pci_name(DISK), "protected", "assigned-pv");
    libxl_detach(NIC, 1);
    fake_before_commit(forget_disk);
    watch_first_question(1);
    daemon_pass();
    assert_string_equal(first_seen, "(none)");
}

static void what_moves_is_claimed_by_nobody_in_between(void **state)
{
    (void)state;
    give_nic_to(1);
    libxl_create(2);
    daemon_pass();
    libxl_detach(NIC, 1);
    libxl_attach(NIC, 2);
    watch_first_question(FAKE_HOST_TREE);
    daemon_pass();
    assert_string_equal(first_seen, "unknown");
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_told(2, pci_name(NIC), "protected", "assigned-pv");
}

/* Its guest is told of it under another address, all in one pass: first the old record goes. */
static void what_its_guest_sees_elsewhere(void **state)
{
    (void)state;
    give_nic_to(1);
    watch_first_question(1);
    fake_put("/local/domain/0/backend/pci/1/32/vdev-0", "0000:00:05.0");
    daemon_pass();
    assert_string_equal(first_seen, "(none)");
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_told(1, pci_name(DISK), "protected", "assigned-pv");
}

static char nodes_seen[64];

static void look_at_nodes(void)
{
    const char *old = told(1, "dt/passthrough/old", "state");
    const char *new = told(1, "dt/passthrough/new", "state");

    snprintf(nodes_seen, sizeof(nodes_seen), "%s %s", old ? old : "(none)", new ? new : "(none)");
}

static void a_node_that_its_guest_sees_elsewhere(void **state)
{
    struct dt_record *record;

    (void)state;
    libxl_create(1);
    host_node("/soc/dma")->passthrough = true;
    fake_xen_give_node("/soc/dma", ORACLE_TAKEN);
    record = host_record("/soc/dma", 1, "/passthrough/old");
    fake_xen_domain(1)->kind = GUEST_KIND_TRANSLATED;
    assert_int_equal(daemon_look(), 0);
    assert_told(1, "dt/passthrough/old", "protected", "assigned-translated");
    record->guest_path = (char *)(uintptr_t) "/passthrough/new";
    reconciler_records_changed(daemon_reconciler());
    fake_xen_before_answer(look_at_nodes);
    daemon_pass();
    assert_string_equal(nodes_seen, "(none) (none)");
    assert_told(1, "dt/passthrough/old", NULL, NULL);
    assert_told(1, "dt/passthrough/new", "protected", "assigned-translated");
}

/* In the first half of a pass nothing stronger is said, even where all looks well. */
static void what_comes_waits_for_xens_word(void **state)
{
    (void)state;
    host_plug(DISK, "pciback");
    give_nic_to(1);
    libxl_create(2);
    libxl_make_assignable(DISK);
    daemon_pass();
    libxl_detach(NIC, 1);
    libxl_attach(DISK, 2);
    watch_first_question(2);
    daemon_pass();
    assert_string_equal(first_seen, "(none)");
    assert_told(2, pci_name(DISK), "protected", "assigned-pv");
}

static void a_guest_that_is_shut_down(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_domain(1)->alive = false;
    watch_first_question(1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "owner-down");
}

/* ------------------------------------------------------------- events in mid-pass */

static void nothing_stronger_on_an_answer_that_was_overtaken(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    libxl_attach(NIC, 1);
    fake_before_commit(event_about_nic);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    assert_true(reconciler_wants_pass(daemon_reconciler()));
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    assert_false(reconciler_wants_pass(daemon_reconciler()));
}

static void what_stands_may_stand(void **state)
{
    unsigned int asked;

    (void)state;
    give_nic_to(1);
    event_about_nic();
    fake_before_commit(event_about_nic);
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    asked = fake_xen_asked(NIC);
    daemon_pass();
    assert_int_equal(fake_xen_asked(NIC), asked + 1);
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
}

/* Xen was asked in that pass all the same, and what it says against the claim counts. */
static void what_xen_denies_does_not_stand(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    event_about_nic();
    fake_before_commit(event_about_nic);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* ------------------------------------------------------------- the records */

static void records_that_xenstore_refuses(void **state)
{
    (void)state;
    host_plug(DISK, "ahci");
    give_nic_to(1);
    event_about_nic();
    fake_fail("read", EACCES, 1);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EACCES);
    assert_told(1, pci_name(NIC), "unknown", "records-unreadable");
    assert_told(0, pci_name(DISK), "unknown", "records-unreadable");
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    assert_told(0, pci_name(DISK), "protected", "dom0-strict");
}

/* The domain is not asked for what its last one of this number had. */
static void a_record_for_a_domain_that_is_gone(void **state)
{
    (void)state;
    give_nic_to(1);
    libxl_destroy(1);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "owner-down");
    assert_int_equal(fake_count("/local/domain/1"), 0);
    memset(fake_xen_domain(1)->handle, 0xee, 16);
    libxl_create(1);
    daemon_pass();
    /* The old record and the old backend are there; Xen has it in quarantine. */
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    event_about_nic();
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pass_set_up, pass_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_owner),
        TEST(a_translated_guest_skips),
        TEST(the_mode_of_a_pvh_dom0),
        TEST(the_mode_of_a_pv_dom0),
        TEST(a_command_line_that_is_not_read),
        TEST(a_unit_that_an_option_may_turn_off),
        TEST(what_is_quarantined_nowhere),
        TEST(what_the_word_leaves_out),
        TEST(devices_that_were_not_read),
        TEST(xen_drives_no_iommu),
        TEST(xen_does_not_say_whether),
        TEST(xen_does_not_list_its_domains),
        TEST(xen_denies_what_the_records_say),
        TEST(a_question_that_fails),
        TEST(a_new_claim_needs_a_new_answer),
        TEST(a_new_claim_needs_a_new_answer_about_its_mates),
        TEST(a_new_claim_of_a_lone_device_needs_a_new_answer),
        TEST(a_pass_for_nothing),
        TEST(a_mate_that_the_host_does_not_list),
        TEST(a_mate_that_left_the_host_but_not_xen),
        TEST(a_group_that_is_not_listed),
        TEST(what_leaves_is_downgraded_before_xen_is_asked),
        TEST(what_is_lost_while_another_record_goes),
        TEST(what_moves_is_claimed_by_nobody_in_between),
        TEST(what_its_guest_sees_elsewhere),
        TEST(a_node_that_its_guest_sees_elsewhere),
        TEST(what_comes_waits_for_xens_word),
        TEST(a_guest_that_is_shut_down),
        TEST(nothing_stronger_on_an_answer_that_was_overtaken),
        TEST(what_stands_may_stand),
        TEST(what_xen_denies_does_not_stand),
        TEST(records_that_xenstore_refuses),
        TEST(a_record_for_a_domain_that_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
