/* SPDX-License-Identifier: MIT */
/* xen-iommu check, the verdict that status shows too, and why nothing is published of a device. */
#include "cli_run.h"
#include "fake_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xeniommu.h>

#define HOST     XENIOMMU_HOST_DIR
#define OWN      XENIOMMU_DIR
#define DOMAIN_0 "/local/domain/0/iommu"

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(HOST);
    return 0;
}

/* A device of the host's tree; NULL: no facts. */
static void publish(const char *device, const char *state, const char *reason, const char *owner,
                    const char *facts)
{
    fake_store_device(HOST, device, state, "keep", reason);
    fake_store_field(HOST, device, "owner", owner);
    fake_store_field(HOST, device, "facts", facts);
}

static void check_verdict(const char *expected)
{
    char line[256];

    snprintf(line, sizeof(line), "\nVerdict:     %s\n", expected);
    assert_int_equal(run("status"), 0);
    if (strstr(output, line) == NULL)
        fail_msg("\"%s\" is not in: %s", line, output);
}

static void all_is_well(void **state)
{
    (void)state;
    assert_run("check", 0, "no guest has a device\n", "");
    publish("pci/0000-00-04-0", "protected", "assigned-pv", "1", NULL);
    publish("pci/0000-00-05-0", "relaxed", "dom0-relaxed", "0", NULL);
    publish("pci/0000-00-06-0", "unprotected", "dom0-passthrough", "0", NULL);
    publish("pci/0000-00-07-0", "quarantined", "assignable", "none", NULL);
    publish("dt/soc/off@1", "unknown", "not-assigned", "none", NULL);
    publish("dt/soc/off@2", "unprotected", "iommu-disabled", "none", NULL);
    /* What Xen keeps for itself is nobody's. */
    publish("pci/0000-00-00-2", "unknown", "hypervisor-disagrees", "unknown",
            "iommu=enabled oracle=taken owner=dom0 class=080600");
    assert_run("check", 0, "every guest's device is protected\n", "");
    check_verdict("every guest's device is protected");
    assert_run_json("check --json", 0,
                    "{\"view\":\"host\",\"verdict\":{\"fine\":true,\"findings\":0,"
                    "\"guests_devices\":1,\"text\":\"every guest's device is protected\"},"
                    "\"findings\":[]}");
}

static void each_finding_says_what_to_do(void **state)
{
    (void)state;
    publish("pci/0000-00-04-0", "unprotected", "iommu-disabled", "3", "iommu-option=off");
    publish("pci/0000-00-05-0", "unprotected", "group-split", "0", "mates=apart");
    publish("pci/0000-00-06-0", "unknown", "no-record", "unknown", "doubt=hidden driver=pciback");
    publish("pci/0000-00-07-0", "unknown", "quarantine-off", "none", "quarantine=off");
    publish("dt/soc/a,b", "unknown", "no-record", "none", "owner=none oracle=taken");
    publish("pci/0000-00-08-0", "unknown", "a-newer-reason", "4", NULL);
    assert_int_equal(run("check"), 3);
    assert_string_equal(errors, "");
    assert_non_null(strstr(output,
                           "0000:00:04.0, domain 3: unprotected (iommu-disabled). Xen drives "
                           "no IOMMU, since its command line switches it off. To do: Xen's "
                           "command line without iommu=off; then a reboot.\n"));
    assert_non_null(
        strstr(output, "0000:00:05.0, dom0: unprotected (group-split). Another domain"));
    assert_non_null(strstr(output,
                           "0000:00:06.0, owner unknown: unknown (no-record). It is kept for "
                           "guests (bound to pciback), but not by libxl"));
    assert_non_null(strstr(output, "0000:00:07.0, owner none: unknown (quarantine-off). "));
    assert_non_null(strstr(output, "0000:00:08.0, domain 4: unknown (a-newer-reason).\n"));
    check_verdict("2 devices of guests are not protected, 1 device shares its ID with another "
                  "domain's, 1 device has no certain owner, 1 device kept for guests may not be "
                  "blocked: see xen-iommu check");
    assert_int_equal(run("check --json"), 3);
    assert_non_null(strstr(output, "\"finding\":\"guest-not-protected\""));
    assert_non_null(strstr(output, "\"finding\":\"group-split\""));
    assert_non_null(strstr(output, "\"finding\":\"owner-uncertain\""));
    assert_non_null(strstr(output, "\"finding\":\"kept-not-blocked\""));
}

static void a_node_that_some_guest_has_is_found(void **state)
{
    (void)state;
    publish("dt/soc/a", "unknown", "no-record", "none", "owner=none oracle=taken");
    assert_run(
        "check", 3,
        "/soc/a, owner none: unknown (no-record). Xen has given it to a guest, and no record "
        "of libxl's names that guest. To do: Giving it to a guest through libxl: dtdev in the "
        "guest's configuration.\n",
        "");
}

