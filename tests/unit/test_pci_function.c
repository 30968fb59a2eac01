/* SPDX-License-Identifier: MIT */
/* One function's directory as it is read: what is there, what is not, and what cannot be read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/pci_function.h"
#include "unit.h"

#define BRIDGE "0000:00:1c.0"
#define NAME   "0001:02:03.4"

static char root[] = "/tmp/pci-function-XXXXXX";
static char folder[PATH_MAX];

static void at(const char *name, char path[PATH_MAX])
{
    assert_true(snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    int fd;

    at(name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void link_to(const char *name, const char *target)
{
    char path[PATH_MAX];

    at(name, path);
    assert_int_equal(symlink(target, path), 0);
}

static void run(const char *program, const char *path)
{
    char line[PATH_MAX];

    assert_true(snprintf(line, sizeof(line), "%s %s/%s", program, root, path) < PATH_MAX);
    assert_int_equal(system(line), 0);
}

/* Out of the way, so that nothing gets its inode number. */
static void keep_one(const char *name)
{
    char path[PATH_MAX], kept[PATH_MAX];

    at(name, path);
    assert_true(snprintf(kept, sizeof(kept), "%s.kept", path) < PATH_MAX);
    assert_int_equal(rename(path, kept), 0);
}

static void remove_one(const char *name)
{
    char path[PATH_MAX];

    at(name, path);
    assert_int_equal(remove(path), 0);
}

static int set_up(void **state)
{
    (void)state;
    run("mkdir -p", "pci0000:00/" BRIDGE "/" NAME);
    snprintf(folder, sizeof(folder), "%s/pci0000:00/" BRIDGE "/" NAME, root);
    write_text("class", "0x020000\n");
    write_text("vendor", "0x8086\n");
    write_text("device", "0x10d3\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run("rm -rf", "pci0000:00");
    return 0;
}

/* statx() fails at its nth call from now, 0: at none. */
static struct failing {
    unsigned int nth;
    int error;
} failing;

int __real_statx(int at, const char *path, int flags, unsigned int mask, struct statx *st);
int __wrap_statx(int at, const char *path, int flags, unsigned int mask, struct statx *st);
int __wrap_statx(int at, const char *path, int flags, unsigned int mask, struct statx *st)
{
    if (failing.nth == 0 || --failing.nth)
        return __real_statx(at, path, flags, mask, st);
    errno = failing.error;
    return -1;
}

static struct pci_function function;
static const char *what;

static int read_it(void)
{
    memset(&function, 0x5a, sizeof(function));
    return pci_function_read(folder, NULL, &function, &what);
}

static void names(void **state)
{
    static const char *const bad[] = {"",
                                      "0000:00:04",
                                      "0000:00:04.8",
                                      "0000:00:20.0",
                                      "pci0000:00",
                                      "0000:00:04.0 ",
                                      "10000:00:04.0",
                                      "000:00:04.0",
                                      "-001:00:04.0",
                                      "0000:+0:04.0",
                                      " 0000:00:04.0"};
    uint32_t sbdf;

    (void)state;
    assert_true(pci_function_parse_name(NAME, &sbdf));
    assert_int_equal(sbdf, 0x1021c);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(pci_function_parse_name(bad[i], &sbdf));
    assert_string_equal(pci_function_name("/sys/devices/a"), "a");
    assert_string_equal(pci_function_name("a"), "a");
}

static void plain(void **state)
{
    (void)state;
    assert_int_equal(read_it(), 0);
    assert_int_equal(function.sbdf, 0x1021c);
    assert_int_equal(function.parent, 0x00e0);
    assert_int_equal(function.physfn, PCI_NO_SBDF);
    assert_int_equal(function.id, 0x10d38086);
    assert_int_equal(function.class_code, 0x020000);
    assert_false(function.is_bridge || function.late || function.again || function.unbinds ||
                 function.lost);
    assert_string_equal(function.driver, "");
    assert_int_equal(function.caps.port, PCI_PORT_UNKNOWN);
}

static void everything(void **state)
{
    uint8_t config[64] = {0};

    (void)state;
    write_bytes("config", config, sizeof(config));
    write_text("secondary_bus_number", "7\n");
    link_to("driver", "../../bus/pci/drivers/a-driver-with-a-name-that-is-too-long");
    link_to("physfn", "../" NAME);
    assert_int_equal(read_it(), 0);
    assert_true(function.is_bridge);
    assert_int_equal(function.secondary_bus, 7);
    assert_string_equal(function.driver, "a-driver-with-a-name-that-is-to");
    assert_int_equal(function.physfn, 0x1021c);
    assert_int_equal(function.caps.port, PCI_PORT_CONVENTIONAL);
}

static void without_ids(void **state)
{
    (void)state;
    remove_one("vendor");
    assert_int_equal(read_it(), 0);
    assert_int_equal(function.id, 0);
}

/* Each of them in each way that it can fail. */
static void not_readable(void **state)
{
    static const char *const names[] = {"class", "vendor", "device", "secondary_bus_number"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)set_up(state);
        at(names[i], path);
        (void)remove(path);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(read_it(), -EISDIR);
        assert_non_null(strstr(what, names[i]));
        remove_one(names[i]);
        link_to(names[i], names[i]);
        assert_int_equal(read_it(), -ELOOP);
        remove_one(names[i]);
        write_text(names[i], "");
        assert_int_equal(read_it(), -EINVAL);
        write_text(names[i], "0x12 monkeys\n");
        assert_int_equal(read_it(), -EINVAL);
        remove_one(names[i]);
    }
}

