/* SPDX-License-Identifier: MIT */
#include "files.h"
#include "use.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* A folder that is not there has nothing in it. */
static int each(struct use *use, files_fn *fn, const char *below)
{
    char folder[PATH_MAX];
    int rc = files_path(folder, "%s%s", use->root, below);

    rc = rc != 0 ? rc : files_each(folder, fn, use);
    if (rc == -ENOENT || rc >= 0 || rc == -ENOMEM)
        return rc == -ENOENT ? 0 : rc;
    return use_because(use, "in-use-unknown", "%s: %s", folder, strerror(-rc));
}

/* The columns are the path, the kind, and sizes; but for those of the first line. */
static int find_in_swaps(void *arg, char *line)
{
    const struct use_node *node;

    line[strcspn(line, " \t")] = '\0';
    node = line[0] == '/' ? use_block_at(arg, line) : NULL;
    return node != NULL ? use_because(arg, "swap", "%s", node->name) : 0;
}

static int find_swap(struct use *use)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s/proc/swaps", use->root);

    rc = rc != 0 ? rc : files_lines(path, find_in_swaps, use);
    if (rc >= 0 || rc == -ENOMEM)
        return rc;
    return rc == -ENOENT ? 0 : use_because(use, "in-use-unknown", "%s: %s", path, strerror(-rc));
}

/* A loop device, which has its file open without any process. */
static int find_loop(void *arg, const char *folder, const char *name)
{
    struct use *use = arg;
    char path[PATH_MAX], backing[PATH_MAX];
    const struct use_node *node;
    struct stat status;

    if (strncmp(name, "loop", 4) != 0 ||
        files_path(path, "%s/%s/loop/backing_file", folder, name) != 0 ||
        files_line(path, backing, sizeof(backing)) != 0)
        return 0;
    node = use_block_at(use, backing);
    if (node != NULL)
        return use_because(use, "exported", "%s is behind %s", node->name, name);
    if (files_path(path, "%s%s", use->root, backing) == 0 && stat(path, &status) == 0)
        return 0;
    return use_because(use, "in-use-unknown", "what %s stands for cannot be told", name);
}

/* A guest's disk, through xen-blkback: numbers in hexadecimal. */
static int find_backend(void *arg, const char *folder, const char *name)
{
    struct use *use = arg;
    char path[PATH_MAX], text[32];
    const struct use_node *node;
    unsigned int major, minor;

    if (files_path(path, "%s/%s/physical_device", folder, name) != 0 ||
        files_line(path, text, sizeof(text)) != 0 || sscanf(text, "%x:%x", &major, &minor) != 2)
        return 0;
    node = use_node_of(use, true, makedev(major, minor));
    return node != NULL ? use_because(use, "exported", "%s to a guest, by %s", node->name, name)
                        : 0;
}

/* A member of a btrfs, by its name, of which mountinfo tells one only. */
static int find_btrfs(void *arg, const char *folder, const char *name)
{
    struct use *use = arg;
    char path[PATH_MAX];
    struct stat status;
    size_t i;

    for (i = 0; i < use->count; i++)
        if (use->nodes[i].is_block &&
            files_path(path, "%s/%s/devices/%s", folder, name, use->nodes[i].name) == 0 &&
            lstat(path, &status) == 0)
            return use_because(use, "mounted", "%s, in the btrfs %s", use->nodes[i].name, name);
    return 0;
}

static int find_nvmet_namespace(void *arg, const char *folder, const char *name)
{
    struct use *use = arg;
    char path[PATH_MAX], text[PATH_MAX];
    const struct use_node *node;

    if (files_path(path, "%s/%s/device_path", folder, name) != 0 ||
        files_line(path, text, sizeof(text)) != 0)
        return 0;
    node = use_block_at(use, text);
    return node != NULL ? use_because(use, "exported", "%s over NVMe", node->name) : 0;
}

/* What the kernel hands out over NVMe. */
static int find_nvmet(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    int rc;

    if (files_path(path, "%s/%s/namespaces", folder, name) != 0)
        return 0;
    rc = files_each(path, find_nvmet_namespace, arg);
    return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
}

int use_find_block(struct use *use)
{
    bool has_block = false;
    size_t i;
    int rc;

    for (i = 0; i < use->count; i++)
        has_block |= use->nodes[i].is_block;
    if (!has_block)
        return 0;
    rc = find_swap(use);
    rc = rc != 0 ? rc : each(use, find_btrfs, "/sys/fs/btrfs");
    rc = rc != 0 ? rc : each(use, find_backend, "/sys/bus/xen-backend/devices");
    rc = rc != 0 ? rc : each(use, find_loop, "/sys/block");
    return rc != 0 ? rc : each(use, find_nvmet, "/sys/kernel/config/nvmet/subsystems");
}
