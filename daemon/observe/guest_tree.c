/* SPDX-License-Identifier: MIT */
#include "observe/guest_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe/whole_file.h"

struct guest_tree *guest_trees_find(const struct guest_trees *trees, uint32_t domid,
                                    const uint8_t handle[16])
{
    for (size_t i = 0; i < trees->count; i++)
        if (trees->trees[i].domid == domid &&
            memcmp(trees->trees[i].handle, handle, sizeof(trees->trees[i].handle)) == 0)
            return &trees->trees[i];
    return NULL;
}

struct guest_tree *guest_trees_add(struct guest_trees *trees, uint32_t domid,
                                   const uint8_t handle[16], const struct timespec *born)
{
    struct guest_tree *tree;

    if (trees->count == trees->capacity) {
        size_t capacity = trees->capacity ? 2 * trees->capacity : 8;
        void *grown = reallocarray(trees->trees, capacity, sizeof(*trees->trees));

        if (!grown)
            return NULL;
        trees->trees = grown;
        trees->capacity = capacity;
    }
    tree = &trees->trees[trees->count++];
    *tree = (struct guest_tree){.domid = domid, .where = GUEST_PATH_UNKNOWN};
    tree->born_known = born != NULL;
    if (born)
        tree->born = *born;
    memcpy(tree->handle, handle, sizeof(tree->handle));
    return tree;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Renaming a file into its place, or turning a link, leaves the time of its content as it is, but
 * not that of its inode. */
static bool changed_after(const struct stat *st, const struct timespec *when)
{
    return is_later(&st->st_mtim, when) || is_later(&st->st_ctim, when);
}

static int take(struct guest_tree *tree, const char *bytes, size_t size)
{
    struct devicetree *partial;
    int rc = devicetree_parse(bytes, size, &partial);

    if (rc == 0) {
        rc = dt_partial_take(&tree->partial, partial);
        devicetree_free(partial);
    }
    return rc;
}

/* By the domain's name, and not by what the record told: whoever opens it reads that anew. */
static int read_partial(struct guest_tree *tree, struct opener *opener, const char *sysroot,
                        const char **problem)
{
    struct opener_request request = {.kind = OPENER_PARTIAL_TREE, .domid = tree->domid};
    struct stat link, st;
    char *bytes;
    size_t size;
    int fd, rc;

    memcpy(request.uuid, tree->handle, sizeof(request.uuid));
    fd = opener_open(opener, sysroot, &request, &link);
    if (fd < 0)
        return fd;
    rc = whole_file_take(fd, DEVICETREE_MAX_SIZE, &bytes, &size, &st);
    close(fd);
    if (rc < 0)
        return rc;
    if (changed_after(&st, &tree->born) || changed_after(&link, &tree->born))
        *problem = "may have changed since the domain was made";
    else
        rc = take(tree, bytes, size);
    free(bytes);
    if (rc == -EINVAL) {
        *problem = "cannot be read in full";
        rc = 0;
    }
    return rc;
}

int guest_tree_settle(struct guest_tree *tree, struct opener *opener, const char *sysroot,
                      const char *file, const char **problem)
{
    int rc = 0;

    *problem = NULL;
    if (tree->settled)
        return 0;
    if (!file) {
        tree->settled = true;
        tree->where = GUEST_PATH_HOST;
        return 0;
    }
    /* Which folder xl was started in is not recorded. */
    if (file[0] != '/')
        *problem = "is no absolute path";
    else if (!tree->born_known)
        *problem = "may be another one than when the domain was made";
    else
        rc = read_partial(tree, opener, sysroot, problem);
    if (rc == -ENAMETOOLONG) {
        *problem = "is too long a path";
        rc = 0;
    }
    if (rc < 0)
        return rc;
    tree->settled = true;
    tree->where = *problem ? GUEST_PATH_UNKNOWN : GUEST_PATH_KNOWN;
    return 0;
}

void guest_tree_give_up(struct guest_tree *tree)
{
    tree->settled = true;
}

enum dt_guest_path guest_tree_find(const struct guest_tree *tree, const char *host,
                                   const char **path)
{
    *path = NULL;
    if (tree->where != GUEST_PATH_KNOWN)
        return tree->where;
    *path = dt_partial_find(&tree->partial, host);
    return *path ? GUEST_PATH_KNOWN : GUEST_PATH_UNKNOWN;
}

void guest_trees_drop(struct guest_trees *trees, size_t at)
{
    dt_partial_clear(&trees->trees[at].partial);
    trees->trees[at] = trees->trees[--trees->count];
}

void guest_trees_clear(struct guest_trees *trees)
{
    while (trees->count)
        guest_trees_drop(trees, trees->count - 1);
    free(trees->trees);
    *trees = (struct guest_trees){NULL, 0, 0};
}
