/* SPDX-License-Identifier: MIT */
/* xen-iommu export: what it writes, applied to a tree by fdtoverlay and read back. */
#include "cli_run.h"
#include "fake_store.h"
#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xeniommu.h>

#define HOST            XENIOMMU_HOST_DIR
#define OWN             XENIOMMU_DIR
#define MANY            120
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const bindings[] = {"iommu-el2-v1", "xen-iommu"};

static const char base_source[] =
    "/dts-v1/;\n"
    "/ {\n"
    "    intc: intc { interrupt-controller; phandle = <7>; };\n"
    "    soc {\n"
    "        video@fe001000 { compatible = \"example,video\"; interrupt-parent = <&intc>; };\n"
    "        nic,0@2 { iommus = <&intc>; };\n"
    "        uart@3 { };\n"
    "        dma@4 { };\n"
    "        usb@5 { };\n"
    "    };\n"
    "};\n";

static char folder[] = "/tmp/xen-iommu-export.XXXXXX", said[65536];

/* Runs a command in the folder; its output is in said. */
static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
    char command[1024];
    va_list args;
    size_t len;
    FILE *pipe;
    int at = snprintf(command, sizeof(command), "exec 2>&1; cd %s; ", folder);

    va_start(args, format);
    vsnprintf(command + at, sizeof(command) - (size_t)at, format, args);
    va_end(args);
    pipe = popen(command, "re");
    assert_non_null(pipe);
    len = fread(said, 1, sizeof(said) - 1, pipe);
    said[len] = '\0';
    if (pclose(pipe) != 0)
        fail_msg("%s: %s", command, said);
}

/* The same for a command that is to say nothing. */
static void assert_silent(void)
{
    if (said[0] != '\0')
        fail_msg("%s", said);
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "we");
    assert_true(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void *read_file(const char *name, size_t *size)
{
    char path[128], *data = calloc(1, 65536);
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "re");
    assert_true(file != NULL && data != NULL);
    *size = fread(data, 1, 65535, file);
    fclose(file);
    return data;
}

