/* SPDX-License-Identifier: MIT */
#include "driver_list.h"
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Takes the next word of *rest. */
static char *word(char **rest)
{
    return strtok_r(NULL, " ", rest);
}

static int add_line(void *arg, char *text)
{
    struct driver_list *list = arg;
    struct driver_line *lines = reallocarray(list->lines, list->count + 1, sizeof(*lines)), *line;
    char *rest;

    if (lines == NULL)
        return -ENOMEM;
    list->lines = lines;
    line = &lines[list->count];
    *line = (struct driver_line){.text = strdup(text)};
    if (line->text == NULL)
        return -ENOMEM;
    list->count++;
    line->bus = strtok_r(line->text, " ", &rest);
    line->name = line->bus != NULL ? word(&rest) : NULL;
    if (line->name == NULL || word(&rest) == NULL) /* what is published */
        return -EPROTO;
    line->done = word(&rest);
    line->why = line->done != NULL ? word(&rest) : NULL;
    return line->why != NULL ? 0 : -EPROTO;
}

int driver_list_read(struct driver_list *list, const char *root)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s" DRIVER_LIST, root);

    *list = (struct driver_list){0};
    return rc != 0 ? rc : files_lines(path, add_line, list);
}

void driver_list_free(struct driver_list *list)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        free(list->lines[i].text);
    free(list->lines);
    *list = (struct driver_list){0};
}

const struct driver_line *driver_list_find(const struct driver_list *list, const char *bus,
                                           const char *name)
{
    size_t i;

    for (i = 0; i < list->count; i++)
        if (strcmp(list->lines[i].bus, bus) == 0 && strcmp(list->lines[i].name, name) == 0)
            return &list->lines[i];
    return NULL;
}

bool driver_line_is_open(const struct driver_line *line)
{
    /* It has none, or none that can be taken off. */
    static const char *const closed[] = {"dma-direct", "swiotlb-xen-global", "own-iommu",
                                         "other-dma-ops"};
    size_t i;

    for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
        if (strcmp(line->why, closed[i]) == 0)
            return false;
    return strcmp(line->done, "kept") == 0 || strcmp(line->done, "would-take") == 0;
}
