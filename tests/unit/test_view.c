/* SPDX-License-Identifier: MIT */
/* What each tree holds: a domain's own devices at its own addresses, and of what is another's, or
 * cannot be told from another, no word. */
#include "view_fixture.h"

#include <string.h>

/* ------------------------------------------------------------- a guest's functions */

static void its_own_at_its_own_address(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    own(pci(LEFT), 1, to_pv);
    see(1);
    holds("pci/0000-00-04-0/state", "protected");
    holds("pci/0000-00-04-0/swiotlb", "keep");
    holds("pci/0000-00-04-0/reason", "assigned-pv");
    holds("pci/0000-02-01-0/state", NULL);
    holds("pci/0000-00-04-0/group", NULL);
    holds("pci/0000-00-04-0/facts", NULL);
    see(2);
    assert_int_equal(tree.count, 2);
    see(0);
    holds("pci/0000-02-01-0/state", NULL);
    holds("pci/0000-02-02-0/state", "relaxed");
}

static void two_devices_at_one_address(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    attach(RIGHT, 1, 0x20);
    attach(ALONE, 1, 0x28);
    own(pci(LEFT), 1, to_hvm);
    own(pci(RIGHT), 1, to_hvm);
    own(pci(ALONE), 1, to_hvm);
    see(1);
    holds("pci/0000-00-04-0/state", "unknown");
    holds("pci/0000-00-04-0/swiotlb", "keep");
    holds("pci/0000-00-04-0/reason", "records-conflict");
    holds("pci/0000-00-05-0/state", "protected");
}

static void one_device_at_two_addresses(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    attach(LEFT, 1, 0x28);
    own(pci(LEFT), 1, to_hvm);
    see(1);
    holds("pci/0000-00-04-0/reason", "records-conflict");
    holds("pci/0000-00-05-0/reason", "records-conflict");
    holds("pci/0000-00-04-0/swiotlb", "keep");
    holds("pci/0000-00-05-0/swiotlb", "keep");
}

/* By its stub domain's backend and by its own: one address, told twice. */
static void one_device_told_twice(void **state)
{
    (void)state;
    doms[1].kind = GUEST_KIND_TRANSLATED;
    attach(LEFT, 1, 0x20);
    attach(LEFT, 2, 0x20)->serves = 1;
    own(pci(LEFT), 1, to_hvm);
    see(1);
    holds("pci/0000-00-04-0/state", "protected");
    holds("pci/0000-00-04-0/swiotlb", "skip");
    /* The stub domain itself has none. */
    see(2);
    assert_int_equal(tree.count, 2);
}

static void a_claim_that_no_record_bears_out(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    own(pci(LEFT), 1, to_pv);
    pci_records[0].domid = 2;
    see(1);
    assert_int_equal(tree.count, 2);
    pci_records[0].domid = 1;
    pci_records[0].malformed = true;
    see(1);
    assert_int_equal(tree.count, 2);
    pci_records[0].malformed = false;
    pci_records[0].has_domid = false;
    see(1);
    assert_int_equal(tree.count, 2);
    pci_records[0].has_domid = true;
    pci_records[0].present = false;
    see(1);
    assert_int_equal(tree.count, 2);
}

/* What another owner is told of the device is nothing to this domain. */
static void what_a_record_names_and_another_has(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    own(pci(LEFT), 2, to_hvm);
    see(1);
    holds("pci/0000-00-04-0/state", "unknown");
    holds("pci/0000-00-04-0/swiotlb", "keep");
    holds("pci/0000-00-04-0/reason", "assignment-ending");
    pci(LEFT)->owner.kind = OWNER_DOM0;
    pci(LEFT)->owner.domid = 1;
    see(1);
    holds("pci/0000-00-04-0/reason", "assignment-ending");
    pci(LEFT)->owner.kind = OWNER_UNKNOWN;
    pci(LEFT)->verdict = policy_unknown("owner-down");
    see(1);
    holds("pci/0000-00-04-0/reason", "owner-down");
}

static void an_address_that_is_not_told(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20)->has_vdev = false;
    own(pci(LEFT), 1, to_pv);
    see(1);
    assert_int_equal(tree.count, 2);
}

static void a_group_tells_nothing_of_the_host(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x28);
    attach(RIGHT, 1, 0x20);
    attach(ALONE, 1, 0x18);
    for (uint32_t sbdf = LEFT; sbdf <= RIGHT; sbdf += RIGHT - LEFT) {
        own(pci(sbdf), 1, to_pv);
        pci(sbdf)->grouped = true;
        pci(sbdf)->group = BRIDGE;
    }
    own(pci(ALONE), 1, to_pv);
    see(1);
    holds("pci/0000-00-05-0/group", "32");
    holds("pci/0000-00-04-0/group", "32");
    holds("pci/0000-00-03-0/group", NULL);
    see_host();
    holds("pci/0000-02-01-0/group", "256");
    /* Alone of its group in this domain. */
    assignment.claim_count = 1;
    see(1);
    holds("pci/0000-00-05-0/group", NULL);
}

