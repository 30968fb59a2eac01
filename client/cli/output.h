/* SPDX-License-Identifier: MIT */
/* What goes where --output says. */
#ifndef XI_CLIENT_CLI_OUTPUT_H
#define XI_CLIENT_CLI_OUTPUT_H

#include <stddef.h>

/* Writes to a file, or where output is NULL to stdout, of which run_xen_iommu() tells the errors.
 * Returns the exit code; what went wrong was said on stderr. */
int output_write(const char *output, const char *data, size_t size);

#endif