static int setup(void **state)
{
    (void)state;
    fake_store_reset();
    strcpy(strrchr(folder, '.'), ".XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_file("base.dts", base_source, strlen(base_source));
    shell(DTC " -q -I dts -O dtb -o base.dtb base.dts");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_store_reset();
    shell("rm -rf %s", folder);
    return 0;
}

/* What counts, what does not, and what is not this domain's. */
static void publish(void)
{
    fake_store_publish(HOST);
    fake_store_device(HOST, "dt/soc/uart@3", "protected", "skip", "assigned-translated");
    fake_store_publish(OWN);
    fake_store_device(OWN, "dt/soc/video@fe001000", "protected", "skip", "behind-iommu");
    fake_store_device(OWN, "dt/soc/nic_2c0@2", "protected", "skip", "behind-iommu");
    fake_store_device(OWN, "dt/soc/dma@4", "protected", "keep", "assigned-pv");
    fake_store_device(OWN, "dt/soc/usb@5", "unprotected", "skip", "not-behind-iommu");
    fake_store_device(OWN, "pci/0000-00-04-0", "protected", "skip", "dom0-pvh");
}

static void publish_path(const char *path)
{
    char encoded[256], key[264];

    assert_true(xeniommu_encode_path(path, encoded, sizeof(encoded)) > 0);
    snprintf(key, sizeof(key), "dt/%s", encoded);
    fake_store_device(OWN, key, "protected", "skip", "behind-iommu");
}

/* Exports to FORMAT in the folder. */
static void export_as(const char *format, const char *binding)
{
    char line[256];

    snprintf(line, sizeof(line), "export --format=%s --binding=%s --output %s/%s", format, binding,
             folder, format);
    assert_run(line, 0, "", "");
}

/* Exports in both formats, and applies both: the source, compiled with and without symbols, gives
 * the same as the blob. The result is out.dtb and, as source, said. */
static void export_and_apply(const char *binding)
{
    char *expected;

    export_as("dtbo", binding);
    export_as("dts", binding);
    shell(DTC " -I dts -O dtb -o plain.dtbo dts && " DTC " -@ -I dts -O dtb -o symbols.dtbo dts");
    assert_silent();
    shell("for i in plain symbols; do " FDTOVERLAY " -i base.dtb -o $i.dtb $i.dtbo || exit; done");
    assert_silent();
    shell(FDTOVERLAY " -i base.dtb -o out.dtb dtbo");
    assert_silent();
    shell("if " FDTGET " -p symbols.dtb /__symbols__ >symbols 2>&1; then " FDTPUT
          " -r symbols.dtb /__symbols__; fi; rm symbols");
    assert_silent();
    shell("for i in plain symbols out; do " DTC
          " -q -f -s -I dtb -O dts -o $i.dts $i.dtb 2>complaints || exit; "
          "done; "
          "cat out.dts");
    expected = strdup(said);
    assert_non_null(expected);
    shell("cat plain.dts");
    assert_string_equal(said, expected);
    shell("cat symbols.dts");
    assert_string_equal(said, expected);
    free(expected);
}

/* A property of out.dtb, as fdtget prints it. */
static void assert_property(const char *node, const char *name, const char *expected)
{
    char line[256];

    shell(FDTGET " -d absent out.dtb '%s' '%s'", node, name);
    snprintf(line, sizeof(line), "%s\n", expected);
    assert_string_equal(said, line);
}

static void iommu_el2_points_to_one_node(void **state)
{
    char phandle[32];

    (void)state;
    publish();
    export_and_apply("iommu-el2-v1");
    assert_property("/xen-iommu", "compatible", "xen,iommu-el2-v1");
    assert_property("/xen-iommu", "#iommu-cells", "0");
    shell(FDTGET " out.dtb /xen-iommu phandle");
    snprintf(phandle, sizeof(phandle), "%.*s", (int)strcspn(said, "\n"), said);
    assert_int_equal(atoi(phandle), 8); /* not the 7 that was there */
    assert_property("/soc/video@fe001000", "iommus", phandle);
    assert_property("/soc/nic,0@2", "iommus", phandle);
    assert_property("/soc/video@fe001000", "compatible", "example,video");
    assert_property("/soc/video@fe001000", "interrupt-parent", "7");
    assert_property("/soc/uart@3", "iommus", "absent");
    assert_property("/soc/dma@4", "iommus", "absent");
    assert_property("/soc/usb@5", "iommus", "absent");
    assert_property("/soc/video@fe001000", "xen,iommu", "absent");
}

static void xen_iommu_is_a_word(void **state)
{
    (void)state;
    publish();
    export_and_apply("xen-iommu");
    assert_property("/soc/video@fe001000", "xen,iommu", "on");
    assert_property("/soc/nic,0@2", "xen,iommu", "on");
    assert_property("/soc/nic,0@2", "iommus", "7");
    assert_property("/soc/uart@3", "xen,iommu", "absent");
    assert_property("/soc/dma@4", "xen,iommu", "absent");
    assert_property("/soc/usb@5", "xen,iommu", "absent");
    shell("if " FDTGET " -p out.dtb /xen-iommu >iommu 2>&1; then echo there; fi");
    assert_silent();
}

static void dts_is_the_default_and_readable(void **state)
{
    (void)state;
    publish();
    assert_run("export --binding=xen-iommu", 0,
               "/dts-v1/;\n/plugin/;\n\n"
               "/* By xen-iommu export: what was protected at that moment. It does not follow a "
               "device that\n * moves to another domain, nor a Xen that is booted with other "
               "options. */\n"
               "/ {\n"
               "\tfragment@0 {\n\t\ttarget-path = \"/soc/nic,0@2\";\n\n"
               "\t\t__overlay__ {\n\t\t\txen,iommu = \"on\";\n\t\t};\n\t};\n\n"
               "\tfragment@1 {\n\t\ttarget-path = \"/soc/video@fe001000\";\n\n"
               "\t\t__overlay__ {\n\t\t\txen,iommu = \"on\";\n\t\t};\n\t};\n"
               "};\n",
               "");
}

static void another_domains_devices_are_exported_too(void **state)
{
    (void)state;
    publish();
    fake_store_publish("/local/domain/1/iommu");
    fake_store_device("/local/domain/1/iommu", "dt/passthrough/uart@3", "protected", "skip",
                      "assigned-translated");
    assert_int_equal(run("export --binding=iommu-el2-v1 --domain 1"), 0);
    assert_non_null(strstr(output, "target-path = \"/passthrough/uart@3\";"));
    assert_null(strstr(output, "video"));
    assert_run("export --binding=iommu-el2-v1 --domain 2", 1, "",
               "xen-iommu: domain 2 does not exist\n");
}

static void nothing_protected_is_an_empty_overlay(void **state)
{
    static const char empty[] = "xen-iommu: the overlay is empty: no device tree device here is "
                                "protected and may do without swiotlb-xen\n";
    char line[128], *before;
    size_t i;

    (void)state;
    fake_store_publish(OWN);
    shell(DTC " -q -s -I dtb -O dts base.dtb");
    before = strdup(said);
    assert_non_null(before);
    for (i = 0; i < COUNT_OF(bindings); i++) {
        snprintf(line, sizeof(line), "export --format=dtbo --binding=%s --output %s/o", bindings[i],
                 folder);
        assert_run(line, 0, "", empty);
        shell(FDTOVERLAY " -i base.dtb -o out.dtb o && " DTC " -q -s -I dtb -O dts out.dtb");
        assert_string_equal(said, before);
        snprintf(line, sizeof(line), "export --binding=%s --output %s/o", bindings[i], folder);
        assert_run(line, 0, "", empty);
        shell(DTC " -I dts -O dtb -o o.dtbo o && " FDTOVERLAY
                  " -i base.dtb -o out.dtb o.dtbo && " DTC " -q -s -I dtb -O dts out.dtb");
        assert_string_equal(said, before);
    }
    free(before);
}

/* A base tree with these nodes below the root, which dtc's own syntax could not write. */
static void make_base(const char *const *paths, size_t count)
{
    static char blob[65536];
    size_t i;

    assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
    for (i = 0; i < count; i++)
        assert_true(fdt_add_subnode(blob, 0, paths[i] + 1) > 0);
    assert_int_equal(fdt_pack(blob), 0);
    write_file("base.dtb", blob, fdt_totalsize(blob));
}

static void odd_bytes_come_out_right(void **state)
{
    static const char *const odd[] = {"/a\"b",  "/a\\b",  "/a b",        "/\\\"",
                                      "/a\nb",  "/\x01g", "/\xff\xfe@1", "/caf\xc3\xa9",
                                      "/a;}{'", "/state", "/a%s"};
    size_t i, j, size;
    int len, node;
    void *tree;

    (void)state;
    fake_store_publish(OWN);
    for (i = 0; i < COUNT_OF(odd); i++)
        publish_path(odd[i]);
    make_base(odd, COUNT_OF(odd));
    for (i = 0; i < COUNT_OF(bindings); i++) {
        export_and_apply(bindings[i]);
        tree = read_file("out.dtb", &size);
        assert_int_equal(fdt_check_full(tree, size), 0);
        for (j = 0; j < COUNT_OF(odd); j++) {
            node = fdt_path_offset(tree, odd[j]);
            assert_true(node > 0);
            assert_non_null(fdt_getprop(tree, node, i == 0 ? "iommus" : "xen,iommu", &len));
        }
        free(tree);
        shell("LC_ALL=C; if grep -q '[^\t -~]' dts; then echo not plain text; fi");
        assert_silent();
    }
}

static void many_devices_fit(void **state)
{
    char names[MANY][64];
    const char *paths[MANY];
    size_t i, size;
    char *text;

    (void)state;
    fake_store_publish(OWN);
    for (i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "/a-device-with-quite-a-long-name@%zx", i);
        paths[i] = names[i];
        publish_path(paths[i]);
    }
    make_base(paths, MANY);
    for (i = 0; i < COUNT_OF(bindings); i++)
        export_and_apply(bindings[i]);
    text = read_file("dtbo", &size);
    assert_in_range(size, 8193, 65534);
    free(text);
}