static void limits_of_what_is_confined(void **state)
{
    (void)state;
    attach(LEFT, 1, 0x20);
    own(pci(LEFT), 1, to_pv);
    pci(LEFT)->facts.limits = XENIOMMU_LIMIT_ATS;
    pci(RIGHT)->facts.limits = XENIOMMU_LIMIT_ATS;
    see(1);
    holds("pci/0000-00-04-0/limits", "ats");
    see(0);
    holds("pci/0000-02-02-0/limits", "ats");
    pci(LEFT)->verdict = policy_unknown("owner-down");
    pci(RIGHT)->verdict = (struct verdict){XENIOMMU_UNPROTECTED, false, "not-covered"};
    see(1);
    holds("pci/0000-00-04-0/limits", NULL);
    see(0);
    holds("pci/0000-02-02-0/limits", NULL);
}

/* ------------------------------------------------------------- dom0's functions */

static void what_pciback_keeps_is_no_driver_of_dom0s(void **state)
{
    (void)state;
    pci(LEFT)->owner.kind = OWNER_UNKNOWN;
    see(0);
    holds("pci/0000-02-01-0/state", "relaxed");
    strcpy(pci(LEFT)->function.driver, "pciback");
    see(0);
    holds("pci/0000-02-01-0/state", NULL);
    pci(RIGHT)->owner.kind = OWNER_NONE;
    see(0);
    holds("pci/0000-02-02-0/state", NULL);
}

/* ------------------------------------------------------------- the host's tree */

static void owners(void **state)
{
    (void)state;
    own(pci(LEFT), 2, to_pv);
    pci(RIGHT)->owner.kind = OWNER_NONE;
    pci(ALONE)->owner.kind = OWNER_UNKNOWN;
    strcpy(pci(LEFT)->coverage.unit, "dmar0@fed90000");
    see_host();
    holds("pci/0000-01-00-0/owner", "0");
    holds("pci/0000-02-01-0/owner", "2");
    holds("pci/0000-02-02-0/owner", "none");
    holds("pci/0000-03-00-0/owner", "unknown");
    holds("pci/0000-02-01-0/iommu", "dmar0@fed90000");
    holds("pci/0000-02-02-0/iommu", NULL);
    holds("dt/dma/iommu", "/smmu");
    holds("dt/eth/iommu", NULL);
    holds("confirm-interval", "1.5");
    holds("iommu", "enabled");
    assert_non_null(tree_get(&tree, "pci/0000-02-01-0/facts"));
    /* Where Xen denies it nobody is known to have it, but for a node that was forced on a guest. */
    pci(LEFT)->facts.word = WORD_DENIES;
    own(dt("/eth"), 1, to_hvm);
    dt("/eth")->facts.word = WORD_DENIES;
    dt("/eth")->facts.force_assign = true;
    see_host();
    holds("pci/0000-02-01-0/owner", "unknown");
    holds("dt/eth/owner", "1");
}

static void whether_xen_drives_an_iommu(void **state)
{
    (void)state;
    source.iommu = IOMMU_UNKNOWN;
    see_host();
    holds("iommu", "unknown");
    source.iommu = IOMMU_DISABLED;
    see_host();
    holds("iommu", "disabled");
}

static void what_the_next_run_has_to_know(void **state)
{
    static const uint32_t sbdfs[] = {LEFT, RIGHT, ALONE};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        pci_records[i] =
            (struct pci_record){.sbdf = sbdfs[i], .present = true, .has_driver_path = i != 1};
        strcpy(pci(sbdfs[i])->function.driver, i < 2 ? "pciback" : "ahci");
        strcpy(pci(sbdfs[i])->function.identity, "id");
        strcpy(pci(sbdfs[i])->function.binding, i < 2 ? "link" : "");
    }
    assignment.record_count = 3;
    pci(LEFT)->quarantine.doubtful = true;
    pci(ALONE)->quarantine.doubtful = true;
    assert_int_equal(view_of_seen(&source, &tree), 0);
    assert_int_equal(tree.count, 3);
    holds("count", "2");
    holds("0000-03-00-0", "id - new");
    tree_clear(&tree);
    pci(ALONE)->quarantine.doubtful = false;
    assert_int_equal(view_of_seen(&source, &tree), 0);
    assert_int_equal(tree.count, 2);
    holds("count", "1");
    holds("0000-02-01-0", "id link new");
    tree_clear(&tree);
    pci(LEFT)->quarantine.doubtful = false;
    assert_int_equal(view_of_seen(&source, &tree), 0);
    holds("0000-02-01-0", "id link assignable");
}

static void where_the_next_run_has_to_doubt(void **state)
{
    uint32_t sbdfs[400] = {0x500, 0x10020, 0x300};

    (void)state;
    gone = (struct pci_addresses){sbdfs, 3, false};
    assert_int_equal(view_of_seen(&source, &tree), 0);
    assert_int_equal(tree.count, 1);
    holds("gone", "0000-03-00-0 0000-05-00-0 0001-00-04-0");
    tree_clear(&tree);
    gone.all = true;
    assert_int_equal(view_of_seen(&source, &tree), 0);
    holds("gone", "all");
    tree_clear(&tree);
    /* No more than a message to xenstored has room for. */
    gone = (struct pci_addresses){sbdfs, 400, false};
    assert_int_equal(view_of_seen(&source, &tree), 0);
    holds("gone", "all");
    tree_clear(&tree);
    gone.count = 292;
    assert_int_equal(view_of_seen(&source, &tree), 0);
    assert_int_equal(strlen(tree_get(&tree, "gone")), 292 * 13 - 1);
}

