/* SPDX-License-Identifier: MIT */
/* xen-iommu metrics: what it tells, whatever the daemon's state, and how it replaces a file. */
#include "cli_run.h"
#include "fake_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xeniommu.h>

#define HOST XENIOMMU_HOST_DIR
#define OWN  XENIOMMU_DIR

static char folder[64];

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    snprintf(folder, sizeof(folder), "/tmp/xen-iommu-metrics-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int teardown(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void publish(const char *device, const char *state, const char *reason, const char *owner,
                    const char *group)
{
    fake_store_device(HOST, device, state, "keep", reason);
    fake_store_field(HOST, device, "owner", owner);
    fake_store_field(HOST, device, "group", group);
}

static void publish_host(void)
{
    fake_store_publish(HOST);
    fake_store_set(HOST "/iommu", "enabled");
    fake_store_set(HOST "/confirm-interval", "60");
    publish("pci/0000-00-04-0", "protected", "assigned-pv", "1", NULL);
    fake_store_set(HOST "/pci/0000-00-04-0/limits", "ats no-acs");
    publish("pci/0000-00-05-0", "relaxed", "dom0-relaxed", "0", NULL);
    publish("pci/0000-00-06-0", "unprotected", "group-split", "2", "7");
    publish("pci/0000-00-06-1", "unprotected", "group-split", "3", "7");
    publish("pci/0000-00-07-0", "unprotected", "group-split", "0", "8");
    publish("pci/0000-00-08-0", "quarantined", "assignable", "none", NULL);
    publish("pci/0000-00-09-0", "unknown", "no-record", "unknown", NULL);
}

static void assert_line(const char *expected)
{
    char line[256];

    snprintf(line, sizeof(line), "\n%s\n", expected);
    if (strstr(output, line) == NULL)
        fail_msg("\"%s\" is not in: %s", expected, output);
}

static void the_host_is_told(void **state)
{
    (void)state;
    publish_host();
    assert_int_equal(run("metrics"), 0);
    assert_string_equal(errors, "");
    assert_line("xen_iommu_ready 1");
    assert_line("xen_iommu_enabled 1");
    assert_line("xen_iommu_generation 1");
    assert_line("xen_iommu_confirm_interval_seconds 60");
    assert_line("xen_iommu_devices{state=\"protected\",owner=\"guest\"} 1");
    assert_line("xen_iommu_devices{state=\"relaxed\",owner=\"dom0\"} 1");
    assert_line("xen_iommu_devices{state=\"unprotected\",owner=\"guest\"} 2");
    assert_line("xen_iommu_devices{state=\"unprotected\",owner=\"dom0\"} 1");
    assert_line("xen_iommu_devices{state=\"quarantined\",owner=\"none\"} 1");
    assert_line("xen_iommu_devices{state=\"unknown\",owner=\"unknown\"} 1");
    assert_line("xen_iommu_devices{state=\"unknown\",owner=\"guest\"} 0");
    assert_line("xen_iommu_limited_devices{limit=\"ats\"} 1");
    assert_line("xen_iommu_limited_devices{limit=\"no-intremap\"} 0");
    assert_line("xen_iommu_split_groups 2");
    assert_line("xen_iommu_findings{finding=\"group-split\"} 3");
    assert_line("xen_iommu_findings{finding=\"owner-uncertain\"} 1");
    assert_line("xen_iommu_findings{finding=\"guest-not-protected\"} 0");
    assert_null(strstr(output, "xen_iommud_"));
    assert_null(strstr(output, "# EOF"));
}

static void a_guest_tells_its_own(void **state)
{
    (void)state;
    fake_store_publish(OWN);
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "assigned-translated");
    assert_int_equal(run("metrics"), 0);
    assert_line("xen_iommu_devices{state=\"protected\",owner=\"guest\"} 1");
    assert_non_null(strstr(output, ",view=\"own\",status=\"ready\"} 1\n"));
    assert_null(strstr(output, "xen_iommu_enabled"));
}