static void what_cannot_be_named_is_refused(void **state)
{
    static const struct {
        const char *paths[2];
        const char *error;
    } cases[] = {
        {{"/soc/a:b", "/soc/c"},
         "xen-iommu: /soc/a:b: a ':' in a path cannot be exported: Linux ends the path of an "
         "overlay's target there\n"},
        {{"/soc/video", "/soc/video@1"},
         "xen-iommu: /soc/video: cannot be exported: by that name an overlay may hit "
         "/soc/video@1\n"},
        {{"/soc/video@1", "/soc@2/video@1"},
         "xen-iommu: /soc/video@1: cannot be exported: by that name an overlay may hit "
         "/soc@2/video@1\n"},
    };
    char line[128];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++) {
        fake_store_reset();
        fake_store_publish(OWN);
        publish_path(cases[i].paths[0]);
        publish_path(cases[i].paths[1]);
        snprintf(line, sizeof(line), "export --binding=xen-iommu --output %s/none", folder);
        assert_run(line, 1, "", cases[i].error);
        shell("test ! -e none");
    }
}

static void one_name_may_stand_for_another(void **state)
{
    static const struct {
        const char *path, *other;
        bool stands;
    } cases[] = {
        {"/a", "/a", true},          {"/a", "/a@1", true},        {"/a@1", "/a", false},
        {"/a", "/b@1", false},       {"/a", "/ab", false},        {"/a", "/a/b", false},
        {"/a/b", "/a", false},       {"/a/b", "/a@1/b", true},    {"/a/b", "/a@1/b@2", true},
        {"/a@1/b", "/a@1/b@", true}, {"/a@1/b", "/a@2/b", false}, {"/a@1", "/a@1@2", false},
        {"/a@1", "/a@12", false},    {"/a/b", "/a@1/b/c", false}, {"/a/b/c", "/a@1/b", false},
        {"/a", "/a@1/b", false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT_OF(cases); i++)
        if (overlay_path_stands_for(cases[i].path, cases[i].other) != cases[i].stands)
            fail_msg("%s, %s", cases[i].path, cases[i].other);
}

static void a_blob_is_not_for_a_terminal(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), terminal;

    (void)state;
    publish();
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_int_equal(run_into(terminal, "export --format=dtbo --binding=xen-iommu"), 2);
    assert_string_equal(errors, "xen-iommu: a dtbo is not for a terminal: name a file with "
                                "--output\n");
    close(master);
}

