/* SPDX-License-Identifier: MIT */
/* What the daemon publishes, read consistently: a domain's tree or the host's. */
#ifndef XI_CLIENT_LIB_TREE_H
#define XI_CLIENT_LIB_TREE_H

#include "list.h"
#include "store.h"

#define TREE_ROOT_SIZE 64

/* One tree. The strings of its head are as published, cut to their size, "" where absent. */
struct tree {
    struct store *store;
    char root[TREE_ROOT_SIZE]; /* XENIOMMU_DIR, "/local/domain/N/iommu" or XENIOMMU_HOST_DIR */
    char version[16];
    char status[16];
    char generation[24];
    char iommu[16];      /* the host's tree only */
    bool detailed;       /* tree_load() reads the devices' details */
    bool doubts;         /* tree_refresh() asks whether the daemon lives, where that can be told */
    char only_owner[16]; /* of the host's tree: tree_load() leaves out what it saw others have; "":
                            nothing */
    bool gone;           /* it found that the daemon is gone, though its status is "ready" */
    char guest_path[XENIOMMU_KEY_SIZE]; /* of the details that were read last */
};

/* Sets an answer to unknown and keep. */
void tree_clear_info(struct xeniommu_info *info);

/* Prepares a tree that is not detailed and does not doubt; nothing is read yet. The store belongs
 * to the caller. */
void tree_init(struct tree *tree, struct store *store, const char *root);

/* Reads version, status and generation. 0 if the daemon is ready; -EAGAIN: it is not, or is
 * gone, or there is no tree; -EPROTO: unknown version; or an error of store_read(). */
int tree_refresh(struct tree *tree);

/* Reads one device, after tree_refresh(). All that it returns was published together. Fills what
 * record->details points to, which belongs to the caller, unless that is NULL. On every error the
 * record's info says unknown and keep.
 * 0; -ENOENT: not published; -EINVAL: malformed path; or an error of tree_refresh(). */
int tree_read(struct tree *tree, const struct xeniommu_device *device, struct tree_record *record);

/* Reads all devices, tree_refresh() included. On an error the list is empty. */
int tree_load(struct tree *tree, struct tree_list *list);

#endif
