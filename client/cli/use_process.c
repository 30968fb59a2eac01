/* SPDX-License-Identifier: MIT */
#include "files.h"
#include "use.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The search among processes. */
struct search {
    struct use *use;
    char self[16];       /* has the disks open itself */
    char namespace[64];  /* of the mounts that were looked at last */
    const char *process; /* which is looked at */
};

/* A process may end while it is looked at. */
static bool is_gone(int error)
{
    return error == -ENOENT || error == -ESRCH;
}

/* 0 where the folder's process has ended, else a reason. */
static int finish(struct search *search, int rc, const char *path)
{
    if (rc >= 0 || rc == -ENOMEM)
        return rc;
    return is_gone(rc) ? 0
                       : use_because(search->use, "in-use-unknown", "%s: %s", path, strerror(-rc));
}

/* An open file, or one that is mapped, is a symbolic link that leads to it. */
static int find_file(void *arg, const char *folder, const char *name)
{
    struct search *search = arg;
    char path[PATH_MAX], target[PATH_MAX];
    const struct use_node *node = NULL;
    struct stat status;
    ssize_t len;

    if (files_path(path, "%s/%s", folder, name) != 0)
        return 0;
    if (stat(path, &status) == 0 && (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)))
        node = use_node_of(search->use, S_ISBLK(status.st_mode), status.st_rdev);
    len = node == NULL ? readlink(path, target, sizeof(target) - 1) : 0;
    if (len > 0) {
        target[len] = '\0';
        node = use_block_at(search->use, target);
    }
    if (node == NULL)
        return 0;
    return use_because(search->use, "open", "%s by process %s", node->name, search->process);
}

static int find_task(void *arg, const char *folder, const char *name)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s/%s/fd", folder, name);

    rc = rc != 0 ? rc : files_each(path, find_file, arg);
    return finish(arg, rc, path);
}

/* A line of mountinfo: ID PARENT MAJOR:MINOR ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS. */
static int find_in_mount(void *arg, char *line)
{
    struct use *use = arg;
    char number[32], point[160], *source = strstr(line, " - ");
    const struct use_node *node = NULL;
    dev_t dev;

    if (sscanf(line, "%*s %*s %31s %*s %159s", number, point) != 2 || source == NULL ||
        !use_parse_dev(number, &dev))
        return use_because(use, "in-use-unknown", "mountinfo has a line that is not known");
    node = use_node_of(use, true, dev);
    source = strchr(source + 3, ' ');
    if (node == NULL && source != NULL && source[1] == '/') {
        source[1 + strcspn(source + 1, " ")] = '\0';
        node = use_block_at(use, source + 1);
    }
    return node != NULL ? use_because(use, "mounted", "%s on %s", node->name, point) : 0;
}

static int find_mounts(struct search *search, const char *process)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s/mountinfo", process);

    rc = rc != 0 ? rc : files_lines(path, find_in_mount, search->use);
    /* Of a process that has ended, and is not buried. */
    return rc == -EINVAL ? 0 : finish(search, rc, path);
}

/* Most processes have the mounts of the one before. */
static int find_new_mounts(struct search *search, const char *process)
{
    char path[PATH_MAX], namespace[sizeof(search->namespace)] = "";
    int rc;

    rc = files_path(path, "%s/ns/mnt", process);
    rc = rc != 0 ? rc : files_link(path, namespace, sizeof(namespace));
    if (rc == 0 && strcmp(namespace, search->namespace) == 0)
        return 0;
    memcpy(search->namespace, namespace, sizeof(namespace));
    return find_mounts(search, process);
}

static int find_process(void *arg, const char *folder, const char *name)
{
    struct search *search = arg;
    char process[PATH_MAX], path[PATH_MAX];
    int rc;

    if (name[strspn(name, "0123456789")] != '\0' || files_path(process, "%s/%s", folder, name) != 0)
        return 0;
    search->process = name;
    rc = find_new_mounts(search, process);
    if (rc != 0 || strcmp(name, search->self) == 0)
        return rc;
    rc = files_path(path, "%s/task", process);
    rc = rc != 0 ? rc : files_each(path, find_task, search);
    rc = finish(search, rc, path);
    if (rc != 0)
        return rc;
    rc = files_path(path, "%s/map_files", process);
    rc = rc != 0 ? rc : files_each(path, find_file, search);
    return finish(search, rc, path);
}

/* A line ends with the number of its console, where that has one. */
static int find_in_consoles(void *arg, char *line)
{
    const char *number = strrchr(line, ' ');
    const struct use_node *node = NULL;
    dev_t dev;

    if (number != NULL && use_parse_dev(number + 1, &dev))
        node = use_node_of(arg, false, dev);
    return node != NULL ? use_because(arg, "console", "%s", node->name) : 0;
}

/* A folder of processes, and what else it tells. */
static int find_in_proc(struct search *search)
{
    char path[PATH_MAX];
    int rc = files_path(path, "%s/proc/consoles", search->use->root);

    rc = rc != 0 ? rc : files_lines(path, find_in_consoles, search->use);
    if (rc == 0 || rc == -ENOENT) {
        rc = files_path(path, "%s/proc", search->use->root);
        rc = rc != 0 ? rc : files_each(path, find_process, search);
    }
    if (rc >= 0 || rc == -ENOMEM)
        return rc;
    return use_because(search->use, "in-use-unknown", "%s: %s", path, strerror(-rc));
}

int use_find_process(struct use *use)
{
    struct search search = {.use = use};

    if (use->count == 0)
        return 0;
    snprintf(search.self, sizeof(search.self), "%ld", (long)getpid());
    return find_in_proc(&search);
}
