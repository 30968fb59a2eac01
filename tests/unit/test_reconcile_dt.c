/* SPDX-License-Identifier: MIT */
/* Device tree devices from pass to pass. */
#include "unit.h"

#include <string.h>

#include "pass_fixture.h"

static void nodes(void **state)
{
    (void)state;
    host_node("/soc/dma");
    host_node("/soc/eth")->passthrough = true;
    host_node("/soc/gpu");
    fake_xen_give_node("/soc/dma", ORACLE_TAKEN);
    fake_xen_give_node("/soc/eth", ORACLE_TAKEN);
    fake_xen_give_node("/soc/gpu", ORACLE_FREE);
    fake_xen_domain(1)->kind = GUEST_KIND_TRANSLATED;
    libxl_create(1);
    host_record("/soc/eth", 1, "/passthrough/eth");
    assert_int_equal(daemon_look(), 0);
    assert_told(0, "dt/soc/dma", "protected", "behind-iommu");
    assert_told(0, "dt/soc/gpu", "unprotected", "not-behind-iommu");
    assert_told(0, "dt/soc/eth", NULL, NULL);
    assert_told(1, "dt/passthrough/eth", "protected", "assigned-translated");
    assert_told(FAKE_HOST_TREE, "dt/soc/eth", "protected", "assigned-translated");
}

static void a_node_of_which_the_guests_path_is_not_known(void **state)
{
    (void)state;
    host_node("/soc/eth");
    fake_xen_give_node("/soc/eth", ORACLE_TAKEN);
    fake_xen_domain(1)->kind = GUEST_KIND_TRANSLATED;
    libxl_create(1);
    host_record("/soc/eth", 1, NULL)->where = GUEST_PATH_UNKNOWN;
    assert_int_equal(daemon_look(), 0);
    assert_told(1, "dt/soc/eth", NULL, NULL);
    assert_non_null(strstr(told(FAKE_HOST_TREE, "dt/soc/eth", "facts"), "guest-path=unknown"));
}

/* The toolstack's records tell of no single event: all that it may give away is asked anew. */
static void records_of_nodes_changed(void **state)
{
    unsigned int questions;

    (void)state;
    host_node("/soc/dma");
    host_node("/soc/eth")->passthrough = true;
    fake_xen_give_node("/soc/dma", ORACLE_TAKEN);
    fake_xen_give_node("/soc/eth", ORACLE_TAKEN);
    libxl_create(1);
    host_record("/soc/eth", 1, NULL);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, "dt/soc/eth", "protected", "assigned-pv");
    questions = fake_xen_questions();
    fake_xen_give_node("/soc/eth", ORACLE_FREE);
    reconciler_records_changed(daemon_reconciler());
    daemon_pass();
    assert_int_equal(fake_xen_questions(), questions + 1);
    assert_told(1, "dt/soc/eth", "unknown", "hypervisor-disagrees");
}

/* Whom the answer was about is not known: Xen says taken of either guest's node. */
static void records_of_nodes_changed_behind_the_answer(void **state)
{
    (void)state;
    host_node("/soc/eth")->passthrough = true;
    fake_xen_give_node("/soc/eth", ORACLE_TAKEN);
    libxl_create(1);
    host_record("/soc/eth", 1, NULL);
    fake_xen_after_answer(host_records_change);
    assert_int_equal(daemon_look(), 0);
    assert_told(1, "dt/soc/eth", "unknown", "owner-unknown");
    assert_true(reconciler_wants_pass(daemon_reconciler()));
    fake_xen_after_answer(NULL);
    daemon_pass();
    assert_told(1, "dt/soc/eth", "protected", "assigned-pv");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pass_set_up, pass_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes),
        TEST(a_node_of_which_the_guests_path_is_not_known),
        TEST(records_of_nodes_changed),
        TEST(records_of_nodes_changed_behind_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
