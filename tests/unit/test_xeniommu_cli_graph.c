/* SPDX-License-Identifier: MIT */
/* xen-iommu graph: the picture's source, and that graphviz takes it. */
#include "cli_run.h"
#include "command.h"
#include "fake_store.h"
#include "graph.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST XENIOMMU_HOST_DIR

static char folder[] = "/tmp/xi-graph-XXXXXX";

static void publish_device(const char *key, const char *state, const char *owner, const char *unit,
                           const char *group)
{
    fake_store_device(HOST, key, state, "keep", "why");
    fake_store_field(HOST, key, "owner", owner);
    fake_store_field(HOST, key, "iommu", unit);
    fake_store_field(HOST, key, "group", group);
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    fake_store_publish(HOST);
    fake_store_set(HOST "/iommu", "enabled");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_store_reset();
    return 0;
}

static size_t count_of(const char *text)
{
    const char *at = output;
    size_t count = 0;

    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

static void publish_few(void)
{
    fake_store_set("/local/domain/1/name", "web");
    publish_device("pci/0000-00-04-0", "protected", "1", "dmar0@1000", "7");
    publish_device("pci/0000-00-05-0", "quarantined", "none", "dmar0@1000", "7");
    publish_device("pci/0000-00-06-0", "relaxed", "0", "dmar0@1000", NULL);
    publish_device("pci/0000-00-07-0", "unprotected", "0", NULL, NULL);
    publish_device("dt/soc/video", "unknown", "unknown", NULL, NULL);
}

static void units_groups_devices_domains(void **state)
{
    (void)state;
    publish_few();
    fake_store_set(HOST "/pci/0000-00-04-0/limits", "ats no-acs");
    assert_int_equal(run("graph"), 0);
    assert_string_equal(errors, "");
    assert_non_null(strstr(output, "label=\"5 devices, as the host sees them; IOMMU enabled\""));
    assert_int_equal(count_of("subgraph cluster_u"), 2);
    assert_non_null(strstr(output, "label=\"IOMMU dmar0@1000\""));
    assert_non_null(strstr(output, "label=\"no IOMMU known\""));
    assert_int_equal(count_of("subgraph cluster_g"), 1);
    assert_non_null(strstr(output, "label=\"group 7: not isolated from each other\""));
    assert_non_null(strstr(output, "[shape=box, style=\"filled\", fillcolor=\"#fff3bf\", "
                                   "color=\"#8c6d00\", label=\"0000:00:06.0\\nrelaxed (why)\""));
    assert_non_null(strstr(output, "label=\"0000:00:04.0\\nEthernet controller\\nprotected (why)"
                                   "\\nlimits: ats,no-acs\""));
    assert_non_null(strstr(output, "label=\"/soc/video\\nunknown (why)\\nowner not known\""));
    assert_non_null(strstr(output, "label=\"domain 1\\nweb\""));
    /* Nobody has the one that can be assigned, and nobody knows about the last. */
    assert_int_equal(count_of(" -> d"), 3);
    assert_int_equal(count_of(" -> d0 "), 2);
    assert_int_equal(count_of("{"), count_of("}"));
}

static void a_domain_on_its_own(void **state)
{
    (void)state;
    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "pci/0000-00-00-0", "protected", "skip", "why");
    assert_int_equal(run("graph --domain 1"), 0);
    assert_non_null(strstr(output, "label=\"1 device, as domain 1 sees them\""));
    assert_null(strstr(output, "cluster_u"));
    assert_int_equal(count_of("n0 -> d1 "), 1);
    fake_store_remove(HOST);
    fake_store_publish(XENIOMMU_DIR);
    assert_int_equal(run("graph"), 0);
    assert_non_null(strstr(output, "0 devices, of this domain"));
    assert_non_null(strstr(output, "label=\"this domain\""));
}

/* Each state has its own colour and its own shape. */
static void states_look_different(void **state)
{
    static const char *const states[] = {"protected", "relaxed", "unprotected", "quarantined",
                                         "unknown"};
    char shapes[5][64];
    size_t i, j;

    (void)state;
    for (i = 0; i < 5; i++) {
        setup(state);
        publish_device("pci/0000-00-05-0", states[i], "0", NULL, NULL);
        assert_int_equal(run("graph"), 0);
        assert_int_equal(sscanf(strstr(output, "n0 [shape="), "n0 [%63[^#]", shapes[i]), 1);
        for (j = 0; j < i; j++)
            assert_string_not_equal(shapes[i], shapes[j]);
    }
}

/* Far too many for a box each: those that are alike are one, and a group whose members are all
 * alike tells nothing. */