/* Of a guest every device counts, of dom0 only what a guest can reach. */
static void a_domain_looks_at_its_own(void **state)
{
    (void)state;
    fake_store_publish(DOMAIN_0);
    fake_store_device(DOMAIN_0, "pci/0000-00-05-0", "relaxed", "keep", "dom0-relaxed");
    assert_run("check --domain 0", 0, "none of dom0's devices shares its ID with a guest's\n", "");
    fake_store_device(DOMAIN_0, "pci/0000-00-06-0", "unprotected", "keep", "group-split");
    assert_int_equal(run("check --domain 0"), 3);
    fake_store_remove(HOST);
    fake_store_publish(OWN);
    assert_run("check", 0, "the domain has no device\n", "");
    fake_store_device(OWN, "pci/0000-00-05-0", "protected", "skip", "assigned-translated");
    assert_run("check", 0, "every device of the domain is protected\n", "");
    fake_store_device(OWN, "pci/0000-00-06-0", "unknown", "keep", "owner-down");
    assert_run(
        "check", 3,
        "0000:00:06.0: unknown (owner-down). The domain that has it does not run any more, "
        "so Xen may let go of the device at any moment. To do: Ask the host's administrator: "
        "\"xen-iommu explain\" in dom0 tells more.\n",
        "");
}

static void without_a_daemon_there_is_no_verdict(void **state)
{
    (void)state;
    publish("pci/0000-00-04-0", "protected", "assigned-pv", "1", NULL);
    fake_store_set(HOST "/status", "stopped");
    assert_run("check", 4, "", "xen-iommu: xen-iommud is not ready: its status is \"stopped\"\n");
    fake_store_reset();
    assert_run("check", 4, "",
               "xen-iommu: nothing is published here: does xen-iommud run in dom0?\n");
}

static void every_failure_is_told(void **state)
{
    unsigned int requests, n;

    (void)state;
    publish("pci/0000-00-04-0", "unknown", "owner-down", "1", "doubt=owner-down");
    assert_int_equal(run("check"), 3);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        setup(NULL);
        publish("pci/0000-00-04-0", "unknown", "owner-down", "1", "doubt=owner-down");
        fake_store_fail(n, -ENOMEM);
        assert_run("check", 1, "", "xen-iommu: Cannot allocate memory\n");
    }
}

static void mend(void)
{
    publish("pci/0000-00-04-0", "protected", "assigned-pv", "1", "owner=guest");
    fake_store_bump(HOST);
}

/* Whenever it changes: a finding and its words belong together. */
static void a_verdict_is_of_one_moment(void **state)
{
    unsigned int requests, n;
    int code;

    (void)state;
    publish("pci/0000-00-04-0", "unknown", "hypervisor-disagrees", "1", "oracle=free owner=guest");
    assert_int_equal(run("check"), 3);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        setup(NULL);
        publish("pci/0000-00-04-0", "unknown", "hypervisor-disagrees", "1",
                "oracle=free owner=guest");
        fake_store_plan(n, mend);
        code = run("check");
        assert_true(code == 0 || code == 3);
        assert_int_equal(code == 3, strstr(output, "but Xen says that none has") != NULL);
    }
}

/* A machine with one function of this class at 00:06.0, below a new folder. */
static void make_machine(char root[64], const char *class_code)
{
    static const char *const folders[] = {"/sys",
                                          "/sys/bus",
                                          "/sys/bus/pci",
                                          "/sys/bus/pci/devices",
                                          "/sys/bus/pci/devices/0000:00:06.0",
                                          "/sys/firmware",
                                          "/sys/firmware/devicetree",
                                          "/sys/firmware/devicetree/base",
                                          "/sys/firmware/devicetree/base/leds"};
    char path[160];
    FILE *file;

    snprintf(root, 64, "/tmp/xen-iommu-check-XXXXXX");
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/0000:00:06.0/class", root);
    file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file, "%s\n", class_code);
    assert_int_equal(fclose(file), 0);
}

static void assert_missing(const char *line, const char *why)
{
    assert_int_equal(run(line), 1);
    assert_string_equal(output, "");
    if (strstr(errors, why) == NULL)
        fail_msg("%s: \"%s\" is not in: %s", line, why, errors);
}

static void why_nothing_is_there_is_said(void **state)
{
    char root[64], command[80];

    (void)state;
    make_machine(root, "0x060000");
    run_root = root;
    assert_missing("show 00:06.0", "it is a host bridge, which has no record by design");
    assert_missing("explain 00:07.0", "this machine has no such device");
    assert_missing("explain /leds", "it is none that can do DMA");
    assert_missing("show /nowhere", "device tree has no such node");
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    make_machine(root, "0x020000");
    assert_missing("show 00:06.0", "xen-iommud has not taken it in yet");
    fake_store_publish("/local/domain/1/iommu");
    assert_missing("show 00:06.0 --domain 1", "the domain has no device of that name");
    fake_store_remove(HOST);
    fake_store_publish(OWN);
    assert_missing("show 00:06.0", "emulated ones have no record");
    snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    run_root = "";
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_is_well),
        TEST(each_finding_says_what_to_do),
        TEST(a_node_that_some_guest_has_is_found),
        TEST(a_domain_looks_at_its_own),
        TEST(without_a_daemon_there_is_no_verdict),
        TEST(every_failure_is_told),
        TEST(a_verdict_is_of_one_moment),
        TEST(why_nothing_is_there_is_said),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
