/* SPDX-License-Identifier: MIT */
/* xen-iommu from its arguments to its output and exit code. */
#include "cli_run.h"
#include "device.h"
#include "fake_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST            XENIOMMU_HOST_DIR
#define OWN             XENIOMMU_DIR
#define DOMAIN_1        "/local/domain/1/iommu"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_store_reset();
    return 0;
}

static void publish_own(void)
{
    fake_store_publish(OWN);
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "assigned");
    fake_store_device(OWN, "pci/0000-00-05-0", "unprotected", "keep", "not-covered");
    fake_store_set(OWN "/pci/0000-00-05-0/group", "3");
    fake_store_device(OWN, "dt/soc/video@fe001000", "relaxed", "keep", "");
}

static void publish_host(void)
{
    fake_store_publish(HOST);
    fake_store_set(HOST "/iommu", "enabled");
    fake_store_device(HOST, "pci/0000-00-04-0", "protected", "skip", "assigned");
    fake_store_set(HOST "/pci/0000-00-04-0/owner", "1");
    fake_store_set(HOST "/pci/0000-00-04-0/iommu", "dmar0");
    fake_store_device(HOST, "pci/0000-00-05-0", "quarantined", "keep", "assignable");
    fake_store_set(HOST "/pci/0000-00-05-0/owner", "none");
}

static void publish_domain(void)
{
    fake_store_publish(DOMAIN_1);
    fake_store_device(DOMAIN_1, "pci/0000-00-00-0", "protected", "skip", "assigned");
}

static void list_shows_the_own_tree_in_a_guest(void **state)
{
    (void)state;
    publish_own();
    assert_run("list", 0,
               "DEVICE              STATE       SWIOTLB GROUP REASON      CLASS    NAME\n"
               "0000:00:04.0        protected   skip        - assigned    Ethernet Example NIC\n"
               "0000:00:05.0        unprotected keep        3 not-covered          \n"
               "/soc/video@fe001000 relaxed     keep        - -                    \n",
               "");
}

static void list_shows_the_host_in_dom0(void **state)
{
    (void)state;
    publish_own();
    publish_host();
    assert_run("list", 0,
               "DEVICE       STATE       SWIOTLB OWNER REASON     CLASS    NAME\n"
               "0000:00:04.0 protected   skip        1 assigned   Ethernet Example NIC\n"
               "0000:00:05.0 quarantined keep     none assignable          \n",
               "");
}

static void list_shows_another_domain(void **state)
{
    (void)state;
    publish_host();
    publish_domain();
    assert_run("list --domain 1", 0,
               "DEVICE       STATE     SWIOTLB REASON\n"
               "0000:00:00.0 protected skip    assigned\n",
               "");
    assert_run("list --domain 2", 1, "", "xen-iommu: domain 2 does not exist\n");
    fake_store_set("/local/domain/2/name", "guest");
    assert_run("list --domain 2", 4, "",
               "xen-iommu: nothing is published here: does xen-iommud run in dom0?\n");
    fake_store_fail(fake_store_requests() + 1, -EACCES);
    assert_run("list --domain 2", 1, "",
               "xen-iommu: domain 2: permission denied: only dom0 sees other domains\n");
}

/* A wide column, so only where a device has any. */
static void list_shows_limits_where_there_are_some(void **state)
{
    (void)state;
    publish_host();
    publish_domain();
    fake_store_set(HOST "/pci/0000-00-05-0/limits", "");
    fake_store_set(HOST "/pci/0000-00-04-0/limits", "no-acs a-newer-one");
    assert_run(
        "list", 0,
        "DEVICE       STATE       SWIOTLB OWNER REASON     LIMITS             CLASS    NAME\n"
        "0000:00:04.0 protected   skip        1 assigned   no-acs,a-newer-one Ethernet "
        "Example NIC\n"
        "0000:00:05.0 quarantined keep     none assignable -                           \n",
        "");
    fake_store_set(DOMAIN_1 "/pci/0000-00-00-0/limits", "ats");
    assert_run("list --domain 1", 0,
               "DEVICE       STATE     SWIOTLB REASON   LIMITS\n"
               "0000:00:00.0 protected skip    assigned ats\n",
               "");
    assert_run_json("list --json --domain 1", 0,
                    "{\"view\":\"domain\",\"domain\":1,\"devices\":[{\"bus\":\"pci\",\"device\":"
                    "\"0000:00:00.0\",\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":"
                    "\"assigned\",\"group\":null,\"limits\":[\"ats\"],\"host_device\":null,"
                    "\"class\":null,\"name\":null}]}");
}

