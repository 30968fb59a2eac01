/* SPDX-License-Identifier: MIT */
#include "observe/partial_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "observe/whole_file.h"

struct json_object *record_parse(const char *text, size_t size)
{
    size_t length = strlen(text);
    struct json_object *root = NULL;

    /* libxl writes a string with its NUL. */
    if (length == size || length + 1 == size)
        root = json_tokener_parse(text);
    if (json_object_is_type(root, json_type_object))
        return root;
    json_object_put(root);
    return NULL;
}

const char *record_text(struct json_object *object)
{
    const char *text;

    if (!json_object_is_type(object, json_type_string))
        return NULL;
    text = json_object_get_string(object);
    return strlen(text) == (size_t)json_object_get_string_len(object) ? text : NULL;
}

bool partial_name(struct json_object *record, const char **name)
{
    struct json_object *info, *member;

    *name = NULL;
    if (!json_object_object_get_ex(record, "b_info", &info) || !info)
        return true;
    if (!json_object_is_type(info, json_type_object))
        return false;
    if (!json_object_object_get_ex(info, "device_tree", &member) || !member)
        return true;
    *name = record_text(member);
    return *name != NULL;
}

int partial_name_read(int record, char *name, size_t size)
{
    struct json_object *root;
    const char *found = NULL;
    struct stat st;
    char *text;
    size_t length;
    int rc = whole_file_take(record, RECORD_MAX_SIZE, &text, &length, &st);

    if (rc < 0)
        return rc;
    root = record_parse(text, length);
    free(text);
    if (!root || !partial_name(root, &found) || !found)
        rc = -EINVAL;
    else if (strlen(found) >= size)
        rc = -ENAMETOOLONG;
    else
        memcpy(name, found, strlen(found) + 1);
    json_object_put(root);
    return rc;
}
