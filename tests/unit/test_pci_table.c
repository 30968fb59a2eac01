/* SPDX-License-Identifier: MIT */
/* What the observer of PCI functions counts of each: is it the same device still, is there news of
 * it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/pci_table.h"
#include "unit.h"

#define HERE  0x0020
#define THERE 0x0028

static bool short_of_memory;

void *__real_reallocarray(void *pointer, size_t count, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);

void *__wrap_reallocarray(void *pointer, size_t count, size_t size)
{
    return short_of_memory ? NULL : __real_reallocarray(pointer, count, size);
}

static struct pci_table table;

static int set_up(void **state)
{
    (void)state;
    pci_table_clear(&table);
    short_of_memory = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pci_table_clear(&table);
    return 0;
}

static int put(uint32_t sbdf, const char *identity, enum pci_news news)
{
    struct pci_function function;

    memset(&function, 0, sizeof(function));
    function.sbdf = sbdf;
    snprintf(function.identity, sizeof(function.identity), "%s", identity);
    return pci_table_put(&table, &function, news);
}

static const struct pci_function *get(uint32_t sbdf)
{
    const struct pci_function *function = pci_topology_find(&table.topology, sbdf);

    assert_non_null(function);
    return function;
}

static void sorted(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(put(i * 7919 % 1000, "", PCI_NEWS_NONE), 1);
    assert_int_equal(table.topology.count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(table.topology.functions[i].sbdf, i);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(pci_table_drop(&table, i * 7919 % 1000));
    assert_int_equal(table.topology.count, 0);
    assert_false(pci_table_drop(&table, 1));
}

static void news(void **state)
{
    uint32_t events;

    (void)state;
    assert_int_equal(put(HERE, "1", PCI_NEWS_NONE), 1);
    events = get(HERE)->events;
    assert_int_equal(put(HERE, "1", PCI_NEWS_NONE), 0);
    assert_int_equal(get(HERE)->events, events);
    assert_int_equal(put(HERE, "1", PCI_NEWS_EVENT), 1);
    assert_int_equal(get(HERE)->events, events + 1);
    assert_int_equal(get(HERE)->unbinds, 0);
    assert_int_equal(put(HERE, "1", PCI_NEWS_UNBIND), 1);
    assert_int_equal(get(HERE)->events, events + 2);
    assert_int_equal(get(HERE)->unbinds, 1);
    assert_int_equal(put(HERE, "1", PCI_NEWS_EVENT), 1);
    assert_int_equal(get(HERE)->unbinds, 1);
    assert_int_equal(get(HERE)->lost, 0);
    assert_int_equal(put(HERE, "1", PCI_NEWS_MISSED), 1);
    assert_int_equal(get(HERE)->events, events + 4);
    assert_int_equal(get(HERE)->unbinds, 1);
    assert_int_equal(get(HERE)->lost, 1);
    assert_false(get(HERE)->late || get(HERE)->again);
}

static int put_with(const char *driver, enum pci_news news)
{
    struct pci_function function = {.sbdf = HERE, .identity = "1"};

    snprintf(function.driver, sizeof(function.driver), "%s", driver);
    return pci_table_put(&table, &function, news);
}

/* sysfs shows that it is unbound before the uevent says so. */
static void owed_unbindings(void **state)
{
    static const struct {
        const char *driver;
        enum pci_news news;
        bool owed;
    } rows[] = {
        {"", PCI_NEWS_NONE, false},        {"", PCI_NEWS_EVENT, false},
        {"e1000e", PCI_NEWS_BIND, false},  {"e1000e", PCI_NEWS_NONE, false},
        {"", PCI_NEWS_NONE, true},         {"", PCI_NEWS_NONE, true},
        {"", PCI_NEWS_EVENT, true},        {"", PCI_NEWS_UNBIND, false},
        {"", PCI_NEWS_NONE, false},        {"", PCI_NEWS_EVENT, false},
        {"", PCI_NEWS_BIND, true},         {"", PCI_NEWS_MISSED, false},
        {"", PCI_NEWS_BIND, true},         {"e1000e", PCI_NEWS_EVENT, false},
        {"", PCI_NEWS_MISSED, false},      {"", PCI_NEWS_BIND, true},
        {"pciback", PCI_NEWS_BIND, false}, {"pciback", PCI_NEWS_UNBIND, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_in_range(put_with(rows[i].driver, rows[i].news), 0, 1);
        assert_int_equal(get(HERE)->owed, rows[i].owed);
    }
    /* while it cannot be read */
    assert_int_equal(put_with("", PCI_NEWS_BIND), 1);
    assert_true(pci_table_unread(&table, HERE, PCI_NEWS_EVENT));
    assert_true(get(HERE)->owed);
    assert_true(pci_table_unread(&table, HERE, PCI_NEWS_UNBIND));
    assert_false(get(HERE)->owed);
    /* a new one */
    assert_true(pci_table_drop(&table, HERE));
    assert_int_equal(put_with("", PCI_NEWS_EVENT), 1);
    assert_false(get(HERE)->owed);
    assert_true(pci_table_drop(&table, HERE));
    assert_int_equal(put_with("", PCI_NEWS_BIND), 1);
    assert_true(get(HERE)->owed);
}

/* What shows of it is news without any event. */
static void changed_without_event(void **state)
{
    struct pci_function function;

    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    function = *get(HERE);
    function.secondary_bus = 3;
    assert_int_equal(pci_table_put(&table, &function, PCI_NEWS_NONE), 1);
    assert_int_equal(get(HERE)->secondary_bus, 3);
    assert_int_equal(get(HERE)->events, function.events + 1);
    assert_int_equal(get(HERE)->incarnation, function.incarnation);
}

static void another_device(void **state)
{
    uint32_t first;

    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    table.looked = true;
    first = get(HERE)->incarnation;
    (void)put(HERE, "1", PCI_NEWS_MISSED);
    assert_int_equal(get(HERE)->incarnation, first);
    /* an event that is older than the device is none of its own */
    assert_int_equal(put(HERE, "2", PCI_NEWS_UNBIND), 1);
    assert_int_not_equal(get(HERE)->incarnation, first);
    assert_true(get(HERE)->again && get(HERE)->late && !get(HERE)->unbinds);
}

static void without_identity(void **state)
{
    uint32_t first;

    (void)state;
    (void)put(HERE, "", PCI_NEWS_NONE);
    first = get(HERE)->incarnation;
    (void)put(HERE, "", PCI_NEWS_EVENT);
    (void)put(HERE, "", PCI_NEWS_NONE);
    assert_int_equal(get(HERE)->incarnation, first);
    (void)put(HERE, "", PCI_NEWS_MISSED);
    assert_int_not_equal(get(HERE)->incarnation, first);
    assert_true(get(HERE)->again && get(HERE)->late);
    first = get(HERE)->incarnation;
    assert_true(pci_table_unread(&table, HERE, PCI_NEWS_MISSED));
    assert_int_not_equal(get(HERE)->incarnation, first);
}

static void at_an_address_before(void **state)
{
    (void)state;
    table.looked = true;
    (void)put(HERE, "1", PCI_NEWS_EVENT);
    assert_true(!get(HERE)->again && get(HERE)->late);
    (void)pci_table_drop(&table, HERE);
    (void)put(HERE, "2", PCI_NEWS_EVENT);
    (void)put(THERE, "3", PCI_NEWS_EVENT);
    assert_true(get(HERE)->again && !get(THERE)->again);
    /* one that was never seen */
    (void)pci_table_drop(&table, 0x30);
    (void)put(0x30, "4", PCI_NEWS_EVENT);
    assert_true(get(0x30)->again);
    /* one that came while nobody looked may have been the second to come */
    (void)put(0x38, "5", PCI_NEWS_MISSED);
    assert_true(get(0x38)->again);
}

static void late(void **state)
{
    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    assert_false(pci_table_unread(&table, THERE, PCI_NEWS_NONE));
    (void)pci_table_unread(&table, 0x30, PCI_NEWS_NONE);
    table.looked = true;
    (void)pci_table_unread(&table, 0x38, PCI_NEWS_NONE);
    (void)pci_table_drop(&table, 0x30);
    (void)put(THERE, "2", PCI_NEWS_NONE);
    (void)put(0x30, "3", PCI_NEWS_NONE);
    (void)put(0x38, "4", PCI_NEWS_NONE);
    assert_true(!get(HERE)->late && !get(THERE)->late);
    assert_true(get(0x30)->late && get(0x38)->late);
    assert_true(!get(THERE)->again && !get(THERE)->events);
}

/* There from the first look on, but not all that happened to it is known. */
static void heard_of_before_it_was_read(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++)
        (void)pci_table_unread(&table, HERE + 8 * i, PCI_NEWS_NONE);
    table.looked = true;
    (void)pci_table_unread(&table, HERE, PCI_NEWS_UNBIND);
    (void)put(HERE, "1", PCI_NEWS_NONE);
    assert_true(get(HERE)->again && get(HERE)->late);
    (void)put(HERE + 8, "2", PCI_NEWS_EVENT);
    assert_true(!get(HERE + 8)->again && get(HERE + 8)->events);
}