/* What dom0 itself is told, and not the host's view. */
static void list_shows_dom0_as_a_domain(void **state)
{
    (void)state;
    publish_host();
    fake_store_publish("/local/domain/0/iommu");
    fake_store_device("/local/domain/0/iommu", "pci/0000-00-05-0", "relaxed", "keep", "pv");
    assert_run("list --domain 0", 0,
               "DEVICE       STATE   SWIOTLB REASON\n"
               "0000:00:05.0 relaxed keep    pv\n",
               "");
}

static void list_of_nothing_is_empty(void **state)
{
    (void)state;
    fake_store_publish(OWN);
    assert_run("list", 0, "", "");
    assert_run_json("list --json", 0, "{\"view\":\"own\",\"devices\":[]}");
}

static void list_in_json(void **state)
{
    (void)state;
    publish_own();
    assert_run_json(
        "list --json", 0,
        "{\"view\":\"own\",\"devices\":["
        "{\"bus\":\"pci\",\"device\":\"0000:00:04.0\",\"state\":\"protected\",\"swiotlb\":\"skip\","
        "\"reason\":\"assigned\",\"group\":null,\"limits\":[],\"class\":\"Ethernet controller\","
        "\"name\":\"Example NIC\"},"
        "{\"bus\":\"pci\",\"device\":\"0000:00:05.0\",\"state\":\"unprotected\","
        "\"swiotlb\":\"keep\",\"reason\":\"not-covered\",\"group\":3,\"limits\":[],\"class\":null,"
        "\"name\":null},"
        "{\"bus\":\"dt\",\"device\":\"/soc/video@fe001000\",\"state\":\"relaxed\","
        "\"swiotlb\":\"keep\",\"reason\":null,\"group\":null,\"limits\":[],\"class\":null,"
        "\"name\":null}]}");
    publish_domain();
    assert_run_json(
        "--json --domain 1 list", 0,
        "{\"view\":\"domain\",\"domain\":1,\"devices\":[{\"bus\":\"pci\",\"device\":"
        "\"0000:00:00.0\",\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":\"assigned\","
        "\"group\":null,\"limits\":[],\"host_device\":null,\"class\":null,\"name\":null}]}");
}

/* What show says in words of a device that is protected, and may skip. */
#define IN_SHORT                                                                                   \
    "\nAn IOMMU that Xen controls confines all its DMA to memory that its owner may\nuse.\n"       \
    "swiotlb-xen is not needed: the IOMMU translates its owner's own addresses.\n"

static void show_tells_by_its_exit_code(void **state)
{
    (void)state;
    publish_own();
    assert_run("show 00:04.0", 0,
               "Device:   0000:00:04.0\nName:     Example NIC\nState:    protected\n"
               "Swiotlb:  skip\nReason:   assigned\nGroup:    -\n" IN_SHORT,
               "");
    assert_run(
        "show 0000:00:05.0", 3,
        "Device:   0000:00:05.0\nState:    unprotected\nSwiotlb:  keep\n"
        "Reason:   not-covered\nGroup:    3\n"
        "\nNothing confines its DMA to memory that its owner may use: whoever controls the\n"
        "device may reach all memory.\n"
        "swiotlb-xen stays in use: no IOMMU translates its owner's addresses for\ncertain.\n",
        "");
    assert_run("show /soc/video@fe001000", 3,
               "Device:   /soc/video@fe001000\nState:    relaxed\nSwiotlb:  keep\n"
               "Reason:   -\nGroup:    -\n"
               "\nAn IOMMU that Xen controls translates its DMA, but lets it reach more memory\n"
               "than its owner may use.\n"
               "swiotlb-xen stays in use, which is safe in any case.\n",
               "");
    run_root = "/nowhere";
    assert_run("show 00:06.0", 1, "",
               "xen-iommu: 00:06.0: nothing is published of such a device here: this machine has "
               "no such device\n");
    run_root = "";
}

