/* SPDX-License-Identifier: MIT */
/* What events are about: which functions are touched by them, pending, recorded; and that a view
 * that could not be read leaves the last one as it was. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_hypervisor.h"
#include "fake_xenstore.h"
#include "log.h"
#include "observe/assignment.h"

#define BACKEND "/local/domain/0/backend/pci/1/0"
#define LIBXL   "/libxl/pci/"
#define MANY    70

enum { NIC = 0x20, DISK = 0x28, SOUND = 0x30 };

static struct pci_function functions[MANY] = {{.sbdf = NIC}, {.sbdf = DISK}, {.sbdf = SOUND}};
static struct pci_topology topology = {.functions = functions};
static struct domain_list domains;
static struct store *store;
static struct assignment_observer *observer;

static void put_backend(void)
{
    fake_put(BACKEND "/state", "4");
    fake_put(BACKEND "/dev-0", "0000:00:04.0");
    fake_put(BACKEND "/state-0", "3");
    fake_put(BACKEND "/vdev-0", "0000:00:00.00");
    fake_put(BACKEND "/num_devs", "1");
}

static int refresh(void)
{
    return assignment_observer_refresh(observer, &topology, &domains);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    fake_reset();
    fake_xen_reset();
    (void)fake_xen_domain(1);
    put_backend();
    fake_put(LIBXL "0000-00-04-0/domid", "1");
    fake_put(LIBXL "0000-00-05-0/driver_path", "/x");
    topology.count = 3;
    if (store_new(&store) || store_connect(store) || hypervisor_domains(NULL, &domains) ||
        assignment_observer_open(&observer, store) || assignment_observer_connect(observer) ||
        refresh() != 1)
        return -1;
    fake_forget_events();
    return refresh();
}

static int tear_down(void **state)
{
    (void)state;
    assignment_observer_close(observer);
    domain_list_free(&domains);
    store_free(store);
    fake_reset();
    return 0;
}

/* Takes in all that the store announced; how many of them were the observer's. */
static int take_events(void)
{
    char **event;
    int count = 0;

    while (store_next_event(store, &event) == 1) {
        count += assignment_observer_event(observer, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
        free(event);
    }
    return count;
}

static const struct assignment *now(void)
{
    return assignment_observer_get(observer);
}

static bool touched(uint32_t sbdf)
{
    return assignment_is_touched(now(), sbdf);
}

static bool pending(uint32_t sbdf)
{
    return assignment_observer_is_pending(observer, sbdf);
}

static size_t claims_on(uint32_t sbdf)
{
    size_t count;

    (void)assignment_claims(now(), sbdf, &count);
    return count;
}

static void what_is_there(void **state)
{
    (void)state;
    assert_int_equal(claims_on(NIC), 1);
    assert_int_equal(claims_on(DISK), 0);
    assert_true(assignment_record(now(), NIC)->has_domid);
    assert_int_equal(assignment_record(now(), NIC)->domid, 1);
    assert_false(assignment_record(now(), NIC)->has_driver_path);
    assert_true(assignment_record(now(), DISK)->has_driver_path);
    assert_false(assignment_record(now(), DISK)->has_domid);
    assert_null(assignment_record(now(), SOUND));
    /* And there is nothing to do. */
    assert_int_equal(refresh(), 0);
    assert_false(touched(NIC));
    assert_false(pending(NIC));
}

static void a_record_touches_its_function_alone(void **state)
{
    (void)state;
    fake_remove(LIBXL "0000-00-05-0");
    assert_int_equal(take_events(), 1);
    assert_true(pending(DISK));
    assert_false(pending(NIC));
    assert_false(touched(DISK));
    assert_int_equal(refresh(), 1);
    assert_true(touched(DISK));
    assert_false(touched(NIC));
    assert_false(pending(DISK));
    assert_null(assignment_record(now(), DISK));
    assert_int_equal(refresh(), 0);
    assert_false(touched(DISK));
}

/* To the same value: that it was written is what counts. */
static void a_record_that_is_written_again(void **state)
{
    (void)state;
    fake_put(LIBXL "0000-00-04-0/domid", "1");
    assert_int_equal(take_events(), 1);
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
}

static void a_directory_touches_what_it_names(void **state)
{
    (void)state;
    fake_put(BACKEND "/state", "4");
    assert_int_equal(take_events(), 1);
    assert_true(pending(NIC));
    assert_false(pending(DISK));
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
    assert_false(touched(DISK));
}

/* By what it named, and by what it names. */
static void a_directory_that_names_another(void **state)
{
    (void)state;
    fake_put(BACKEND "/dev-0", "0000:00:05.0");
    (void)take_events();
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
    assert_true(touched(DISK));
    assert_false(touched(SOUND));
    assert_int_equal(claims_on(NIC), 0);
    assert_int_equal(claims_on(DISK), 1);
}

static void a_directory_that_goes(void **state)
{
    (void)state;
    fake_remove(BACKEND);
    (void)take_events();
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
    assert_int_equal(claims_on(NIC), 0);
    put_backend();
    (void)take_events();
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
    assert_int_equal(claims_on(NIC), 1);
}

/* With all of its domain's, and the event names none of them. */
static void directories_that_go_together(void **state)
{
    (void)state;
    fake_remove("/local/domain/0/backend/pci/1");
    assert_int_equal(take_events(), 1);
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
    assert_false(touched(DISK));
    assert_int_equal(claims_on(NIC), 0);
}

/* An event of a directory of which the beginning of the name is another one's. */
static void a_directory_of_a_similar_name(void **state)
{
    (void)state;
    fake_put("/local/domain/0/backend/pci/1/01/num_devs", "0");
    (void)take_events();
    assert_false(pending(NIC));
    assert_int_equal(refresh(), 1);
    assert_false(touched(NIC));
}

static void all_records_at_once(void **state)
{
    (void)state;
    assert_true(assignment_observer_event(observer, "/libxl/pci", "libxl"));
    assert_true(pending(SOUND));
    assert_int_equal(refresh(), 1);
    assert_true(touched(SOUND));
    assert_int_equal(refresh(), 0);
    assert_false(touched(SOUND));
}

static void more_than_can_be_told_apart(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        assignment_observer_suspect(observer, 0x1000 + i);
    assert_true(pending(NIC));
    assert_int_equal(refresh(), 1);
    assert_true(touched(NIC));
}

static void names_that_are_no_functions(void **state)
{
    (void)state;
    assert_true(assignment_observer_event(observer, "/libxl/pci/nonsense/domid", "libxl"));
    assert_true(assignment_observer_event(observer, "/libxl/pci/0000-00-04-9", "libxl"));
    assert_false(pending(NIC));
    assert_int_equal(refresh(), 0);
    assert_false(assignment_observer_event(observer, "@releaseDomain", "release"));
    assert_int_equal(refresh(), 0);
}

static void domids_that_are_none(void **state)
{
    static const char *const texts[] = {"0", "32752", "-1", "1 ", "", "one"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        fake_put(LIBXL "0000-00-04-0/domid", texts[i]);
        (void)take_events();
        assert_int_equal(refresh(), 1);
        assert_true(assignment_record(now(), NIC)->has_domid);
        assert_true(assignment_record(now(), NIC)->malformed);
    }
    fake_put(LIBXL "0000-00-04-0/domid", "32751");
    (void)take_events();
    assert_int_equal(refresh(), 1);
    assert_false(assignment_record(now(), NIC)->malformed);
}

/* ------------------------------------------------------------- made assignable */

static unsigned int recorded_times(uint32_t sbdf)
{
    return recorded_take(assignment_observer_recorded(observer), sbdf);
}

static void recorded_once_for_each_time(void **state)
{
    (void)state;
    assert_false(recorded_times(DISK));
    fake_put(LIBXL "0000-00-05-0/driver_path", "/x");
    (void)take_events();
    assert_false(recorded_times(NIC));
    assert_int_equal(recorded_times(DISK), 1);
    assert_false(recorded_times(DISK));
    fake_put(LIBXL "0000-00-05-0/driver_path", "/y");
    fake_remove(LIBXL "0000-00-05-0/driver_path");
    (void)take_events();
    assert_int_equal(recorded_times(DISK), 2);
    /* No other part of the record says so. */
    fake_put(LIBXL "0000-00-05-0/domid", "1");
    (void)take_events();
    assert_false(recorded_times(DISK));
    assert_true(assignment_observer_event(observer, "/libxl/pci/0000-00-05-0", "libxl"));
    assert_false(recorded_times(DISK));
}

/* Its uevent may come later. */
static void recorded_before_the_function_is_there(void **state)
{
    (void)state;
    fake_put(LIBXL "0000-00-06-0/driver_path", "/x");
    (void)take_events();
    assert_int_equal(refresh(), 1);
    assert_true(recorded_times(SOUND));
}

static void many_are_recorded_at_once(void **state)
{
    char path[64];

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), LIBXL "0001-%02x-00-0/driver_path", i);
        assert_true(assignment_observer_event(observer, path, "libxl"));
        assert_true(assignment_observer_event(observer, path, "libxl"));
    }
    /* Those that were forgotten stay in doubt. */
    assert_false(recorded_times(0x10000 | 5 << 8));
    assert_true(recorded_times(0x10000 | 6 << 8));
    assert_true(recorded_times(0x10000 | (MANY - 1) << 8));
}

