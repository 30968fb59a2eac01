/* SPDX-License-Identifier: MIT */
/* Who owns a function: every row of the order in which libxl assigns and takes back, and what must
 * not be believed. */
#include "unit.h"

#include <stdio.h>

#include "ownership.h"

#define BDF 0x0020u /* 0000:00:04.0 */

static struct domain domains[] = {
    {.domid = 0, .alive = true, .kind = GUEST_KIND_PV},
    {.domid = 1, .alive = true, .kind = GUEST_KIND_PV},
    {.domid = 2, .alive = true, .kind = GUEST_KIND_TRANSLATED},
    {.domid = 3, .alive = false, .kind = GUEST_KIND_PV},
    {.domid = 4, .alive = true, .kind = GUEST_KIND_PV, .paused = true},
    {.domid = 5, .alive = true, .kind = GUEST_KIND_PV}, /* a stub domain for 2 */
};
static const struct domain_list list = {domains, sizeof(domains) / sizeof(domains[0])};

static struct ownership resolve(const char *driver, const struct pci_record *record,
                                const struct pci_claim *claims, size_t count)
{
    struct assignment assignment = {.claims = (struct pci_claim *)(uintptr_t)claims,
                                    .claim_count = count,
                                    .records = (struct pci_record *)(uintptr_t)record,
                                    .record_count = record ? 1 : 0};
    struct pci_function function = {.sbdf = BDF};

    snprintf(function.driver, sizeof(function.driver), "%s", driver);
    return ownership_resolve(&function, &assignment, &list);
}

static struct pci_record record_of(uint32_t domid)
{
    return (struct pci_record){
        .sbdf = BDF, .present = true, .has_driver_path = true, .has_domid = true, .domid = domid};
}

static struct pci_claim claim_of(uint32_t domid, unsigned int state, unsigned int backend)
{
    return (struct pci_claim){
        .sbdf = BDF, .domid = domid, .serves = domid, .state = state, .backend = backend};
}

static void doubted(struct ownership owner, enum owner_doubt doubt)
{
    assert_int_equal(owner.kind, OWNER_UNKNOWN);
    assert_int_equal(owner.doubt, doubt);
}

static void dom0_and_assignable(void **state)
{
    struct pci_record assignable = {.sbdf = BDF, .present = true, .has_driver_path = true};
    struct pci_record empty = {.sbdf = BDF, .present = true};

    (void)state;
    assert_int_equal(resolve("e1000e", NULL, NULL, 0).kind, OWNER_DOM0);
    assert_int_equal(resolve("", NULL, NULL, 0).kind, OWNER_DOM0);
    assert_int_equal(resolve("e1000e", &empty, NULL, 0).kind, OWNER_DOM0);
    assert_int_equal(resolve("pciback", &assignable, NULL, 0).kind, OWNER_NONE);
    /* libxl leaves an empty record behind when the device went back to dom0. */
    doubted(resolve("pciback", &empty, NULL, 0), DOUBT_HIDDEN);
    doubted(resolve("pciback", NULL, NULL, 0), DOUBT_HIDDEN);
    doubted(resolve("", &assignable, NULL, 0), DOUBT_UNBOUND);
    /* After a plain pci-assignable-remove the path stays, and the device is dom0's. */
    assert_int_equal(resolve("e1000e", &assignable, NULL, 0).kind, OWNER_DOM0);
}

static void the_order_of_an_attach(void **state)
{
    struct pci_record record = record_of(1);
    struct pci_claim claim = claim_of(1, 1, 1);
    struct ownership owner;

    (void)state;
    doubted(resolve("pciback", &record, NULL, 0), DOUBT_INCOMPLETE);
    owner = resolve("pciback", &record, &claim, 1);
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.domid, 1);
    assert_int_equal(owner.guest, GUEST_KIND_PV);
    assert_true(owner.unannounced);
    claim = claim_of(1, 4, 4);
    owner = resolve("pciback", &record, &claim, 1);
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_false(owner.unannounced);
}

static void the_order_of_a_detach(void **state)
{
    struct pci_record record = record_of(1),
                      assignable = {.sbdf = BDF, .present = true, .has_driver_path = true};

    (void)state;
    for (unsigned int phase = 5; phase <= 8; phase++) {
        struct pci_claim claim = claim_of(1, phase, 7);

        doubted(resolve("pciback", &record, &claim, 1), DOUBT_LEAVING);
    }
    doubted(resolve("pciback", &record, NULL, 0), DOUBT_INCOMPLETE);
    assert_int_equal(resolve("pciback", &assignable, NULL, 0).kind, OWNER_NONE);
}

static void a_state_that_is_none(void **state)
{
    struct pci_record record = record_of(1);
    struct pci_claim claim = claim_of(1, 0, 4);

    (void)state;
    doubted(resolve("pciback", &record, &claim, 1), DOUBT_LEAVING);
}