/* ------------------------------------------------------------- device tree */

static void a_node_at_the_guests_path(void **state)
{
    (void)state;
    record("/dma", 1, "/passthrough/dma");
    record("/eth", 1, NULL);
    own(dt("/dma"), 1, to_hvm);
    own(dt("/eth"), 1, to_hvm);
    see(1);
    holds("dt/passthrough/dma/state", "protected");
    holds("dt/dma/state", NULL);
    holds("dt/eth/swiotlb", "skip");
    see(0);
    holds("dt/dma/state", NULL);
    holds("dt/eth/state", NULL);
}

static void two_records_of_one_guest_path(void **state)
{
    (void)state;
    record("/dma", 1, "/passthrough/x");
    record("/eth", 1, "/passthrough/x");
    own(dt("/dma"), 1, to_hvm);
    own(dt("/eth"), 1, to_hvm);
    see(1);
    holds("dt/passthrough/x/state", "unknown");
    holds("dt/passthrough/x/swiotlb", "keep");
    holds("dt/passthrough/x/reason", "records-conflict");
    assert_int_equal(tree.count, 5);
}

/* The path of another node in the host's tree, for one that has none of its own. */
static void a_guest_path_that_is_anothers_host_path(void **state)
{
    (void)state;
    record("/dma", 1, NULL);
    record("/eth", 1, "/dma");
    own(dt("/dma"), 1, to_hvm);
    dt("/eth")->verdict = policy_unknown("owner-down");
    see(1);
    holds("dt/dma/state", "unknown");
    holds("dt/dma/swiotlb", "keep");
    holds("dt/dma/reason", "records-conflict");
}

static void a_record_of_another_domain_of_this_number(void **state)
{
    (void)state;
    record("/dma", 1, NULL)->handle[0] = 0xee;
    own(dt("/dma"), 1, to_hvm);
    see(1);
    assert_int_equal(tree.count, 2);
}

static void a_guest_path_that_is_not_known(void **state)
{
    (void)state;
    record("/dma", 1, NULL)->where = GUEST_PATH_UNKNOWN;
    own(dt("/dma"), 1, to_hvm);
    see(1);
    assert_int_equal(tree.count, 2);
}

static void a_node_that_another_has(void **state)
{
    (void)state;
    record("/dma", 1, NULL);
    own(dt("/dma"), 2, to_hvm);
    see(1);
    holds("dt/dma/state", "unknown");
    holds("dt/dma/swiotlb", "keep");
    holds("dt/dma/reason", "assignment-ending");
}

/* One that a record names is none of dom0's drivers' business, as long as it is not dom0's. */
static void a_node_of_unknown_owner(void **state)
{
    (void)state;
    dt("/dma")->owner.kind = OWNER_UNKNOWN;
    dt("/dma")->verdict = policy_unknown("no-record");
    see(0);
    holds("dt/dma/state", "unknown");
    record("/dma", 1, NULL);
    see(0);
    holds("dt/dma/state", NULL);
}

static void nodes_of_one_stream_id(void **state)
{
    (void)state;
    record("/dma", 1, NULL);
    record("/eth", 1, NULL);
    own(dt("/dma"), 1, to_hvm);
    own(dt("/eth"), 1, to_hvm);
    dt("/dma")->grouped = dt("/eth")->grouped = true;
    dt("/dma")->group = dt("/eth")->group = 77;
    see(1);
    holds("dt/dma/group", "1");
    holds("dt/eth/group", "1");
    see_host();
    holds("dt/dma/group", "77");
    own(dt("/eth"), 2, to_hvm);
    see(1);
    holds("dt/dma/group", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_set_up, view_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(its_own_at_its_own_address),
        TEST(two_devices_at_one_address),
        TEST(one_device_at_two_addresses),
        TEST(one_device_told_twice),
        TEST(a_claim_that_no_record_bears_out),
        TEST(what_a_record_names_and_another_has),
        TEST(an_address_that_is_not_told),
        TEST(a_group_tells_nothing_of_the_host),
        TEST(limits_of_what_is_confined),
        TEST(what_pciback_keeps_is_no_driver_of_dom0s),
        TEST(owners),
        TEST(whether_xen_drives_an_iommu),
        TEST(what_the_next_run_has_to_know),
        TEST(where_the_next_run_has_to_doubt),
        TEST(a_node_at_the_guests_path),
        TEST(two_records_of_one_guest_path),
        TEST(a_guest_path_that_is_anothers_host_path),
        TEST(a_record_of_another_domain_of_this_number),
        TEST(a_guest_path_that_is_not_known),
        TEST(a_node_that_another_has),
        TEST(a_node_of_unknown_owner),
        TEST(nodes_of_one_stream_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