/* The capabilities of before count until they can be read again. */
static void without_capabilities(void **state)
{
    struct pci_function function;

    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    function = *get(HERE);
    assert_false(table.topology.partial);
    function.caps_unread = true;
    (void)pci_table_put(&table, &function, PCI_NEWS_NONE);
    assert_true(table.topology.partial);
    (void)put(HERE, "1", PCI_NEWS_NONE);
    assert_false(table.topology.partial);
    (void)pci_table_put(&table, &function, PCI_NEWS_NONE);
    (void)pci_table_drop(&table, HERE);
    assert_false(table.topology.partial);
}

static void unread(void **state)
{
    struct pci_function before;

    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    before = *get(HERE);
    assert_false(pci_table_unread(&table, HERE, PCI_NEWS_NONE));
    assert_int_equal(get(HERE)->events, before.events);
    assert_true(pci_table_unread(&table, HERE, PCI_NEWS_UNBIND));
    assert_true(pci_table_unread(&table, HERE, PCI_NEWS_MISSED));
    assert_int_equal(get(HERE)->events, before.events + 2);
    assert_int_equal(get(HERE)->incarnation, before.incarnation);
    assert_string_equal(get(HERE)->identity, "1");
    (void)put(HERE, "1", PCI_NEWS_NONE);
    assert_int_equal(get(HERE)->incarnation, before.incarnation);
    assert_int_equal(table.topology.count, 1);
}

