/* SPDX-License-Identifier: MIT */
/* JSON as text. json-c's own writer leaves out what it has no memory for, without a word. */
#ifndef XI_JSON_TEXT_H
#define XI_JSON_TEXT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

/* Writes the object and a line feed, over several lines or in one; allocates nothing. Errors are
 * the stream's: ferror(). */
void json_text_put(FILE *file, struct json_object *object, bool pretty);

#endif
