/* SPDX-License-Identifier: MIT */
/* What the host's tree tells of a guest's own name for its device, as read by the library: exactly
 * that, or nothing. */
#include "changes.h"
#include "fake_store.h"
#include "guest_name.h"
#include "tree.h"
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NIC             XENIOMMU_HOST_DIR "/pci/0000-03-00-0"
#define UART            XENIOMMU_HOST_DIR "/dt/soc/uart@1"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct xeniommu_device nic = {.bus = XENIOMMU_BUS_PCI, .sbdf = 0x300};
static const struct xeniommu_device uart = {.bus = XENIOMMU_BUS_DT, .path = "/soc/uart@1"};

static struct store store;
static struct tree tree;
static struct device_details details;

/* ------------------------------------------------------------- the word */

static void what_is_a_name(void **state)
{
    static const struct {
        const char *facts;
        enum xeniommu_bus bus;
        const char *path; /* or NULL */
        uint32_t sbdf;
        bool found;
    } cases[] = {
        {"guest-address=0000-00-04-0", XENIOMMU_BUS_PCI, NULL, 0x20, true},
        {"a=b guest-address=ffff-ff-1f-7 c=d", XENIOMMU_BUS_PCI, NULL, UINT32_MAX, true},
        {"guest-path=/passthrough/dma_2c1 a=b", XENIOMMU_BUS_DT, "/passthrough/dma,1", 0, true},
        {"", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000:00:04.0", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-8", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-0\n", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-0,", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"xguest-address=0000-00-04-0", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-addres=0000-00-04-0", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address:0000-00-04-0", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-0 guest-address=0000-00-04-0", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-0 guest-address=x", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-address=0000-00-04-0", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/dma", XENIOMMU_BUS_PCI, NULL, 0, false},
        {"guest-path=unknown", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=//dma", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/dma/", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/dma,1", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/_64ma", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/soc/state", XENIOMMU_BUS_DT, NULL, 0, false},
        {"guest-path=/x guest-path=unknown", XENIOMMU_BUS_DT, NULL, 0, false},
    };
    char path[XENIOMMU_KEY_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct xeniommu_device guest = {XENIOMMU_BUS_DT, 1, "x"};
        const char *facts = cases[i].facts;

        assert_int_equal(
            guest_name_find(facts, strlen(facts), cases[i].bus, &guest, path, sizeof(path)),
            cases[i].found);
        assert_int_equal(guest.bus, cases[i].found ? cases[i].bus : XENIOMMU_BUS_PCI);
        assert_int_equal(guest.sbdf, cases[i].sbdf);
        assert_int_equal(guest.path != NULL, cases[i].path != NULL);
        if (guest.path != NULL)
            assert_string_equal(guest.path, cases[i].path);
    }
}

static void a_name_of_any_length(void **state)
{
    static char facts[8192] = "guest-path=/", path[XENIOMMU_KEY_SIZE];
    const size_t start = strlen("guest-path=/");
    struct xeniommu_device guest;

    (void)state;
    memset(facts + start, 'x', sizeof(facts) - start);
    for (size_t len = start + 1; len <= sizeof(facts); len++) {
        bool found = guest_name_find(facts, len, XENIOMMU_BUS_DT, &guest, path, sizeof(path));

        assert_int_equal(found, len - start < XENIOMMU_KEY_SIZE - 1);
        assert_int_equal(guest.path != NULL, found);
        if (found)
            assert_int_equal(strlen(path), len - start + 1);
    }
    assert_false(
        guest_name_find("guest-path=/a\0b", 15, XENIOMMU_BUS_DT, &guest, path, sizeof(path)));
    assert_false(guest_name_find("guest-path=/abc", 15, XENIOMMU_BUS_DT, &guest, path, 4));
}

/* ------------------------------------------------------------- in the tree */

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    store_init(&store);
    assert_int_equal(store_connect(&store), 0);
    tree_init(&tree, &store, XENIOMMU_HOST_DIR);
    tree.detailed = true;
    fake_store_publish(XENIOMMU_HOST_DIR);
    fake_store_device(XENIOMMU_HOST_DIR, "pci/0000-03-00-0", "protected", "skip", "x");
    fake_store_set(NIC "/owner", "5");
    fake_store_set(NIC "/facts", "owner=guest guest-address=0000-00-04-0");
    fake_store_device(XENIOMMU_HOST_DIR, "dt/soc/uart@1", "protected", "skip", "x");
    fake_store_set(UART "/owner", "5");
    fake_store_set(UART "/facts", "owner=guest guest-path=/passthrough/uart");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(&store);
    fake_store_reset();
    return 0;
}