static void links_that_are_none(void **state)
{
    (void)state;
    write_text("driver", "");
    assert_int_equal(read_it(), -EINVAL);
    assert_string_equal(what, "driver");
    remove_one("driver");
    link_to("physfn", "somewhere/else");
    assert_int_equal(read_it(), -EINVAL);
    assert_string_equal(what, "physfn");
}

/* The kernel takes the directory away last. */
static void being_made_and_gone(void **state)
{
    (void)state;
    remove_one("class");
    assert_int_equal(read_it(), -ENODATA);
    (void)tear_down(state);
    assert_int_equal(read_it(), -ENOENT);
}

/* The same for the same directory, and another one for the next, whose inode number may be the
 * old one's. */
static void identity(void **state)
{
    char first[PCI_IDENTITY_SIZE];

    for (int i = 0; i < 20; i++) {
        assert_int_equal(read_it(), 0);
        memcpy(first, function.identity, sizeof(first));
        assert_true(strlen(first) > 0 && strlen(first) < sizeof(first) - 1);
        assert_null(strpbrk(first, " \t\n"));
        write_text("class", "0x030000\n");
        assert_int_equal(read_it(), 0);
        assert_string_equal(function.identity, first);
        (void)tear_down(state);
        (void)set_up(state);
        assert_int_equal(read_it(), 0);
        assert_string_not_equal(function.identity, first);
    }
}

/* The link to the driver is another one each time that it is bound. */
static void binding(void **state)
{
    char first[PCI_IDENTITY_SIZE];

    (void)state;
    assert_int_equal(read_it(), 0);
    assert_string_equal(function.binding, "");
    for (int i = 0; i < 20; i++) {
        link_to("driver", "../../bus/pci/drivers/pciback");
        assert_int_equal(read_it(), 0);
        memcpy(first, function.binding, sizeof(first));
        assert_true(strlen(first) > 0 && strlen(first) < sizeof(first) - 1);
        assert_null(strpbrk(first, " \t\n"));
        assert_string_not_equal(first, function.identity);
        assert_int_equal(read_it(), 0);
        assert_string_equal(function.binding, first);
        /* sysfs gives no number twice; other file systems do, and have no time in between */
        keep_one("driver");
        link_to("driver", "../../bus/pci/drivers/pciback");
        assert_int_equal(read_it(), 0);
        assert_string_not_equal(function.binding, first);
        remove_one("driver");
        remove_one("driver.kept");
    }
}

/* What tells them from others is there, and could not be found out: nor may it be left out. */
static void nodes_that_cannot_be_told(void **state)
{
    (void)state;
    link_to("driver", "../../bus/pci/drivers/pciback");
    for (unsigned int nth = 1; nth <= 2; nth++) {
        failing = (struct failing){nth, EIO};
        assert_int_equal(read_it(), -EIO);
        assert_string_equal(what, nth == 1 ? "its identity" : "driver");
        failing = (struct failing){nth, ENOSYS};
        assert_int_equal(read_it(), 0);
        assert_string_equal(nth == 1 ? function.identity : function.binding, "");
    }
    failing = (struct failing){0, 0};
    assert_int_equal(read_it(), 0);
    assert_string_not_equal(function.binding, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test_setup_teardown(plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_readable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(being_made_and_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(binding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_that_cannot_be_told, set_up, tear_down),
    };
    int rc;

    if (!mkdtemp(root))
        return 1;
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(root);
    return rc;
}
