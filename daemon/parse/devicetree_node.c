/* SPDX-License-Identifier: MIT */
#include "parse/devicetree_blob.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CELL = 4 };

const struct dt_property *dt_blob_get(const struct dt_blob *blob, size_t node,
                                      enum dt_property_id id)
{
    const struct dt_node *of = &blob->nodes[node];
    size_t i;

    for (i = of->first_property; i < of->first_property + of->property_count; i++)
        if (blob->properties[i].id == id)
            return blob->properties[i].bad ? NULL : &blob->properties[i];
    return NULL;
}

bool dt_blob_has(const struct dt_blob *blob, size_t node, enum dt_property_id id)
{
    return blob->nodes[node].seen & 1U << id;
}

const char *dt_blob_text(const struct dt_blob *blob, size_t node, enum dt_property_id id)
{
    const struct dt_property *property = dt_blob_get(blob, node, id);

    return property ? (const char *)property->value : NULL;
}

int dt_blob_cells(const struct dt_blob *blob, size_t node, enum dt_property_id id)
{
    const struct dt_property *property = dt_blob_get(blob, node, id);

    return property ? (int)dt_property_cell(property, 0) : -1;
}

bool dt_blob_compatible(const struct dt_blob *blob, size_t node, const char *string)
{
    const struct dt_property *property = dt_blob_get(blob, node, DT_PROP_COMPATIBLE);
    const char *at, *end;

    if (!property)
        return false;
    at = (const char *)property->value;
    end = at + property->size;
    for (; at < end; at += strlen(at) + 1)
        if (strcasecmp(at, string) == 0)
            return true;
    return false;
}

size_t dt_property_count(const struct dt_property *property)
{
    return property->size / CELL;
}

uint32_t dt_property_cell(const struct dt_property *property, size_t i)
{
    const uint8_t *at = property->value + i * CELL;

    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Text that is built from its end to its front, and loses its front when there is too much. */
struct tail {
    char *start;
    char *at;
    bool cut;
};

static void tail_put(struct tail *tail, const char *string)
{
    size_t len = strlen(string), room = (size_t)(tail->at - tail->start);

    if (len > room) {
        tail->cut = true;
        string += len - room;
        len = room;
    }
    tail->at -= len;
    memcpy(tail->at, string, len);
}

/* The node's path into the size bytes at buffer: where in there it starts. */
static const char *path_of(const struct dt_blob *blob, size_t node, char *buffer, size_t size)
{
    struct tail tail = {buffer, buffer + size - 1, false};

    buffer[size - 1] = '\0';
    if (node == DT_ROOT)
        return "/";
    for (; node != DT_ROOT && !tail.cut; node = blob->nodes[node].parent) {
        tail_put(&tail, blob->nodes[node].name);
        tail_put(&tail, "/");
    }
    if (tail.cut)
        memcpy(buffer, "...", 3);
    return tail.at;
}

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void dt_blob_error(const struct dt_blob *blob, size_t node, const char *property,
                   const char *format, ...)
{
    struct devicetree *tree = blob->tree;
    char path[112], cause[96];
    char *error;
    va_list args;

    if (tree->error_count == DEVICETREE_ERRORS_MAX) {
        tree->errors_lost++;
        return;
    }
    error = tree->errors[tree->error_count++];
    va_start(args, format);
    vsnprintf(cause, sizeof(cause), format, args);
    va_end(args);
    snprintf(error, DEVICETREE_ERROR_SIZE, "%s%s%.32s%s%s",
             node == DT_NO_NODE ? "" : path_of(blob, node, path, sizeof(path)),
             node == DT_NO_NODE ? "" : ": ", property ? property : "", property ? ": " : "", cause);
    make_printable(error);
}
