/* SPDX-License-Identifier: MIT */
/* What a reconciler keeps from pass to pass: over events, over the ends of domains and connections,
 * over a write that failed, and over a restart. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "pass_fixture.h"

enum { NIC = 0x20, DISK = 0x28, HIDDEN = 0x99 };

/* A guest that has the NIC, published so. */
static void give_nic_to(uint32_t domid)
{
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

static void xen_lets_go_of_nic(void)
{
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
}

/* ------------------------------------------------------------- connections */

/* In the new store nothing is said on the old one's word, not even for as long as an event needs.
 */
static void an_old_verdict_after_a_reconnect(void **state)
{
    (void)state;
    give_nic_to(1);
    daemon_reconnect();
    xen_lets_go_of_nic();
    event_about_nic();
    fake_before_commit(event_about_nic);
    fake_xen_fail("ask", EPERM, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-error");
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

static void an_overtaken_verdict_after_a_reconnect(void **state)
{
    (void)state;
    give_nic_to(1);
    daemon_reconnect();
    fake_before_commit(event_about_nic);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "owner-unknown");
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
}

/* Events of which there were none to see: what shares the requester ID is asked for anew. */
static void groups_after_a_reconnect(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_give(HIDDEN, 0);
    fake_xen_group(NIC, HIDDEN);
    daemon_reconnect();
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "group-member-unlisted");
}

/* What was found while there was nowhere to write it was said to nobody. */
static void a_home_that_comes_late(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_remove("/local/domain/1");
    daemon_reconnect();
    daemon_pass();
    assert_null(told(1, pci_name(NIC), "state"));
    xen_lets_go_of_nic();
    libxl_create(1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

static void nodes_after_a_reconnect(void **state)
{
    (void)state;
    host_node("/soc/gpu");
    fake_xen_give_node("/soc/gpu", ORACLE_FREE);
    assert_int_equal(daemon_look(), 0);
    assert_told(0, "dt/soc/gpu", "unprotected", "not-behind-iommu");
    fake_xen_give_node("/soc/gpu", ORACLE_TAKEN);
    daemon_pass();
    assert_told(0, "dt/soc/gpu", "unprotected", "not-behind-iommu");
    daemon_reconnect();
    daemon_pass();
    assert_told(0, "dt/soc/gpu", "protected", "behind-iommu");
}

static void nothing_is_trusted_any_more(void **state)
{
    unsigned int asked;

    (void)state;
    give_nic_to(1);
    asked = fake_xen_asked(NIC);
    reconciler_distrust(daemon_reconciler());
    xen_lets_go_of_nic();
    daemon_pass();
    assert_int_equal(fake_xen_asked(NIC), asked + 1);
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

static void a_connection_that_is_lost_ends_the_pass(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_fail("check", EPIPE, 1);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EPIPE);
    event_about_nic();
    fake_fail("start", EPIPE, 1);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EPIPE);
    libxl_detach(NIC, 1);
    fake_fail("rm", EPIPE, 1);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EPIPE);
}

static void watches_that_cannot_be_set(void **state)
{
    (void)state;
    fake_fail("watch", EACCES, 1);
    assert_int_equal(reconciler_watch(daemon_reconciler()), -EACCES);
}

/* ------------------------------------------------------------- writes that fail */

/* It was found, and not written: by the time it can be written it is old. */
static void a_claim_that_was_not_written(void **state)
{
    (void)state;
    libxl_create(1);
    daemon_pass();
    host_plug(NIC, "pciback");
    libxl_attach(NIC, 1);
    fake_fail("write", EACCES, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_true(reconciler_wants_retry(daemon_reconciler()));
    assert_false(reconciler_is_complete(daemon_reconciler()));
    xen_lets_go_of_nic();
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    assert_false(reconciler_wants_retry(daemon_reconciler()));
}

static char seen_first[64];

static void look(void)
{
    const char *text = told(1, pci_name(NIC), "state");

    snprintf(seen_first, sizeof(seen_first), "%s", text ? text : "(none)");
}

/* From now on, with a count of 0 no more. */
static void nothing_takes_back(int count)
{
    fake_fail("rm", EACCES, count);
    fake_fail("set", EACCES, count);
    fake_fail("write", EACCES, count);
}

/* What could not be taken back is the first thing that the next pass does. */
static void a_downgrade_that_was_not_written(void **state)
{
    (void)state;
    give_nic_to(1);
    libxl_detach(NIC, 1);
    nothing_takes_back(INT_MAX);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EACCES);
    assert_true(publisher_overstates(daemon_publisher()));
    nothing_takes_back(0);
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    assert_true(reconciler_wants_retry(daemon_reconciler()));
    event_about_nic();
    fake_xen_before_answer(look);
    daemon_pass();
    assert_string_equal(seen_first, "(none)");
    assert_told(1, pci_name(NIC), NULL, NULL);
}

static void one_domains_trouble_is_not_anothers(void **state)
{
    (void)state;
    host_plug(DISK, "pciback");
    give_nic_to(1);
    libxl_create(2);
    libxl_make_assignable(DISK);
    libxl_attach(DISK, 2);
    libxl_detach(NIC, 1);
    /* All that is tried of the one tree, in both halves of the pass. */
    fake_fail("rm", EACCES, 10);
    fake_fail("set", EACCES, 2);
    daemon_pass();
    assert_true(publisher_overstates(daemon_publisher()));
    assert_told(2, pci_name(DISK), "protected", "assigned-pv");
    assert_true(reconciler_wants_retry(daemon_reconciler()));
}

/* Of the first tree that has to be taken back, dom0's. */
static void what_looks_lost_is_not_anothers(void **state)
{
    (void)state;
    host_plug(DISK, "nvme");
    give_nic_to(1);
    libxl_detach(NIC, 1);
    host_unplug(DISK);
    reconciler_devices_changed(daemon_reconciler());
    /* As often as it may be a conflict. */
    fake_fail("rm", EIO, 4);
    assert_int_equal(reconciler_run(daemon_reconciler()), -EIO);
    assert_int_equal(fake_count("/local/domain/0/iommu"), 0);
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_told(FAKE_HOST_TREE, pci_name(DISK), NULL, NULL);
}

/* ------------------------------------------------------------- domains */

static void a_domain_without_a_home(void **state)
{
    (void)state;
    give_nic_to(1);
    (void)fake_xen_domain(2);
    daemon_pass();
    assert_int_equal(fake_count("/local/domain/2"), 0);
    assert_false(reconciler_is_complete(daemon_reconciler()));
    libxl_create(2);
    daemon_pass();
    assert_string_equal(fake_get("/local/domain/2/iommu/status"), "ready");
    assert_true(reconciler_is_complete(daemon_reconciler()));
}

/* Xen's domain is gone, and its home is not yet. */
static void a_home_that_outlives_its_domain(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_xen_end(1);
    daemon_pass();
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_string_equal(fake_get("/local/domain/1/iommu/status"), "stopped");
}

static void the_same_number_again(void **state)
{
    (void)state;
    give_nic_to(1);
    libxl_destroy(1);
    memset(fake_xen_domain(1)->handle, 0xee, 16);
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    libxl_create(1);
    fake_xen_before_answer(look);
    daemon_pass();
    assert_string_equal(seen_first, "(none)");
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* The pass has decided for one domain, and another one has its number when it writes. */
static void replace_domain(void)
{
    libxl_destroy(1);
    memset(fake_xen_domain(1)->handle, 0xee, 16);
    libxl_create(1);
}

static void another_domain_before_the_write(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    libxl_attach(NIC, 1);
    fake_xen_after_answer(replace_domain);
    daemon_pass();
    assert_int_equal(fake_count("/local/domain/1/iommu"), 0);
    assert_true(reconciler_wants_retry(daemon_reconciler()));
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* No tree was there whose count would tell. */
static void another_domain_before_the_first_write(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_attach(NIC, 1);
    fake_xen_after_answer(replace_domain);
    assert_int_equal(daemon_look(), 0);
    assert_int_equal(fake_count("/local/domain/1/iommu"), 0);
    assert_true(reconciler_wants_retry(daemon_reconciler()));
}

/* A new home for the same domain: it was introduced again. */
static void a_home_that_was_made_anew(void **state)
{
    (void)state;
    give_nic_to(1);
    fake_remove("/local/domain/1");
    libxl_create(1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    assert_string_equal(fake_get("/local/domain/1/iommu/status"), "ready");
}

/* A guest that no record names has it, and its end is all that is heard of that. */
static void what_a_domain_had_is_asked_about_at_its_end(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_make_assignable(NIC);
    fake_xen_give(NIC, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "hypervisor-disagrees");
    fake_xen_give(NIC, FAKE_XEN_QUARANTINE);
    libxl_destroy(1);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

/* ------------------------------------------------------------- what comes without an event */

static void a_paused_guest_is_looked_at(void **state)
{
    (void)state;
    fake_xen_domain(1)->paused = true;
    give_nic_to(1);
    xen_lets_go_of_nic();
    reconciler_suspect(daemon_reconciler());
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* The stub domain has the backend, and runs on while its guest is paused. */
static void a_paused_guest_behind_a_stub_domain(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    fake_xen_domain(1)->kind = GUEST_KIND_TRANSLATED;
    libxl_create(1);
    libxl_create(5);
    fake_put("/local/domain/5/target", "1");
    libxl_make_assignable(NIC);
    libxl_record(NIC, 1);
    libxl_backend(NIC, 5);
    fake_put("/local/domain/0/backend/pci/5/32/vdevfn-0", "20");
    fake_xen_give(NIC, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "protected", "assigned-translated");
    fake_xen_domain(1)->paused = true;
    daemon_pass();
    xen_lets_go_of_nic();
    reconciler_suspect(daemon_reconciler());
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

/* libxl announces what it takes from a running PV guest; each question there is a line in Xen's
 * console. */
static void a_running_guest_is_not(void **state)
{
    unsigned int asked;

    (void)state;
    give_nic_to(1);
    assert_true(reconciler_wants_recheck(daemon_reconciler()));
    asked = fake_xen_asked(NIC);
    reconciler_suspect(daemon_reconciler());
    daemon_pass();
    assert_int_equal(fake_xen_asked(NIC), asked);
}

/* libxl assigns to a stub domain's guest after its last word to XenStore. */
static void an_attach_whose_last_step_has_no_event(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_create(1);
    libxl_make_assignable(NIC);
    libxl_record(NIC, 1);
    libxl_backend(NIC, 1);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    fake_xen_give(NIC, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    reconciler_suspect(daemon_reconciler());
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
}

static void a_claim_is_confirmed_in_an_interval(void **state)
{
    int changed = 0;

    (void)state;
    give_nic_to(1);
    for (int i = 0; i < RECONCILER_CONFIRM_TICKS; i++)
        assert_int_equal(reconciler_confirm(daemon_reconciler()), 0);
    xen_lets_go_of_nic();
    for (int i = 0; !changed && i < RECONCILER_CONFIRM_TICKS; i++)
        changed = reconciler_confirm(daemon_reconciler());
    assert_int_equal(changed, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
}

static int confirm_for_an_interval(void)
{
    int changed = 0;

    for (int i = 0; !changed && i < RECONCILER_CONFIRM_TICKS; i++)
        changed = reconciler_confirm(daemon_reconciler());
    return changed;
}

/* What Xen said of dom0's device, or of nobody's, is true no more, and no event tells. */
static void what_xen_denied_is_asked_about_too(void **state)
{
    static const char *const drivers[] = {"e1000e", "pciback"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)pass_tear_down(state);
        (void)pass_set_up(state);
        host_plug(NIC, drivers[i]);
        libxl_create(1);
        if (i == 1)
            libxl_make_assignable(NIC);
        fake_xen_give(NIC, 1);
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "hypervisor-disagrees");
        assert_int_equal(confirm_for_an_interval(), 0);
        fake_xen_give(NIC, i == 1 ? FAKE_XEN_QUARANTINE : 0);
        assert_int_equal(confirm_for_an_interval(), 1);
        daemon_pass();
        assert_told(FAKE_HOST_TREE, pci_name(NIC), i == 1 ? "quarantined" : "protected",
                    i == 1 ? "assignable" : "dom0-strict");
    }
}

static void events_without_end_do_not_put_off_a_pass(void **state)
{
    (void)state;
    give_nic_to(1);
    for (int i = 0; i < 3000; i++)
        event_about_nic();
    assert_int_equal(reconciler_take_events(daemon_reconciler()), RECONCILER_MORE_EVENTS);
    daemon_pass();
    assert_true(reconciler_wants_pass(daemon_reconciler()));
    daemon_pass();
    assert_false(reconciler_wants_pass(daemon_reconciler()));
    assert_int_equal(reconciler_take_events(daemon_reconciler()), 0);
}

static void a_device_that_went(void **state)
{
    (void)state;
    host_plug(DISK, "ahci");
    give_nic_to(1);
    host_unplug(NIC);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, pci_name(NIC), NULL, NULL);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), NULL, NULL);
    assert_told(0, pci_name(DISK), "protected", "dom0-strict");
}

static void a_line_for_people(void **state)
{
    char text[128];

    (void)state;
    host_plug(DISK, "ahci");
    give_nic_to(1);
    reconciler_summary(daemon_reconciler(), text, sizeof(text));
    assert_string_equal(text, "2 devices, 2 protected");
    reconciler_summary(daemon_reconciler(), text, 4);
    assert_string_equal(text, "2 d");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pass_set_up, pass_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_old_verdict_after_a_reconnect),
        TEST(an_overtaken_verdict_after_a_reconnect),
        TEST(groups_after_a_reconnect),
        TEST(a_home_that_comes_late),
        TEST(nodes_after_a_reconnect),
        TEST(nothing_is_trusted_any_more),
        TEST(a_connection_that_is_lost_ends_the_pass),
        TEST(watches_that_cannot_be_set),
        TEST(a_claim_that_was_not_written),
        TEST(a_downgrade_that_was_not_written),
        TEST(one_domains_trouble_is_not_anothers),
        TEST(what_looks_lost_is_not_anothers),
        TEST(a_domain_without_a_home),
        TEST(a_home_that_outlives_its_domain),
        TEST(the_same_number_again),
        TEST(another_domain_before_the_write),
        TEST(another_domain_before_the_first_write),
        TEST(a_home_that_was_made_anew),
        TEST(what_a_domain_had_is_asked_about_at_its_end),
        TEST(a_paused_guest_is_looked_at),
        TEST(a_paused_guest_behind_a_stub_domain),
        TEST(a_running_guest_is_not),
        TEST(an_attach_whose_last_step_has_no_event),
        TEST(a_claim_is_confirmed_in_an_interval),
        TEST(what_xen_denied_is_asked_about_too),
        TEST(events_without_end_do_not_put_off_a_pass),
        TEST(a_device_that_went),
        TEST(a_line_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
