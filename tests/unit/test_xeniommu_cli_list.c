/* SPDX-License-Identifier: MIT */
/* xen-iommu list: columns, order, what is left out; and the names of domains, wherever one may be
 * given. */
#include "cli_run.h"
#include "command.h"
#include "fake_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST            XENIOMMU_HOST_DIR
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void publish_device(const char *key, const char *state, const char *owner, const char *unit,
                           const char *group)
{
    fake_store_device(HOST, key, state, strcmp(state, "protected") == 0 ? "skip" : "keep", "why");
    fake_store_field(HOST, key, "owner", owner);
    fake_store_field(HOST, key, "iommu", unit);
    fake_store_field(HOST, key, "group", group);
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(HOST);
    fake_store_set("/local/domain/0/name", "Domain-0");
    fake_store_set("/local/domain/1/name", "web");
    fake_store_set("/local/domain/12/name", "my guest");
    publish_device("pci/0000-00-04-0", "protected", "1", "dmar1@2000", "7");
    publish_device("pci/0000-00-05-0", "quarantined", "none", "dmar0@1000", NULL);
    publish_device("pci/0000-00-06-0", "relaxed", "0", "dmar1@2000", "7");
    publish_device("pci/0000-00-07-0", "unprotected", "0", NULL, NULL);
    publish_device("pci/0000-00-08-0", "protected", "12", "dmar1@2000", NULL);
    publish_device("dt/soc/video", "unknown", "unknown", NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_store_reset();
    unsetenv("COLUMNS");
    return 0;
}

static void columns_as_they_are_asked_for(void **state)
{
    (void)state;
    assert_run("list -o device,Owner,DOMAIN --state protected", 0,
               "DEVICE       OWNER DOMAIN\n"
               "0000:00:04.0     1 web\n"
               "0000:00:08.0    12 my guest\n",
               "");
    /* Empty ones too, and twice. */
    assert_run("list --columns=LIMITS,BUS,DEVICE,BUS --owner none", 0,
               "LIMITS BUS DEVICE       BUS\n"
               "-      pci 0000:00:05.0 pci\n",
               "");
    assert_run("list -o +IOMMU,STATE,BUS --owner none", 0,
               "DEVICE       STATE       SWIOTLB OWNER REASON IOMMU      BUS\n"
               "0000:00:05.0 quarantined keep     none why    dmar0@1000 pci\n",
               "");
}

/* What a script can cut apart: as many words in each line. */
static void raw_has_no_empty_cell(void **state)
{
    (void)state;
    assert_run("list -r -n -o DEVICE,DOMAIN,CLASS,NAME,GROUP,GUEST,IOMMU", 0,
               "0000:00:04.0 web Ethernet Example\\x20NIC 7 - dmar1@2000\n"
               "0000:00:05.0 - - - - - dmar0@1000\n"
               "0000:00:06.0 Domain-0 - - 7 - dmar1@2000\n"
               "0000:00:07.0 Domain-0 - - - - -\n"
               "0000:00:08.0 my\\x20guest - - - - dmar1@2000\n"
               "/soc/video - - - - - -\n",
               "");
}

static void order_by_a_column(void **state)
{
    static const struct {
        const char *column, *first, *last;
    } cases[] = {
        {"state", "0000:00:07.0", "0000:00:08.0"},   {"DEVICE", "0000:00:04.0", "/soc/video"},
        {"owner", "0000:00:06.0", "/soc/video"},     {"group", "0000:00:04.0", "/soc/video"},
        {"iommu", "0000:00:05.0", "/soc/video"},     {"bus", "/soc/video", "0000:00:08.0"},
        {"name", "0000:00:04.0", "/soc/video"},      {"class", "0000:00:04.0", "/soc/video"},
        {"domain", "0000:00:06.0", "/soc/video"},    {"guest", "0000:00:04.0", "/soc/video"},
        {"swiotlb", "0000:00:05.0", "0000:00:08.0"},
    };
    char line[64], last[32];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        snprintf(line, sizeof(line), "list -n -o DEVICE -x %s", cases[i].column);
        snprintf(last, sizeof(last), "\n%s\n", cases[i].last);
        assert_int_equal(run(line), 0);
        assert_memory_equal(output, cases[i].first, strlen(cases[i].first));
        assert_string_equal(output + strlen(output) - strlen(last), last);
    }
    assert_run("list -n -o DEVICE,STATE --sort STATE", 0,
               "0000:00:07.0 unprotected\n/soc/video   unknown\n0000:00:06.0 relaxed\n"
               "0000:00:05.0 quarantined\n0000:00:04.0 protected\n0000:00:08.0 protected\n",
               "");
}

