/* SPDX-License-Identifier: MIT */
/* Reads the firmware's ACPI tables from files, and tells whether saved ones are of this firmware.
 */
#ifndef XI_OBSERVE_ACPI_FILES_H
#define XI_OBSERVE_ACPI_FILES_H

#include <stdbool.h>

#include "../parse/acpi.h"

/* Reads DMAR, else RMAD (the same table under the name that Xen gives it for a PV dom0), and IVRS:
 * those that dom0 sees below sysroot, or where saved is not NULL those of that directory, if they
 * are of this machine's present firmware.
 *
 * Saved tables are used where
 *   - dom0 sees its firmware's own tables, and they are the same; or
 *   - dom0 does not see them, and copies beside the saved ones of what it does see (FACP, DSDT; the
 *     DMI's bios_vendor and so on) are the same, at least one of them; or
 *   - dom0 sees none of all this, and nothing is beside the saved ones: warning says so.
 *
 * 0, and then warning is "" or names the directory and says why no table is used, or that they
 * could not be compared. Tables that are not there are no error. With none in use every answer's
 * coverage is UNKNOWN. *unread: a file is there and could not be read, so it is worth to try again.
 * -ENOMEM: *tables is NULL. The caller frees *tables. */
int acpi_files_load(const char *sysroot, const char *saved, struct acpi_tables **tables,
                    bool *unread, char *warning, size_t warning_size);

/* What was read last. All zero at first; the holder frees tables. */
struct acpi_reading {
    struct acpi_tables *tables;
    bool unread;       /* it is worth to try again */
    char trouble[512]; /* what the log tells of them */
};

/* The same, with the warning in the log unless it is there already. -ENOMEM: tables are those of
 * before. */
int acpi_files_read(const char *sysroot, const char *saved, struct acpi_reading *reading);

#endif