/* A collector must not go on with an old file: what keeps the rest from being known is told. */
static void what_is_not_ready_is_told(void **state)
{
    static const struct {
        const char *path, *value, *status;
    } cases[] = {
        {HOST "/status", "stopped", "stopped"},
        {HOST "/status", "starting", "starting"},
        {HOST "/status", "\"}\n", "absent"},
        {HOST "/version", "2", "unknown"},
    };

    (void)state;
    assert_int_equal(run("metrics"), 0);
    assert_line("xen_iommu_ready 0");
    assert_non_null(strstr(output, ",status=\"absent\"} 1\n"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char label[32];

        fake_store_reset();
        publish_host();
        fake_store_set(cases[i].path, cases[i].value);
        assert_int_equal(run("metrics"), 0);
        assert_line("xen_iommu_ready 0");
        snprintf(label, sizeof(label), ",status=\"%s\"} 1\n", cases[i].status);
        assert_non_null(strstr(output, label));
        assert_null(strstr(output, "xen_iommu_devices"));
    }
    fake_store_refuse(-ENOTCONN);
    assert_int_equal(run("metrics"), 0);
    assert_line("xen_iommu_ready 0");
    assert_non_null(strstr(output, ",status=\"unreachable\"} 1\n"));
    fake_store_refuse(-EACCES);
    assert_run("metrics", 1, "", "xen-iommu: XenStore: permission denied\n");
}

static void nothing_is_told_by_half(void **state)
{
    unsigned int requests, n;

    (void)state;
    publish_host();
    assert_int_equal(run("metrics"), 0);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        fake_store_reset();
        publish_host();
        fake_store_fail(n, -ENOMEM);
        assert_run("metrics", 1, "", "xen-iommu: Cannot allocate memory\n");
        fake_store_reset();
        publish_host();
        fake_store_fail(n, -ENOTCONN);
        assert_int_equal(run("metrics"), 0);
        assert_line("xen_iommu_ready 0");
        assert_null(strstr(output, "xen_iommu_devices"));
    }
}

struct numbers {
    char magic[8];
    uint32_t version, count;
    struct {
        char name[24];
        uint64_t value;
    } entries[4];
};

static void write_numbers(const struct numbers *numbers, size_t size)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/lock", folder);
    fake_store_set(HOST "/lock-file", path);
    snprintf(path, sizeof(path), "%s/lock.counters", folder);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(numbers, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void the_daemons_own_numbers_are_told(void **state)
{
    struct numbers numbers = {
        "xi-count",
        1,
        4,
        {{"oracle-questions", 41}, {"newer", 9}, {"confirmed-ms", 1}, {"answered-ms", 0}}};

    (void)state;
    publish_host();
    write_numbers(&numbers, sizeof(numbers));
    assert_int_equal(run("metrics"), 0);
    assert_line("# TYPE xen_iommud_oracle_questions_total counter");
    assert_line("xen_iommud_oracle_questions_total 41");
    assert_non_null(strstr(output, "\nxen_iommud_last_confirmation_age_seconds "));
    assert_null(strstr(output, "newer"));
    assert_null(strstr(output, "last_answer_age"));
    assert_int_equal(run("metrics --openmetrics"), 0);
    assert_line("# TYPE xen_iommud_oracle_questions counter");
    assert_line("xen_iommud_oracle_questions_total 41\n# HELP "
                "xen_iommud_last_confirmation_age_seconds Since the last round of confirmations by "
                "Xen was done.");
    assert_string_equal(output + strlen(output) - strlen("# EOF\n"), "# EOF\n");
    /* One that is cut tells what it has; one of another kind, nothing. */
    write_numbers(&numbers, 16 + 32);
    assert_int_equal(run("metrics"), 0);
    assert_line("xen_iommud_oracle_questions_total 41");
    assert_null(strstr(output, "last_confirmation"));
    numbers.count = UINT32_MAX;
    write_numbers(&numbers, sizeof(numbers));
    assert_int_equal(run("metrics"), 0);
    assert_line("xen_iommud_oracle_questions_total 41");
    numbers.version = 2;
    write_numbers(&numbers, sizeof(numbers));
    assert_int_equal(run("metrics"), 0);
    assert_null(strstr(output, "xen_iommud_"));
    write_numbers(&numbers, 3);
    assert_int_equal(run("metrics"), 0);
    assert_null(strstr(output, "xen_iommud_"));
}

static size_t count_files(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_file_is_replaced_as_a_whole(void **state)
{
    char line[128], path[96];
    struct stat before, after;

    (void)state;
    publish_host();
    snprintf(path, sizeof(path), "%s/xen-iommu.prom", folder);
    snprintf(line, sizeof(line), "metrics --output %s", path);
    assert_run(line, 0, "", "");
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0644);
    assert_run(line, 0, "", "");
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_ino != before.st_ino);
    assert_int_equal(count_files(), 1);
    assert_run("metrics --output /nowhere/xen-iommu.prom", 1, "",
               "xen-iommu: /nowhere/xen-iommu.prom: No such file or directory\n");
    /* In the place of a folder it cannot be, and leaves nothing. */
    assert_int_equal(unlink(path) | mkdir(path, 0700), 0);
    assert_int_equal(run(line), 1);
    assert_int_equal(count_files(), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_host_is_told),
        TEST(a_guest_tells_its_own),
        TEST(what_is_not_ready_is_told),
        TEST(nothing_is_told_by_half),
        TEST(the_daemons_own_numbers_are_told),
        TEST(a_file_is_replaced_as_a_whole),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