static void only_some_states(void **state)
{
    (void)state;
    assert_run("list -n -o DEVICE --state=unknown,quarantined", 0, "0000:00:05.0\n/soc/video\n",
               "");
    assert_run("list -n -o DEVICE --state relaxed --state unknown", 0, "0000:00:06.0\n/soc/video\n",
               "");
    assert_run("list --state relaxed --owner 1", 0, "", "");
    assert_int_equal(run("list --json --state relaxed"), 0);
    assert_non_null(strstr(output, "0000:00:06.0"));
    assert_null(strstr(output, "0000:00:05.0"));
}

static void only_one_owner(void **state)
{
    (void)state;
    assert_run("list -n -o DEVICE --owner 0", 0, "0000:00:06.0\n0000:00:07.0\n", "");
    assert_run("list -n -o DEVICE --owner Domain-0", 0, "0000:00:06.0\n0000:00:07.0\n", "");
    assert_run("list -n -o DEVICE --owner unknown", 0, "/soc/video\n", "");
    assert_run("list -n -o DEVICE --owner 77", 0, "", "");
    assert_run("list --owner we", 1, "", "xen-iommu: no domain is called \"we\"\n");
    assert_run("list --owner webb", 1, "", "xen-iommu: no domain is called \"webb\"\n");
    assert_run("list --owner 1 --domain 1", 2, "",
               "xen-iommu: --owner: only the host's view tells who owns a device\n");
}

static void a_tree_by_unit_and_group(void **state)
{
    (void)state;
    assert_run("list --tree -o DEVICE,STATE", 0,
               "DEVICE           STATE\n"
               "dmar1@2000       \n"
               "|-group 7        \n"
               "| |-0000:00:04.0 protected\n"
               "| `-0000:00:06.0 relaxed\n"
               "`-0000:00:08.0   protected\n"
               "dmar0@1000       \n"
               "`-0000:00:05.0   quarantined\n"
               "no IOMMU known   \n"
               "|-0000:00:07.0   unprotected\n"
               "`-/soc/video     unknown\n",
               "");
    assert_int_equal(run("list --tree -o STATE"), 0);
    assert_memory_equal(output, "DEVICE ", 7);
    /* The group is in the headings. */
    assert_int_equal(run("list --tree"), 0);
    assert_null(strstr(output, "GROUP"));
}

/* A domain sees no unit. */
static void a_tree_of_a_domain(void **state)
{
    (void)state;
    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip", "why");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-01-0", "protected", "skip", "why");
    fake_store_set("/local/domain/1/iommu/pci/0000-00-01-0/group", "3");
    assert_run("list --tree --noheadings -o DEVICE --domain web", 0,
               "0000:00:00.0\ngroup 3\n`-0000:00:01.0\n", "");
}

static void domains_by_name(void **state)
{
    (void)state;
    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip", "why");
    assert_run("list -no DEVICE --domain web", 0, "0000:00:00.0\n", "");
    assert_int_equal(run("show --domain web 00:00.0"), 0);
    assert_int_equal(run("status --domain=web"), 0);
    assert_run("show --domain nobody 00:00.0", 1, "",
               "xen-iommu: no domain is called \"nobody\"\n");
    fake_store_set("/local/domain/2/name", "web");
    assert_run("list --domain web", 1, "",
               "xen-iommu: several domains are called \"web\": say which by its number\n");
    fake_store_fail(fake_store_requests() + 1, -EACCES);
    assert_run("list --domain web", 1, "",
               "xen-iommu: domain \"web\": permission denied: only dom0 sees other domains\n");
    fake_store_fail(fake_store_requests() + 1, -E2BIG);
    assert_run("list --domain web", 1, "",
               "xen-iommu: domain \"web\": more domains than this xenstored can list: give its "
               "number\n");
    fake_store_refuse(-ENOTCONN);
    assert_run(
        "list --domain web", 1, "",
        "xen-iommu: XenStore cannot be reached: is this a Xen domain, and does xenstored run?\n");
}

static void publish_guest(void)
{
    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-01-0", "protected", "skip", "why");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-02-0", "protected", "skip", "why");
    fake_store_device("/local/domain/1/iommu", "dt/video", "protected", "skip", "why");
    fake_store_set(HOST "/pci/0000-00-04-0/facts", "owner=guest guest-address=0000-00-01-0");
    fake_store_set(HOST "/dt/soc/video/owner", "1");
    fake_store_set(HOST "/dt/soc/video/facts", "owner=guest guest-path=/video");
}