static void incomplete(void **state)
{
    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    assert_false(table.topology.incomplete);
    (void)pci_table_unread(&table, HERE, PCI_NEWS_EVENT);
    (void)pci_table_unread(&table, THERE, PCI_NEWS_EVENT);
    assert_int_equal(put(HERE, "1", PCI_NEWS_NONE), 1);
    assert_true(table.topology.incomplete);
    /* gone without ever having been read, and that is news */
    assert_true(pci_table_drop(&table, THERE));
    assert_false(table.topology.incomplete);
    pci_table_unlisted(&table);
    (void)put(HERE, "1", PCI_NEWS_EVENT);
    assert_true(table.topology.incomplete);
    pci_table_start(&table);
    assert_false(table.topology.incomplete);
    /* without memory for which one it is, only reading all of them helps */
    short_of_memory = true;
    (void)pci_table_unread(&table, HERE, PCI_NEWS_EVENT);
    (void)put(HERE, "1", PCI_NEWS_EVENT);
    assert_true(table.topology.incomplete);
    pci_table_start(&table);
    assert_false(table.topology.incomplete);
}

static void short_memory(void **state)
{
    (void)state;
    (void)put(HERE, "1", PCI_NEWS_NONE);
    short_of_memory = true;
    for (uint32_t i = 1; i < 64; i++)
        assert_int_equal(put(HERE + 8 * i, "1", PCI_NEWS_NONE), 1);
    assert_int_equal(put(HERE + 8 * 64, "1", PCI_NEWS_NONE), -ENOMEM);
    assert_int_equal(table.topology.count, 64);
    (void)pci_table_drop(&table, HERE);
    assert_int_equal(put(0x8000, "1", PCI_NEWS_NONE), 1);
    assert_true(get(0x8000)->again && get(0x8000)->late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sorted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owed_unbindings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_without_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(at_an_address_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(heard_of_before_it_was_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_capabilities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(incomplete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