static void dead_owners(void **state)
{
    struct pci_record record = record_of(3), gone = record_of(77);
    struct pci_claim claim = claim_of(3, 4, 4), old = claim_of(77, 4, 4);
    struct pci_record assignable = {.sbdf = BDF, .present = true, .has_driver_path = true};

    (void)state;
    doubted(resolve("pciback", &record, &claim, 1), DOUBT_OWNER_DOWN);
    doubted(resolve("pciback", &gone, &old, 1), DOUBT_OWNER_DOWN);
    /* The backend directory of a dead domain stays for ever and says nothing. */
    assert_int_equal(resolve("pciback", &assignable, &old, 1).kind, OWNER_NONE);
}

static void stale_and_contradicting_claims(void **state)
{
    struct pci_record record = record_of(1),
                      assignable = {.sbdf = BDF, .present = true, .has_driver_path = true};
    struct pci_record malformed = {
        .sbdf = BDF, .present = true, .has_domid = true, .malformed = true};
    struct pci_claim two[] = {claim_of(1, 4, 4), claim_of(4, 3, 6)};

    (void)state;
    assert_int_equal(resolve("pciback", &record, two, 2).kind, OWNER_GUEST);
    two[1].backend = 4;
    doubted(resolve("pciback", &record, two, 2), DOUBT_CONFLICT);
    /* libxl's record goes last: a live claim without it is no proof of anything. */
    doubted(resolve("pciback", &assignable, two, 2), DOUBT_NO_RECORD);
    doubted(resolve("e1000e", NULL, two, 1), DOUBT_NO_RECORD);
    two[0] = claim_of(1, 3, 6);
    assert_int_equal(resolve("pciback", &assignable, two, 1).kind, OWNER_NONE);
    doubted(resolve("pciback", &malformed, two, 1), DOUBT_MALFORMED);
}

static void another_device_at_the_old_address(void **state)
{
    struct pci_record record = record_of(1);
    struct pci_claim claim = claim_of(1, 4, 4);

    (void)state;
    doubted(resolve("nvme", &record, &claim, 1), DOUBT_OTHER_DEVICE);
    doubted(resolve("", &record, &claim, 1), DOUBT_OTHER_DEVICE);
}

static void a_domid_used_again(void **state)
{
    struct pci_record record = record_of(1);
    struct pci_claim claim = claim_of(1, 4, 4);
    struct ownership before = resolve("pciback", &record, &claim, 1), after;

    (void)state;
    domains[1].handle[0] = 7;
    after = resolve("pciback", &record, &claim, 1);
    domains[1].handle[0] = 0;
    assert_int_equal(after.kind, OWNER_GUEST);
    assert_false(ownership_same(&before, &after));
}

static void when_to_look_again(void **state)
{
    struct pci_record paused = record_of(4), hvm = record_of(2);
    struct pci_claim of_paused = claim_of(4, 4, 4), of_hvm = claim_of(2, 3, 3);
    struct ownership owner = resolve("pciback", &paused, &of_paused, 1);

    (void)state;
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_true(owner.unannounced);
    owner = resolve("pciback", &hvm, &of_hvm, 1);
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.guest, GUEST_KIND_TRANSLATED);
    assert_false(owner.unannounced);
}

static void stub_domains(void **state)
{
    struct pci_claim claim = claim_of(5, 4, 4);
    struct pci_record of_guest = record_of(2), of_stub = record_of(5);
    struct pci_function function = {.sbdf = BDF};
    struct assignment assignment = {.claims = &claim, .claim_count = 1};
    struct ownership owner;
    uint32_t address;

    (void)state;
    claim.serves = 2;
    owner = resolve("pciback", &of_guest, &claim, 1);
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.domid, 2);
    assert_int_equal(owner.guest, GUEST_KIND_TRANSLATED);
    /* libxl records the guest, never the stub domain. */
    doubted(resolve("pciback", &of_stub, &claim, 1), DOUBT_INCOMPLETE);
    /* The stub domain's backend is what tells how a detach is announced. */
    assert_false(owner.unannounced);
    claim.backend = 3;
    assert_true(resolve("pciback", &of_guest, &claim, 1).unannounced);
    claim.backend = 4;
    assert_ptr_equal(ownership_claim(&function, &assignment, 2), &claim);
    assert_null(ownership_claim(&function, &assignment, 5));
    /* The stub domain's own address is not the guest's. */
    claim.has_vdev = true;
    assert_false(claim_guest_address(&claim, &list, &address));
    claim.has_vdevfn = true;
    claim.vdevfn = 0x28;
    assert_true(claim_guest_address(&claim, &list, &address));
    assert_int_equal(address, 0x28);
}

static void addresses(void **state)
{
    struct pci_claim claim = claim_of(1, 4, 4);
    uint32_t address;

    (void)state;
    claim.has_vdevfn = true; /* a PV guest's address is vdev, whatever else is there */
    assert_false(claim_guest_address(&claim, &list, &address));
    claim.has_vdev = true;
    claim.vdev = 0x10003;
    assert_true(claim_guest_address(&claim, &list, &address));
    assert_int_equal(address, 0x10003);
    claim.domid = claim.serves = 99;
    assert_false(claim_guest_address(&claim, &list, &address));
}

