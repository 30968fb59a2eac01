/* SPDX-License-Identifier: MIT */
/* xen-iommu watch, from the tree to its lines. */
#include "cli_run.h"
#include "fake_store.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xeniommu-schema.h>

#define HOST     XENIOMMU_HOST_DIR
#define OWN      XENIOMMU_DIR
#define DOMAIN_1 "/local/domain/1/iommu"
#define NIC      "pci/0000-00-04-0"
#define UART     "dt/soc/uart@1"

#define TIME_LENGTH 20 /* of "2026-11-23 14:40:51 " */

/* What happens whenever the program has told all there was; after the last its reader goes. */
static struct {
    void (*const *steps)(void);
    size_t count, next;
    int reader;
} script;

static void end_reader(void)
{
    ssize_t len;

    if (script.reader < 0)
        return;
    len = read(script.reader, output, sizeof(output) - 1);
    output[len > 0 ? len : 0] = '\0';
    close(script.reader);
    script.reader = -1;
}

static void run_step(void)
{
    if (script.next < script.count)
        script.steps[script.next++]();
    else
        end_reader();
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    script.reader = -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end_reader();
    fake_store_reset();
    return 0;
}

/* Runs a line with the steps; output receives what it told. */
static int watch(const char *line, void (*const steps[])(void), size_t count)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    script.steps = steps;
    script.count = count;
    script.next = 0;
    script.reader = ends[0];
    output[0] = '\0';
    fake_store_plan_idle(run_step);
    return run_into(ends[1], line);
}

/* Takes the time, which has to be one, off each line. */
static void strip_times(void)
{
    char stripped[sizeof(output)] = "", *to = stripped, *line, *rest = output;
    struct tm time;

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        const char *end = strptime(line, "%Y-%m-%d %H:%M:%S ", &time);

        assert_ptr_equal(end, line + TIME_LENGTH);
        to += snprintf(to, sizeof(stripped) - (size_t)(to - stripped), "%s\n", end);
    }
    strcpy(output, stripped);
}

#define assert_watch(line, steps, expected)                                                        \
    do {                                                                                           \
        assert_int_equal(watch(line, steps, sizeof(steps) / sizeof((steps)[0])), 0);               \
        assert_string_equal(errors, "");                                                           \
        strip_times();                                                                             \
        assert_string_equal(output, expected);                                                     \
    } while (0)

static void publish_own(void)
{
    fake_store_device(OWN, NIC, "protected", "skip", "assigned");
    fake_store_set(OWN "/" NIC "/group", "3");
    fake_store_device(OWN, UART, "relaxed", "keep", "dom0-relaxed");
    fake_store_publish(OWN);
}

static void downgrade(void)
{
    fake_store_device(OWN, NIC, "unknown", "keep", "leaving");
    fake_store_bump(OWN);
}

static void remove_nic(void)
{
    fake_store_remove(OWN "/" NIC);
    fake_store_bump(OWN);
}

static void add_nic(void)
{
    fake_store_device(OWN, NIC, "unprotected", "keep", "");
    fake_store_bump(OWN);
}

static void change_nothing(void)
{
    fake_store_bump(OWN);
}

static void stop(void)
{
    fake_store_set(OWN "/status", "stopped");
    fake_store_bump(OWN);
}

static void start(void)
{
    fake_store_set(OWN "/status", "starting");
    fake_store_bump(OWN);
}

static void make_ready(void)
{
    fake_store_set(OWN "/status", "ready");
    fake_store_bump(OWN);
}

static void withdraw(void)
{
    fake_store_remove(OWN);
    fake_store_bump("/elsewhere");
}

static void renew_version(void)
{
    fake_store_set(OWN "/version", "2");
    fake_store_bump(OWN);
}

static void lose_xenstored(void)
{
    fake_store_refuse(-ENOTCONN);
}

static void find_xenstored(void)
{
    fake_store_refuse(0);
}

static void tells_what_is_there_and_then_each_change(void **state)
{
    void (*const steps[])(void) = {downgrade, remove_nic, add_nic, change_nothing};

    (void)state;
    publish_own();
    assert_watch("watch", steps,
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "changed 0000:00:04.0 unknown swiotlb=keep group=3 reason=leaving\n"
                 "removed 0000:00:04.0\n"
                 "added   0000:00:04.0 unprotected swiotlb=keep reason=-\n");
}

static void limit_nic(void)
{
    fake_store_set(OWN "/" NIC "/limits", "no-acs ats");
    fake_store_bump(OWN);
}

static void limits_are_told_like_any_field(void **state)
{
    void (*const steps[])(void) = {limit_nic, change_nothing, remove_nic};

    (void)state;
    publish_own();
    assert_watch("watch", steps,
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "changed 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned "
                 "limits=no-acs,ats\n"
                 "removed 0000:00:04.0\n");
}