static void many_devices(void **state)
{
    char key[32];
    int i;

    (void)state;
    for (i = 0; i < 30; i++) {
        snprintf(key, sizeof(key), "pci/0000-%02x-00-0", i);
        publish_device(key, i % 3 == 0 ? "protected" : "relaxed", i % 3 == 0 ? "1" : "0",
                       "dmar0@1000",
                       i == 11 || i == 14 ? "5"
                       : i < 2            ? "6"
                                          : NULL);
    }
    fake_store_set(HOST "/pci/0000-01-00-0/group", "6");
    assert_int_equal(run("graph"), 0);
    assert_int_equal(count_of("[shape=box"), 4);
    assert_non_null(
        strstr(output, "label=\"9 devices\\nprotected (why)\\n 03:00.0 06:00.0 09:00.0 +6\""));
    assert_int_equal(count_of("subgraph cluster_g"), 1);
    assert_non_null(strstr(output, "label=\"group 6:"));
    /* All of them can be found out. */
    for (i = 0; i < 30; i++) {
        snprintf(key, sizeof(key), "0000:%02x:00.0", i);
        assert_non_null(strstr(output, key));
    }
}

/* As little a device's name as a domain's ends its label, or is an order to graphviz. */
static void names_are_only_text(void **state)
{
    (void)state;
    publish_device("pci/0000-00-05-0", "protected", "1", "a\"];x", NULL);
    publish_device("dt/so_22c_5cN_26lt_3b", "unknown", "0", NULL, NULL);
    fake_store_set("/local/domain/1/name", "\"]; b -> c; x [label=\"\\N&lt;<b>\n");
    assert_int_equal(run("graph"), 0);
    assert_non_null(strstr(output, "label=\"IOMMU a\\\"];x\""));
    assert_non_null(strstr(output, "label=\"/so\\\"c\\\\x5cN&amp;lt;\\n"));
    assert_non_null(
        strstr(output, "label=\"domain 1\\n\\\"]; b -> c; x [label=\\\"\\\\x5cN&amp;lt...\""));
    assert_int_equal(run("graph -T svg"), 0);
    assert_string_equal(errors, "");
    assert_int_equal(count_of("class=\"edge\""), 2);
    assert_int_equal(count_of("class=\"node\""), 4);
    assert_non_null(strstr(output, "&amp;lt...</text>"));
}

static void pictures(void **state)
{
    char line[128], path[64], head[8];
    struct stat info;
    int file;

    (void)state;
    publish_few();
    assert_int_equal(run("graph -T svg"), 0);
    assert_string_equal(errors, "");
    assert_memory_equal(output, "<?xml", 5);
    assert_non_null(strstr(output, ">0000:00:04.0</text>"));
    snprintf(path, sizeof(path), "%s/a.png", folder);
    snprintf(line, sizeof(line), "graph --type=png --output %s", path);
    assert_run(line, 0, "", "");
    file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(read(file, head, 8), 8);
    close(file);
    assert_memory_equal(head, "\x89PNG", 4);
    snprintf(line, sizeof(line), "graph --output %s", path);
    assert_run(line, 0, "", "");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(run("graph"), 0);
    assert_int_equal(info.st_size, strlen(output));
    unlink(path);
}

static void what_goes_wrong(void **state)
{
    const char *path = getenv("PATH");
    char saved[4096], line[128];
    int file;

    (void)state;
    publish_few();
    snprintf(line, sizeof(line), "graph --output %s/none/a", folder);
    assert_int_equal(run(line), 1);
    assert_non_null(strstr(errors, "/none/a: No such file or directory"));
    snprintf(line, sizeof(line), "graph -T svg --output %s/none/a", folder);
    assert_int_equal(run(line), 1);
    assert_non_null(strstr(errors, "/none/a: No such file or directory"));
    assert_int_equal(run("graph --output /dev/full"), 1);
    assert_int_equal(run("graph -T svg --output /dev/full"), 1);
    assert_non_null(strstr(errors,
                           "xen-iommu: graphviz's dot failed: what it wrote, if anything, is "
                           "no whole picture\n"));
    file = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(file >= 0 && grantpt(file) == 0 && unlockpt(file) == 0);
    assert_int_equal(run_into(open(ptsname(file), O_RDWR | O_NOCTTY | O_CLOEXEC), "graph -T png"),
                     2);
    assert_string_equal(errors,
                        "xen-iommu: a png is not for a terminal: name a file with --output\n");
    close(file);
    snprintf(saved, sizeof(saved), "%s", path != NULL ? path : "");
    setenv("PATH", folder, 1);
    assert_run("graph -T svg", 1, "",
               "xen-iommu: -T svg needs graphviz, whose dot is not installed; without -T the "
               "picture's source is printed\n");
    setenv("PATH", saved, 1);
    fake_store_set(HOST "/status", "stopped");
    assert_run("graph", 4, "", "xen-iommu: xen-iommud is not ready: its status is \"stopped\"\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(units_groups_devices_domains),
        TEST(a_domain_on_its_own),
        TEST(states_look_different),
        TEST(many_devices),
        TEST(names_are_only_text),
        TEST(pictures),
        TEST(what_goes_wrong),
    };
    int failed;

    setenv("LC_ALL", "C", 1);
    if (mkdtemp(folder) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