static void show_in_the_host_tells_the_owner(void **state)
{
    (void)state;
    publish_host();
    publish_domain();
    assert_run(
        "show 00:04.0", 0,
        "Device:   0000:00:04.0\nName:     Example NIC\nState:    protected\n"
        "Swiotlb:  skip\nReason:   assigned\nGroup:    -\nOwner:    1\nIOMMU:    dmar0\n" IN_SHORT,
        "");
    assert_run_json("show 00:05.0 --json", 3,
                    "{\"view\":\"host\",\"bus\":\"pci\",\"device\":\"0000:00:05.0\","
                    "\"state\":\"quarantined\",\"swiotlb\":\"keep\",\"reason\":\"assignable\","
                    "\"group\":null,\"limits\":[],\"owner\":\"none\",\"owner_name\":null,"
                    "\"iommu\":null,\"guest_device\":null,\"class\":null,\"name\":null}");
    assert_run_json(
        "show --domain=1 00:00.0 --json", 0,
        "{\"view\":\"domain\",\"domain\":1,\"bus\":\"pci\",\"device\":\"0000:00:00.0\","
        "\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":\"assigned\","
        "\"group\":null,\"limits\":[],\"host_device\":null,\"class\":null,\"name\":null}");
}

static void show_tells_what_protection_leaves_out(void **state)
{
    (void)state;
    publish_domain();
    fake_store_set(DOMAIN_1 "/pci/0000-00-00-0/limits", "ats newer\t");
    assert_run("show 00:00.0 --domain 1", 0,
               "Device:   0000:00:00.0\nState:    protected\nSwiotlb:  skip\n"
               "Reason:   assigned\nGroup:    -\nLimits:   ?\n" IN_SHORT
               "\nWhat it leaves out:\n  - ?\n    (not known to this xen-iommu)\n",
               "");
    fake_store_set(DOMAIN_1 "/pci/0000-00-00-0/limits", " ats  newer");
    assert_run("show 00:00.0 --domain 1", 0,
               "Device:   0000:00:00.0\nState:    protected\nSwiotlb:  skip\n"
               "Reason:   assigned\nGroup:    -\nLimits:   ats,newer\n" IN_SHORT
               "\nWhat it leaves out:\n"
               "  - ats\n"
               "    Xen lets it translate addresses by itself (PCIe ATS), and what it marks as\n"
               "    translated passes the IOMMU unchecked: it is confined as long as the device\n"
               "    itself is honest.\n"
               "    To end this: Xen's command line without ats, and a reboot.\n"
               "  - newer\n"
               "    (not known to this xen-iommu)\n",
               "");
    assert_run_json("show --domain=1 00:00.0 --json", 0,
                    "{\"view\":\"domain\",\"domain\":1,\"bus\":\"pci\",\"device\":\"0000:00:00.0\","
                    "\"state\":\"protected\",\"swiotlb\":\"skip\",\"reason\":\"assigned\","
                    "\"group\":null,\"limits\":[\"ats\",\"newer\"],\"host_device\":null,"
                    "\"class\":null,\"name\":null}");
}

/* A guest learns what is left out; to end it is not for a guest. */
static void show_in_a_guest_tells_no_remedy(void **state)
{
    (void)state;
    publish_own();
    fake_store_set(OWN "/pci/0000-00-04-0/limits", "no-intremap");
    assert_int_equal(run("show 00:04.0"), 0);
    assert_non_null(strstr(output, "\n  - no-intremap\n    Xen does not remap interrupts"));
    assert_null(strstr(output, "To end this"));
}

/* Of publish_host(). */
#define FINE_VERDICT                                                                               \
    "\"verdict\":{\"fine\":true,\"findings\":0,\"guests_devices\":1,\"text\":\"every guest's "     \
    "device is protected\"}"

