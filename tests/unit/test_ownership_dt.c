/* SPDX-License-Identifier: MIT */
/* Who owns a device tree device, by libxl's records and by those that could not be read. */
#include "unit.h"

#include "ownership.h"

#define PATH "/soc/nic@1000"

static struct domain domains[] = {
    {.domid = 0, .alive = true, .kind = GUEST_KIND_TRANSLATED},
    {.domid = 1, .alive = true, .kind = GUEST_KIND_TRANSLATED, .handle = {1}},
    {.domid = 2, .alive = true, .kind = GUEST_KIND_TRANSLATED, .handle = {2}},
};
static const struct domain_list list = {domains, sizeof(domains) / sizeof(domains[0])};

static const struct dt_device in_use = {.path = PATH, .enabled = true};
static const struct dt_device set_aside = {.path = PATH, .enabled = true, .passthrough = true};

static struct ownership resolve(const struct dt_device *node, const struct dt_records *records)
{
    struct dt_entry entry = {.path = PATH, .node = node};

    return ownership_resolve_dt(&entry, records, &list);
}

static void doubted(struct ownership owner, enum owner_doubt doubt)
{
    assert_int_equal(owner.kind, OWNER_UNKNOWN);
    assert_int_equal(owner.doubt, doubt);
}

static void without_records(void **state)
{
    struct dt_records none = {.records = NULL};

    (void)state;
    assert_int_equal(resolve(&in_use, &none).kind, OWNER_DOM0);
    assert_int_equal(resolve(&set_aside, &none).kind, OWNER_NONE);
    doubted(resolve(NULL, &none), DOUBT_NO_RECORD);
}

static void records_that_could_not_be_read(void **state)
{
    struct dt_unread living = {.domid = 2, .handle = {2}}, earlier = {.domid = 2, .handle = {9}},
                     gone = {.domid = 7, .handle = {7}};
    struct dt_records records = {.unread = &living, .unread_count = 1};

    (void)state;
    doubted(resolve(&in_use, &records), DOUBT_UNREADABLE);
    doubted(resolve(&set_aside, &records), DOUBT_UNREADABLE);
    /* What a domain had that is not there any more does not matter. */
    records.unread = &earlier;
    assert_int_equal(resolve(&in_use, &records).kind, OWNER_DOM0);
    records.unread = &gone;
    assert_int_equal(resolve(&set_aside, &records).kind, OWNER_NONE);
    records = (struct dt_records){.incomplete = true};
    doubted(resolve(&in_use, &records), DOUBT_UNREADABLE);
}

/* Xen gives a device to one domain only: what one record says, no other can take back. */
static void a_record_beside_one_that_could_not_be_read(void **state)
{
    struct dt_record record = {.path = (char *)(uintptr_t)PATH, .domid = 1, .handle = {1}};
    struct dt_unread other = {.domid = 2, .handle = {2}};
    struct dt_records records = {&record, 1, &other, 1, false};
    struct ownership owner = resolve(&set_aside, &records);

    (void)state;
    assert_int_equal(owner.kind, OWNER_GUEST);
    assert_int_equal(owner.domid, 1);
    record.handle[0] = 9;
    doubted(resolve(&set_aside, &records), DOUBT_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_records),
        cmocka_unit_test(records_that_could_not_be_read),
        cmocka_unit_test(a_record_beside_one_that_could_not_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
