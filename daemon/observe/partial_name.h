/* SPDX-License-Identifier: MIT */
/* Which file libxl's record of a domain names as its partial device tree. */
#ifndef XI_OBSERVE_PARTIAL_NAME_H
#define XI_OBSERVE_PARTIAL_NAME_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* libxl's own files are some kilobytes. */
#define RECORD_MAX_SIZE (4U * 1024 * 1024)

/* The record in these bytes, as whole_file_take() gave them; the caller's, to be put. NULL where it
 * is no JSON object. */
struct json_object *record_parse(const char *text, size_t size);

/* A string without a NUL in it, or NULL. */
const char *record_text(struct json_object *object);

/* The name of the file, NULL for none; the record's. False where it is there, but is no name. */
bool partial_name(struct json_object *record, const char **name);

/* The same from the open file of a record. 0; -EINVAL where the file does not tell one; or another
 * negative errno. */
int partial_name_read(int record, char *name, size_t size);

#endif