/* One device, two names: each side's stands beside the other's. */
static void the_other_sides_name(void **state)
{
    (void)state;
    publish_guest();
    assert_run("list -o DEVICE,GUEST --owner 1", 0,
               "DEVICE       GUEST\n"
               "0000:00:04.0 00:01.0\n"
               "/soc/video   /video\n",
               "");
    assert_int_equal(run("list"), 0);
    assert_non_null(strstr(output, " GUEST "));
    assert_run("list --domain 1", 0,
               "DEVICE       STATE     SWIOTLB HOST       REASON CLASS    NAME\n"
               "0000:00:01.0 protected skip    00:04.0    why    Ethernet Example NIC\n"
               "0000:00:02.0 protected skip    -          why             \n"
               "/video       protected skip    /soc/video why             \n",
               "");
    assert_int_equal(run("list --json --owner 1"), 0);
    assert_non_null(strstr(output, "\"guest_device\":\"0000:00:01.0\""));
    assert_non_null(strstr(output, "\"guest_device\":\"/video\""));
    assert_int_equal(run("show --json --domain 1 00:01.0"), 0);
    assert_non_null(strstr(output, "\"host_device\":\"0000:00:04.0\""));
    assert_int_equal(run("show 00:04.0"), 0);
    assert_non_null(strstr(output, "\nOwner:    1 (web)\nGuest's:  0000:00:01.0\nIOMMU: "));
    assert_int_equal(run("explain --domain 1 /video"), 0);
    assert_non_null(strstr(output, "\nHost's:   /soc/video\n"));
    assert_int_equal(run("graph --domain 1"), 0);
    assert_non_null(strstr(output, "0000:00:01.0\\nin the host 0000:00:04.0\\n"));
}

/* Of two that are said to be the same, neither; and another's, or none, where there is no word. */
static void the_other_sides_name_in_doubt(void **state)
{
    (void)state;
    publish_guest();
    publish_device("pci/0000-00-06-0", "protected", "1", NULL, NULL);
    fake_store_set(HOST "/pci/0000-00-06-0/facts", "guest-address=0000-00-01-0");
    assert_run("list -rno DEVICE,HOST --domain 1", 0,
               "0000:00:01.0 -\n0000:00:02.0 -\n/video /soc/video\n", "");
    fake_store_set(HOST "/pci/0000-00-06-0/owner", "12");
    assert_run("list -rno DEVICE,HOST --domain 1", 0,
               "0000:00:01.0 00:04.0\n0000:00:02.0 -\n/video /soc/video\n", "");
    fake_store_set(HOST "/status", "stopped");
    assert_run("list -rno DEVICE,HOST --domain 1", 0, "0000:00:01.0 -\n0000:00:02.0 -\n/video -\n",
               "");
}

/* dom0's own devices have one name. */
static void dom0_is_the_host(void **state)
{
    (void)state;
    fake_store_publish("/local/domain/0/iommu");
    fake_store_device("/local/domain/0/iommu", "pci/0000-00-04-0", "relaxed", "keep", "why");
    assert_int_equal(run("list --domain 0"), 0);
    assert_null(strstr(output, "HOST"));
    assert_int_equal(run("list --domain 0 --json"), 0);
    assert_non_null(strstr(output, "\"host_device\":\"0000:00:04.0\""));
}

/* A guest has no business with the host's names. */
static void a_guest_is_told_no_other_name(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(XENIOMMU_DIR);
    fake_store_device(XENIOMMU_DIR, "pci/0000-00-04-0", "protected", "skip", "why");
    assert_int_equal(run("list --json"), 0);
    assert_null(strstr(output, "_device"));
    assert_run("list -no HOST,GUEST,OWNER", 0, "-    -         -\n", "");
}

/* Only the toolstack writes it, but nothing checks what. */
static void a_name_that_moves_the_cursor(void **state)
{
    (void)state;
    fake_store_set("/local/domain/1/name", "we\x1b[2J\xff\\b");
    assert_int_equal(run("list --json --owner 1"), 0);
    assert_non_null(strstr(output, "\"owner_name\":\"we\\\\x1b[2J\\\\xff\\\\x5cb\""));
    assert_int_equal(run("list -o DOMAIN --owner 1"), 0);
    assert_null(strchr(output, '\x1b'));
    assert_null(strchr(output, '\xff'));
    assert_int_equal(run("graph"), 0);
    assert_non_null(strstr(output, "domain 1\\nwe\\\\x1b[2J\\\\xff\\\\x5cb\""));
}