/* Either end of the chain that is down is enough. */
static void stub_domains_and_death(void **state)
{
    struct pci_record record = record_of(3);
    struct pci_claim claim = claim_of(5, 4, 4);

    (void)state;
    claim.serves = 3;
    doubted(resolve("pciback", &record, &claim, 1), DOUBT_OWNER_DOWN);
    record = record_of(2);
    claim = claim_of(3, 4, 4);
    claim.serves = 2;
    doubted(resolve("pciback", &record, &claim, 1), DOUBT_OWNER_DOWN);
}

static void a_paused_domain_behind_a_stub_domain(void **state)
{
    struct pci_record record = record_of(4);
    struct pci_claim claim = claim_of(5, 4, 4);
    struct ownership owner;

    (void)state;
    claim.serves = 4;
    owner = resolve("pciback", &record, &claim, 1);
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.domid, 4);
    assert_true(owner.unannounced);
}

static void the_claim_that_tells_the_address(void **state)
{
    struct pci_claim claims[] = {claim_of(1, 4, 4), claim_of(5, 4, 4), claim_of(2, 4, 4)};
    struct assignment assignment = {.claims = claims, .claim_count = 3};
    struct pci_function function = {.sbdf = BDF};

    (void)state;
    claims[1].serves = 2;
    claims[2].has_vdevfn = true;
    assert_ptr_equal(ownership_claim(&function, &assignment, 2), &claims[2]);
    claims[1].has_vdevfn = true;
    assert_ptr_equal(ownership_claim(&function, &assignment, 2), &claims[1]);
    assert_null(ownership_claim(&function, &assignment, 5));
}

/* The stub domain's own address is none of the domain that it serves. */
static void the_address_in_a_stub_domain(void **state)
{
    struct pci_claim claim = claim_of(5, 4, 4);
    uint32_t address;

    (void)state;
    claim.has_vdev = true;
    claim.serves = 1;
    assert_false(claim_guest_address(&claim, &list, &address));
    claim.serves = 5;
    assert_true(claim_guest_address(&claim, &list, &address));
}

static struct ownership resolve_dt(const struct dt_device *node, struct dt_record *records,
                                   size_t count)
{
    struct dt_entry entry = {.path = "/b", .node = node};
    struct dt_records all = {.records = records, .count = count};

    return ownership_resolve_dt(&entry, &all, &list);
}

static void nodes_that_no_guest_has(void **state)
{
    struct dt_device node = {.enabled = true};
    char path[] = "/a";
    struct dt_record other = {.path = path, .domid = 1};

    (void)state;
    assert_int_equal(resolve_dt(&node, NULL, 0).kind, OWNER_DOM0);
    assert_int_equal(resolve_dt(&node, &other, 1).kind, OWNER_DOM0);
    node.passthrough = true;
    assert_int_equal(resolve_dt(&node, NULL, 0).kind, OWNER_NONE);
    node = (struct dt_device){.enabled = false};
    assert_int_equal(resolve_dt(&node, NULL, 0).kind, OWNER_NONE);
    /* One that came with an overlay. */
    doubted(resolve_dt(NULL, NULL, 0), DOUBT_NO_RECORD);
}

static void nodes_of_guests(void **state)
{
    struct dt_device node = {.enabled = true, .passthrough = true};
    char path[] = "/b";
    struct dt_record records[] = {{.path = path, .domid = 1}, {.path = path, .domid = 2}};
    struct ownership owner = resolve_dt(&node, records, 1);

    (void)state;
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.domid, 1);
    doubted(resolve_dt(&node, records, 2), DOUBT_CONFLICT);
    records[0].domid = 3;
    doubted(resolve_dt(&node, records, 1), DOUBT_OWNER_DOWN);
    records[0].domid = 77;
    assert_int_equal(resolve_dt(&node, records, 1).kind, OWNER_NONE);
    /* Of an earlier domain of that number. */
    records[0] = (struct dt_record){.path = path, .domid = 1, .handle = {7}};
    assert_int_equal(resolve_dt(&node, records, 1).kind, OWNER_NONE);
    assert_int_equal(resolve_dt(&node, records, 2).domid, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dom0_and_assignable),
        cmocka_unit_test(the_order_of_an_attach),
        cmocka_unit_test(the_order_of_a_detach),
        cmocka_unit_test(a_state_that_is_none),
        cmocka_unit_test(dead_owners),
        cmocka_unit_test(stale_and_contradicting_claims),
        cmocka_unit_test(another_device_at_the_old_address),
        cmocka_unit_test(a_domid_used_again),
        cmocka_unit_test(when_to_look_again),
        cmocka_unit_test(stub_domains),
        cmocka_unit_test(addresses),
        cmocka_unit_test(stub_domains_and_death),
        cmocka_unit_test(a_paused_domain_behind_a_stub_domain),
        cmocka_unit_test(the_claim_that_tells_the_address),
        cmocka_unit_test(the_address_in_a_stub_domain),
        cmocka_unit_test(nodes_that_no_guest_has),
        cmocka_unit_test(nodes_of_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