static void status_counts(void **state)
{
    (void)state;
    publish_own();
    assert_run("status", 0,
               "View:        this domain\nDaemon:      ready\nABI version: 1\nGeneration:  1\n"
               "Devices:     3 (1 unprotected, 1 relaxed, 1 protected)\n"
               "Verdict:     2 devices of guests are not protected: see xen-iommu check\n",
               "");
    publish_host();
    assert_run("status", 0,
               "View:        host\nDaemon:      ready\nIOMMU:       enabled\nABI version: 1\n"
               "Generation:  1\nDevices:     2 (1 protected, 1 quarantined)\n"
               "Verdict:     every guest's device is protected\n",
               "");
    assert_run_json("status --json", 0,
                    "{\"view\":\"host\",\"status\":\"ready\",\"version\":\"1\",\"generation\":1,"
                    "\"iommu\":\"enabled\",\"devices\":{\"unknown\":0,\"unprotected\":0,"
                    "\"relaxed\":0,\"protected\":1,\"quarantined\":1}," FINE_VERDICT "}");
}

/* How old the hypervisor's word can be. */
static void status_tells_the_bound(void **state)
{
    static const char counts[] = "\"devices\":{\"unknown\":0,\"unprotected\":0,\"relaxed\":0,"
                                 "\"protected\":1,\"quarantined\":1}," FINE_VERDICT "}";
    char expected[512];

    (void)state;
    publish_host();
    fake_store_set(HOST "/confirm-interval", "60");
    assert_int_equal(run("status"), 0);
    assert_non_null(strstr(output,
                           "\nGeneration:  1\nConfirmed:   every claim by the hypervisor, at "
                           "least every 60 s\nDevices: "));
    fake_store_set(HOST "/confirm-interval", "0.5");
    snprintf(expected, sizeof(expected),
             "{\"view\":\"host\",\"status\":\"ready\",\"version\":\"1\",\"generation\":1,"
             "\"iommu\":\"enabled\",\"confirm_interval_s\":0.5,%s",
             counts);
    assert_run_json("status --json", 0, expected);
    assert_non_null(strstr(output, "\"confirm_interval_s\":0.5,\n"));
    fake_store_set(HOST "/confirm-interval", "0");
    assert_int_equal(run("status"), 0);
    assert_non_null(strstr(output, "\nConfirmed:   when something changes, not by time\n"));
}

/* Nor is it where it makes no sense, where other domains look, and where nothing stands. */
static void status_tells_no_bound_that_is_none(void **state)
{
    static const char *const others[] = {
        "", "60 s", "-1", "1e3", "60.", ".5", "007", "x", "1.2.3", "123456789012345678",
    };
    size_t i;

    (void)state;
    publish_host();
    for (i = 0; i < COUNT_OF(others); i++) {
        fake_store_set(HOST "/confirm-interval", others[i]);
        assert_int_equal(run("status"), 0);
        assert_null(strstr(output, "Confirmed"));
    }
    fake_store_set(HOST "/confirm-interval", "60");
    assert_int_equal(run("status --domain 1"), 1);
    publish_domain();
    fake_store_set(DOMAIN_1 "/confirm-interval", "60");
    assert_int_equal(run("status --domain 1"), 0);
    assert_null(strstr(output, "Confirmed"));
    fake_store_set(HOST "/status", "stopped");
    assert_int_equal(run("status"), 4);
    assert_null(strstr(output, "Confirmed"));
}

static void a_status_that_cannot_be_read_is_a_failure(void **state)
{
    unsigned int requests, n;

    (void)state;
    publish_host();
    fake_store_set(HOST "/confirm-interval", "60");
    assert_int_equal(run("status"), 0);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        fake_store_reset();
        publish_host();
        fake_store_fail(n, -ENOMEM);
        assert_run("status", 1, "", "xen-iommu: Cannot allocate memory\n");
    }
}