static void names_are_in_json(void **state)
{
    (void)state;
    assert_int_equal(run("list --json"), 0);
    assert_non_null(strstr(output, "\"owner\":1,\n      \"owner_name\":\"web\""));
    assert_non_null(strstr(output, "\"owner\":\"none\",\n      \"owner_name\":null"));
    assert_non_null(strstr(output, "\"owner\":\"unknown\",\n      \"owner_name\":null"));
}

static unsigned int requests_of(const char *line)
{
    unsigned int before = fake_store_requests();

    assert_int_equal(run(line), 0);
    return fake_store_requests() - before;
}

/* As many as of a device of dom0's, and the facts, which tell the guest's name for it. */
#define READS_OF_A_DEVICE 9

/* A name is read once for a domain, not for each of its devices. */
static void names_cost_a_read_for_each_domain(void **state)
{
    unsigned int before = requests_of("list");
    char key[32];
    int i;

    (void)state;
    for (i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "pci/0000-01-%02x-0", i);
        publish_device(key, "protected", i % 2 == 0 ? "1" : "12", NULL, NULL);
    }
    assert_int_equal(requests_of("list") - before, 20 * READS_OF_A_DEVICE);
    /* Of others' devices nothing is read but whose they are. */
    assert_in_range(requests_of("list --owner none"), 26, 26 + 20);
}

static void give_away(void)
{
    fake_store_set(HOST "/pci/0000-00-04-0/owner", "0");
    fake_store_bump(HOST);
}

/* Whenever it changes hands, it is never shown as what was not asked for. */
static void a_device_that_goes_to_another_owner(void **state)
{
    unsigned int requests, n;

    setup(state);
    assert_int_equal(run("list -rn -o OWNER,DEVICE --owner 1"), 0);
    requests = fake_store_requests();
    for (n = 1; n <= requests; n++) {
        setup(state);
        fake_store_plan(n, give_away);
        assert_int_equal(run("list -rn -o OWNER,DEVICE --owner 1"), 0);
        assert_true(output[0] == '\0' || strcmp(output, "1 0000:00:04.0\n") == 0);
    }
}

/* On any error there is a complaint, and no half of a list. */
static void every_read_may_fail(void **state)
{
    static const char *const lines[] = {"list", "list --owner web", "list --json", "graph",
                                        "list --domain web"};
    unsigned int requests, n;
    size_t i;

    for (i = 0; i < COUNT_OF(lines); i++) {
        setup(state);
        fake_store_publish("/local/domain/1/iommu");
        fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip", "why");
        assert_int_equal(run(lines[i]), 0);
        requests = fake_store_requests();
        for (n = 1; n <= requests; n++) {
            setup(state);
            fake_store_publish("/local/domain/1/iommu");
            fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip",
                              "why");
            fake_store_fail(n, -ENOMEM);
            assert_run(lines[i], 1, "", "xen-iommu: Cannot allocate memory\n");
        }
    }
}

/* Where standard output is a terminal of so many columns. */
static void run_in_terminal(const char *line, const char *columns, char text[8192])
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
    size_t size = 0;
    ssize_t len;

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    setenv("COLUMNS", columns, 1);
    setenv("TERM", "xterm", 1);
    assert_int_equal(run_into(slave, line), 0);
    while (size < 8191 && (len = read(master, text + size, 8191 - size)) > 0)
        size += (size_t)len;
    text[size] = '\0';
    close(master);
}

static void colours_on_a_terminal_only(void **state)
{
    char text[8192];

    (void)state;
    unsetenv("NO_COLOR");
    assert_int_equal(run("list"), 0);
    assert_null(strchr(output, '\x1b'));
    run_in_terminal("list", "80", text);
    assert_non_null(strstr(text, "\x1b[32mprotected"));
    assert_non_null(strstr(text, "\x1b[31munprotected"));
    run_in_terminal("list --color=never", "80", text);
    assert_null(strchr(text, '\x1b'));
    setenv("NO_COLOR", "1", 1);
    run_in_terminal("list", "80", text);
    assert_null(strchr(text, '\x1b'));
    run_in_terminal("list --color", "80", text);
    assert_non_null(strchr(text, '\x1b'));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_int_equal(run("list --color=always"), 0);
    assert_non_null(strchr(output, '\x1b'));
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");

        longest = len > longest ? len : longest;
        text += len + strspn(text + len, "\r\n");
    }
    return longest;
}

