/* SPDX-License-Identifier: MIT */
#include "use.h"
#include "files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int use_because(struct use *use, const char *reason, const char *format, ...)
{
    va_list args;

    use->reason = reason;
    va_start(args, format);
    vsnprintf(use->detail, sizeof(use->detail), format, args);
    va_end(args);
    return 1;
}

const struct use_node *use_node_of(const struct use *use, bool is_block, dev_t dev)
{
    size_t i;

    for (i = 0; i < use->count; i++)
        if (use->nodes[i].is_block == is_block && use->nodes[i].dev == dev)
            return &use->nodes[i];
    return NULL;
}

const struct use_node *use_block_at(const struct use *use, const char *path)
{
    char full[PATH_MAX];
    struct stat status;
    size_t i;

    for (i = 0; i < use->count; i++)
        if (use->nodes[i].is_block && strncmp(path, "/dev/", 5) == 0 &&
            strcmp(path + 5, use->nodes[i].name) == 0)
            return &use->nodes[i];
    if (files_path(full, "%s%s", use->root, path) != 0 || stat(full, &status) != 0 ||
        !S_ISBLK(status.st_mode))
        return NULL;
    return use_node_of(use, true, status.st_rdev);
}

bool use_parse_dev(const char *text, dev_t *dev)
{
    unsigned int major, minor;
    char more;

    if (sscanf(text, "%u:%u%c", &major, &minor, &more) != 2)
        return false;
    *dev = makedev(major, minor);
    return true;
}

/* A console is used by the kernel, which has nothing open. */
static int find_console(struct use *use, const char *folder)
{
    char path[PATH_MAX], names[256], real[PATH_MAX], *rest = names, *name;
    size_t len = strlen(folder);
    int rc;

    rc = files_path(path, "%s/sys/class/tty/console/active", use->root);
    rc = rc != 0 ? rc : files_line(path, names, sizeof(names));
    if (rc == -ENOENT)
        return 0;
    if (rc != 0)
        return use_because(use, "in-use-unknown", "%s: %s", path, strerror(-rc));
    while ((name = strtok_r(rest, " ", &rest)) != NULL) {
        if (files_path(path, "%s/sys/class/tty/%s", use->root, name) != 0 ||
            realpath(path, real) == NULL)
            continue; /* as of tty0, which is no device's */
        if (strncmp(real, folder, len) == 0 && real[len] == '/')
            return use_because(use, "console", "%s", name);
    }
    return 0;
}

int use_find(struct use *use, const char *root, const char *folder)
{
    int rc;

    *use = (struct use){.root = root};
    rc = use_walk(use, folder);
    rc = rc != 0 ? rc : find_console(use, folder);
    rc = rc != 0 ? rc : use_find_block(use);
    rc = rc != 0 ? rc : use_find_process(use);
    if (rc == 0 && !use->told)
        rc = use_because(use, "in-use-unknown", "nothing below it shows who uses it");
    return rc < 0 ? rc : 0;
}

void use_free(struct use *use)
{
    free(use->nodes);
    *use = (struct use){0};
}
