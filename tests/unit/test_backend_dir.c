/* SPDX-License-Identifier: MIT */
/* A backend directory of pciback, read from a store in memory: all of it is believed or nothing. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_xenstore.h"
#include "observe/backend_dir.h"

#define DIR      "/local/domain/0/backend/pci/3/0"
#define TARGET   "/local/domain/3/target"
#define NIC_SBDF 0x20u

static struct store *store;
static struct backend_dir dir;

/* A guest with one device, as libxl and pciback leave it. */
static int set_up(void **state)
{
    (void)state;
    fake_reset();
    fake_put(DIR "/frontend", "/local/domain/3/device/pci/0");
    fake_put(DIR "/state", "4");
    fake_put(DIR "/num_devs", "1");
    fake_put(DIR "/dev-0", "0000:00:04.0");
    fake_put(DIR "/state-0", "3");
    fake_put(DIR "/vdev-0", "0000:00:00.00");
    dir = (struct backend_dir){.path = strdup(DIR), .domid = 3, .dirty = true};
    return !dir.path || store_new(&store) || store_connect(store) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    backend_dir_clear(&dir);
    store_free(store);
    fake_reset();
    return 0;
}

static int read_dir(void)
{
    int rc = backend_dir_read(&dir, store, XBT_NULL);

    backend_dir_settle(&dir);
    return rc;
}

static void assert_believed(size_t count)
{
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, count);
    assert_int_equal(dir.said.count, 0);
}

/* With this value, or without the node, nothing in the directory counts; and all of it again, once
 * that is mended. */
static void assert_doubted(const char *path, const char *value)
{
    const char *now = fake_get(path);
    char *before = now ? strdup(now) : NULL;

    fake_remove(path);
    if (value)
        fake_put(path, value);
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
    assert_int_equal(dir.said.count, 1);
    fake_remove(path);
    if (before)
        fake_put(path, before);
    free(before);
    assert_believed(1);
}

static void a_device_of_a_pv_guest(void **state)
{
    (void)state;
    assert_believed(1);
    assert_int_equal(dir.claims[0].sbdf, NIC_SBDF);
    assert_int_equal(dir.claims[0].domid, 3);
    assert_int_equal(dir.claims[0].serves, 3);
    assert_int_equal(dir.claims[0].state, 3);
    assert_int_equal(dir.claims[0].backend, 4);
    assert_true(dir.claims[0].has_vdev);
    assert_int_equal(dir.claims[0].vdev, 0);
    assert_false(dir.claims[0].has_vdevfn);
}

static void a_device_of_an_hvm_guest(void **state)
{
    (void)state;
    fake_remove(DIR "/vdev-0");
    fake_put(DIR "/vdevfn-0", "28");
    assert_believed(1);
    assert_false(dir.claims[0].has_vdev);
    assert_true(dir.claims[0].has_vdevfn);
    assert_int_equal(dir.claims[0].vdevfn, 0x28);
    fake_put(DIR "/vdevfn-0", "8");
    assert_believed(1);
    assert_int_equal(dir.claims[0].vdevfn, 8);
}

static void several_devices(void **state)
{
    (void)state;
    fake_put(DIR "/num_devs", "2");
    fake_put(DIR "/dev-1", "0001:1f:1f.7");
    assert_believed(2);
    assert_int_equal(dir.claims[1].sbdf, 0x11fff);
    assert_int_equal(dir.claims[1].state, 0);
    assert_false(dir.claims[1].has_vdev);
}

static void nothing_is_no_nonsense(void **state)
{
    (void)state;
    fake_put(DIR "/num_devs", "0");
    fake_remove(DIR "/dev-0");
    assert_believed(0);
    fake_remove(DIR);
    assert_believed(0);
}

static void a_stub_domain_serves_another(void **state)
{
    (void)state;
    fake_put(TARGET, "2");
    assert_believed(1);
    assert_int_equal(dir.claims[0].serves, 2);
    assert_int_equal(dir.claims[0].domid, 3);
}

static void a_target_counts_only_if_dom0_wrote_it(void **state)
{
    (void)state;
    fake_put(TARGET, "2");
    fake_own(TARGET, 3);
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
    assert_int_equal(dir.said.count, 1);
    fake_own(TARGET, 0);
    assert_believed(1);
    fake_let_write(TARGET, 3);
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
}

static void no_target_makes_sense(void **state)
{
    static const char *const values[] = {"", "x", "-1", "2 ", "4294967295", "18446744073709551618"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_doubted(TARGET, values[i]);
}

static void no_address_makes_sense(void **state)
{
    static const char *const values[] = {
        "",
        "0000:00:04",
        "0000:00:04.0 ",
        "0000:00:20.0",
        "0000:00:04.8",
        "0000:00:04.",
        "-000:00:04.0",
        " 000:00:04.0",
        "0000:00:04.0:1.0",
        "0000:00:04.0x",
        "00:04.0",
        "10000:00:04.0",
        "+0:0:4.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_doubted(DIR "/dev-0", values[i]);
        assert_doubted(DIR "/vdev-0", values[i]);
    }
}

static void no_slot_makes_sense(void **state)
{
    static const char *const values[] = {"", "x", "028", "-1", " 8", "2g", "0x"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_doubted(DIR "/vdevfn-0", values[i]);
}

static void no_number_makes_sense(void **state)
{
    static const char *const values[] = {
        "", "x", "256", "-4", "4 ", " 4", "4x", "99999999999999999999", "18446744073709551620",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_doubted(DIR "/state", values[i]);
        assert_doubted(DIR "/state-0", values[i]);
    }
}

static void the_count_is_exact(void **state)
{
    static const char *const values[] = {"0", "2", "4097", "x", "", "18446744073709551617"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_doubted(DIR "/num_devs", values[i]);
    assert_doubted(DIR "/num_devs", NULL);
    assert_doubted(DIR "/dev-0", NULL);
    assert_doubted(DIR "/dev-1", "0000:00:05.0");
    /* Nor does it go without, where there is no device. */
    fake_remove(DIR "/num_devs");
    fake_remove(DIR "/dev-0");
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
    assert_int_equal(dir.said.count, 1);
}

/* A value with a null byte in it is read as what stands before. */
static void a_null_byte_makes_no_sense(void **state)
{
    (void)state;
    fake_put_bytes(DIR "/num_devs", "1\0", 2);
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
    fake_put(DIR "/num_devs", "1");
    fake_put_bytes(DIR "/dev-0", "0000:00:04.0\0", 13);
    assert_int_equal(read_dir(), 0);
    assert_int_equal(dir.count, 0);
}

static void an_error_changes_nothing(void **state)
{
    (void)state;
    assert_believed(1);
    fake_put(DIR "/state-0", "5");
    fake_fail("read", EIO, 1);
    assert_int_equal(backend_dir_read(&dir, store, XBT_NULL), -EIO);
    assert_int_equal(dir.count, 1);
    assert_int_equal(dir.claims[0].state, 3);
    assert_believed(1);
    assert_int_equal(dir.claims[0].state, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_of_a_pv_guest),
        TEST(a_device_of_an_hvm_guest),
        TEST(several_devices),
        TEST(nothing_is_no_nonsense),
        TEST(a_stub_domain_serves_another),
        TEST(a_target_counts_only_if_dom0_wrote_it),
        TEST(no_target_makes_sense),
        TEST(no_address_makes_sense),
        TEST(no_slot_makes_sense),
        TEST(no_number_makes_sense),
        TEST(the_count_is_exact),
        TEST(a_null_byte_makes_no_sense),
        TEST(an_error_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
