/* SPDX-License-Identifier: MIT */
#include "observe/acpi_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define TABLES_FOLDER "/sys/firmware/acpi/tables"
#define DMI_FOLDER    "/sys/class/dmi/id"
#define TABLE_MAX     (ACPI_TABLE_MAX_SIZE + 1) /* one byte more, so that too large is seen */

enum {
    PIECE = 4096,
    ORIGIN_MAX_PIECES = 4096, /* 16 MiB; larger files are never the same */
    SIGNATURE_SIZE = 4,
};

/* The bytes of a table file; none where it does not exist. */
struct blob {
    uint8_t *bytes;
    size_t size;
};

/* The files of one directory. */
struct table_files {
    struct blob dmar, ivrs;
};

/* What a file beside the saved tables and dom0's own file of that name have to do with each other.
 */
enum comparison { NOWHERE, ONLY_SEEN, ONLY_SAVED, SAME, DIFFERENT };

struct report {
    const char *folder; /* the one that is read from */
    bool *unread;
    char *text;
    size_t size;
};

static void say(const struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct report *report, const char *format, ...)
{
    char cause[256];
    va_list args;

    va_start(args, format);
    vsnprintf(cause, sizeof(cause), format, args);
    va_end(args);
    snprintf(report->text, report->size, "%s: %s", report->folder, cause);
}

/* -ENOENT where there is no such file. */
static int open_file(const char *root, const char *folder, const char *name)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s%s/%s", root, folder, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* Reads until size bytes are there or the file ends. How many, or a negative errno. */
static ssize_t fill(int fd, uint8_t *bytes, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;

    while (got && used < size) {
        got = read(fd, bytes + used, size - used);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            used += (size_t)got;
    }
    return (ssize_t)used;
}

/* 0 (a file that does not exist leaves blob empty) or a negative errno. */
static int read_table(const char *root, const char *folder, const char *name, struct blob *blob)
{
    ssize_t got = -ENOMEM;
    int fd = open_file(root, folder, name);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    blob->bytes = malloc(TABLE_MAX);
    if (blob->bytes)
        got = fill(fd, blob->bytes, TABLE_MAX);
    close(fd);
    if (got < 0)
        return (int)got;
    blob->size = (size_t)got;
    return 0;
}

static void note_unread(const struct report *report, int error)
{
    if (error != ENOENT)
        *report->unread = true;
}

static int read_tables(const char *root, const char *folder, struct table_files *files,
                       const struct report *report)
{
    const struct {
        const char *name;
        struct blob *blob;
    } names[] = {{"DMAR", &files->dmar}, {"RMAD", &files->dmar}, {"IVRS", &files->ivrs}};
    size_t i;
    int rc;

    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].blob->bytes)
            continue;
        rc = read_table(root, folder, names[i].name, names[i].blob);
        if (!rc)
            continue;
        note_unread(report, -rc);
        say(report, "%s: %s", names[i].name, strerror(-rc));
        return rc;
    }
    return 0;
}

static void free_files(struct table_files *files)
{
    free(files->dmar.bytes);
    free(files->ivrs.bytes);
    *files = (struct table_files){0};
}

static bool is_empty(const struct table_files *files)
{
    return !files->dmar.bytes && !files->ivrs.bytes;
}

/* Xen changes the signature of a DMAR, and nothing else: the checksum stays right. */
static bool same_table(const struct blob *a, const struct blob *b)
{
    if (!a->bytes || !b->bytes)
        return !a->bytes && !b->bytes;
    return a->size == b->size && a->size >= SIGNATURE_SIZE &&
           memcmp(a->bytes + SIGNATURE_SIZE, b->bytes + SIGNATURE_SIZE, a->size - SIGNATURE_SIZE) ==
               0;
}

/* SAME, DIFFERENT or a negative errno. */
static int compare_contents(int a, int b)
{
    uint8_t piece_a[PIECE], piece_b[PIECE];
    size_t i;

    for (i = 0; i < ORIGIN_MAX_PIECES; i++) {
        ssize_t got_a = fill(a, piece_a, PIECE), got_b = fill(b, piece_b, PIECE);

        if (got_a < 0 || got_b < 0)
            return (int)(got_a < 0 ? got_a : got_b);
        if (got_a != got_b || memcmp(piece_a, piece_b, (size_t)got_a) != 0)
            return DIFFERENT;
        if (got_a < PIECE)
            return SAME;
    }
    return DIFFERENT;
}

/* An enum comparison or a negative errno. */
static int compare_files(const char *sysroot, const char *folder, const char *name,
                         const char *saved)
{
    int seen = open_file(sysroot, folder, name), copy = open_file(saved, "", name), rc;

    if (seen >= 0 && copy >= 0)
        rc = compare_contents(seen, copy);
    else if (seen < 0 && seen != -ENOENT)
        rc = seen;
    else if (copy < 0 && copy != -ENOENT)
        rc = copy;
    else if (seen >= 0)
        rc = ONLY_SEEN;
    else
        rc = copy >= 0 ? ONLY_SAVED : NOWHERE;
    if (seen >= 0)
        close(seen);
    if (copy >= 0)
        close(copy);
    return rc;
}

