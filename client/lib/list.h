/* SPDX-License-Identifier: MIT */
/* Devices and their answers, in order. */
#ifndef XI_CLIENT_LIB_LIST_H
#define XI_CLIENT_LIB_LIST_H

#include "api.h"

/* What is published of a device for people, "" where absent. */
struct device_details {
    char limits[128]; /* tokens, separated by blanks; DETAILS_MALFORMED: it is no such list */
    char owner[16];   /* the host's tree only: a domid, "none" or "unknown" */
    char iommu[64];   /* likewise: the unit */
    /* Likewise: what the guest that has it calls it, where its own tree has a record of it. */
    bool has_guest;
    struct xeniommu_device guest; /* path belongs to the record if it is in a list; else it is
                                     valid until the tree's next tree_read() or tree_load() */
};

/* Stands for limits that cannot be told, and is none of their tokens. */
#define DETAILS_MALFORMED "?"

/* One device of a tree. */
struct tree_record {
    struct xeniommu_device device; /* path belongs to the record if it is in a list */
    struct xeniommu_info info;
    bool absent;                    /* remembered as one that is not published */
    struct device_details *details; /* NULL if nobody asked for them; belongs to the record if that
                                       is in a list */
};

/* Some devices, PCI functions by address first, then device tree devices by path. */
struct tree_list {
    struct tree_record *records;
    size_t count;
    size_t capacity;
};

/* Orders devices as in a list: negative, 0 or positive. */
int tree_compare(const struct xeniommu_device *a, const struct xeniommu_device *b);

/* Adds a copy of a record, and of what it points to, where it belongs; in the place of the device's
 * own, if there is one. 0 or -ENOMEM, and then the list is as before. */
int tree_list_add(struct tree_list *list, const struct tree_record *record);

/* The device's record, or NULL. */
const struct tree_record *tree_list_find(const struct tree_list *list,
                                         const struct xeniommu_device *device);

/* Gives back the room that is not needed. */
void tree_list_trim(struct tree_list *list);

/* Frees what is in a list, and makes it empty. */
void tree_list_free(struct tree_list *list);

#endif
