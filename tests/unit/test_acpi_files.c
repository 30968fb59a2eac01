/* SPDX-License-Identifier: MIT */
/* Tables from files: those that dom0 sees, and saved ones. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "acpi_builder.h"
#include "observe/acpi_files.h"

#define TABLES "/sys/firmware/acpi/tables"
#define DMI    "/sys/class/dmi/id"
#define NIC    BDF(0, 4, 0)

enum { PIECE = 1000 };

static struct pci_function rows[] = {DEVICE(NIC, PCI_NO_SBDF)};
static const struct pci_topology machine = TOPOLOGY(rows);

/* A dom0's root, and a folder of saved tables. */
static char root[64], saved[64];
static struct builder dmar, other, ivrs;

/* The call that is to fail, counted down; 0 for none. */
static unsigned int failing_call;

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __real_read(int fd, void *buffer, size_t size);

static bool fails_now(void)
{
    return failing_call && --failing_call == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

/* In pieces, as sysfs does, and now and then interrupted. */
ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
    static unsigned int calls;

    if (++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return __real_read(fd, buffer, size < PIECE ? size : PIECE);
}

static void make_folders(const char *path)
{
    char part[256];
    size_t i;

    for (i = 1; path[i - 1]; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        snprintf(part, sizeof(part), "%.*s", (int)i, path);
        if (mkdir(part, 0700))
            assert_int_equal(errno, EEXIST);
    }
}

static int set_up(void **state)
{
    char folder[128];

    (void)state;
    strcpy(root, "/tmp/xi-acpi-root-XXXXXX");
    strcpy(saved, "/tmp/xi-acpi-saved-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_non_null(mkdtemp(saved));
    snprintf(folder, sizeof(folder), "%s" TABLES, root);
    make_folders(folder);
    builder_start(&dmar, "DMAR");
    dmar_drhd(&dmar, 1, 0, 0xfed90000);
    builder_start(&other, "DMAR");
    dmar_drhd(&other, 1, 0, 0xfed91000);
    builder_start(&ivrs, "IVRS");
    ivrs_ivhd(&ivrs, 0x10, BDF(0, 0, 2), 0xfed80000);
    ivrs_entry4(&ivrs, 2, NIC);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) ||
           nftw(saved, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *base, const char *folder, const char *name, const void *bytes,
                     size_t size)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", base, folder);
    make_folders(path);
    snprintf(path, sizeof(path), "%s%s/%s", base, folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *base, const char *folder, const char *name, const char *text)
{
    put_file(base, folder, name, text, strlen(text));
}

static void put_table(const char *base, const char *folder, const char *name,
                      const struct builder *builder)
{
    put_file(base, folder, name, builder->bytes, builder->size);
}

static void remove_file(const char *base, const char *folder, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s%s/%s", base, folder, name);
    assert_int_equal(remove(path), 0);
}

static struct acpi_tables *load(const char *directory, const char *cause)
{
    bool unread;
    struct acpi_tables *tables;
    char warning[512] = "never written";

    assert_int_equal(acpi_files_load(root, directory, &tables, &unread, warning, sizeof(warning)),
                     0);
    assert_non_null(tables);
    if (!cause)
        assert_string_equal(warning, "");
    else if (!strstr(warning, cause) || (directory && strncmp(warning, directory, 20) != 0))
        fail_msg("\"%s\" instead of \"%s\"", warning, cause);
    return tables;
}

static void used(const char *directory, const char *cause, const char *unit)
{
    struct acpi_tables *tables = load(directory, cause);

    expect_yes(tables, &machine, NIC, unit);
    acpi_tables_free(tables);
}

static void unused(const char *directory, const char *cause)
{
    struct acpi_tables *tables = load(directory, cause);

    expect_unknown(tables, &machine, NIC);
    acpi_tables_free(tables);
}

static void the_tables_that_dom0_sees_are_read(void **state)
{
    (void)state;
    unused(NULL, NULL);
    put_table(root, TABLES, "IVRS", &ivrs);
    used(NULL, NULL, "ivhd0@fed80000");
    put_table(root, TABLES, "RMAD", &dmar);
    unused(NULL, TABLES ": IVRS: offset 0x0: beside a DMAR");
    remove_file(root, TABLES, "IVRS");
    used(NULL, NULL, "dmar0@fed90000");
}

static void dmar_goes_before_rmad(void **state)
{
    (void)state;
    put_table(root, TABLES, "DMAR", &dmar);
    put_text(root, TABLES, "RMAD", "not read");
    used(NULL, NULL, "dmar0@fed90000");
    remove_file(root, TABLES, "DMAR");
    unused(NULL, "DMAR: offset 0x0: 8 bytes are too few");
}

static void files_that_cannot_be_used_are_named(void **state)
{
    static const uint8_t large[ACPI_TABLE_MAX_SIZE + 1];

    (void)state;
    put_text(root, TABLES, "IVRS", "");
    unused(NULL, "IVRS: offset 0x0: 0 bytes are too few");
    put_file(root, TABLES, "IVRS", large, sizeof(large));
    unused(NULL, "IVRS: offset 0x0: larger than 262144 bytes");
    put_file(root, TABLES, "IVRS", large, ACPI_TABLE_MAX_SIZE);
    unused(NULL, "IVRS: offset 0x0: the signature is not IVRS");
    put_table(root, TABLES, "IVRS", &ivrs);
    put_text(root, TABLES "/RMAD", "x", "");
    unused(NULL, "RMAD: Is a directory");
}

static void a_root_with_a_long_name_has_no_tables(void **state)
{
    bool unread;
    struct acpi_tables *tables;
    char *endless = malloc(5000), warning[512];

    (void)state;
    assert_non_null(endless);
    memset(endless, 'a', 4999);
    endless[4999] = '\0';
    assert_int_equal(acpi_files_load(endless, NULL, &tables, &unread, warning, sizeof(warning)), 0);
    expect_unknown(tables, &machine, NIC);
    acpi_tables_free(tables);
    assert_int_equal(acpi_files_load(root, endless, &tables, &unread, warning, sizeof(warning)), 0);
    expect_unknown(tables, &machine, NIC);
    acpi_tables_free(tables);
    free(endless);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    put_table(root, TABLES, "DMAR", &dmar);
    unused("/tmp/xi-acpi-saved-not", "/tmp/xi-acpi-saved-not: No such file or directory");
    unused(saved, NULL);
}

/* Such as a root without the rest of /sys. */
static void where_dom0_sees_nothing_saved_tables_are_used_unchecked(void **state)
{
    static const char *const names[] = {"DMAR", "RMAD"};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        put_table(saved, "", names[i], &dmar);
        used(saved, "used unchecked", "dmar0@fed90000");
        remove_file(saved, "", names[i]);
    }
    put_table(saved, "", "IVRS", &ivrs);
    used(saved, "used unchecked", "ivhd0@fed80000");
}

static void saved_tables_go_with_what_dom0_sees(void **state)
{
    static const struct {
        const char *folder, *name;
    } files[] = {{TABLES, "FACP"},      {TABLES, "DSDT"},   {DMI, "bios_vendor"},
                 {DMI, "bios_version"}, {DMI, "bios_date"}, {DMI, "sys_vendor"},
                 {DMI, "product_name"}, {DMI, "board_name"}};
    size_t i;

    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
        put_text(root, files[i].folder, files[i].name, "one\n");
        unused(saved, "not used: nothing beside the tables tells");
        put_text(saved, "", files[i].name, "one\n");
        used(saved, NULL, "dmar0@fed90000");
        put_text(saved, "", files[i].name, "two\n");
        unused(saved, "is not what this dom0 sees: the tables are another firmware's");
        put_text(saved, "", files[i].name, "one");
        unused(saved, files[i].name);
        put_text(saved, "", files[i].name, "one\n+");
        unused(saved, files[i].name);
        remove_file(root, files[i].folder, files[i].name);
        unused(saved, "not used: nothing beside the tables tells");
        remove_file(saved, "", files[i].name);
        used(saved, "used unchecked", "dmar0@fed90000");
    }
}