/* Each time that the daemon's word is known again, all is told anew. */
static void tells_the_daemons_life(void **state)
{
    void (*const steps[])(void) = {publish_own, stop, start, make_ready, withdraw, publish_own};

    (void)state;
    assert_watch("watch", steps,
                 "status  absent\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "status  stopped\n"
                 "status  starting\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "status  absent\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n");
}

static void tells_what_keeps_the_status_from_being_known(void **state)
{
    void (*const steps[])(void) = {lose_xenstored, find_xenstored, renew_version};

    (void)state;
    fake_store_publish(OWN);
    assert_watch("watch", steps,
                 "status  ready\n"
                 "status  unknown: XenStore cannot be reached\n"
                 "status  ready\n"
                 "status  unknown: the published version is not known\n");
}

static void publish_host(void)
{
    fake_store_publish(HOST);
    fake_store_device(HOST, NIC, "protected", "skip", "assigned");
    fake_store_set(HOST "/" NIC "/owner", "1");
    fake_store_bump(HOST);
}

static void change_owner(void)
{
    fake_store_set(HOST "/" NIC "/owner", "none");
    fake_store_bump(HOST);
}

static void change_unit(void)
{
    fake_store_set(HOST "/" NIC "/iommu", "dmar1");
    fake_store_bump(HOST);
}

static void tells_the_host_in_dom0(void **state)
{
    void (*const steps[])(void) = {change_owner};

    (void)state;
    publish_own();
    publish_host();
    assert_watch("watch", steps,
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip owner=1 reason=assigned\n"
                 "changed 0000:00:04.0 protected swiotlb=skip owner=none reason=assigned\n");
}

/* Started before the daemon ever was, it cannot know yet that this is dom0. */
static void turns_to_the_host_as_soon_as_it_is_published(void **state)
{
    void (*const steps[])(void) = {publish_own, publish_host, change_owner};

    (void)state;
    assert_watch("watch", steps,
                 "status  absent\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip owner=1 reason=assigned\n"
                 "changed 0000:00:04.0 protected swiotlb=skip owner=none reason=assigned\n");
}

static void publish_domain(void)
{
    fake_store_publish(DOMAIN_1);
    fake_store_device(DOMAIN_1, NIC, "protected", "keep", "assigned-pv");
    fake_store_bump(DOMAIN_1);
}

static void tells_another_domain(void **state)
{
    void (*const steps[])(void) = {publish_domain};

    (void)state;
    publish_host();
    fake_store_set("/local/domain/1/name", "guest");
    assert_watch("watch --domain 1", steps,
                 "status  absent\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=keep reason=assigned-pv\n");
}

static void refuses_what_it_could_never_see(void **state)
{
    (void)state;
    assert_run("watch --domain 2", 1, "", "xen-iommu: domain 2 does not exist\n");
    fake_store_refuse(-EACCES);
    assert_run("watch", 1, "", "xen-iommu: XenStore: permission denied\n");
}

static void waits_for_a_xenstored_that_was_never_there(void **state)
{
    void (*const steps[])(void) = {find_xenstored, lose_xenstored};

    (void)state;
    publish_own();
    fake_store_refuse(-ENOTCONN);
    assert_watch("watch", steps,
                 "status  unknown: XenStore cannot be reached\n"
                 "status  ready\n"
                 "present 0000:00:04.0 protected swiotlb=skip group=3 reason=assigned\n"
                 "present /soc/uart@1 relaxed swiotlb=keep reason=dom0-relaxed\n"
                 "status  unknown: XenStore cannot be reached\n");
}

/* Compares the lines with the objects, but for the time, which has to be one. */
static void assert_json_lines(const char *const expected[], size_t count)
{
    char *line, *rest = output;
    size_t i;

    for (i = 0; i < count; i++) {
        struct json_object *actual, *wanted, *time;
        struct tm parts;

        line = strsep(&rest, "\n");
        assert_non_null(line);
        actual = json_tokener_parse(line);
        wanted = json_tokener_parse(expected[i]);
        assert_non_null(actual);
        assert_non_null(wanted);
        assert_true(json_object_object_get_ex(actual, "time", &time));
        assert_string_equal(strptime(json_object_get_string(time), "%Y-%m-%dT%H:%M:%S", &parts) + 4,
                            "Z");
        json_object_object_del(actual, "time");
        if (!json_object_equal(actual, wanted))
            fail_msg("got %s instead of %s", line, expected[i]);
        json_object_put(actual);
        json_object_put(wanted);
    }
    assert_string_equal(rest, "");
}

static void tells_programs_the_same_fields_as_list(void **state)
{
    void (*const steps[])(void) = {change_unit};
    static const char *const expected[] = {
        "{\"event\":\"status\",\"view\":\"host\",\"status\":\"ready\",\"obstacle\":null}",
        "{\"event\":\"present\",\"view\":\"host\",\"bus\":\"pci\",\"device\":\"0000:00:04.0\","
        "\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":\"assigned\",\"group\":null,"
        "\"limits\":[],"
        "\"owner\":1,\"owner_name\":null,\"iommu\":null,\"guest_device\":null,\"class\":\"Ethernet "
        "controller\",\"name\":\"Example NIC\"}",
        "{\"event\":\"changed\",\"view\":\"host\",\"bus\":\"pci\",\"device\":\"0000:00:04.0\","
        "\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":\"assigned\",\"group\":null,"
        "\"limits\":[],"
        "\"owner\":1,\"owner_name\":null,\"iommu\":\"dmar1\",\"guest_device\":null,\"class\":"
        "\"Ethernet controller\",\"name\":\"Example NIC\"}",
    };

    (void)state;
    publish_host();
    assert_int_equal(watch("watch --json", steps, 1), 0);
    assert_json_lines(expected, 3);
}

static void tells_programs_that_nothing_holds(void **state)
{
    void (*const steps[])(void) = {remove_nic, stop, lose_xenstored};
    static const char *const expected[] = {
        "{\"event\":\"status\",\"view\":\"own\",\"status\":\"ready\",\"obstacle\":null}",
        "{\"event\":\"present\",\"view\":\"own\",\"bus\":\"pci\",\"device\":\"0000:00:04.0\","
        "\"state\":\"unprotected\",\"swiotlb\":\"keep\",\"reason\":null,\"group\":null,\"limits\":["
        "],"
        "\"class\":\"Ethernet controller\",\"name\":\"Example NIC\"}",
        "{\"event\":\"removed\",\"view\":\"own\",\"bus\":\"pci\",\"device\":\"0000:00:04.0\","
        "\"state\":\"unknown\",\"swiotlb\":\"keep\",\"reason\":null,\"group\":null,\"limits\":[],"
        "\"class\":\"Ethernet controller\",\"name\":\"Example NIC\"}",
        "{\"event\":\"status\",\"view\":\"own\",\"status\":\"stopped\",\"obstacle\":null}",
        ("{\"event\":\"status\",\"view\":\"own\",\"status\":null,"
         "\"obstacle\":\"XenStore cannot be reached\"}"),
    };

    (void)state;
    fake_store_publish(OWN);
    add_nic();
    assert_int_equal(watch("watch --json", steps, 3), 0);
    assert_json_lines(expected, 5);
}

/* The program notices at its next line. */
static void ends_quietly_without_a_reader(void **state)
{
    void (*const steps[])(void) = {change_nothing};
    struct sigaction before, after;

    (void)state;
    publish_own();
    assert_int_equal(sigaction(SIGPIPE, NULL, &before), 0);
    fake_store_plan(4, end_reader);
    assert_int_equal(watch("watch", steps, 1), 0);
    assert_string_equal(errors, "");
    assert_string_equal(output, "");
    assert_int_equal(script.next, 0);
    assert_int_equal(sigaction(SIGPIPE, NULL, &after), 0);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
}

static void output_that_fails_is_an_error(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(full >= 0);
    publish_own();
    assert_int_equal(run_into(full, "watch"), 1);
    assert_string_equal(errors, "xen-iommu: cannot write to standard output\n");
}

static void fail_next(void)
{
    fake_store_fail(fake_store_requests() + 1, -ENOMEM);
    fake_store_bump(OWN);
}

static void without_memory_it_ends(void **state)
{
    void (*const steps[])(void) = {fail_next};

    (void)state;
    fake_store_publish(OWN);
    assert_int_equal(watch("watch", steps, 1), 1);
    assert_string_equal(errors, "xen-iommu: Cannot allocate memory\n");
}

/* A connection that ends in the middle of a look. */
static void lose_in_next_look(void)
{
    fake_store_fail(fake_store_requests() + 3, -ENOTCONN);
    fake_store_bump(OWN);
}

static void a_connection_lost_while_reading_is_found_again(void **state)
{
    void (*const steps[])(void) = {lose_in_next_look, change_nothing};

    (void)state;
    fake_store_publish(OWN);
    add_nic();
    assert_watch("watch", steps,
                 "status  ready\n"
                 "present 0000:00:04.0 unprotected swiotlb=keep reason=-\n"
                 "status  unknown: XenStore cannot be reached\n"
                 "status  ready\n"
                 "present 0000:00:04.0 unprotected swiotlb=keep reason=-\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_what_is_there_and_then_each_change, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_told_like_any_field, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_the_daemons_life, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_what_keeps_the_status_from_being_known, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tells_the_host_in_dom0, setup, teardown),
        cmocka_unit_test_setup_teardown(turns_to_the_host_as_soon_as_it_is_published, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tells_another_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_what_it_could_never_see, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_a_xenstored_that_was_never_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(tells_programs_the_same_fields_as_list, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_programs_that_nothing_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_quietly_without_a_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(output_that_fails_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_lost_while_reading_is_found_again, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