/* What a person misses least makes room; states and addresses are never cut. */
static void a_narrow_terminal(void **state)
{
    static const char *const widths[] = {"40", "60", "80", "120"};
    char text[8192];
    size_t i;

    (void)state;
    fake_store_set("/local/domain/12/name", "a-server-with-a-very-long-name-0001");
    for (i = 0; i < COUNT_OF(widths); i++) {
        run_in_terminal("list --color=never", widths[i], text);
        assert_non_null(strstr(text, "00:05.0 "));
        assert_non_null(strstr(text, " quarantined "));
        assert_true(atoi(widths[i]) < 60 || longest_line(text) <= (size_t)atoi(widths[i]));
    }
    assert_non_null(strstr(text, "SWIOTLB"));
    run_in_terminal("list --color=never", "60", text);
    assert_null(strstr(text, "SWIOTLB"));
    assert_non_null(strstr(text, "\n00:05.0 "));
    publish_device("pci/0001-00-04-0", "protected", "1", NULL, NULL);
    run_in_terminal("list --color=never", "60", text);
    assert_non_null(strstr(text, "\n0000:00:05.0 "));
    /* Who asks for a column gets it. */
    run_in_terminal("list --color=never -o +SWIOTLB", "60", text);
    assert_non_null(strstr(text, "SWIOTLB"));
}

static void usage_errors(void **state)
{
    static const char columns[] =
        "DEVICE STATE SWIOTLB OWNER DOMAIN GUEST HOST GROUP REASON LIMITS "
        "IOMMU BUS CLASS NAME";
    static const char states[] = "protected, relaxed, unprotected, quarantined or unknown";
    const struct {
        const char *line, *error;
    } cases[] = {
        {"list -o DEVICE,what", "\"what\" is not a column: "},
        {"list -o DEVICE,", "\"\" is not a column: "},
        {"list -o +", "\"\" is not a column: "},
        {"list --sort x", "\"x\" is not a column: "},
        {"list --state Protected", "\"Protected\" is not a state: it is "},
        {"list --state protected,", "\"\" is not a state: it is "},
        {"list --color=green", "\"green\" is not a colour: it is auto, always or never"},
        {"list --json --tree", "--json and --tree exclude each other: JSON is no table"},
        {"list --raw --tree", "--tree and --raw exclude each other"},
        {"show 00:04.0 --tree", "show does not take --tree"},
        {"list --domain -x", "\"-x\" is not a domain's number"},
        {"graph -T jpg", "\"jpg\" is not a type: it is dot, svg or png"},
        {"graph --json", "graph does not take --json"},
    };
    char expected[512];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        snprintf(expected, sizeof(expected), "xen-iommu: %s%s\nTry 'xen-iommu --help'.\n",
                 cases[i].error,
                 strstr(cases[i].error, "column: ") != NULL  ? columns
                 : strstr(cases[i].error, "state: ") != NULL ? states
                                                             : "");
        assert_run(cases[i].line, 2, "", expected);
    }
    assert_int_equal(run("list --nonsense"), 2);
    assert_memory_equal(errors, "xen-iommu: ", 11);
}

static void too_many_columns(void **state)
{
    char line[512] = "list -o BUS";
    size_t i;

    (void)state;
    for (i = 1; i < LIST_COLUMNS_MAX; i++)
        strcat(line, ",BUS");
    assert_int_equal(run(line), 0);
    strcat(line, ",BUS");
    assert_int_equal(run(line), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_as_they_are_asked_for),
        TEST(raw_has_no_empty_cell),
        TEST(order_by_a_column),
        TEST(only_some_states),
        TEST(only_one_owner),
        TEST(a_tree_by_unit_and_group),
        TEST(a_tree_of_a_domain),
        TEST(domains_by_name),
        TEST(the_other_sides_name),
        TEST(the_other_sides_name_in_doubt),
        TEST(dom0_is_the_host),
        TEST(a_guest_is_told_no_other_name),
        TEST(a_name_that_moves_the_cursor),
        TEST(names_are_in_json),
        TEST(names_cost_a_read_for_each_domain),
        TEST(a_device_that_goes_to_another_owner),
        TEST(every_read_may_fail),
        TEST(colours_on_a_terminal_only),
        TEST(a_narrow_terminal),
        TEST(usage_errors),
        TEST(too_many_columns),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
