/* SPDX-License-Identifier: MIT */
/* Writes a file so that whoever reads it finds the old one or the new one, and never a part. */
#ifndef XI_CLIENT_CLI_REPLACE_H
#define XI_CLIENT_CLI_REPLACE_H

#include <stddef.h>

/* For all to read. 0 or a negative errno, and then the file is as it was. */
int replace_file(const char *path, const char *data, size_t size);

#endif
