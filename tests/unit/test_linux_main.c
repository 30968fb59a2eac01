/* SPDX-License-Identifier: MIT */
/* The Linux driver's main.c: when it loads, what it listens to, and in which order it ends. */
#include "linux/fake.h"
#include "unit.h"
#include "xeniommu.h"

/* What main.c did, a word for each call. */
static char calls[256];
static int ask_init_error;
static const struct device *called_for;

static void note(const char *call)
{
    if (strlen(calls) + strlen(call) + 2 > sizeof(calls))
        fake_bug("too many calls: %s", calls);
    strcat(calls, call);
    strcat(calls, " ");
}

/* What lies below main.c. */

void xi_bind(struct device *dev)
{
    called_for = dev;
    note("bind");
}

void xi_bound(struct device *dev)
{
    assert_int_equal(fake_bus_listeners(), 3);
    assert_true(dev->locked);
    called_for = dev;
    note("bound");
}

int xi_ask_init(void)
{
    note("ask_init");
    return ask_init_error;
}

void xi_ask_exit(void)
{
    assert_int_equal(fake_bus_listeners(), 0);
    assert_false(fake_is_waiting_for_xenstored());
    note("ask_exit");
}

void xi_ask_opened(void)
{
    note("ask_opened");
}

void xi_record_init(void)
{
    assert_int_equal(fake_bus_listeners(), 0);
    note("record_init");
}

void xi_record_exit(void)
{
    assert_int_equal(fake_bus_listeners(), 0);
    note("record_exit");
}

void xi_removed(struct device *dev)
{
    called_for = dev;
    note("forget");
}

void xi_unbound(struct device *dev)
{
    called_for = dev;
    note("unbound");
}

void xi_early_init(void)
{
    /* Or a removal, or a XenStore, would go unseen. */
    assert_int_equal(fake_bus_listeners(), 3);
    assert_true(fake_is_waiting_for_xenstored() || fake.xenstore_is_up);
    note("early_init");
}

void xi_early_exit(void)
{
    assert_int_equal(fake_bus_listeners(), 0);
    assert_false(fake_is_waiting_for_xenstored());
    note("early_exit");
}

void xi_early_close(void)
{
    note("early_close");
}

/* Looks at what was called since the last look. */
static void check_calls(const char *expected)
{
    assert_string_equal(calls, expected);
    calls[0] = '\0';
}

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    calls[0] = '\0';
    ask_init_error = 0;
    return 0;
}

/* Nothing may be left. */
static int tear_down(void **state)
{
    (void)state;
    fake_reset();
    return 0;
}

static void load(void)
{
    assert_int_equal(kernel_module_init(), 0);
    check_calls("ask_init record_init early_init ");
    assert_int_equal(fake_bus_listeners(), 3);
}

static void unload(void)
{
    kernel_module_exit();
    check_calls("early_exit ask_exit record_exit ");
}

static void it_does_not_load_without_xen(void **state)
{
    (void)state;
    fake.not_xen = true;
    assert_int_equal(kernel_module_init(), -ENODEV);
    check_calls("");
}

static void it_does_not_load_without_workers(void **state)
{
    (void)state;
    ask_init_error = -ENOMEM;
    assert_int_equal(kernel_module_init(), -ENOMEM);
    check_calls("ask_init ");
}

static void it_does_not_load_half(void **state)
{
    unsigned int bus;

    (void)state;
    for (bus = 1; bus <= 3; bus++) {
        fake.failing_bus = bus;
        assert_int_equal(kernel_module_init(), -ENOMEM);
        check_calls("ask_init record_init early_exit ask_exit record_exit ");
        assert_int_equal(fake_bus_listeners(), 0);
        assert_false(fake_is_waiting_for_xenstored());
    }
}

/* Each of them, and for nothing but what is about to be bound. */
static void it_decides_when_a_device_is_bound(void **state)
{
    const struct bus_type *const buses[] = {&platform_bus_type, &amba_bustype, &pci_bus_type};
    unsigned long action;
    size_t i;

    (void)state;
    load();
    for (i = 0; i < ARRAY_SIZE(buses); i++)
        for (action = 0; action <= BUS_NOTIFY_LAST; action++) {
            struct device dev = {.bus = buses[i]};

            called_for = NULL;
            dev.locked = action == BUS_NOTIFY_BOUND_DRIVER;
            assert_int_equal(fake_bus_event(buses[i], action, &dev), NOTIFY_DONE);
            check_calls(action == BUS_NOTIFY_BIND_DRIVER      ? "bind "
                        : action == BUS_NOTIFY_BOUND_DRIVER   ? "bound "
                        : action == BUS_NOTIFY_REMOVED_DEVICE ? "forget "
                        : action == BUS_NOTIFY_UNBOUND_DRIVER ? "unbound "
                                                              : "");
            if (action == BUS_NOTIFY_BIND_DRIVER || action == BUS_NOTIFY_BOUND_DRIVER ||
                action == BUS_NOTIFY_REMOVED_DEVICE || action == BUS_NOTIFY_UNBOUND_DRIVER)
                assert_ptr_equal(called_for, &dev);
        }
    unload();
}

/* Whose lock is taken has a bind of its own under way. */
static void it_looks_at_what_is_bound_already(void **state)
{
    struct device bound[] = {{.name = "a", .bus = &platform_bus_type, .driver = &fake},
                             {.name = "b", .bus = &amba_bustype, .driver = &fake},
                             {.name = "c", .bus = &pci_bus_type, .driver = &fake}};
    struct device unbound = {.name = "d", .bus = &platform_bus_type};
    struct device locked = {.name = "e", .bus = &pci_bus_type, .driver = &fake, .locked = true};
    size_t i;

    (void)state;
    fake_add_device(&unbound);
    fake_add_device(&locked);
    for (i = 0; i < ARRAY_SIZE(bound); i++)
        fake_add_device(&bound[i]);
    assert_int_equal(kernel_module_init(), 0);
    check_calls("ask_init record_init bound bound bound early_init ");
    assert_ptr_equal(called_for, &bound[2]);
    for (i = 0; i < ARRAY_SIZE(bound); i++)
        assert_false(bound[i].locked);
    assert_false(unbound.locked);
    assert_true(locked.locked);
    unload();
}

static void it_does_not_look_where_it_does_not_load(void **state)
{
    struct device bound = {.name = "a", .bus = &platform_bus_type, .driver = &fake};

    (void)state;
    fake_add_device(&bound);
    fake.failing_bus = 1;
    assert_int_equal(kernel_module_init(), -ENOMEM);
    check_calls("ask_init record_init early_exit ask_exit record_exit ");
}

static void it_waits_for_xenstored(void **state)
{
    (void)state;
    load();
    assert_true(fake_is_waiting_for_xenstored());
    fake_store_up();
    check_calls("early_close ask_opened ");
    unload();
}

static void it_finds_xenstored_there(void **state)
{
    (void)state;
    fake_store_up();
    assert_int_equal(kernel_module_init(), 0);
    check_calls("ask_init record_init early_close ask_opened early_init ");
    unload();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_does_not_load_without_xen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_does_not_load_without_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_does_not_load_half, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_decides_when_a_device_is_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_looks_at_what_is_bound_already, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_does_not_look_where_it_does_not_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_waits_for_xenstored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_finds_xenstored_there, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