/* What changes with the firmware, and is seen by a PV dom0, where tables are saved, as well as by a
 * PVH dom0, where they are used: Xen hands the latter FACP and DSDT as they are. Whether it finds
 * the DMI hangs on how the machine booted. */
static const struct {
    const char *folder, *name;
} origin[] = {
    {TABLES_FOLDER, "FACP"},      {TABLES_FOLDER, "DSDT"},    {DMI_FOLDER, "bios_vendor"},
    {DMI_FOLDER, "bios_version"}, {DMI_FOLDER, "bios_date"},  {DMI_FOLDER, "sys_vendor"},
    {DMI_FOLDER, "product_name"}, {DMI_FOLDER, "board_name"},
};

/* Are the tables of saved those of this firmware, by what is beside them? */
static bool has_same_origin(const char *sysroot, const char *saved, const struct report *report)
{
    size_t i, found[DIFFERENT + 1] = {0};

    for (i = 0; i < sizeof(origin) / sizeof(*origin); i++) {
        int rc = compare_files(sysroot, origin[i].folder, origin[i].name, saved);

        if (rc < 0) {
            note_unread(report, -rc);
            say(report, "not used: %s: %s", origin[i].name, strerror(-rc));
            return false;
        }
        if (rc == DIFFERENT) {
            say(report,
                "not used: %s is not what this dom0 sees: the tables are another firmware's; "
                "save them anew, see --acpi-tables in xen-iommud(8)",
                origin[i].name);
            return false;
        }
        found[rc]++;
    }
    if (found[SAME])
        return true;
    if (!found[ONLY_SEEN] && !found[ONLY_SAVED]) {
        say(report, "used unchecked: this dom0 sees nothing of its firmware to compare with");
        return true;
    }
    say(report, "not used: nothing beside the tables tells whether they are this firmware's; "
                "save them anew with FACP and DSDT, see --acpi-tables in xen-iommud(8)");
    return false;
}

/* Dom0's own tables are the best witness there is. */
static bool is_of_this_firmware(const char *sysroot, const char *saved,
                                const struct table_files *files, const struct report *report)
{
    struct table_files seen = {0};
    bool fits;

    if (read_tables(sysroot, TABLES_FOLDER, &seen, report))
        fits = false;
    else if (is_empty(&seen))
        fits = has_same_origin(sysroot, saved, report);
    else {
        fits = same_table(&seen.dmar, &files->dmar) && same_table(&seen.ivrs, &files->ivrs);
        if (!fits)
            say(report, "not used: this dom0 sees other tables");
    }
    free_files(&seen);
    return fits;
}

/* Drops the files that must not be used. */
static int read_saved(const char *sysroot, const char *saved, struct table_files *files,
                      const struct report *report)
{
    int rc = 0;

    if (access(saved, R_OK | X_OK)) {
        note_unread(report, errno);
        say(report, "%s", strerror(errno));
    } else {
        rc = read_tables(saved, "", files, report);
    }
    if (!rc && !is_empty(files) && !is_of_this_firmware(sysroot, saved, files, report))
        free_files(files);
    return rc;
}

int acpi_files_load(const char *sysroot, const char *saved, struct acpi_tables **tables,
                    bool *unread, char *warning, size_t warning_size)
{
    char seen[PATH_MAX], error[256];
    struct report report = {saved ? saved : seen, unread, warning, warning_size};
    struct table_files files = {0};
    int rc;

    *tables = NULL;
    *unread = false;
    if (warning_size)
        warning[0] = '\0';
    snprintf(seen, sizeof(seen), "%s%s", sysroot, TABLES_FOLDER);
    rc = saved ? read_saved(sysroot, saved, &files, &report)
               : read_tables(sysroot, TABLES_FOLDER, &files, &report);
    if (rc && rc != -ENOMEM)
        free_files(&files);
    if (rc != -ENOMEM)
        rc = acpi_tables_parse(files.dmar.bytes, files.dmar.size, files.ivrs.bytes, files.ivrs.size,
                               tables, error, sizeof(error));
    if (!rc && error[0])
        say(&report, "%s", error);
    free_files(&files);
    return rc;
}

/* A table that cannot be used leaves coverage unknown: that is safe, and it is said. */
int acpi_files_read(const char *sysroot, const char *saved, struct acpi_reading *reading)
{
    struct acpi_tables *tables;
    char trouble[sizeof(reading->trouble)];
    int rc = acpi_files_load(sysroot, saved, &tables, &reading->unread, trouble, sizeof(trouble));

    if (*trouble && strcmp(trouble, reading->trouble) != 0)
        log_warning("%s", trouble);
    memcpy(reading->trouble, trouble, sizeof(trouble));
    if (rc < 0)
        return rc;
    acpi_tables_free(reading->tables);
    reading->tables = tables;
    return 0;
}
