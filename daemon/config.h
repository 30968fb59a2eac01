/* SPDX-License-Identifier: MIT */
/* The configuration file: key = value, xen-iommud.conf(5). */
#ifndef XI_CONFIG_H
#define XI_CONFIG_H

#include <stddef.h>

#include "settings.h"

/* Reads the file into settings. 0; -ENOENT when there is no such file; -EINVAL with a message that
 * names file and line in error, and what is right behind that line taken all the same; another
 * negative errno, with a message too. */
int config_read(const char *path, struct settings *settings, char *error, size_t error_size);

#endif
