/* SPDX-License-Identifier: MIT */
#include "json_text.h"

#include <inttypes.h>
#include <string.h>

struct out {
    FILE *file;
    bool pretty;
    int depth;
};

static void put_value(struct out *out, struct json_object *value);

/* UTF-8 stays as it is. */
static void put_string(struct out *out, const char *text, size_t size)
{
    putc('"', out->file);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte == '"' || byte == '\\')
            fprintf(out->file, "\\%c", byte);
        else if (byte < ' ')
            fprintf(out->file, "\\u%04x", byte);
        else
            putc(byte, out->file);
    }
    putc('"', out->file);
}

static void new_line(struct out *out)
{
    if (out->pretty)
        fprintf(out->file, "\n%*s", 2 * out->depth, "");
}

static void put_object(struct out *out, struct json_object *object)
{
    const char *before = "";

    out->depth++;
    putc('{', out->file);
    json_object_object_foreach(object, key, value)
    {
        fputs(before, out->file);
        new_line(out);
        put_string(out, key, strlen(key));
        putc(':', out->file);
        put_value(out, value);
        before = ",";
    }
    out->depth--;
    if (*before != '\0')
        new_line(out);
    putc('}', out->file);
}

static void put_array(struct out *out, struct json_object *array)
{
    size_t count = json_object_array_length(array);

    out->depth++;
    putc('[', out->file);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            putc(',', out->file);
        new_line(out);
        put_value(out, json_object_array_get_idx(array, i));
    }
    out->depth--;
    if (count > 0)
        new_line(out);
    putc(']', out->file);
}

static void put_value(struct out *out, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        put_object(out, value);
        break;
    case json_type_array:
        put_array(out, value);
        break;
    case json_type_string:
        put_string(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
        break;
    case json_type_int:
        fprintf(out->file, "%" PRId64, json_object_get_int64(value));
        break;
    case json_type_double:
        fprintf(out->file, "%.15g", json_object_get_double(value));
        break;
    case json_type_boolean:
        fputs(json_object_get_boolean(value) ? "true" : "false", out->file);
        break;
    case json_type_null:
        fputs("null", out->file);
        break;
    }
}

void json_text_put(FILE *file, struct json_object *object, bool pretty)
{
    struct out out = {.file = file, .pretty = pretty};

    put_value(&out, object);
    putc('\n', file);
}