/* ------------------------------------------------------------- one view, or none */

static void a_view_that_is_not_read(void **state)
{
    static const char *const calls[] = {"start", "read", "end", "directory"};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        fake_put(BACKEND "/dev-0", i % 2 ? "0000:00:04.0" : "0000:00:05.0");
        fake_event("/local/domain/0/backend/pci", "backend");
        (void)take_events();
        fake_fail(calls[i], EACCES, 1);
        assert_int_equal(refresh(), -EACCES);
        assert_int_equal(claims_on(i % 2 ? DISK : NIC), 1);
        assert_true(assignment_record(now(), NIC)->has_domid);
        /* All of it is due again. */
        assert_true(pending(SOUND));
        assert_int_equal(refresh(), 1);
        assert_true(touched(SOUND));
        assert_int_equal(claims_on(i % 2 ? DISK : NIC), 0);
    }
}

static void write_record(void)
{
    fake_put(LIBXL "0000-00-05-0/domid", "1");
}

/* What changed while it was read is read again, in one view with the rest. */
static void a_view_that_changes_while_it_is_read(void **state)
{
    (void)state;
    fake_put(BACKEND "/state", "4");
    fake_event("/libxl/pci/0000-00-05-0/domid", "libxl");
    (void)take_events();
    fake_before_commit(write_record);
    assert_int_equal(refresh(), 1);
    assert_true(assignment_record(now(), DISK)->has_domid);
    /* Its own event is still to come. */
    assert_false(pending(DISK));
    assert_int_equal(take_events(), 1);
    assert_true(pending(DISK));
}