/* A PVH dom0 may see less than the PV dom0 did. */
static void one_thing_that_is_the_same_is_enough_if_nothing_differs(void **state)
{
    (void)state;
    put_table(saved, "", "RMAD", &dmar);
    put_text(saved, "", "DSDT", "code");
    put_text(saved, "", "bios_version", "7\n");
    put_text(root, TABLES, "FACP", "fixed");
    unused(saved, "not used: nothing beside the tables tells");
    put_text(root, TABLES, "DSDT", "code");
    used(saved, NULL, "dmar0@fed90000");
    put_text(root, DMI, "bios_version", "8\n");
    unused(saved, "bios_version is not what this dom0 sees");
    put_text(root, DMI, "bios_version", "7\n");
    used(saved, NULL, "dmar0@fed90000");
}

/* Longer than what is compared at once, and differing only at the end. */
static void large_files_are_compared_to_their_ends(void **state)
{
    static char code[3 * 4096 + 1];
    size_t sizes[] = {4095, 4096, 4097, sizeof(code)}, i;

    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        put_file(root, TABLES, "DSDT", code, sizes[i]);
        put_file(saved, "", "DSDT", code, sizes[i]);
        used(saved, NULL, "dmar0@fed90000");
        code[sizes[i] - 1] = 1;
        put_file(root, TABLES, "DSDT", code, sizes[i]);
        code[sizes[i] - 1] = 0;
        unused(saved, "DSDT is not what this dom0 sees");
        put_file(root, TABLES, "DSDT", code, sizes[i] - 1);
        unused(saved, "DSDT is not what this dom0 sees");
    }
}

static void put_size(const char *base, const char *folder, const char *name, off_t size)
{
    char path[256];

    put_text(base, folder, name, "");
    snprintf(path, sizeof(path), "%s%s/%s", base, folder, name);
    assert_int_equal(truncate(path, size), 0);
}

