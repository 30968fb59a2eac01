/* SPDX-License-Identifier: MIT */
/* What the parsers of single ACPI tables share: bytes and their errors, and who claims what. */
#ifndef XI_PARSE_ACPI_TABLE_H
#define XI_PARSE_ACPI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_HEADER_SIZE 36

/* The bytes of one table, and where to say what is wrong with them. */
struct acpi_table {
    const char *name; /* for messages */
    const uint8_t *bytes;
    size_t size;
    char *error;
    size_t error_size;
};

/* Little-endian, any alignment. The caller has checked the bounds. */
uint16_t acpi_read16(const uint8_t *bytes);
uint64_t acpi_read64(const uint8_t *bytes);

/* Writes "NAME: offset 0xN: cause" to error. -EINVAL. */
int acpi_table_fail(const struct acpi_table *table, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The header's length must be the size, the checksum right, and the signature one of the two
 * (other may be NULL). 0 or -EINVAL. */
int acpi_table_check(const struct acpi_table *table, const char *signature, const char *other);

/* A register base as Xen takes it: neither 0 nor all ones, and a physical address (52 bits). */
int acpi_table_check_base(const struct acpi_table *table, size_t offset, uint64_t base);

/* DOUBTFUL: the specification and Xen disagree on the claim, or it hangs on something unknown. */
enum acpi_claim { ACPI_CLAIM_NONE, ACPI_CLAIM_DOUBTFUL, ACPI_CLAIM_CERTAIN };

/* The claims of all units on one function. */
struct acpi_tally {
    enum acpi_claim claim;
    size_t unit;  /* the claiming one, when claim is not NONE */
    bool several; /* units claim it that are not the same */
};

void acpi_tally_add(struct acpi_tally *tally, size_t unit, enum acpi_claim claim);

#endif
