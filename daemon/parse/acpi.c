/* SPDX-License-Identifier: MIT */
#include "parse/acpi.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse/acpi_dmar.h"
#include "parse/acpi_ivrs.h"

/* At most one of the two; none when there is nothing usable. */
struct acpi_tables {
    struct acpi_dmar *dmar;
    struct acpi_ivrs *ivrs;
};

/* The bytes of a table file; none where it does not exist. */
struct blob {
    uint8_t *bytes;
    size_t size;
};

static void forget(struct acpi_tables *tables)
{
    acpi_dmar_free(tables->dmar);
    acpi_ivrs_free(tables->ivrs);
    *tables = (struct acpi_tables){0};
}

static int parse(struct acpi_tables *tables, const struct acpi_table *dmar,
                 const struct acpi_table *ivrs)
{
    int rc = 0;

    if (dmar->bytes)
        rc = acpi_dmar_parse(dmar, &tables->dmar);
    if (!rc && ivrs->bytes)
        rc = acpi_ivrs_parse(ivrs, &tables->ivrs);
    /* No machine has both; which one Xen drives hangs on more than the tables. */
    if (!rc && tables->dmar && tables->ivrs)
        rc = acpi_table_fail(ivrs, 0, "beside a DMAR");
    return rc;
}

int acpi_tables_parse(const void *dmar, size_t dmar_size, const void *ivrs, size_t ivrs_size,
                      struct acpi_tables **tables, char *error, size_t error_size)
{
    const struct acpi_table dmar_table = {"DMAR", dmar, dmar_size, error, error_size};
    const struct acpi_table ivrs_table = {"IVRS", ivrs, ivrs_size, error, error_size};
    int rc;

    if (error_size)
        error[0] = '\0';
    *tables = calloc(1, sizeof(**tables));
    if (!*tables)
        return -ENOMEM;
    rc = parse(*tables, &dmar_table, &ivrs_table);
    if (rc)
        forget(*tables);
    if (rc == -ENOMEM) {
        acpi_tables_free(*tables);
        *tables = NULL;
        return rc;
    }
    return 0;
}

void acpi_tables_free(struct acpi_tables *tables)
{
    if (!tables)
        return;
    forget(tables);
    free(tables);
}

/* One byte more than is allowed, so that an oversized table is recognised later. */
static int read_all(int fd, struct blob *blob)
{
    ssize_t got = 1;

    blob->bytes = malloc(ACPI_TABLE_MAX_SIZE + 1);
    if (!blob->bytes)
        return -ENOMEM;
    while (got && blob->size <= ACPI_TABLE_MAX_SIZE) {
        got = read(fd, blob->bytes + blob->size, ACPI_TABLE_MAX_SIZE + 1 - blob->size);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            blob->size += (size_t)got;
    }
    return 0;
}

/* 0 (a file that does not exist leaves blob empty) or a negative errno. */
static int read_table(const char *dir, const char *name, struct blob *blob)
{
    char path[PATH_MAX];
    int fd, rc;

    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    rc = read_all(fd, blob);
    close(fd);
    return rc;
}

static int read_tables(const char *dir, struct blob *dmar, struct blob *ivrs, char *error,
                       size_t error_size)
{
    const struct {
        const char *name;
        struct blob *blob;
    } files[] = {{"DMAR", dmar}, {"RMAD", dmar}, {"IVRS", ivrs}};
    size_t i;
    int rc;

    for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
        if (files[i].blob->bytes)
            continue;
        rc = read_table(dir, files[i].name, files[i].blob);
        if (!rc)
            continue;
        snprintf(error, error_size, "%s: %s", files[i].name, strerror(-rc));
        return rc;
    }
    return 0;
}

int acpi_tables_load(const char *dir, struct acpi_tables **tables, char *error, size_t error_size)
{
    struct blob dmar = {0}, ivrs = {0};
    int rc;

    *tables = NULL;
    rc = read_tables(dir, &dmar, &ivrs, error, error_size);
    if (!rc) {
        rc = acpi_tables_parse(dmar.bytes, dmar.size, ivrs.bytes, ivrs.size, tables, error,
                               error_size);
    } else if (rc != -ENOMEM) {
        *tables = calloc(1, sizeof(**tables));
        rc = *tables ? 0 : -ENOMEM;
    }
    free(dmar.bytes);
    free(ivrs.bytes);
    return rc;
}

void acpi_tables_lookup(const struct acpi_tables *tables, const struct pci_topology *topology,
                        uint32_t sbdf, struct acpi_answer *answer)
{
    const struct pci_function *function = pci_topology_find(topology, sbdf);

    *answer = (struct acpi_answer){0};
    if (!function)
        return;
    if (tables->dmar)
        acpi_dmar_lookup(tables->dmar, topology, function, answer);
    else if (tables->ivrs)
        acpi_ivrs_lookup(tables->ivrs, topology, function, answer);
}