static bool read_guest(const struct xeniommu_device *device)
{
    struct tree_record record = {.details = &details};

    memset(&details, 0x5a, sizeof(details));
    assert_int_equal(tree_refresh(&tree), 0);
    assert_int_equal(tree_read(&tree, device, &record), 0);
    if (!details.has_guest)
        assert_null(details.guest.path);
    return details.has_guest;
}

static void what_a_guest_calls_it_is_read(void **state)
{
    (void)state;
    assert_true(read_guest(&nic));
    assert_int_equal(details.guest.bus, XENIOMMU_BUS_PCI);
    assert_int_equal(details.guest.sbdf, 0x20);
    assert_true(read_guest(&uart));
    assert_int_equal(details.guest.bus, XENIOMMU_BUS_DT);
    assert_string_equal(details.guest.path, "/passthrough/uart");
    fake_store_remove(NIC "/facts");
    assert_false(read_guest(&nic));
    /* Another domain's own tree says nothing of others, whatever it holds. */
    tree_init(&tree, &store, "/local/domain/5/iommu");
    fake_store_publish("/local/domain/5/iommu");
    fake_store_device("/local/domain/5/iommu", "pci/0000-03-00-0", "protected", "skip", "x");
    fake_store_set("/local/domain/5/iommu/pci/0000-03-00-0/owner", "5");
    fake_store_set("/local/domain/5/iommu/pci/0000-03-00-0/facts", "guest-address=0000-00-04-0");
    assert_false(read_guest(&nic));
}

static void what_no_guest_has_has_no_such_name(void **state)
{
    static const char *const owners[] = {"0", "none", "unknown", "", "5x", "-5", "05", " 5"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        fake_store_set(NIC "/owner", owners[i]);
        assert_false(read_guest(&nic));
    }
    fake_store_remove(NIC "/owner");
    assert_false(read_guest(&nic));
    fake_store_set(NIC "/owner", "10");
    assert_true(read_guest(&nic));
}

static void a_list_keeps_every_name(void **state)
{
    struct tree_list list;

    (void)state;
    assert_int_equal(tree_load(&tree, &list), 0);
    memset(tree.guest_path, 0, sizeof(tree.guest_path));
    assert_int_equal(list.count, 2);
    assert_true(list.records[0].details->has_guest);
    assert_int_equal(list.records[0].details->guest.sbdf, 0x20);
    assert_true(list.records[1].details->has_guest);
    assert_string_equal(list.records[1].details->guest.path, "/passthrough/uart");
    tree_list_free(&list);
}

static int count_change(const struct tree_record *old, const struct tree_record *new, void *arg)
{
    int *count = arg;

    (void)old;
    (void)new;
    ++*count;
    return 0;
}

static void another_name_is_a_change(void **state)
{
    static const char *const facts[] = {"guest-path=/passthrough/other", "guest-path=unknown"};
    struct tree_list before, after;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        int count = 0;

        assert_int_equal(tree_load(&tree, &before), 0);
        assert_int_equal(changes_walk(&before, &before, count_change, &count), 0);
        assert_int_equal(count, 0);
        fake_store_set(UART "/facts", facts[i]);
        assert_int_equal(tree_load(&tree, &after), 0);
        assert_int_equal(changes_walk(&before, &after, count_change, &count), 0);
        assert_int_equal(count, 1);
        tree_list_free(&before);
        tree_list_free(&after);
    }
}

/* ------------------------------------------------------------- out of memory */

static int fail_in; /* this allocation fails, 1 the next; 0: none */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

static bool is_due(void)
{
    return fail_in > 0 && --fail_in == 0;
}

void *__wrap_malloc(size_t size)
{
    return is_due() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text)
{
    return is_due() ? NULL : __real_strdup(text);
}

static void a_copy_that_there_is_no_memory_for(void **state)
{
    struct tree_record record = {.device = uart, .details = &details};
    struct tree_list list = {0};
    int i, rc = -ENOMEM;

    (void)state;
    assert_true(read_guest(&uart));
    for (i = 1; rc == -ENOMEM; i++) {
        fail_in = i;
        rc = tree_list_add(&list, &record);
        fail_in = 0;
        assert_int_equal(list.count, rc == 0);
    }
    assert_int_equal(i - 2, 3); /* the path, the details, the guest's path */
    tree_list_free(&list);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_name),
        cmocka_unit_test(a_name_of_any_length),
        TEST(what_a_guest_calls_it_is_read),
        TEST(what_no_guest_has_has_no_such_name),
        TEST(a_list_keeps_every_name),
        TEST(another_name_is_a_change),
        TEST(a_copy_that_there_is_no_memory_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
