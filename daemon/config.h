/* SPDX-License-Identifier: MIT */
/* The configuration file: key = value, xen-iommud.conf(5). */
#ifndef XI_CONFIG_H
#define XI_CONFIG_H

#include <stddef.h>

#include "options.h"

/* Reads the file into options. 0; -ENOENT when there is no such file; -EINVAL with a message
 * that names file and line in error; another negative errno. What is set already in given (a key's
 * name, NULL-terminated) is checked but not taken. */
int config_read(const char *path, struct options *options, const char *const *given, char *error,
                size_t error_size);

/* Sets one key. 0, -ENOENT for an unknown key, -EINVAL for a value that makes no sense, -ENOMEM. */
int config_set(struct options *options, const char *key, const char *value);

#endif
