/* SPDX-License-Identifier: MIT */
/* The files of which only root can read all, each by what it is: whoever asks gives numbers, and
 * the path is made here. */
#ifndef XI_OPENER_FILE_H
#define XI_OPENER_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum opener_kind {
    OPENER_PCI_CONFIG = 1, /* the configuration space of function sbdf, in sysfs */
    OPENER_RECORDS,        /* libxl's directory, to be listed */
    OPENER_RECORD,         /* libxl's record of a domain */
    OPENER_PARTIAL_TREE,   /* the partial device tree that libxl's record of the domain names */
    OPENER_WATCH,          /* no file: watches libxl's directory, or one above it */
};

struct opener_request {
    uint32_t kind;
    uint32_t sbdf;
    uint32_t domid;
    uint32_t levels; /* OPENER_WATCH: how many directories above libxl's, 0 for that itself */
    uint32_t mask;   /* OPENER_WATCH: of inotify_add_watch(2) */
    uint8_t uuid[16];
};

#define OPENER_DIRECTORY "/var/lib/xen"

/* The path of a record, below root. 0 or -ENAMETOOLONG. */
int opener_record_path(char *path, size_t size, const char *root,
                       const struct opener_request *what);

/* Opens it below root (but for sysfs, which is where it is) for reading, never waiting for anybody.
 * A descriptor, -EINVAL for a request that makes no sense, or another negative errno. Of
 * OPENER_PARTIAL_TREE *link is what lstat(2) tells of its name. */
int opener_file_open(const char *root, const struct opener_request *what, struct stat *link);

/* OPENER_WATCH: adds the watch to that inotify descriptor. Its number or a negative errno: -ENOENT
 * where the directory is not there, -ENODEV at more levels than there are. */
int opener_file_watch(const char *root, const struct opener_request *what, int inotify);

#endif