/* Where it is not a terminal it goes to standard output like everything. */
static void a_blob_goes_into_a_pipe(void **state)
{
    size_t size, expected_size;
    void *data, *expected;
    char path[128];

    (void)state;
    publish();
    export_as("dtbo", "iommu-el2-v1");
    snprintf(path, sizeof(path), "%s/piped", folder);
    assert_int_equal(run_into(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600),
                              "export --format=dtbo --binding=iommu-el2-v1"),
                     0);
    assert_string_equal(errors, "");
    data = read_file("piped", &size);
    expected = read_file("dtbo", &expected_size);
    assert_int_equal(size, expected_size);
    assert_int_equal(size, fdt_totalsize(data));
    assert_memory_equal(data, expected, size);
    free(data);
    free(expected);
}

static void failures_are_told(void **state)
{
    char line[128], expected[256];

    (void)state;
    publish();
    snprintf(line, sizeof(line), "export --binding=xen-iommu --output %s/no/file", folder);
    snprintf(expected, sizeof(expected), "xen-iommu: %s/no/file: No such file or directory\n",
             folder);
    assert_run(line, 1, "", expected);
    assert_run("export --binding=xen-iommu --output /dev/full", 1, "",
               "xen-iommu: /dev/full: No space left on device\n");
    assert_int_equal(
        run_into(open("/dev/full", O_WRONLY | O_CLOEXEC), "export --binding=xen-iommu"), 1);
    assert_string_equal(errors, "xen-iommu: cannot write to standard output\n");
    /* What was there stays when there is nothing to put in its place. */
    export_as("dts", "xen-iommu");
    fake_store_set(OWN "/status", "stopped");
    snprintf(line, sizeof(line), "export --binding=xen-iommu --output %s/dts", folder);
    assert_run(line, 4, "", "xen-iommu: xen-iommud is not ready: its status is \"stopped\"\n");
    shell("grep -c fragment dts");
    assert_string_equal(said, "2\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(iommu_el2_points_to_one_node),
        TEST(xen_iommu_is_a_word),
        TEST(dts_is_the_default_and_readable),
        TEST(another_domains_devices_are_exported_too),
        TEST(nothing_protected_is_an_empty_overlay),
        TEST(odd_bytes_come_out_right),
        TEST(many_devices_fit),
        TEST(what_cannot_be_named_is_refused),
        TEST(one_name_may_stand_for_another),
        TEST(a_blob_is_not_for_a_terminal),
        TEST(a_blob_goes_into_a_pipe),
        TEST(failures_are_told),
    };

    setenv("LC_ALL", "C", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