/* What a daemon left behind counts for nothing once it is not ready. */
static void no_daemon_is_exit_code_4(void **state)
{
    static const char stopped[] = "xen-iommu: xen-iommud is not ready: its status is \"stopped\"\n";
    static const char absent[] =
        "xen-iommu: nothing is published here: does xen-iommud run in dom0?\n";

    (void)state;
    assert_run("list", 4, "", absent);
    assert_run("show 00:04.0", 4, "", absent);
    assert_run("explain 00:04.0", 4, "", absent);
    assert_run("export --binding=xen-iommu", 4, "", absent);
    assert_run("status", 4,
               "View:        this domain\nDaemon:      absent\nABI version: -\n"
               "Generation:  -\nDevices:     0\n",
               absent);
    publish_host();
    fake_store_set(HOST "/status", "stopped");
    assert_run("list", 4, "", stopped);
    assert_run("show 00:04.0", 4, "", stopped);
    assert_run_json("status --json", 4,
                    "{\"view\":\"host\",\"status\":\"stopped\",\"version\":\"1\",\"generation\":1,"
                    "\"iommu\":\"enabled\",\"devices\":{\"unknown\":0,\"unprotected\":0,"
                    "\"relaxed\":0,\"protected\":0,\"quarantined\":0},\"verdict\":null}");
    assert_string_equal(errors, stopped);
}

static void failures_are_exit_code_1(void **state)
{
    static const char version[] =
        "xen-iommu: published version \"2\" is not known; this program knows \"1\"\n";
    static const char lost[] =
        "xen-iommu: XenStore cannot be reached: is this a Xen domain, and does xenstored run?\n";

    (void)state;
    publish_own();
    fake_store_set(OWN "/version", "2");
    assert_run("list", 1, "", version);
    assert_run("show 00:04.0", 1, "", version);
    assert_run("status", 1, "", version);
    fake_store_refuse(-ENOTCONN);
    assert_run("list", 1, "", lost);
    assert_run("status --json", 1, "", lost);
    fake_store_refuse(-EACCES);
    assert_run("show 00:04.0", 1, "", "xen-iommu: XenStore: permission denied\n");
    fake_store_refuse(-ENOMEM);
    assert_run("list", 1, "", "xen-iommu: Cannot allocate memory\n");
}

static void usage_errors_are_exit_code_2(void **state)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"", "no command given"},
        {"lst", "\"lst\" is not a command"},
        {"list more", "list: \"more\" is one argument too many"},
        {"show", "show needs DEVICE"},
        {"show 00:04.0 00:05.0", "show: \"00:05.0\" is one argument too many"},
        {"explain", "explain needs DEVICE"},
        {"export more --binding=xen-iommu", "export: \"more\" is one argument too many"},
        {"export", "export needs --binding"},
        {"export --json --binding=xen-iommu", "export does not take --json"},
        {"export --binding=iommu", "\"iommu\" is not a binding: it is iommu-el2-v1 or xen-iommu"},
        {"export --format=dtb", "\"dtb\" is not a format: it is dts or dtbo"},
        {"list --format=dts", "list does not take --format"},
        {"show 00:04.0 --binding=xen-iommu", "show does not take --binding"},
        {"explain 00:04.0 --output f", "explain does not take --output"},
        {"list --domain -1", "\"-1\" is not a domain's number"},
        {"list --domain 32752", "\"32752\" is not a domain's number"},
        {"list --domain 99999999999999999999", "\"99999999999999999999\" is not a domain's number"},
    };
    char expected[256];
    size_t i;

    (void)state;
    publish_own();
    for (i = 0; i < COUNT_OF(cases); i++) {
        snprintf(expected, sizeof(expected), "xen-iommu: %s\nTry 'xen-iommu --help'.\n",
                 cases[i].error);
        assert_run(cases[i].line, 2, "", expected);
    }
    assert_int_equal(run("list --unheard-of"), 2);
    assert_int_equal(run("list --domain"), 2);
    assert_run("show 00:04", 2, "",
               "xen-iommu: \"00:04\" is neither a PCI address nor a device tree path\n");
    assert_run("explain uart", 2, "",
               "xen-iommu: \"uart\" is neither a PCI address nor a device tree path\n");
}

static void help_and_version_need_no_xen(void **state)
{
    (void)state;
    fake_store_refuse(-ENOTCONN);
    assert_int_equal(run("--help"), 0);
    assert_non_null(strstr(output, "\n  list "));
    assert_non_null(strstr(output, "\n  show    DEVICE "));
    assert_non_null(strstr(output, "\n  explain DEVICE "));
    assert_non_null(strstr(output, "\n  export "));
    assert_non_null(strstr(output, "\n  status "));
    assert_string_equal(errors, "");
    assert_int_equal(run("show -h"), 0);
    assert_int_equal(run("--version"), 0);
    assert_int_equal(strncmp(output, "xen-iommu ", 10), 0);
}