static void another_topology(void **state)
{
    (void)state;
    fake_put(LIBXL "0000-00-06-0/driver_path", "/x");
    fake_forget_events();
    topology.count = 2;
    assert_int_equal(refresh(), 1);
    assert_null(assignment_record(now(), SOUND));
    topology.count = 3;
    assert_int_equal(refresh(), 1);
    assert_true(assignment_record(now(), SOUND)->has_driver_path);
    /* Of as many others. */
    functions[2].sbdf = SOUND + 8;
    assert_int_equal(refresh(), 1);
    assert_null(assignment_record(now(), SOUND));
    functions[2].sbdf = SOUND;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there),
        TEST(a_record_touches_its_function_alone),
        TEST(a_record_that_is_written_again),
        TEST(a_directory_touches_what_it_names),
        TEST(a_directory_that_names_another),
        TEST(a_directory_that_goes),
        TEST(directories_that_go_together),
        TEST(a_directory_of_a_similar_name),
        TEST(all_records_at_once),
        TEST(more_than_can_be_told_apart),
        TEST(names_that_are_no_functions),
        TEST(domids_that_are_none),
        TEST(recorded_once_for_each_time),
        TEST(recorded_before_the_function_is_there),
        TEST(many_are_recorded_at_once),
        TEST(a_view_that_is_not_read),
        TEST(a_view_that_changes_while_it_is_read),
        TEST(another_topology),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
