/* SPDX-License-Identifier: MIT */
/* Another device in the place of one that was assignable: what libxl recorded of that one, and what
 * an earlier run of the daemon saw of it, is not believed of this one. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "pass_fixture.h"

#define NIC 0x20

static void plug_again(void)
{
    host_unplug(NIC);
    host_plug(NIC, "pciback")->again = true;
}

/* libxl takes it from its driver, and back to pciback. */
static void make_assignable_again(void)
{
    strcpy(host_function(NIC)->driver, "e1000e");
    host_function(NIC)->unbinds++;
    host_function(NIC)->events++;
    assert_int_equal(daemon_look(), 0);
    daemon_pass();
    strcpy(host_function(NIC)->driver, "pciback");
    host_function(NIC)->unbinds++;
    host_function(NIC)->events++;
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
}

static void a_record_of_the_device_before(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
    plug_again();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
    make_assignable_again();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

/* More than oxenstored lists: nothing is listed, and each of them may have gone. */
static void more_than_can_be_listed(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    host_unplug(NIC);
    fake_put("/tool/xen-iommu/seen/count", "257");
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_string_equal(fake_get("/tool/xen-iommu/seen/gone"), "all");
    host_plug(NIC, "pciback");
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* It came when the daemon had begun to look, and before its first pass. */
static void plugged_before_the_first_pass(void **state)
{
    (void)state;
    libxl_make_assignable(NIC);
    host_plug(NIC, "pciback")->late = true;
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* While no daemon ran. */
static void another_device_over_a_restart(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    plug_again();
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

static void a_memory_that_cannot_be_read(void **state)
{
    (void)state;
    /* where functions went, and what is known of this one */
    for (int i = 0; i < 2; i++) {
        (void)pass_tear_down(state);
        (void)pass_set_up(state);
        host_plug(NIC, "pciback");
        libxl_make_assignable(NIC);
        daemon_restart();
        fake_fail_later("read", EACCES, i);
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
    }
}

/* Another time with pciback, while no daemon ran. */
static void another_binding_over_a_restart(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
    strcpy(host_function(NIC)->binding, "another");
    daemon_restart();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* It went while the daemon ran, and another one came while it did not. */
static void gone_before_a_restart(void **state)
{
    (void)state;
    for (int restarts = 1; restarts < 4; restarts++) {
        (void)pass_tear_down(state);
        (void)pass_set_up(state);
        host_plug(NIC, "pciback");
        libxl_make_assignable(NIC);
        assert_int_equal(daemon_look(), 0);
        host_unplug(NIC);
        for (int i = 0; i < restarts; i++) {
            assert_int_equal(daemon_look(), 0);
            daemon_restart();
        }
        host_plug(NIC, "pciback");
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
        daemon_restart();
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
        assert_null(fake_get("/tool/xen-iommu/seen/gone"));
    }
}

/* It was made assignable, and went, in one pass. */
static void gone_as_soon_as_recorded(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    assert_int_equal(daemon_look(), 0);
    libxl_make_assignable(NIC);
    host_unplug(NIC);
    assert_int_equal(daemon_look(), 0);
    assert_string_equal(fake_get("/tool/xen-iommu/seen/gone"), "0000-00-04-0");
    daemon_restart();
    host_plug(NIC, "pciback");
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* What went without a record left nothing. */
static void gone_without_a_record(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    assert_int_equal(daemon_look(), 0);
    host_unplug(NIC);
    assert_int_equal(daemon_look(), 0);
    daemon_restart();
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

static void a_list_of_the_gone_that_makes_no_sense(void **state)
{
    static const char *const texts[] = {"all", "0000-00-05-0 ", " 0000-00-05-0", "0000-00-05-0,",
                                        "x"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        (void)pass_tear_down(state);
        (void)pass_set_up(state);
        fake_put("/tool/xen-iommu/seen/gone", texts[i]);
        host_plug(NIC, "pciback");
        libxl_make_assignable(NIC);
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), i == 1 ? "quarantined" : "unknown",
                    i == 1 ? "assignable" : "new-device");
    }
}

/* An event of the record that came before the device went is not about the next one. */
static void recorded_before_it_went(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    assert_int_equal(daemon_look(), 0);
    host_unplug(NIC);
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    host_plug(NIC, "e1000e")->again = true;
    host_function(NIC)->unbinds = 1;
    strcpy(host_function(NIC)->driver, "pciback");
    assert_int_equal(daemon_look(), 0);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* Two runs that cannot read it, the second of which ends before it can. Each knows from its first
 * pass which records there are. */
static void run_without_reading(void)
{
    host_unplug(NIC);
    host_is_incomplete(true);
    for (int i = 0; i < 2; i++) {
        daemon_restart();
        assert_int_equal(daemon_look(), 0);
        assert_int_equal(daemon_look(), 0);
    }
}

static void read_at_last(const struct pci_function *before)
{
    struct pci_function *function = host_plug(NIC, "pciback");

    memcpy(function->identity, before->identity, sizeof(function->identity));
    memcpy(function->binding, before->binding, sizeof(function->binding));
    host_is_incomplete(false);
    assert_int_equal(daemon_look(), 0);
}

/* What was remembered of a function outlives the runs that could not read it. */
static void a_function_that_is_read_late(void **state)
{
    struct pci_function before;

    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    before = *host_function(NIC);
    run_without_reading();
    read_at_last(&before);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

static void a_doubtful_function_that_is_read_late(void **state)
{
    struct pci_function before;

    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    plug_again();
    assert_int_equal(daemon_look(), 0);
    before = *host_function(NIC);
    run_without_reading();
    read_at_last(&before);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* No run before these could read it either, and none saw it go. */
static void a_function_that_nobody_has_read(void **state)
{
    (void)state;
    for (uint32_t events = 0; events < 2; events++) {
        (void)pass_tear_down(state);
        (void)pass_set_up(state);
        host_plug(NIC, "pciback");
        libxl_make_assignable(NIC);
        run_without_reading();
        host_plug(NIC, "pciback")->events = events;
        host_is_incomplete(false);
        assert_int_equal(daemon_look(), 0);
        assert_told(FAKE_HOST_TREE, pci_name(NIC), events ? "unknown" : "quarantined",
                    events ? "new-device" : "assignable");
    }
}

/* A record of an earlier device is there, and this one came after it. */
static void plug_with_an_old_record(const char *driver)
{
    fake_put("/libxl/pci/0000-00-04-0/driver_path", "/x");
    libxl_create(1);
    daemon_pass();
    host_plug(NIC, driver)->again = true;
    assert_int_equal(daemon_look(), 0);
}

static void what_a_guest_gives_back(void **state)
{
    (void)state;
    plug_with_an_old_record("pciback");
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
    libxl_attach(NIC, 1);
    daemon_pass();
    assert_told(1, pci_name(NIC), "protected", "assigned-pv");
    libxl_detach(NIC, 1);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "quarantined", "assignable");
}

static void what_a_guest_never_had(void **state)
{
    (void)state;
    plug_with_an_old_record("pciback");
    libxl_attach(NIC, 1);
    fake_xen_give(NIC, 0);
    daemon_pass();
    assert_told(1, pci_name(NIC), "unknown", "hypervisor-disagrees");
    libxl_detach(NIC, 1);
    fake_xen_give(NIC, 0);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

static void what_dom0_had_before_pciback(void **state)
{
    (void)state;
    plug_with_an_old_record("e1000e");
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
    strcpy(host_function(NIC)->driver, "pciback");
    host_function(NIC)->events++;
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* Of the device before nothing was worth remembering, and that says nothing of this one. */
static void nothing_is_recalled_of_what_is_plugged_in(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    fake_put("/libxl/pci/0000-00-04-0/driver_path", "/x");
    assert_int_equal(daemon_look(), 0);
    assert_told(0, pci_name(NIC), "protected", "dom0-strict");
    plug_again();
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

static void event_of_the_device_before(void)
{
    fake_event("/libxl/pci/0000-00-04-0/driver_path", "libxl");
}

/* XenStore's answer comes behind every event that is older than the question. */
static void an_event_of_the_device_before(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    plug_again();
    fake_before_commit(event_of_the_device_before);
    assert_int_equal(daemon_look(), 0);
    daemon_pass();
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* The same of one that has no driver yet, and is bound to pciback by hand then. */
static void an_event_of_the_device_before_an_unbound_one(void **state)
{
    (void)state;
    host_plug(NIC, "pciback");
    libxl_make_assignable(NIC);
    assert_int_equal(daemon_look(), 0);
    plug_again();
    host_function(NIC)->driver[0] = '\0';
    fake_before_commit(event_of_the_device_before);
    assert_int_equal(daemon_look(), 0);
    strcpy(host_function(NIC)->driver, "pciback");
    assert_int_equal(daemon_look(), 0);
    assert_told(FAKE_HOST_TREE, pci_name(NIC), "unknown", "new-device");
}

/* An event that belongs to an unbinding may come one pass later, and that pass is not waited for.
 */
static void an_unbinding_wants_another_pass(void **state)
{
    (void)state;
    host_plug(NIC, "e1000e");
    assert_int_equal(daemon_look(), 0);
    daemon_pass();
    assert_false(reconciler_wants_pass(daemon_reconciler()));
    strcpy(host_function(NIC)->driver, "pciback");
    host_function(NIC)->unbinds++;
    host_function(NIC)->events++;
    assert_int_equal(daemon_look(), 0);
    assert_true(reconciler_wants_pass(daemon_reconciler()));
    daemon_pass();
    assert_false(reconciler_wants_pass(daemon_reconciler()));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pass_set_up, pass_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_of_the_device_before),
        TEST(more_than_can_be_listed),
        TEST(plugged_before_the_first_pass),
        TEST(another_device_over_a_restart),
        TEST(another_binding_over_a_restart),
        TEST(gone_before_a_restart),
        TEST(gone_as_soon_as_recorded),
        TEST(gone_without_a_record),
        TEST(a_list_of_the_gone_that_makes_no_sense),
        TEST(recorded_before_it_went),
        TEST(a_memory_that_cannot_be_read),
        TEST(a_function_that_is_read_late),
        TEST(a_doubtful_function_that_is_read_late),
        TEST(a_function_that_nobody_has_read),
        TEST(what_a_guest_gives_back),
        TEST(what_a_guest_never_had),
        TEST(what_dom0_had_before_pciback),
        TEST(nothing_is_recalled_of_what_is_plugged_in),
        TEST(an_event_of_the_device_before),
        TEST(an_event_of_the_device_before_an_unbound_one),
        TEST(an_unbinding_wants_another_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