static void endless_files_are_never_the_same(void **state)
{
    enum { LIMIT = 16 * 1024 * 1024 };

    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    put_size(root, TABLES, "DSDT", LIMIT - 1);
    put_size(saved, "", "DSDT", LIMIT - 1);
    used(saved, NULL, "dmar0@fed90000");
    put_size(root, TABLES, "DSDT", LIMIT);
    put_size(saved, "", "DSDT", LIMIT);
    unused(saved, "DSDT is not what this dom0 sees");
}

static void put_loop(const char *base, const char *folder, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s%s/%s", base, folder, name);
    assert_int_equal(symlink(name, path), 0);
}

static void what_cannot_be_opened_is_refused(void **state)
{
    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    put_text(root, TABLES, "DSDT", "code");
    put_text(saved, "", "DSDT", "code");
    put_loop(saved, "", "FACP");
    unused(saved, "not used: FACP: Too many levels of symbolic links");
    remove_file(saved, "", "FACP");
    put_loop(root, TABLES, "FACP");
    unused(saved, "not used: FACP: Too many levels of symbolic links");
    remove_file(root, TABLES, "FACP");
    put_loop(root, TABLES, "RMAD");
    unused(saved, "RMAD: Too many levels of symbolic links");
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    put_text(root, TABLES "/DSDT", "x", "");
    put_text(saved, "", "DSDT", "code");
    unused(saved, "not used: DSDT: Is a directory");
    put_text(root, DMI, "bios_date", "1\n");
    put_text(saved, "/FACP", "x", "");
    put_text(root, TABLES, "FACP", "fixed");
    unused(saved, "not used: FACP: Is a directory");
}

/* The signature is Xen's doing. */
static void tables_that_dom0_sees_itself_are_the_witness(void **state)
{
    struct builder renamed = dmar;

    (void)state;
    memcpy(renamed.bytes, "RMAD", 4);
    put_table(root, TABLES, "RMAD", &renamed);
    put_text(root, TABLES, "DSDT", "code");
    put_table(saved, "", "DMAR", &dmar);
    used(saved, NULL, "dmar0@fed90000");
    put_table(saved, "", "DMAR", &other);
    unused(saved, "not used: this dom0 sees other tables");
    put_text(saved, "", "DSDT", "code");
    unused(saved, "not used: this dom0 sees other tables");
    put_file(saved, "", "DMAR", dmar.bytes, dmar.size - 1);
    unused(saved, "not used: this dom0 sees other tables");
    put_file(saved, "", "DMAR", dmar.bytes, dmar.size + 1);
    unused(saved, "not used: this dom0 sees other tables");
    remove_file(saved, "", "DMAR");
    put_table(saved, "", "IVRS", &ivrs);
    unused(saved, "not used: this dom0 sees other tables");
    put_table(saved, "", "DMAR", &dmar);
    unused(saved, "not used: this dom0 sees other tables");
    put_text(root, TABLES "/DMAR", "x", "");
    unused(saved, "DMAR: Is a directory");
}

static void a_saved_table_that_is_broken_is_said(void **state)
{
    (void)state;
    put_file(saved, "", "DMAR", dmar.bytes, dmar.size - 1);
    unused(saved, ": DMAR: offset 0x4: the header says");
}

/* Each allocation fails in turn, until a run needs none that fails. */
static void failed_allocations_are_reported(void **state)
{
    const char *const directories[] = {NULL, saved};
    struct acpi_tables *tables;
    char warning[512];
    bool unread;
    unsigned int nth;
    size_t i;
    int rc;

    (void)state;
    put_table(saved, "", "DMAR", &dmar);
    put_table(root, TABLES, "RMAD", &dmar);
    for (i = 0; i < 2; i++) {
        for (nth = 1;; nth++) {
            tables = (struct acpi_tables *)&tables;
            failing_call = nth;
            rc = acpi_files_load(root, directories[i], &tables, &unread, warning, sizeof(warning));
            if (failing_call)
                break;
            if (rc == 0) {
                assert_string_not_equal(warning, "");
                assert_true(unread);
                expect_unknown(tables, &machine, NIC);
                acpi_tables_free(tables);
                continue;
            }
            assert_int_equal(rc, -ENOMEM);
            assert_null(tables);
        }
        failing_call = 0;
        assert_int_equal(rc, 0);
        assert_string_equal(warning, "");
        assert_false(unread);
        assert_in_range(nth, 6, 20);
        acpi_tables_free(tables);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_tables_that_dom0_sees_are_read),
        TEST(dmar_goes_before_rmad),
        TEST(files_that_cannot_be_used_are_named),
        TEST(a_root_with_a_long_name_has_no_tables),
        TEST(a_folder_that_is_not_there_is_named),
        TEST(where_dom0_sees_nothing_saved_tables_are_used_unchecked),
        TEST(saved_tables_go_with_what_dom0_sees),
        TEST(one_thing_that_is_the_same_is_enough_if_nothing_differs),
        TEST(large_files_are_compared_to_their_ends),
        TEST(endless_files_are_never_the_same),
        TEST(what_cannot_be_opened_is_refused),
        TEST(what_cannot_be_compared_is_refused),
        TEST(tables_that_dom0_sees_itself_are_the_witness),
        TEST(a_saved_table_that_is_broken_is_said),
        TEST(failed_allocations_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