static void a_full_disk_is_a_failure(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    publish_own();
    assert_true(full >= 0);
    assert_int_equal(run_into(full, "list"), 1);
    assert_string_equal(errors, "xen-iommu: cannot write to standard output\n");
}

static void devices_are_read_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint32_t sbdf;
    } addresses[] = {
        {"0000:00:04.0", 0x20},       {"00:04.0", 0x20},
        {"0001:ff:1f.7", 0x1ffff},    {"ABCD:EF:1A.3", 0xabcdefd3},
        {"abcd:ef:1a.3", 0xabcdefd3},
    };
    static const char *const others[] = {
        "",
        "0",
        "00:04",
        "00:04.8",
        "00:20.0",
        "0000-00-04-0",
        "0000:00:04:0",
        "00-04-0",
        "10000:00:04.0",
        "0:00:04.0",
        "00:04.0 ",
        " 00:04.0",
        "g0:04.0",
        "soc/video",
        "/",
        "/soc/",
        "//soc",
        "-0:04.0",
        "0000.00:04.0",
        "00.04.0",
    };
    struct xeniommu_device device = {.sbdf = 0x5a5a};
    char text[DEVICE_TEXT_SIZE];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(others); i++)
        assert_int_equal(device_parse(others[i], &device), -EINVAL);
    assert_int_equal(device.sbdf, 0x5a5a);
    for (i = 0; i < COUNT_OF(addresses); i++) {
        assert_int_equal(device_parse(addresses[i].text, &device), 0);
        assert_int_equal(device.bus, XENIOMMU_BUS_PCI);
        assert_int_equal(device.sbdf, addresses[i].sbdf);
    }
    assert_string_equal(device_format(&device, text), "abcd:ef:1a.3");
    assert_int_equal(device_parse("/soc/video@0", &device), 0);
    assert_int_equal(device.bus, XENIOMMU_BUS_DT);
    assert_string_equal(device_format(&device, text), "/soc/video@0");
}

/* A name of the firmware's that would move a terminal's cursor, and is no UTF-8. */
static void names_that_nobody_checked(void **state)
{
    struct xeniommu_device device = {.bus = XENIOMMU_BUS_DT, .path = "/so\x1b[2J\xff\\a b"};
    char *text = device_printable(&device);

    (void)state;
    assert_string_equal(text, "/so\\x1b[2J\\xff\\x5ca\\x20b");
    free(text);
    fake_store_reset();
    fake_store_publish(XENIOMMU_DIR);
    fake_store_device(XENIOMMU_DIR, "dt/so_1b_ff", "unknown", "keep", "x");
    assert_int_equal(run("list --json"), 0);
    assert_non_null(strstr(output, "\"/so\\\\x1b\\\\xff\""));
    assert_int_equal(run("show /so\x1b\xff"), 3);
    assert_memory_equal(output, "Device:   /so\\x1b\\xff\n", 22);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_that_nobody_checked),
        TEST(list_shows_the_own_tree_in_a_guest),
        TEST(list_shows_the_host_in_dom0),
        TEST(list_shows_another_domain),
        TEST(list_shows_limits_where_there_are_some),
        TEST(list_shows_dom0_as_a_domain),
        TEST(list_of_nothing_is_empty),
        TEST(list_in_json),
        TEST(show_tells_by_its_exit_code),
        TEST(show_in_the_host_tells_the_owner),
        TEST(show_tells_what_protection_leaves_out),
        TEST(show_in_a_guest_tells_no_remedy),
        TEST(status_counts),
        TEST(status_tells_the_bound),
        TEST(status_tells_no_bound_that_is_none),
        TEST(a_status_that_cannot_be_read_is_a_failure),
        TEST(no_daemon_is_exit_code_4),
        TEST(failures_are_exit_code_1),
        TEST(usage_errors_are_exit_code_2),
        TEST(help_and_version_need_no_xen),
        TEST(a_full_disk_is_a_failure),
        TEST(devices_are_read_as_people_write_them),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
